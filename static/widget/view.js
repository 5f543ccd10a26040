// What the visitor sees. It knows nodes and words, nothing of the network.

import { actionsOn } from "./actions.js";
import { link, render, safeUrl } from "./markdown.js";
import { byId, icon, make, say } from "./nodes.js";

export { say };

const FAR = 80;

const log = byId("log");
const live = byId("live");
const scroller = byId("scroller");
const state = byId("state");

const isNearEnd = () =>
  scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < FAR;

// Change the log and stay at its end, unless the visitor has scrolled back.
const keepingEnd = (change) => {
  const stay = isNearEnd();
  const made = change();
  if (stay) scroller.scrollTop = scroller.scrollHeight;
  return made;
};

export const scrollToEnd = () => (scroller.scrollTop = scroller.scrollHeight);

let nextId = 0;

// A chip for each source; pressing one shows the passage it stands for.
const sources = (citations) => {
  const list = make("ul", { className: "src" });
  list.setAttribute("aria-label", say("sources"));
  const chips = new Map();
  for (const { number, title, url, passage } of citations) {
    const chip = make("button", { type: "button" }, icon("page"), make("span", { dir: "auto" }, title || say("source")));
    const quote = make("div", { id: `passage-${(nextId += 1)}`, className: "passage", hidden: true });
    chip.setAttribute("aria-expanded", "false");
    chip.setAttribute("aria-controls", quote.id);
    chip.prepend(make("b", {}, `${number}`));
    quote.append(make("blockquote", { dir: "auto" }, passage || ""));
    const address = safeUrl(url);
    if (address) quote.append(link(address, say("open_source")));
    chip.onclick = () => {
      quote.hidden = !quote.hidden;
      chip.setAttribute("aria-expanded", `${!quote.hidden}`);
      if (!quote.hidden) quote.scrollIntoView({ block: "nearest" });
    };
    list.append(make("li", {}, chip, quote));
    chips.set(number, chip);
  }
  return { list, chips };
};

const reference = (chips) => (number) => {
  const chip = chips.get(number);
  if (!chip) return null;
  const node = make("button", { type: "button", className: "ref" }, `${number}`);
  node.setAttribute("aria-label", say("source_number", { number }));
  node.onclick = () => {
    if (chip.getAttribute("aria-expanded") === "false") chip.click();
    chip.focus();
  };
  return node;
};

// Each block finds its own direction; the bubble keeps the panel's.
const directed = (nodes) => {
  for (const node of nodes) node.dir = "auto";
  return nodes;
};

const bubble = (who, ...kids) => {
  const node = make("div", { className: `msg ${who}` }, ...kids);
  const speaker = make("span", { className: "unseen" }, say(who === "me" ? "you" : "agent"));
  node.prepend(speaker);
  return node;
};

// A member's answer stands under their name and role.
const spoken = (person, ...kids) => {
  if (!person) return bubble("them", ...kids);
  const name = [person.name, person.title].filter(Boolean).join(" · ");
  return make("div", { className: "msg them person" }, make("b", { className: "who", dir: "auto" }, name), ...kids);
};

const answer = (content, citations = []) => {
  const { list, chips } = sources(citations);
  const body = directed(render(content, { cite: reference(chips) }));
  return citations.length ? [...body, list] : body;
};

export const addQuestion = (text) =>
  keepingEnd(() => {
    const node = bubble("me", ...directed([make("p", {}, text)]));
    log.append(node);
    return node;
  });

// Under an answer that leaves a question open: a person instead.
export const addOffer = (pick) =>
  keepingEnd(() => {
    const button = make("button", { type: "button", className: "offer" }, say("person"));
    button.onclick = () => {
      button.remove();
      pick();
    };
    log.append(button);
  });

// What the panel does when a visitor presses something about an answer.
let deeds = {};
export const setDeeds = (given) => (deeds = given);

const finished = (message) => {
  const node = spoken(message.person, ...answer(message.content, message.citations));
  if (message.stopped) node.append(make("p", { className: "cut" }, say("stopped")));
  // What the agent says about a person is no answer to judge.
  if (message.id && !message.event) node.append(actionsOn(node, message, deeds));
  return node;
};

// A message without an id is nobody's answer, such as the welcome.
export const addAnswer = (message) => keepingEnd(() => log.append(finished(message)));

// Fill the log with what was said before without announcing all of it.
export const fill = (change) => {
  log.setAttribute("aria-live", "off");
  change();
  scrollToEnd();
  setTimeout(() => log.removeAttribute("aria-live"), 500);
};

export const addNote = (text) =>
  keepingEnd(() => log.append(make("p", { className: "note" }, text)));

export const empty = () => {
  log.replaceChildren();
  live.replaceChildren();
};

// An unsent question says why, and offers to try again.
export const markFailed = (node, text, retry) =>
  keepingEnd(() => {
    clearMark(node);
    const again = make("button", { type: "button" }, say("retry"));
    again.onclick = retry;
    node.after(make("p", { className: "unsent" }, `${text} `, ...(retry ? [again] : [])));
    node.classList.add("failed");
  });

export const clearMark = (node) => {
  node.classList.remove("failed");
  if (node.nextElementSibling?.className === "unsent") node.nextElementSibling.remove();
};

// A reply grows outside the log and moves into it once, when it is finished:
// so assistive technology reads it once and whole.
const growing = new Map();

export const startReply = (id, { showTyping = true } = {}) =>
  keepingEnd(() => {
    growing.get(id)?.node.remove();
    const caret = make("span", { className: "caret" });
    const node = make("div", { className: "msg them" });
    const dots = make("span", { className: "dots" }, make("i"), make("i"), make("i"));
    node.append(dots);
    node.hidden = !showTyping;
    live.append(node);
    growing.set(id, { node, caret, text: "", painting: false });
  });

const paint = (reply) => {
  reply.painting = false;
  if (!reply.node.isConnected) return;
  keepingEnd(() => {
    reply.node.hidden = false;
    reply.node.replaceChildren(...directed(render(reply.text)));
    (reply.node.lastElementChild?.closest("p") || reply.node).append(reply.caret);
  });
};

export const growReply = (id, text) => {
  if (!growing.has(id)) startReply(id);
  const reply = growing.get(id);
  reply.text += text;
  if (!reply.painting) requestAnimationFrame(() => paint(reply));
  reply.painting = true;
};

export const dropReply = (id) => {
  growing.get(id)?.node.remove();
  growing.delete(id);
};

export const finishReply = (id, message) =>
  keepingEnd(() => {
    dropReply(id);
    log.append(finished(message));
  });

export const failReply = (id, text, retry) =>
  keepingEnd(() => {
    dropReply(id);
    const again = make("button", { type: "button", className: "anew" }, say("anew"));
    const note = make("p", { className: "note" }, `${text} `, again);
    again.onclick = () => retry(note);
    log.append(note);
  });

export const dropReplies = () => [...growing.keys()].forEach(dropReply);

export const setState = (text, name = "ready") => {
  if (state.textContent !== text) state.textContent = text;
  document.documentElement.dataset.state = name;
};

export const setSuggestions = (texts, pick) => {
  const box = byId("suggestions");
  box.replaceChildren(
    ...texts.map((text) => {
      const button = make("button", { type: "button", dir: "auto" }, text);
      button.onclick = () => pick(text);
      return button;
    }),
  );
  box.hidden = !texts.length;
};
