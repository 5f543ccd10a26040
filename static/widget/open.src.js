// The chat on a page: its frame, and the sheet that stands there until the frame is
// ready or says why it is not. open.js is this file made small by bin/loader; the
// loader imports it and passes what they share.

// {language: texts of these keys in widget/words}, put in by bin/loader.
const words = WORDS(
  "close", "connecting", "retry",
  "blocked", "not_here", "kept_out", "open_offline", "open_unreachable",
);
const REASONS = ["blocked", "not_here", "kept_out", "offline", "unreachable"];
const WAIT = 8000;
// A browser tells what its policy refused a moment after the refusal.
const MOMENT = 100;
const css = `
div { --w: 392px; --h: 640px; }
[class*=small] { --w: 340px; --h: 540px; }
[class*=large] { --w: 460px; --h: 760px; }
[aria-expanded=true] { padding: 0; }
[aria-expanded=true] span { display: none; }
.new:after {
  content: ""; position: absolute; inset: -3px auto auto -3px; padding: 7px;
  border-radius: 9px; background: #dba53d;
}
#pane {
  position: relative;
  width: min(var(--w), 100vw - 40px); height: min(var(--h), 100dvh - 112px);
  background: var(--bg); border-radius: 16px; overflow: hidden;
  box-shadow: 0 10px 40px #0005;
}
iframe { width: 100%; height: 100%; border: 0; color-scheme: normal; }
#pane section {
  position: absolute; inset: 0; padding: 64px 24px; background: var(--bg);
  display: flex; flex-direction: column; align-items: center; justify-content: center;
  gap: 20px; text-align: center; overflow: auto;
}
section ~ iframe { visibility: hidden; }
p { margin: 0; max-width: 34ch; text-wrap: balance; }
p:empty { display: none; }
#pane button {
  min-width: 44px; min-height: 44px; padding: 0 20px; border: 0; border-radius: 14px;
  background: var(--a); color: var(--bg); font: inherit; cursor: pointer;
}
#pane .x {
  position: absolute; inset-block-start: max(10px, env(safe-area-inset-top));
  inset-inline-end: 10px; display: grid; place-items: center; padding: 0;
  background: none; color: inherit;
}
@media (max-width: 480px), (max-height: 440px) {
  [aria-expanded=true] { display: none; }
  #pane { position: fixed; inset: 0; width: 100%; height: 100dvh; border-radius: 0; }
}
@media (forced-colors: active) { #pane, #pane button { border: 1px solid; } }`;

