// Copy buttons: <button data-copy="id of the text">.
function ready(scope) {
  for (const button of scope.querySelectorAll("[data-copy][hidden]")) button.hidden = false;
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    say("Copied to the clipboard");
  } catch {
    getSelection().selectAllChildren(source);
    say("Press Ctrl C to copy the marked text");
  }
}

function say(text) {
  document.dispatchEvent(new CustomEvent("logbook:say", { detail: { text } }));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("htmx:afterSettle", (event) => ready(event.target));
ready(document);
