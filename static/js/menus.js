// Menus (<details class="menu">) close when focus or the pointer leaves them;
// dialogs open by [data-open] and close by [data-close].
function openMenus() {
  return document.querySelectorAll("details.menu[open]");
}

function closeMenus(except) {
  for (const menu of openMenus()) {
    if (!menu.contains(except)) menu.open = false;
  }
}

function steps(menu, key) {
  const items = [...menu.querySelectorAll(".menu-item")].filter((item) => item.offsetParent);
  if (!items.length) return;
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at < 1 ? items.length - 1 : at - 1, Home: 0, End: -1 };
  items.at(to[key] % items.length).focus();
}

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open).showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  if (event.target.matches("dialog")) event.target.close();
});

document.addEventListener("focusin", (event) => closeMenus(event.target));

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu");
  if (event.key === "Escape" && menu?.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  if (menu && ["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) {
    event.preventDefault();
    menu.open = true;
    steps(menu, event.key);
  }
});

for (const opener of document.querySelectorAll("[data-open][hidden]")) opener.hidden = false;
document.querySelector("[data-focus-first]")?.focus();
