// A conversation with an agent through the REST API: a question is posted, the
// answer arrives as server-sent events read from a fetch, and a broken stream is
// taken up where it ended. Its id stands in the address: a reload goes on with it.
import { write } from "./chat_turns.js";

const box = document.querySelector("[data-chat]");
const form = box.querySelector("form");
const field = form.querySelector("textarea");
const send = form.querySelector("[data-send]");
const stop = form.querySelector("[data-stop]");
const scroll = box.querySelector(".scroll");
const talk = box.querySelector(".talk");
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
const TRIES = 6;
const NAME = "conversation";
const UNFINISHED = new Set(["pending", "running"]);

// Answers under way, by the question each is for; events name the reply as well.
const pending = new Map();
const questions = new Map();
let session = new URLSearchParams(location.search).get(NAME);
let last = "";
let stream = null;
// While a person answers, or may come: there is something to hear at any moment.
let isWithPerson = false;
// What failed to be sent, and its key: sent again it is still one question.
let unsent = null;

class Refused extends Error {}

const address = (template) =>
  template.replace("00000000-0000-0000-0000-000000000000", session);
const about = (message) => `${address(box.dataset.messages).replace(/\/?$/, "/")}${message}/`;
const newKey = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;

async function call(method, url, body, key) {
  const headers = { Accept: "application/json", "X-CSRFToken": token };
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(data.detail ?? "That did not work. Try again.");
  return data;
}

const explain = (error) =>
  error instanceof Refused ? error.message : "The server could not be reached. Try again.";

function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
}

function turn(kind, text = "") {
  const node = document.getElementById(`turn-${kind}`).content.firstElementChild.cloneNode(true);
  write(node, text);
  talk.append(node);
  toEnd();
  return node;
}

function badge(node, note) {
  const mark = node.querySelector("[data-note]");
  mark.className = note ? "badge" : "";
  mark.textContent = note;
}

// What members do about answers ---------------------------------------------

function actions(node, message) {
  const acts = document.getElementById("acts").content.firstElementChild.cloneNode(true);
  const buttons = acts.querySelectorAll("[data-rate]");
  const why = acts.querySelector(".why");
  let rating = message.mine ?? null;
  const paint = () => {
    buttons.forEach((each) => each.setAttribute("aria-pressed", `${each.dataset.rate === rating}`));
    why.hidden = rating !== "down";
  };
  const rate = async (value, comment = "") => {
    try {
      await call("PUT", `${about(message.id)}rating`, { rating: value, comment });
      rating = value;
      paint();
    } catch (error) {
      badge(node, explain(error));
    }
  };
  buttons.forEach((each) => {
    each.onclick = () => rate(rating === each.dataset.rate ? null : each.dataset.rate);
  });
  why.onsubmit = async (event) => {
    event.preventDefault();
    await rate("down", why.querySelector("input").value.trim());
    why.hidden = true;
  };
  acts.querySelector("[data-anew]").onclick = () => anew(message.id, node);
  paint();
  node.querySelector(".rating")?.remove();
  node.append(acts);
}

function show(node, message) {
  if (message.person) {
    node.classList.add("human");
    node.querySelector(".meta b").textContent = message.person.name;
  }
  write(node, message.content, message.citations);
  node.classList.remove("writing", "bad");
  if (message.stopped) badge(node, "Stopped");
  else badge(node, message.person || message.event || message.citations.length ? "" : "No source");
  if (!message.person && !message.event) actions(node, message);
  toEnd();
}

async function anew(message, node) {
  try {
    const made = await call("POST", `${about(message)}regenerate`);
    node.querySelector(".rating")?.remove();
    write(node, "");
    badge(node, "");
    node.classList.remove("bad");
    node.classList.add("writing");
    talk.append(node);
    expect(made, node);
  } catch (error) {
    badge(node, explain(error));
  }
}

stop.onclick = async () => {
  stop.disabled = true;
  try {
    await call("POST", address(box.dataset.stop), {});
  } catch {
    // The answer goes on; pressing again tries again.
  }
  stop.disabled = false;
  field.focus();
};

// Answers --------------------------------------------------------------------

