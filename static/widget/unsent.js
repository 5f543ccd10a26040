// Questions that were written and not sent, kept for as long as their tab is open:
// in storage of our own origin, which the page around us cannot read.

const NAME = `ya-unsent:${document.documentElement.dataset.agent}`;

export const keep = (session, items) => {
  try {
    if (!items.length) return sessionStorage.removeItem(NAME);
    const kept = items.map(({ key, text }) => ({ key, text }));
    return sessionStorage.setItem(NAME, JSON.stringify({ session, items: kept }));
  } catch {
    // Storage is closed to us: then they last as long as the page.
    return null;
  }
};

export const read = () => {
  try {
    const { session, items } = JSON.parse(sessionStorage.getItem(NAME));
    const isItem = ({ key, text }) => typeof key === "string" && typeof text === "string";
    return { session, items: items.filter(isItem) };
  } catch {
    return { session: "", items: [] };
  }
};
