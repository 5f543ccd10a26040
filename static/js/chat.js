// A conversation with an agent through the REST API: a question is posted, the
// answer arrives as server-sent events read from a fetch, and a broken stream is
// taken up where it ended.
const box = document.querySelector("[data-chat]");
const form = box.querySelector("form");
const field = form.querySelector("textarea");
const send = form.querySelector("button");
const scroll = box.querySelector(".scroll");
const talk = box.querySelector(".talk");
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
const TRIES = 6;

const pending = new Map();
let session = null;
let last = "";
let stream = null;

class Refused extends Error {}

function address(template) {
  return template.replace("00000000-0000-0000-0000-000000000000", session);
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json",
      "X-CSRFToken": token,
      "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
    },
    body: JSON.stringify(body),
  });
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(data.detail ?? "That did not work. Try again.");
  return data;
}

function turn(kind, text = "") {
  const node = document.getElementById(`turn-${kind}`).content.firstElementChild.cloneNode(true);
  write(node, text);
  talk.append(node);
  scroll.scrollTop = scroll.scrollHeight;
  return node;
}

// Text is only ever text; a blank line starts a paragraph, [1] points at a source.
function write(node, text, citations = []) {
  const known = new Set(citations.map((each) => String(each.number)));
  const paragraphs = text.split(/\n{2,}/).filter((part) => part.trim());
  const say = node.querySelector(".say");
  say.replaceChildren(...paragraphs.map((part) => paragraph(part, known)));
  if (citations.length) say.append(sources(citations));
}

function paragraph(text, known) {
  const p = document.createElement("p");
  text.split("\n").forEach((line, number) => {
    if (number) p.append(document.createElement("br"));
    for (const part of line.split(/(\[\d{1,3}\])/)) {
      const mark = part.match(/^\[(\d+)\]$/)?.[1];
      p.append(mark && known.has(mark) ? reference(mark) : part);
    }
  });
  return p;
}

function reference(number) {
  const sup = document.createElement("sup");
  sup.className = "ref";
  sup.textContent = number;
  sup.title = `Source ${number}`;
  return sup;
}

function sources(citations) {
  const details = document.createElement("details");
  details.className = "sources";
  const summary = document.createElement("summary");
  const titles = [...new Set(citations.map((each) => each.title))].join(", ");
  summary.textContent = citations.length === 1 ? `Source: ${titles}` : `${citations.length} sources: ${titles}`;
  const list = document.createElement("ol");
  list.className = "srcs";
  list.append(...citations.map(source));
  details.append(summary, list);
  return details;
}

function source(citation) {
  const item = document.createElement("li");
  item.value = citation.number;
  const title = document.createElement("b");
  if (/^https?:\/\//.test(citation.url ?? "")) {
    const link = document.createElement("a");
    Object.assign(link, { href: citation.url, target: "_blank", rel: "noopener noreferrer nofollow" });
    link.textContent = citation.title;
    title.append(link);
  } else {
    title.textContent = citation.title;
  }
  const passage = document.createElement("p");
  passage.textContent = citation.passage ?? "";
  item.append(title, passage);
  return item;
}

const EVENTS = {
  start({ reply_id: id }) {
    const reply = pending.get(id);
    if (reply) reply.text = "";
  },
  token({ reply_id: id, text }) {
    const reply = pending.get(id);
    if (!reply) return;
    reply.text += text;
    write(reply.node, reply.text);
    scroll.scrollTop = scroll.scrollHeight;
  },
  done({ reply_id: id, message }) {
    const reply = pending.get(id);
    if (!reply) return;
    write(reply.node, message.content, message.citations);
    finish(id, message.citations.length ? "" : "No source");
  },
  failed({ reply_id: id, detail }) {
    const reply = pending.get(id);
    if (!reply) return;
    write(reply.node, detail || "No answer this time. Ask again.");
    reply.node.classList.add("bad");
    finish(id, "Failed");
  },
};

function finish(id, note) {
  const { node } = pending.get(id);
  node.classList.remove("writing");
  if (note) {
    const badge = node.querySelector("[data-note]");
    badge.className = "badge";
    badge.textContent = note;
  }
  pending.delete(id);
  scroll.scrollTop = scroll.scrollHeight;
  if (pending.size) return;
  stream?.abort();
  stream = null;
}

function handle(block) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("id:")) last = line.slice(3).trim();
    else if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trim());
  }
  if (data.length && Object.hasOwn(EVENTS, event)) EVENTS[event](JSON.parse(data.join("\n")));
}

async function read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest = (rest + value).replaceAll("\r\n", "\n");
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    blocks.forEach(handle);
  }
}

// Follow the stream until every pending answer is complete.
async function listen() {
  const mine = new AbortController();
  stream = mine;
  for (let tries = 0; pending.size && tries < TRIES; tries += 1) {
    try {
      const url = `${address(box.dataset.stream)}?after=${encodeURIComponent(last)}`;
      const answer = await fetch(url, { signal: mine.signal });
      if (answer.ok) {
        tries = 0;
        await read(answer.body);
      }
    } catch {
      if (mine.signal.aborted) return;
    }
    if (pending.size) await new Promise((wake) => setTimeout(wake, 500 * 2 ** tries));
  }
  stream = null;
  for (const id of [...pending.keys()]) {
    EVENTS.failed({ reply_id: id, detail: "The connection was lost. Ask again." });
  }
}

async function ask(text) {
  turn("you", text);
  const node = turn("agent");
  try {
    session ??= (await post(box.dataset.sessions, { agent: box.dataset.agent })).id;
    const made = await post(address(box.dataset.messages), { content: text });
    pending.set(made.reply_id, { node, text: "" });
    if (!stream) {
      last = made.events_after;
      listen();
    }
  } catch (error) {
    write(node, error instanceof Refused ? error.message : "The server could not be reached. Try again.");
    node.classList.remove("writing");
    node.classList.add("bad");
    field.value ||= text;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text || send.disabled) return;
  field.value = "";
  send.disabled = true;
  await ask(text);
  send.disabled = false;
  field.focus();
});

field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

field.focus();