function expect({ message_id: question, reply_id: reply, events_after: after }, node) {
  questions.set(reply, question);
  pending.set(question, { node, text: "" });
  stop.hidden = false;
  if (stream) return;
  last = after;
  listen();
}

function waiting({ message_id: question, reply_id: reply }) {
  if (question) questions.set(reply, question);
  return pending.get(questions.get(reply));
}

const EVENTS = {
  start(data) {
    const reply = waiting(data);
    if (reply) reply.text = "";
  },
  token(data) {
    const reply = waiting(data);
    if (!reply) return;
    reply.text += data.text;
    write(reply.node, reply.text);
    toEnd();
  },
  done(data) {
    const reply = waiting(data);
    if (!reply) return;
    show(reply.node, data.message);
    finish(data);
  },
  failed(data) {
    const reply = waiting(data);
    if (!reply) return;
    fail(reply.node, questions.get(data.reply_id), data.detail);
    finish(data);
  },
  // A person answers instead, or the agent says that one will.
  message({ message }) {
    show(turn("agent"), message);
  },
  handover({ holder, is_over: isOver }) {
    isWithPerson = holder !== "agent" && !isOver;
    rest();
  },
};

function fail(node, question, detail) {
  write(node, detail || "No answer this time.");
  node.classList.remove("writing");
  node.classList.add("bad");
  badge(node, "Failed");
  const again = document.createElement("button");
  Object.assign(again, { type: "button", className: "btn small", textContent: "Answer anew" });
  again.onclick = () => anew(question, node);
  const acts = document.createElement("div");
  acts.className = "rating";
  acts.append(again);
  node.append(acts);
  toEnd();
}

function finish({ reply_id: reply }) {
  pending.delete(questions.get(reply));
  stop.hidden = !pending.size;
  rest();
}

// Listen no longer than there is something to hear.
function rest() {
  if (pending.size || isWithPerson) return;
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
  for (let tries = 0; (pending.size || isWithPerson) && tries < TRIES; tries += 1) {
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
    if (pending.size || isWithPerson) await new Promise((wake) => setTimeout(wake, 500 * 2 ** tries));
  }
  stream = null;
  stop.hidden = true;
  for (const [question, { node }] of pending)
    fail(node, question, "The connection was lost. Load this page again to see the answer.");
  pending.clear();
}

// Questions ------------------------------------------------------------------

async function ask(text) {
  turn("you", text);
  const node = turn("agent");
  const question = unsent?.text === text ? unsent : { text, key: newKey(), opens: newKey() };
  unsent = null;
  try {
    if (!session) {
      session = (await call("POST", box.dataset.sessions, { agent: box.dataset.agent }, question.opens)).id;
      history.replaceState(null, "", `?${new URLSearchParams({ [NAME]: session })}`);
    }
    const made = await call("POST", address(box.dataset.messages), { content: text }, question.key);
    if (made.reply_id) expect(made, node);
    else {
      node.remove();
      isWithPerson = true;
      if (!stream) {
        last = made.events_after;
        listen();
      }
    }
  } catch (error) {
    write(node, explain(error));
    node.classList.remove("writing");
    node.classList.add("bad");
    field.value ||= text;
    if (!(error instanceof Refused)) unsent = question;
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

// Show what was said before the page was left, and go on with what was under way.
async function resume() {
  const { messages, events_after: after, handover } = await call("GET", address(box.dataset.messages));
  for (const message of messages) {
    if (message.role === "user") {
      turn("you", message.content);
      if (UNFINISHED.has(message.status))
        pending.set(message.id, { node: turn("agent"), text: "" });
      if (message.status === "failed") fail(turn("agent"), message.id, "");
    } else if (message.role === "assistant" && !message.superseded) {
      const mine = message.ratings.find((each) => each.user_id === box.dataset.viewer);
      show(turn("agent"), { ...message, mine: mine?.rating });
    }
  }
  isWithPerson = handover.holder !== "agent";
  stop.hidden = !pending.size;
  if (!pending.size && !isWithPerson) return;
  last = after;
  listen();
}

if (session) {
  send.disabled = true;
  try {
    await resume();
  } catch {
    // Of another agent, deleted, or never there: begin anew.
    session = null;
    history.replaceState(null, "", location.pathname);
  }
  send.disabled = false;
}
field.focus();
