// The command palette: Ctrl K, then a page's or an agent's name.
const palette = document.getElementById("palette");
const input = palette.querySelector("input");
const list = palette.querySelector(".hits");
const none = palette.querySelector(".none");
const pages = [...list.querySelectorAll("[role=option]")];
let asked = "";
let found = [];

function hits() {
  return [...list.querySelectorAll("[role=option]:not([hidden])")];
}

function mark(hit) {
  for (const other of hits()) other.setAttribute("aria-selected", other === hit);
  if (hit) {
    input.setAttribute("aria-activedescendant", hit.id);
    hit.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function show(html) {
  for (const old of found) old.remove();
  list.insertAdjacentHTML("afterbegin", html);
  found = hits().filter((hit) => !pages.includes(hit));
  const words = input.value.trim().toLowerCase();
  for (const page of pages) page.hidden = !page.textContent.toLowerCase().includes(words);
  const all = hits();
  none.hidden = all.length > 0;
  mark(all[0]);
}

async function search() {
  const words = input.value.trim();
  asked = words;
  if (!words) return show("");
  const url = `${palette.dataset.agents}?q=${encodeURIComponent(words)}`;
  const answer = await fetch(url).catch(() => null);
  const html = answer?.ok && !answer.redirected ? await answer.text() : "";
  if (asked === words) show(html);
}

let timer;
input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 120);
});

input.addEventListener("keydown", (event) => {
  const all = hits();
  const at = all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") mark(all[(at + 1) % all.length]);
  else if (event.key === "ArrowUp") mark(all.at(at < 1 ? -1 : at - 1));
  else if (event.key === "Enter") (all[at] ?? all[0])?.click();
  else return;
  event.preventDefault();
});

palette.addEventListener("close", () => {
  input.value = "";
  show("");
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
  event.preventDefault();
  if (palette.open) palette.close();
  else palette.showModal();
});
