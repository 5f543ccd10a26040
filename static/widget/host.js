// The page we are framed in. It may show and hide us and hand us a boot code;
// no token and no text of the conversation ever goes to it.

const origin = document.documentElement.dataset.host;
const PATIENCE = 20_000;

export const tell = (type, detail) => parent.postMessage({ type, detail }, origin);

let waiting = [];

// The loader's next {boot_code, looks, open, focus}.
export const askBoot = () =>
  new Promise((resolve, reject) => {
    waiting.push(resolve);
    setTimeout(() => reject(new TypeError("The page did not answer.")), PATIENCE);
    tell("boot");
  });

export const listen = (hear) =>
  addEventListener("message", ({ source, origin: from, data }) => {
    if (source !== parent || from !== origin || !data) return;
    if (data.type === "boot") {
      waiting.forEach((resolve) => resolve(data));
      waiting = [];
    }
    hear(data);
  });
