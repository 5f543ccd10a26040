// What a visitor may do about an answer: say what it was worth, copy it, ask anew.

import { icon, make, say } from "./nodes.js";

const SHORTLY = 2000;
const LONGEST_COMMENT = 1000;

const button = (name, label) => {
  const node = make("button", { type: "button", className: name }, icon(name));
  node.setAttribute("aria-label", label);
  node.title = label;
  return node;
};

// A frame may not write to the clipboard by itself, but a visitor's press may copy
// what is selected; what is taken along is the text as it was written.
const copy = (node, text) => {
  const give = (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  };
  const selection = getSelection();
  selection.selectAllChildren(node);
  document.addEventListener("copy", give);
  const isCopied = document.execCommand("copy");
  document.removeEventListener("copy", give);
  selection.removeAllRanges();
  return isCopied;
};

const copier = (node, text) => {
  const copies = button("copy", say("copy"));
  copies.onclick = () => {
    if (!copy(node, text)) return;
    copies.replaceChildren(icon("check"));
    copies.setAttribute("aria-label", say("copied"));
    setTimeout(() => {
      copies.replaceChildren(icon("copy"));
      copies.setAttribute("aria-label", say("copy"));
    }, SHORTLY);
    copies.focus();
  };
  return copies;
};

const asksWhy = (send) => {
  const field = make("input", { type: "text", maxLength: LONGEST_COMMENT });
  field.setAttribute("aria-label", say("why"));
  field.placeholder = say("why");
  const sends = make("button", {}, say("send"));
  const form = make("form", { className: "why" }, field, sends);
  form.onsubmit = async (event) => {
    event.preventDefault();
    sends.disabled = true;
    const isKept = await send(field.value.trim());
    sends.disabled = false;
    if (isKept) form.replaceChildren(make("p", {}, say("thanks")));
  };
  return form;
};

//   deeds.rate(id, value, comment) resolves to whether it was kept
//   deeds.anew(id, node) asks for another answer in this one's place
export const actionsOn = (node, { id, content, person, rating = null }, deeds) => {
  let value = rating;
  let why = null;
  const up = button("up", say("helpful"));
  const down = button("down", say("not_helpful"));
  const paint = (shown) => {
    up.setAttribute("aria-pressed", `${shown === "up"}`);
    down.setAttribute("aria-pressed", `${shown === "down"}`);
  };
  const rate = (pressed) => async () => {
    const wanted = value === pressed ? null : pressed;
    paint(wanted);
    if (await deeds.rate(id, wanted)) value = wanted;
    paint(value);
    why?.remove();
    why = null;
    if (value !== "down") return;
    why = asksWhy((comment) => deeds.rate(id, "down", comment));
    node.append(why);
    why.scrollIntoView({ block: "nearest" });
  };
  up.onclick = rate("up");
  down.onclick = rate("down");
  paint(value);
  const anew = button("anew", say("anew"));
  anew.onclick = () => deeds.anew(id, node);
  const group = make("div", { className: "acts" }, up, down, copier(node, content));
  // A person is not asked for another answer.
  if (!person) group.append(anew);
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", say("about_answer"));
  // The log reads answers out; it need not read what can be done about them.
  group.setAttribute("aria-live", "off");
  return group;
};
