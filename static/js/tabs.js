// Tabs inside a page: [data-tabs] holds a tablist and its panels. Without this
// file all panels are shown.
function choose(tab) {
  for (const other of tab.closest("[role=tablist]").querySelectorAll("[role=tab]")) {
    const on = other === tab;
    other.setAttribute("aria-selected", on);
    other.tabIndex = on ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !on;
  }
}

function move(tab, key) {
  const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
  const rtl = getComputedStyle(tab).direction === "rtl";
  const step = (key === "ArrowRight") === rtl ? -1 : 1;
  const next = tabs.at((tabs.indexOf(tab) + step) % tabs.length);
  choose(next);
  next.focus();
}

for (const box of document.querySelectorAll("[data-tabs]")) {
  box.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab);
  });
  box.addEventListener("keydown", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab && ["ArrowRight", "ArrowLeft"].includes(event.key)) move(tab, event.key);
  });
  choose(box.querySelector("[role=tab][aria-selected=true]"));
}
