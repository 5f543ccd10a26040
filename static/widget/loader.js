// A launcher in a shadow root; the chat is a frame on our own origin.
// Until it is opened: no request but this file, no cookie, no storage.
(() => {
  const doc = document, script = doc.currentScript, past = window.YourAgent, config = script.dataset;
  const tag = config.agentPublicId && ["init", { ...config, config }];
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
  const phone = "(max-width:480px),(max-height:440px)";
  const css = `:host{all:initial!important;color-scheme:inherit!important}
[hidden],:host([hidden]){display:none!important}
*{box-sizing:border-box}
div{--w:392px;--h:640px;--bg:light-dark(#fefdfb,#1c1a17);--ink:light-dark(#24201b,#edeae5);--a:light-dark(#005367,#70c4d1);position:fixed;z-index:2147483647;inset:auto;inset-block-end:20px;inset-inline-end:20px;display:flex;flex-direction:column;align-items:end;gap:16px;font:520 15px/1.4 system-ui,sans-serif;color:var(--ink)}
[class*=small]{--w:340px;--h:540px}
[class*=large]{--w:460px;--h:760px}
[class*=dark]{color-scheme:dark}
[class*=left]{inset-inline:20px auto;align-items:start}
[class*=top]{inset-block:20px auto;flex-direction:column-reverse}
button{display:flex;align-items:center;justify-content:center;gap:10px;position:relative;height:56px;min-width:56px;padding:0 18px;border:0;border-radius:20px;border-end-end-radius:5px;background:var(--a);color:var(--bg);font:inherit;cursor:pointer;box-shadow:0 10px 24px -8px #0008}
button:focus-visible{outline:3px solid var(--a);outline-offset:3px}
[class*=classic] button{border-radius:28px}
[class*=minimal] button,[aria-expanded=true]{padding:0}
[class*=minimal] span,[aria-expanded=true] span{display:none}
.new:after{content:"";position:absolute;inset:-3px auto auto -3px;padding:7px;border-radius:9px;background:#dba53d}
svg{width:24px;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round}
section{width:min(var(--w),100vw - 40px);height:min(var(--h),100dvh - 112px);background:var(--bg);border-radius:16px;overflow:hidden;box-shadow:0 24px 60px -16px #0008,0 0 0 1px #8884}
iframe{width:100%;height:100%;border:0}
p{margin:24px}
@media ${phone}{button{padding:0}span,[aria-expanded=true]{display:none}section{position:fixed;inset:0;width:100%;height:100dvh;border-radius:0}}
@media(forced-colors:active){button,section{border:1px solid}}`;

  let id, looks, locale, text, host, pane, icon, button, frame, origin, code, back;
  const el = (name, set, ...kids) => {
    const node = doc.createElementNS("http://www.w3.org/" + (/svg|path/.test(name) ? "2000/svg" : "1999/xhtml"), name);
    for (const key in set) node.setAttribute(key, set[key]);
    node.append(...kids);
    return node;
  };
  const heard = {};
  const emit = (name, detail) => heard[name]?.forEach((hear) => hear(detail));
  const post = (type, more) => frame?.contentWindow.postMessage({ type, ...more }, origin);
  const isOpen = () => pane?.hidden === false;
  const draw = (open) => {
    pane.hidden = !open;
    button.ariaExpanded = open;
    icon.setAttribute("d", open ? "M18 6 6 18M6 6l12 12" : "M3 21l2-5a9 9 0 1 1 3 3z");
  };
  const turn = (open, name) => {
    draw(open);
    fit();
    post(name);
    emit(name);
  };
  // A phone's keyboard shrinks the visual viewport only.
  const fit = () => {
    const view = isOpen() && matchMedia(phone).matches && visualViewport;
    if (pane) pane.style.cssText = view ? `height:${view.height}px;top:${view.offsetTop}px` : "";
  };
  // Beside <body>: a page that swaps its body keeps the conversation.
  const watch = new MutationObserver(() => doc.body && !host.isConnected && doc.documentElement.append(host));
  const boot = async (then, mine = pane) => {
    try {
      const answer = await fetch(new URL("../../api/widget/v1/boot", script.src), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ public_id: id, locale }),
      });
      const body = await answer.json();
      if (!answer.ok) throw body;
      if (mine === pane) then(body);
    } catch (error) {
      if (mine !== pane) return;
      frame = pane.replaceChildren(el("p", { role: "alert" }, text[1]));
      emit("error", { code: error.code });
    }
  };
  const hand = ({ boot_code }) => {
    code = 0;
    post("boot", { boot_code, looks, open: isOpen() });
  };
  addEventListener("message", ({ source, origin: from, data }) => {
    if (!frame || source !== frame.contentWindow || from !== origin) return;
    if (data.type === "boot") code ? hand(code) : boot(hand);
    else if (data.type === "close") api.close();
    else {
      button.classList.toggle("new", data.type === "message" && !isOpen());
      emit(data.type, data.detail);
    }
  });
  ["resize", "scroll"].forEach((name) => visualViewport.addEventListener(name, fit));

  const api = {
    init({ agentPublicId, config: { theme, position, size, welcome_message, locale: asked } = {} }) {
      if (id === agentPublicId) return;
      api.destroy();
      id = agentPublicId;
      looks = { theme, welcome_message };
      locale = asked || doc.documentElement.lang || navigator.language;
      text = words[locale.slice(0, 2)] || words.en;
      icon = el("path");
      button = el("button", { "aria-controls": "pane", "aria-label": text[0] }, el("svg", { viewBox: "0 0 24 24" }, icon), el("span", {}, text[0]));
      button.onclick = api.toggle;
      pane = el("section", { id: "pane" });
      draw(false);
      host = el("your-agent", { role: "region", "aria-label": text[0] });
      if (text === words.ar) host.dir = "rtl";
      host.onkeydown = (event) => event.key === "Escape" && api.close();
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      const shadow = host.attachShadow({ mode: "open", delegatesFocus: true });
      shadow.adoptedStyleSheets = [sheet];
      shadow.append(el("div", { class: [theme, size, position] }, pane, button));
      watch.observe(doc.documentElement, { childList: true });
      if (doc.body) doc.documentElement.append(host);
      emit("ready");
    },
    open() {
      if (!host || isOpen()) return;
      back = doc.activeElement;
      turn(true, "open");
      button.className = "";
      if (frame) frame.focus();
      else
        boot((body) => {
          code = body;
          origin = new URL(body.frame_url).origin;
          frame = el("iframe", { src: body.frame_url, title: body.config.name });
          pane.replaceChildren(frame);
        });
    },
    close() {
      if (!isOpen()) return;
      const inside = doc.activeElement === host;
      turn(false, "close");
      if (inside) (back.isConnected ? back : host).focus();
    },
    toggle: () => (isOpen() ? api.close() : api.open()),
    show: () => host && (host.hidden = false),
    hide: () => host && (host.hidden = true),
    on(name, hear) {
      (heard[name] ||= new Set()).add(hear);
      return () => heard[name].delete(hear);
    },
    destroy() {
      watch.disconnect();
      if (host) host.remove();
      id = host = pane = frame = undefined;
    },
    push: (...calls) => calls.forEach(([name, ...rest]) => api[name](...rest)),
  };
  window.YourAgent = api;
  if (Array.isArray(past)) api.push(...past);
  if (tag) api.push(tag);
})();
