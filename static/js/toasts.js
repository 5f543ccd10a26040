// Short messages at the edge of the page. The server writes them too, so they
// are read without this file; here they leave by themselves.
const box = document.querySelector(".toasts");
const USUAL = 5000;

function leave(toast) {
  const keep = Number(toast.dataset.keep ?? USUAL);
  if (!keep) return;
  let timer = setTimeout(() => toast.remove(), keep);
  const wait = () => clearTimeout(timer);
  const go = () => {
    clearTimeout(timer);
    timer = setTimeout(() => toast.remove(), USUAL);
  };
  toast.addEventListener("pointerenter", wait);
  toast.addEventListener("focusin", wait);
  toast.addEventListener("pointerleave", go);
  toast.addEventListener("focusout", go);
}

function say(text) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.dataset.toast = "";
  const words = document.createElement("span");
  words.textContent = text;
  toast.append(words);
  box.replaceChildren(toast);
  leave(toast);
}

box.addEventListener("click", (event) => {
  if (event.target.closest("[data-toast-close]")) event.target.closest(".toast").remove();
});
document.addEventListener("logbook:say", (event) => say(event.detail.text));
for (const toast of box.querySelectorAll("[data-toast]")) {
  toast.querySelector("[data-toast-close]").hidden = false;
  leave(toast);
}
