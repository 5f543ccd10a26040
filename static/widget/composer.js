// Where a question is written: it grows with the text, and says what is in the way.

import { byId, say } from "./nodes.js";

export const LONGEST = 4000;
const TALLEST = 132;

//   ask(text) gets each question; isFull() says that no more may wait
//   hinder(words) tells what is in the way of this one, allow() that nothing is
export const createComposer = ({ ask, isFull, hinder, allow }) => {
  const form = byId("form");
  const input = byId("input");

  // Fit the field to its text; return what is wrong with that.
  const measure = () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight + 2, TALLEST)}px`;
    const isLong = [...input.value].length > LONGEST;
    input.setAttribute("aria-invalid", `${isLong}`);
    return isLong ? say("too_long", { limit: LONGEST }) : "";
  };
  const write = (text) => {
    input.value = text;
    measure();
  };

  form.onsubmit = (event) => {
    event.preventDefault();
    const text = input.value.trim();
    const hint = measure() || (isFull() ? say("full") : "");
    if (!text) return;
    if (hint) return hinder(hint);
    write("");
    ask(text);
  };
  input.oninput = () => {
    const hint = measure();
    if (hint) hinder(hint);
    else allow();
  };
  input.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  };
  return {
    write,
    focus: () => input.focus(),
    set isOpen(isOpen) {
      form.inert = !isOpen;
    },
  };
};
