// The widget's loader. loader.js is this file made small by bin/loader.
//
// The launcher lives in a shadow root, the chat in a frame on our own origin.
// Until the visitor opens it: this one file, no other request, no cookie, no
// storage. Only createElement and adopted style sheets are used, so a page's
// strict CSP and Trusted Types do not stop it.
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

  const words = {
    en: ["Ask a question", "The chat is not available right now."],
    de: ["Frage stellen", "Der Chat ist gerade nicht erreichbar."],
    fr: ["Poser une question", "Le chat est indisponible pour le moment."],
    es: ["Hacer una pregunta", "El chat no está disponible ahora."],
    it: ["Fai una domanda", "La chat non è disponibile al momento."],
    pt: ["Fazer uma pergunta", "O chat não está disponível agora."],
    nl: ["Stel een vraag", "De chat is nu niet beschikbaar."],
    ar: ["اطرح سؤالًا", "المحادثة غير متاحة الآن."],
  };
  // Important declarations of a shadow root win over the page's own.
  const css = `
:host { all: initial !important; color-scheme: inherit !important; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
div {
  --w: 392px; --h: 640px;
  --bg: light-dark(#fefdfb, #1c1a17); --a: light-dark(#005367, #70c4d1);
  position: fixed; z-index: 2147483647;
  inset-block: auto 20px; inset-inline: auto 20px;
  display: flex; flex-direction: column; align-items: end; gap: 16px;
  font: 520 15px/1.4 system-ui, sans-serif;
  color: light-dark(#24201b, #edeae5);
}
[class*=small] { --w: 340px; --h: 540px; }
[class*=large] { --w: 460px; --h: 760px; }
[class*=dark] { color-scheme: dark; }
[class*=left] { inset-inline: 20px auto; align-items: start; }
[class*=top] { inset-block: 20px auto; flex-direction: column-reverse; }
button {
  position: relative; display: flex; align-items: center; justify-content: center;
  gap: 10px; height: 56px; min-width: 56px; padding: 0 18px; border: 0;
  border-radius: 20px; border-end-end-radius: 5px; background: var(--a);
  color: var(--bg); font: inherit; cursor: pointer;
  box-shadow: 0 10px 24px -8px #0008;
}
button:focus-visible { outline: 3px solid var(--a); outline-offset: 3px; }
[class*=classic] button { border-radius: 28px; }
[class*=minimal] button, [aria-expanded=true] { padding: 0; }
[class*=minimal] span, [aria-expanded=true] span { display: none; }
.new:after {
  content: ""; position: absolute; inset: -3px auto auto -3px; padding: 7px;
  border-radius: 9px; background: #dba53d;
}
svg {
  width: 24px; fill: none; stroke: currentColor; stroke-width: 1.75;
  stroke-linecap: round;
}
svg:dir(rtl) { scale: -1 1; }
section {
  width: min(var(--w), 100vw - 40px); height: min(var(--h), 100dvh - 112px);
  background: var(--bg); border-radius: 16px; overflow: hidden;
  box-shadow: 0 10px 40px #0005;
}
iframe { width: 100%; height: 100%; border: 0; color-scheme: normal; }
p { margin: 24px; }
@media (max-width: 480px), (max-height: 440px) {
  button { padding: 0; }
  span, [aria-expanded=true] { display: none; }
  section { position: fixed; inset: 0; width: 100%; height: 100dvh; border-radius: 0; }
}
@media (forced-colors: active) { button, section { border: 1px solid; } }
@media (prefers-reduced-motion: no-preference) {
  button { transition: translate .2s; }
  button:hover { translate: 0 -2px; }
}`;

  let id, looks, locale, text, host, box, pane, icon, button;
  let frame, origin, code, busy, at;

  const el = (name, set, ...kids) => {
    const space = /svg|path/.test(name) ? "2000/svg" : "1999/xhtml";
    const node = doc.createElementNS("http://www.w3.org/" + space, name);
    for (const key in set) node.setAttribute(key, set[key]);
    node.append(...kids);
    return node;
  };
  const heard = {};
  const emit = (name, detail) => heard[name]?.forEach((hear) => hear(detail));
  const post = (type, more) =>
    frame?.contentWindow.postMessage({ type, dark: isDark(), ...more }, origin);

  const matches = (query) => matchMedia(query).matches;
  // The page decides between light and dark, as it does for its own colours.
  const isDark = () => {
    const scheme = getComputedStyle(box).colorScheme;
    return /dark/.test(scheme) &&
      (!/light/.test(scheme) || matches("(prefers-color-scheme:dark)"));
  };
  const isOpen = () => pane?.hidden === false;
  const draw = (open) => {
    pane.hidden = !open;
    button.setAttribute("aria-expanded", open);
    icon.setAttribute(
      "d",
      open ? "M18 6 6 18M6 6l12 12" : "M3 21l1.7-5a9.4 9.4 0 1 1 3.6 3.4z",
    );
  };
  const turn = (open, name) => {
    draw(open);
    fit();
    post(name);
    emit(name);
  };
  // A phone's keyboard shrinks the visual viewport only.
  const fit = () => {
    const view = visualViewport;
    if (pane)
      pane.style.cssText =
        isOpen() && matches("(max-width:480px),(max-height:440px)")
          ? `height:${view.height}px;top:${view.offsetTop}px`
          : "";
  };
  // Beside <body>: a page that swaps its body keeps the conversation.
  const attach = () =>
    doc.body && !host.isConnected && doc.documentElement.append(host);
  const watch = new MutationObserver(attach);

  const boot = async (then) => {
    const mine = pane;
    if (busy === mine) return;
    busy = mine;
    try {
      const answer = await fetch(new URL("../../api/widget/v1/boot", script.src), {
        method: "POST",
        credentials: "omit",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ public_id: id, locale }),
      });
      const body = await answer.json();
      if (!answer.ok) throw body;
      if (mine === pane) then(body);
    } catch (error) {
      if (mine === pane) {
        frame = pane.replaceChildren(el("p", { role: "alert" }, text[1]));
        emit("error", { code: error.code || "unreachable" });
      }
    }
    busy = 0;
  };
  const load = (body) => {
    code = body;
    origin = new URL(body.frame_url).origin;
    frame = el("iframe", { src: body.frame_url, title: body.config.name });
    pane.replaceChildren(frame);
  };
  // The boot code goes to our frame and to nobody else.
  const hand = ({ boot_code }) => {
    // Focus follows into the chat unless the visitor has gone elsewhere.
    const focus = isOpen() && doc.activeElement === at;
    code = 0;
    if (focus) frame.focus();
    post("boot", { boot_code, looks, open: isOpen(), focus });
  };
  addEventListener("message", ({ source, origin: from, data }) => {
    if (!frame || source !== frame.contentWindow || from !== origin) return;
    if (data.type === "boot") code ? hand(code) : boot(hand);
    else if (data.type === "close") api.close();
    else {
      if (data.type === "message" && !isOpen()) button.className = "new";
      emit(data.type, data.detail);
    }
  });
  ["resize", "scroll"].forEach((name) => visualViewport.addEventListener(name, fit));

  const api = {
    init({ agentPublicId, config = {} }) {
      if (id === agentPublicId) return;
      api.destroy();
      id = agentPublicId;
      const { theme, position, size, welcome_message } = config;
      looks = { theme, welcome_message };
      locale = "" + (config.locale || doc.documentElement.lang || navigator.language);
      text = words[locale.slice(0, 2)] || words.en;
      icon = el("path");
      button = el(
        "button",
        { "aria-controls": "pane", "aria-label": text[0] },
        el("svg", { viewBox: "0 0 24 24" }, icon),
        el("span", {}, text[0]),
      );
      button.onclick = api.toggle;
      pane = el("section", { id: "pane" });
      draw(false);
      box = el("div", { class: [theme, position, size] }, pane, button);
      host = el("your-agent", { role: "region", "aria-label": text[0] });
      if (text === words.ar) host.dir = "rtl";
      host.onkeydown = (event) => {
        if (event.key === "Escape") api.close();
      };
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      const shadow = host.attachShadow({ mode: "open" });
      shadow.adoptedStyleSheets = [sheet];
      shadow.append(box);
      watch.observe(doc.documentElement, { childList: true });
      attach();
      emit("ready");
    },
    open() {
      if (!pane || isOpen()) return;
      at = doc.activeElement;
      button.className = "";
      turn(true, "open");
      if (frame) frame.focus();
      else {
        pane.replaceChildren();
        boot(load);
      }
    },
    close() {
      if (!isOpen()) return;
      const inside = doc.activeElement === host;
      turn(false, "close");
      if (inside)
        (at.isConnected && at !== host && at !== doc.body ? at : button).focus();
    },
    toggle: () => (isOpen() ? api.close() : api.open()),
    show: () => host && (host.hidden = false),
    hide: () => host && (host.hidden = true),
    on(name, hear) {
      (heard[name] ||= new Set()).add(hear);
      if (host && name === "ready") hear();
      return () => heard[name].delete(hear);
    },
    destroy() {
      watch.disconnect();
      if (host) host.remove();
      id = host = pane = frame = code = undefined;
    },
    push: (...calls) => calls.forEach(([name, ...rest]) => api[name](...rest)),
  };
  window.YourAgent = api;
  // Calls made before this file came: YourAgent = [["init", {...}], ["open"]].
  if (Array.isArray(past)) api.push(...past);
  if (tag) api.push(tag);
})();
