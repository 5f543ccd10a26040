// After a refused form, focus goes to the first field that needs another look.
const wrong = document.querySelector("[aria-invalid=true]");
(wrong ?? document.querySelector("[data-focus-first]"))?.focus();
