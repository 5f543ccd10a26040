// A field for files says what was chosen and shows that files may be dropped on it.
// Without this file it is a plain field, on which browsers take dropped files as well.
function size(bytes) {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function line(file, most) {
  const item = document.createElement("li");
  item.textContent = `${file.name}, ${size(file.size)}`;
  if (file.size > most) {
    item.className = "error-text";
    item.textContent += ": too large";
  }
  return item;
}

for (const zone of document.querySelectorAll("[data-dropzone]")) {
  const field = zone.querySelector("input[type=file]");
  const list = zone.querySelector("[data-chosen]");
  const most = Number(zone.dataset.most);
  const show = () => list.replaceChildren(...[...field.files].map((file) => line(file, most)));
  field.addEventListener("change", show);
  for (const kind of ["dragenter", "dragover"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.dataset.over = "";
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    zone.addEventListener(kind, () => delete zone.dataset.over);
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    field.files = event.dataTransfer.files;
    show();
  });
}
