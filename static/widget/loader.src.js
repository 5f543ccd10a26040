// The widget's loader: the launcher and the queue of calls. loader.js is this file
// made small by bin/loader.
//
// The launcher lives in a shadow root. The chat is open.js, imported when a visitor
// comes near the launcher or the page asks for the chat: a script element would need
// the page's Trusted Types. Until then: this one file, no other request, no cookie, no
// storage. Only createElement and adopted style sheets are used, so a page's strict
// CSP and Trusted Types do not stop it.
(() => {
  const doc = document;
  const script = doc.currentScript;
  const data = script.dataset;
  const past = window.YourAgent;
  const tag = data.agentPublicId && [
    "init",
    {
      agentPublicId: data.agentPublicId,
      config: { ...data, welcome_message: data.welcomeMessage },
    },
  ];
  // Loaded twice: the first one stays.
  if (past?.init) return tag && past.push(tag);

  // A script of another origin has no base that import() could start from.
  const { href, origin } = new URL("open.js?v=VERSION", script.src);
  const WAIT = 8000;
  // {language: texts of these keys in widget/words}, put in by bin/loader.
  const words = WORDS("ask", "blocked");
  // Important declarations of a shadow root win over the page's own.
  const css = `
:host { all: initial !important; color-scheme: inherit !important; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
div {
  --bg: light-dark(#fefdfb, #1c1a17); --a: light-dark(#005367, #70c4d1);
  position: fixed; z-index: 2147483647;
  inset-block: auto 20px; inset-inline: auto 20px;
  display: flex; flex-direction: column; align-items: end; gap: 16px;
  font: 520 15px/1.4 system-ui, sans-serif;
  color: light-dark(#24201b, #edeae5);
}
[class*=dark] { color-scheme: dark; }
[class*=left] { inset-inline: 20px auto; align-items: start; }
[class*=top] { inset-block: 20px auto; flex-direction: column-reverse; }
div > button {
  position: relative; display: flex; align-items: center; justify-content: center;
  gap: 10px; height: 56px; min-width: 56px; padding: 0 18px; border: 0;
  border-radius: 20px; border-end-end-radius: 5px; background: var(--a);
  color: var(--bg); font: inherit; cursor: pointer;
  box-shadow: 0 10px 24px -8px #0008;
}
button:focus-visible { outline: 3px solid var(--a); outline-offset: 3px; }
[class*=classic] > button { border-radius: 28px; }
[class*=minimal] > button { padding: 0; }
[class*=minimal] span { display: none; }
svg {
  width: 24px; fill: none; stroke: currentColor; stroke-width: 1.75;
  stroke-linecap: round;
}
svg:dir(rtl) { scale: -1 1; }
div > p {
  max-width: 300px; margin: 0; padding: 12px 18px; border-radius: 16px;
  background: var(--bg); box-shadow: 0 10px 40px #0005;
}
@media (max-width: 480px), (max-height: 440px) {
  div > button { padding: 0; }
  span { display: none; }
}
@media (forced-colors: active) { div > button, div > p { border: 1px solid; } }
@media (prefers-reduced-motion: no-preference) {
  div > button { transition: translate .2s; }
  div > button:hover { translate: 0 -2px; }
}`;

  const el = (name, set, ...kids) => {
    const space = /svg|path/.test(name) ? "2000/svg" : "1999/xhtml";
    const node = doc.createElementNS("http://www.w3.org/" + space, name);
    for (const key in set) node.setAttribute(key, set[key]);
    node.append(...kids);
    return node;
  };
  const heard = {};
  const emit = (name, detail) => heard[name]?.forEach((hear) => hear(detail));
  // Shared with open.js. `my` is what one init has drawn, until destroy.
  const kit = { el, emit };

  // Beside <body>: a page that swaps its body keeps the conversation.
  const attach = () => {
    const { host } = kit.my;
    if (doc.body && !host.isConnected) doc.documentElement.append(host);
  };
  const watch = new MutationObserver(attach);

  let chat;
  let coming;
  let tries = 0;
  const bring = () =>
    // Browsers may remember what could not be imported: ask for another address.
    (coming ||= import(href + (tries++ ? "&" + tries : ""))
      .then((module) => (chat ||= module.default(kit)))
      .catch((error) => {
        coming = 0;
        throw error;
      }));
  const near = () => bring().catch(() => {});

  // Carry a call out; until the chat has come, after those made before.
  const call = (name) => {
    const { my } = kit;
    const from = doc.activeElement;
    if (!my) return;
    if (chat) return chat[name](from);
    const fail = () => {
      coming = 0;
      if (my !== kit.my) return;
      my.box.prepend(my.note);
      emit("error", { code: "unreachable" });
      console.warn(
        `YourAgent: ${href} did not load. The page's script-src must allow ${origin}.`,
      );
    };
    const timer = setTimeout(fail, WAIT);
    my.note.remove();
    bring()
      .then(() => {
        my.note.remove();
        if (my === kit.my) chat[name](from);
      }, fail)
      .finally(() => clearTimeout(timer));
  };
  addEventListener("online", () => kit.my?.note.isConnected && api.open());

  const api = {
    init({ agentPublicId, config = {} }) {
      if (kit.my?.id === agentPublicId) return;
      api.destroy();
      const { theme, position, size, welcome_message } = config;
      const locale = "" + (config.locale || doc.documentElement.lang || navigator.language);
      const text = words[locale.slice(0, 2)] || words.en;
      const icon = el("path");
      const button = el(
        "button",
        { "aria-controls": "pane", "aria-label": text[0] },
        el("svg", { viewBox: "0 0 24 24" }, icon),
        el("span", {}, text[0]),
      );
      const pane = el("section", { id: "pane" });
      const box = el("div", { class: [theme, position, size] }, pane, button);
      const host = el("your-agent", { role: "region", "aria-label": text[0] });
      const note = el("p", { role: "alert" }, text[1]);
      const draw = (open) => {
        pane.hidden = !open;
        button.setAttribute("aria-expanded", open);
        icon.setAttribute(
          "d",
          open ? "M18 6 6 18M6 6l12 12" : "M3 21l1.7-5a9.4 9.4 0 1 1 3.6 3.4z",
        );
      };
      draw(false);
      // Not toggle: who taps again while the chat is coming does not want it closed.
      button.onclick = () => (pane.hidden ? api.open() : api.close());
      button.onpointerenter = button.onfocus = near;
      note.onclick = note.remove;
      host.onkeydown = ({ key }) => {
        if (key === "Escape") note.remove();
      };
      if (text === words.ar) host.dir = "rtl";
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      const root = host.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(box);
      const looks = { theme, welcome_message };
      kit.my = { id: agentPublicId, looks, locale, host, root, box, pane, button, note, draw };
      watch.observe(doc.documentElement, { childList: true });
      attach();
      emit("ready");
    },
    open: () => call("open"),
    // Nothing was asked for yet: nothing to close.
    close: () => (chat || coming) && call("close"),
    toggle: () => call("toggle"),
    show: () => kit.my && (kit.my.host.hidden = false),
    hide: () => kit.my && (kit.my.host.hidden = true),
    on(name, hear) {
      (heard[name] ||= new Set()).add(hear);
      if (kit.my && name === "ready") hear();
      return () => heard[name].delete(hear);
    },
    destroy() {
      watch.disconnect();
      chat?.end();
      kit.my?.host.remove();
      kit.my = undefined;
    },
    push: (...calls) => calls.forEach(([name, ...rest]) => api[name](...rest)),
  };
  window.YourAgent = api;
  // Calls made before this file came: YourAgent = [["init", {...}], ["open"]].
  if (Array.isArray(past)) api.push(...past);
  if (tag) api.push(tag);
})();
