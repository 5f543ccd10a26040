// The inbox while it is open: what changes is fetched again, region by region, and
// what somebody is writing stays where it is. Without this file links, forms and a
// reload do the same.
const box = document.querySelector("[data-inbox]");
const { stream, threads, talk, session } = box.dataset;
const QUIET = 250;

const region = (name, root = document) => root.querySelector(`[data-region="${name}"]`);

async function fetched(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Put a new region in the place of the old one, and keep focus and scroll.
function swap(name, page) {
  const old = region(name);
  const made = region(name, page);
  if (!old || !made) return;
  const focused = old.contains(document.activeElement) && document.activeElement.id;
  const scrolled = old.querySelector(".threads")?.scrollTop;
  old.replaceWith(made);
  if (scrolled) made.querySelector(".threads").scrollTop = scrolled;
  if (focused) document.getElementById(focused)?.focus();
  for (const hidden of made.querySelectorAll("[data-copy][hidden]")) hidden.hidden = false;
}

// The queue ------------------------------------------------------------------
async function readQueue() {
  const page = await fetched(threads);
  swap("queue", page);
  document.dispatchEvent(new CustomEvent("logbook:inbox"));
}

// The conversation -----------------------------------------------------------
const scroller = box.querySelector("[data-scroll]");
const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 120;
const toEnd = () => {
  if (!scroller) return;
  scroller.scrollTop = scroller.scrollHeight;
  // On a phone it is the page that scrolls.
  const isPage = getComputedStyle(scroller).overflowY === "visible";
  if (isPage) region("turns").lastElementChild?.scrollIntoView({ block: "center" });
};

async function readTalk() {
  const page = await fetched(talk);
  const stay = isAtEnd();
  swap("turns", page);
  swap("acts", page);
  swap("side", page);
  const now = region("composer");
  const next = region("composer", page);
  if (now.dataset.mode !== next.dataset.mode) {
    // Who answers has changed: another form, and the words that were begun.
    const begun = now.querySelector("textarea")?.value ?? "";
    const wasFocused = now.contains(document.activeElement);
    now.replaceWith(next);
    const field = next.querySelector("textarea");
    if (field) field.value = begun;
    if (wasFocused) field?.focus();
    if (field) dress(next.querySelector("[data-write]"));
  }
  if (stay) toEnd();
}

// Changes --------------------------------------------------------------------
let timer;
let isTalkStale = false;

function refresh(isTalk) {
  isTalkStale ||= isTalk;
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const both = isTalkStale;
    isTalkStale = false;
    await Promise.all([readQueue(), both && talk && readTalk()]).catch(() => {});
  }, QUIET);
}

function listen() {
  const url = new URL(stream, location.href);
  url.searchParams.set("after", box.dataset.after);
  const source = new EventSource(url);
  source.addEventListener("changed", (event) => {
    refresh(JSON.parse(event.data).session_id === session);
  });
  source.onopen = () => box.setAttribute("data-live", "");
  // What was missed while away is read once the line is back.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh(true);
  });
}

// Writing --------------------------------------------------------------------
function dress(form) {
  const field = form.querySelector("textarea");
  const note = form.querySelector("[data-note]");
  const choices = form.querySelector("[data-choices]");
  const button = form.querySelector("[type=submit]");
  const isNote = () => !note || note.checked;

  note?.addEventListener("change", () => form.classList.toggle("noting", note.checked));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled || !field.value.trim()) return;
    button.disabled = true;
    const options = { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } };
    const answer = await fetch(form.action, options).catch(() => null);
    button.disabled = false;
    if (answer?.ok) {
      field.value = "";
      form.elements.key.value = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
      toEnd();
      refresh(true);
    } else {
      const text = "It was not sent. Try again, or reload the page.";
      document.dispatchEvent(new CustomEvent("logbook:say", { detail: { text } }));
    }
    field.focus();
  });

  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  offer(field, choices, form.dataset.canned, isNote);
}

// Canned replies: "/" at the beginning of an answer offers them.
function offer(field, choices, url, isNote) {
  const options = () => [...choices.querySelectorAll("[role=option]")];
  const marked = () => options().find((option) => option.ariaSelected === "true");
  const hide = () => (choices.hidden = true);
  const put = (option) => {
    field.value = option.dataset.text;
    hide();
    field.focus();
  };
  const mark = (option) => {
    for (const other of options()) other.ariaSelected = `${other === option}`;
    option?.scrollIntoView({ block: "nearest" });
  };
  choices.setAttribute("role", "listbox");
  choices.setAttribute("aria-label", "Canned replies");
  choices.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) put(option);
  });
  field.addEventListener("input", async () => {
    const words = field.value.match(/^\/([\w-]*)$/)?.[1];
    if (words === undefined || isNote()) return hide();
    const answer = await fetch(`${url}?q=${encodeURIComponent(words)}`).catch(() => null);
    // Of several on their way only the answer to what stands there now counts.
    if (field.value !== `/${words}`) return;
    if (!answer?.ok) return hide();
    const html = await answer.text();
    if (field.value !== `/${words}`) return;
    choices.innerHTML = html;
    choices.hidden = false;
    mark(options()[0]);
  });
  field.addEventListener("keydown", (event) => {
    if (choices.hidden) return;
    const all = options();
    const at = all.indexOf(marked());
    if (event.key === "ArrowDown") mark(all[(at + 1) % all.length]);
    else if (event.key === "ArrowUp") mark(all.at(at < 1 ? -1 : at - 1));
    else if (event.key === "Enter" && marked()) put(marked());
    else if (event.key === "Escape") hide();
    else return;
    event.preventDefault();
  });
}

// Keyboard -------------------------------------------------------------------
function step(by) {
  const all = [...box.querySelectorAll(".thread")];
  const here = document.activeElement.closest?.(".thread") ?? box.querySelector(".thread[aria-current]");
  const at = all.indexOf(here);
  const to = at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1);
  all[to]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.("input, textarea, select")) return;
  const by = { j: 1, k: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  step(by);
});

const form = box.querySelector("[data-write]");
if (form) dress(form);
// A conversation opens at its end, also when the page is loaded again.
history.scrollRestoration = "manual";
toEnd();
listen();