export default (kit) => {
  const { el, emit } = kit;
  const doc = document;
  const door = new URL("../../api/widget/v1/boot", import.meta.url);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  const warned = new Set();
  // The loader's, from the first opening until destroy.
  let my;

  const matches = (query) => matchMedia(query).matches;
  // The page decides between light and dark, as it does for its own colours.
  const isDark = () => {
    const scheme = getComputedStyle(my.box).colorScheme;
    return /dark/.test(scheme) &&
      (!/light/.test(scheme) || matches("(prefers-color-scheme:dark)"));
  };
  const isOpen = () => my?.pane.hidden === false;
  const post = (type, more) =>
    my.isReady &&
    my.frame.contentWindow.postMessage({ type, dark: isDark(), ...more }, my.origin);
  const turn = (open, name) => {
    my.draw(open);
    fit();
    post(name);
    emit(name);
  };
  // A phone's keyboard shrinks the visual viewport only.
  const fit = () => {
    const view = visualViewport;
    if (my)
      my.pane.style.cssText =
        isOpen() && matches("(max-width:480px),(max-height:440px)")
          ? `height:${view.height}px;top:${view.offsetTop}px`
          : "";
  };

  // The sheet --------------------------------------------------------------

  const prepare = () => {
    my = kit.my;
    const [close, connecting, retry, ...reasons] =
      words[my.locale.slice(0, 2)] || words.en;
    const cross = el("path", { d: "M18 6 6 18M6 6l12 12" });
    const x = el(
      "button",
      { class: "x", "aria-label": close },
      el("svg", { viewBox: "0 0 24 24" }, cross),
    );
    x.onclick = () => {
      // Not every browser focuses what is clicked.
      x.focus();
      api.close();
    };
    const status = el("p", { role: "status" });
    const alert = el("p", { role: "alert" });
    const again = el("button", {}, retry);
    again.onclick = begin;
    const cover = el(
      "section",
      { role: "dialog", "aria-label": my.button.ariaLabel },
      x, status, alert, again,
    );
    const say = (reason) => {
      if (reason === undefined && my.root.activeElement === again) x.focus();
      if (!cover.isConnected) my.pane.prepend(cover);
      again.hidden = reason === undefined;
      status.textContent = reason === undefined ? connecting : "";
      alert.textContent = reasons[REASONS.indexOf(reason)] || "";
    };
    Object.assign(my, { x, cover, say });
    my.root.adoptedStyleSheets = [...my.root.adoptedStyleSheets, sheet];
  };

  // `hint` tells the page's owner, in the console, what to do.
  const fail = (reason, code, hint) => {
    if (my.reason === reason) return;
    clearTimeout(my.timer);
    my.reason = reason;
    my.say(reason);
    emit("error", { code });
    if (hint && !warned.has(hint)) console.warn("YourAgent: " + hint);
    warned.add(hint);
  };
  const miss = () => {
    const around = [location.origin, ...(location.ancestorOrigins || [])];
    if (!navigator.onLine) fail("offline", "unreachable");
    else
      fail(
        "unreachable",
        "unreachable",
        my.frame
          ? `The chat's frame at ${my.origin} did not start. Is it reachable, and does the ` +
              `agent's list of allowed websites hold every page around it? These are: ` +
              around.join(", ")
          : `${door.origin} did not answer.`,
      );
  };
  doc.addEventListener("securitypolicyviolation", (event) => {
    const { disposition, effectiveDirective, blockedURI } = event;
    if (
      my?.attempt && !my.isReady && disposition === "enforce" &&
      /frame|child|connect/.test(effectiveDirective) &&
      [door.origin, my.origin].some((origin) => blockedURI.startsWith(origin))
    )
      fail(
        "kept_out",
        "blocked_by_policy",
        "The Content-Security-Policy of this page keeps the chat out. " +
          `Add ${new URL(blockedURI).origin} to its ${effectiveDirective}.`,
      );
  });

  // The frame --------------------------------------------------------------

  const begin = () => {
    clearTimeout(my.timer);
    my.frame?.remove();
    my.say();
    Object.assign(my, {
      attempt: {},
      code: undefined,
      frame: undefined,
      isReady: false,
      reason: undefined,
      timer: setTimeout(miss, WAIT),
    });
    boot(load);
  };
  const boot = async (then) => {
    const { attempt } = my;
    if (attempt.isAsking) return;
    attempt.isAsking = true;
    try {
      const answer = await fetch(door, {
        method: "POST",
        credentials: "omit",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ public_id: my.id, locale: my.locale }),
      });
      const body = await answer.json();
      if (!answer.ok) throw body;
      if (attempt === my?.attempt) then(body);
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, MOMENT));
      if (attempt === my?.attempt) refuse(error || {});
    }
    attempt.isAsking = false;
  };
  const refuse = ({ code, detail, status }) => {
    if (my.isReady && status !== 403 && status !== 404) {
      // The panel has its own words for this, and tries again.
      emit("error", { code: code || "unreachable" });
    } else if (code) {
      // It would ask again.
      my.frame?.remove();
      my.frame = undefined;
      if (code === "origin_not_allowed")
        fail(
          "not_here",
          code,
          `The agent may not speak on ${location.origin}. ` +
            `Add ${location.origin} to the agent's allowed websites.`,
        );
      else fail("blocked", code, `${detail} (${code}, agent ${my.id})`);
    } else if (!my.reason) miss();
  };
  const load = (body) => {
    my.code = body;
    my.origin = new URL(body.frame_url).origin;
    my.frame = el("iframe", { src: body.frame_url, title: body.config.name });
    my.pane.append(my.frame);
  };
  // The frame has its own button to close and its own words from here on.
  const uncover = () => {
    const inside = my.cover.contains(my.root.activeElement);
    clearTimeout(my.timer);
    my.isReady = true;
    my.reason = undefined;
    my.cover.remove();
    if (inside && isOpen()) my.frame.focus();
  };
  // The boot code goes to our frame and to nobody else.
  const hand = ({ boot_code }) => {
    // Focus follows into the chat unless the visitor has gone elsewhere.
    const { activeElement } = doc;
    const focus = isOpen() && (activeElement === my.at || activeElement === my.host);
    my.code = undefined;
    if (focus) my.frame.focus();
    post("boot", { boot_code, looks: my.looks, open: isOpen(), focus });
  };
  addEventListener("message", ({ source, origin, data }) => {
    if (!my?.frame || source !== my.frame.contentWindow || origin !== my.origin) return;
    if (data.type === "boot") {
      uncover();
      my.code ? hand(my.code) : boot(hand);
    } else if (data.type === "close") api.close();
    else {
      if (data.type === "message" && !isOpen()) my.button.className = "new";
      emit(data.type, data.detail);
    }
  });

  ["resize", "scroll"].forEach((name) => visualViewport.addEventListener(name, fit));
  addEventListener("online", () => isOpen() && my.reason && begin());
  // First of all: whoever cannot see the page can leave the sheet.
  addEventListener(
    "keydown",
    ({ key }) => {
      if (key === "Escape" && isOpen() && (my.cover.isConnected || doc.activeElement === my.host))
        api.close();
    },
    true,
  );

  // `from` has the focus when the call is made.
  const api = {
    open(from) {
      if (isOpen()) return;
      if (!my) prepare();
      my.at = from;
      my.button.className = "";
      turn(true, "open");
      if (my.isReady && !my.reason) return my.frame.focus();
      if (!my.attempt || my.reason) begin();
      // On a phone the sheet hides the launcher.
      if (!my.button.getClientRects().length) my.x.focus();
    },
    close() {
      if (!isOpen()) return;
      const { at, host, button } = my;
      const inside = doc.activeElement === host;
      turn(false, "close");
      if (inside)
        (at.isConnected && at !== host && at !== doc.body ? at : button).focus();
    },
    toggle: (from) => (isOpen() ? api.close() : api.open(from)),
    end() {
      clearTimeout(my?.timer);
      my = undefined;
    },
  };
  return api;
};
