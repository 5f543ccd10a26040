// Passkeys: a form marked data-passkey asks the device before it is sent.
const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const decodeIds = (list = []) => list.map((each) => ({ ...each, id: decode(each.id) }));

const words = {
  NotAllowedError: "It was not confirmed. Try again.",
  InvalidStateError: "This device has a passkey for you already.",
  SecurityError: "Passkeys work at addresses with https, and at localhost.",
};

async function create(form, { creation_options: { publicKey } }) {
  const alone = form.elements.passwordless?.checked ?? false;
  const credential = await navigator.credentials.create({
    publicKey: {
      ...publicKey,
      challenge: decode(publicKey.challenge),
      user: { ...publicKey.user, id: decode(publicKey.user.id) },
      excludeCredentials: decodeIds(publicKey.excludeCredentials),
      authenticatorSelection: {
        ...publicKey.authenticatorSelection,
        residentKey: alone ? "required" : "discouraged",
        requireResidentKey: alone,
        ...(alone && { userVerification: "required" }),
      },
    },
  });
  return describe(credential, ["clientDataJSON", "attestationObject"]);
}

async function get(form, { request_options: { publicKey } }) {
  const credential = await navigator.credentials.get({
    publicKey: {
      ...publicKey,
      challenge: decode(publicKey.challenge),
      allowCredentials: decodeIds(publicKey.allowCredentials),
    },
  });
  return describe(credential, [
    "clientDataJSON",
    "authenticatorData",
    "signature",
    "userHandle",
  ]);
}

function describe(credential, names) {
  const response = {};
  for (const name of names) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  return {
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: {},
  };
}

async function optionsFor(form) {
  if (!form.hasAttribute("data-fetch")) {
    return JSON.parse(document.getElementById("passkey-options").textContent);
  }
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  if (!("PublicKeyCredential" in window)) break;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const error = form.querySelector("[data-passkey-error]");
    error.hidden = true;
    try {
      const ask = form.dataset.passkey === "create" ? create : get;
      const credential = await ask(form, await optionsFor(form));
      form.elements.credential.value = JSON.stringify(credential);
      form.submit();
    } catch (failure) {
      error.textContent = words[failure.name] ?? "That did not work. Try again.";
      error.hidden = false;
    }
  });
}
