// The chat panel: what happens when, between the page, the server and the view.

import { createComposer } from "./composer.js";
import { explain, isGone } from "./faults.js";
import { createHearing } from "./hearing.js";
import { askBoot, listen, tell } from "./host.js";
import { createOutbox } from "./outbox.js";
import { createPerson } from "./person.js";
import { createDoor, Refused } from "./protocol.js";
import { createQuestions } from "./questions.js";
import { chime } from "./sound.js";
import { pause } from "./stream.js";
import * as unsent from "./unsent.js";
import * as view from "./view.js";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const TRY_EVERY = 3000;
const REASONS = { quota_exceeded: "quota", stopped: "stopped_early" };

const { say } = view;
const root = document.documentElement;
const fresh = document.getElementById("fresh");
const stop = document.getElementById("stop");

let settings = {};
let isOpen = false;
let isStarted = false;
let lastUse = 0;
const shown = new Set();
const questions = createQuestions();

const door = createDoor(async () => (await askBoot()).boot_code);

// Nothing is wrong: say who listens.
const ready = () => view.setState(person.words || say("ready"));

const block = (error) => {
  hearing.end();
  view.dropReplies();
  view.setState(say("blocked"), "blocked");
  composer.isOpen = false;
  tell("error", { code: error.code || "blocked" });
};

// Replies -------------------------------------------------------------------

const isExpecting = () => questions.areOpen || person.isExpected;

const expect = (question) => {
  questions.expect(question);
  stop.hidden = false;
};

// Listen no longer than there is something to hear.
const rest = () => {
  ready();
  if (!isExpecting()) hearing.end();
};

const settle = (question) => {
  questions.settle(question);
  stop.hidden = !questions.areOpen;
  rest();
};

const person = createPerson(
  async (method, body) => (await door.request(method, "handover", { body })).json(),
  {
    asked(after) {
      start();
      view.setSuggestions([]);
      hearing.begin(after);
    },
    changed() {
      if (person.isExpected && !hearing.isOn) hearing.poll();
      rest();
    },
    refused: (error) => (isGone(error) ? block(error) : view.setState(explain(error))),
  },
);

// The conversation has begun.
const start = () => {
  isStarted = true;
  lastUse = Date.now();
  fresh.hidden = false;
};

const showAnswer = (message, showIt) => {
  if (shown.has(message.id)) return;
  shown.add(message.id);
  showIt();
  tell("message", { role: "assistant", id: message.id });
  if (settings.sound_enabled && !isOpen) chime();
};

const startReply = (reply, question) => {
  questions.answeredBy(reply, question);
  if (!questions.isSettled(question))
    view.startReply(reply, { showTyping: settings.typing_indicator !== false });
};

const events = {
  start: ({ reply_id, message_id }) => startReply(reply_id, message_id),
  token({ reply_id, text }) {
    if (questions.isOpen(reply_id)) view.growReply(reply_id, text);
  },
  done({ reply_id, message_id, message }) {
    if (!questions.isOpen(reply_id, message_id)) return;
    ready();
    if (shown.has(message.id)) view.dropReply(reply_id);
    else showAnswer(message, () => view.finishReply(reply_id, message));
    if (message.offers_person) view.addOffer(person.ask);
    settle(questions.of(reply_id));
  },
  failed({ reply_id, message_id, code }) {
    if (!questions.isOpen(reply_id, message_id)) return;
    const question = questions.of(reply_id);
    if (code === "handed_over") view.dropReply(reply_id);
    else view.failReply(reply_id, say(REASONS[code] || "no_answer"), (note) => anew(question, note));
    if (code !== "stopped" && code !== "handed_over") tell("error", { code });
    settle(question);
  },
  // What a person says, or the agent about one.
  message: ({ message }) => showAnswer(message, () => view.addAnswer(message)),
  handover: (handover) => person.set(handover),
  // Another tab listens to this conversation now: ask for the answers instead.
  superseded() {
    hearing.end();
    hearing.poll();
  },
};

const isWaiting = ({ role, status }) =>
  role === "user" && (status === "pending" || status === "running");

const history = async () => (await door.request("GET", "messages")).json();

// What the stream should have told us, asked for instead.
const catchUp = async () => {
  const { messages, handover } = await history();
  for (const message of messages) {
    if (message.role === "assistant")
      showAnswer(message, () => {
        view.dropReplies();
        view.addAnswer(message);
      });
  }
  person.set(handover);
  const waiting = new Set(messages.filter(isWaiting).map(({ id }) => id));
  questions.open.filter((id) => !waiting.has(id)).forEach(settle);
};

const hearing = createHearing(door, {
  isExpecting,
  catchUp,
  take(name, data) {
    if (root.dataset.state === "reconnecting") ready();
    events[name]?.(data);
  },
  broken: () => view.setState(say("reconnecting"), "reconnecting"),
  gone: block,
});

// Questions -----------------------------------------------------------------

const outbox = createOutbox(
  async ({ key, text }) => {
    const options = { body: { content: text }, headers: { "Idempotency-Key": key } };
    return (await door.request("POST", "messages", options)).json();
  },
  {
    sent({ node }, { message_id, reply_id, events_after }) {
      node.classList.remove("waiting");
      start();
      // Sent before the page was left, and read back with the history since.
      if (shown.has(message_id)) node.remove();
      shown.add(message_id);
      ready();
      // A person answers: nothing is being written until one does.
      if (!reply_id) {
        questions.settle(message_id);
        hearing.begin(events_after);
      } else if (!questions.isSettled(message_id)) {
        expect(message_id);
        if (!questions.of(reply_id)) startReply(reply_id, message_id);
        hearing.begin(events_after);
      }
      tell("message", { role: "user", id: message_id });
    },
    waiting({ node }, error) {
      node.classList.add("waiting");
      view.setState(explain(error), "offline");
    },
    failed(item, error) {
      item.node.classList.remove("waiting");
      if (isGone(error)) block(error);
      else ready();
      view.markFailed(item.node, explain(error), isGone(error) ? null : () => again(item));
      tell("error", { code: error.code || "unreachable" });
    },
    changed: (items) => unsent.keep(door.session, items),
  },
);

// Go on with what was not sent when the page was left: under its key, so that it
// is asked once; or, where the conversation is another one, as a draft.
const takeUp = () => {
  const { session, items } = unsent.read();
  if (!items.length) return;
  if (session === door.session) {
    for (const { key, text } of items)
      outbox.put({ key, text, node: view.addQuestion(text) });
    return;
  }
  composer.write(items.map(({ text }) => text).join("\n"));
  unsent.keep("", []);
};

const again = (item) => {
  view.clearMark(item.node);
  outbox.put(item);
  composer.focus();
};

const ask = (text) => {
  view.setSuggestions([]);
  const node = view.addQuestion(text);
  view.scrollToEnd();
  outbox.put({ key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, text, node });
};

const composer = createComposer({
  ask,
  isFull: () => outbox.isFull,
  hinder: view.setState,
  allow() {
    if (root.dataset.state === "ready") ready();
  },
});

// What is done about answers ------------------------------------------------

const deed = async (path, body, refused) => {
  try {
    return await (await door.request("POST", path, { body })).json();
  } catch (error) {
    view.setState(refused[error.code] ? say(refused[error.code]) : explain(error));
    return null;
  }
};

const anew = async (message_id, node) => {
  const receipt = await deed("regenerate", { message_id }, { not_the_latest: "moved_on" });
  if (!receipt) return;
  node.remove();
  expect(receipt.message_id);
  lastUse = Date.now();
  startReply(receipt.reply_id, receipt.message_id);
  hearing.begin(receipt.events_after);
  composer.focus();
};

view.setDeeds({
  anew,
  rate: async (message_id, rating, comment = "") =>
    (await deed("feedback", { message_id, rating, comment }, {})) !== null,
});

stop.onclick = async () => {
  stop.disabled = true;
  await deed("stop", {}, {});
  stop.disabled = false;
  composer.focus();
  // The stream tells the end; who hears no stream asks.
  await pause(TRY_EVERY);
  if (questions.areOpen) catchUp().catch(() => {});
};

// The session ---------------------------------------------------------------

const welcome = () => {
  const text = settings.welcome_message || say("hello");
  view.fill(() => view.addAnswer({ content: text }));
  const offered = settings.quick_replies === false ? [] : settings.suggestions || [];
  view.setSuggestions(isStarted ? [] : offered, ask);
};

const resume = async () => {
  const { messages, events_after, handover } = await history();
  if (!messages.length) return;
  start();
  view.fill(() => {
    for (const message of messages) {
      shown.add(message.id);
      if (message.role === "user") view.addQuestion(message.content);
      else if (message.role === "assistant") view.addAnswer(message);
      else if (person.noteOf(message)) view.addNote(person.noteOf(message));
    }
  });
  person.begin(settings.handover, handover);
  for (const message of messages)
    if (isWaiting(message)) expect(message.id);
    else questions.settle(message.id);
  if (isExpecting()) hearing.begin(events_after);
  view.setSuggestions([]);
};

const dress = (dark) => {
  root.dataset.scheme = settings.theme === "dark" || dark ? "dark" : "light";
  root.dataset.theme = settings.theme || "modern";
};

const enter = async ({ boot_code, looks = {}, open, focus, dark }) => {
  const granted = await door.enter(boot_code);
  const set = Object.entries(looks).filter(([, value]) => typeof value === "string");
  settings = { ...granted.config, ...Object.fromEntries(set) };
  isOpen = open;
  dress(dark);
  root.dataset.animation = settings.animation || "slide-up";
  document.getElementById("brand").hidden = settings.branding === false;
  welcome();
  person.begin(settings.handover);
  if (granted.resumed) await resume();
  ready();
  composer.isOpen = true;
  takeUp();
  // Unless the visitor has gone elsewhere while we were asking.
  if (focus && document.hasFocus()) composer.focus();
  tell("session", { resumed: granted.resumed });
};

const begin = async () => {
  view.setState(say("connecting"), "booting");
  for (;;) {
    try {
      return await enter(await askBoot());
    } catch (error) {
      if (error instanceof Refused && error.status < 500) return block(error);
      view.setState(explain(error), "offline");
      await pause(TRY_EVERY);
    }
  }
};

const forget = () => {
  hearing.end();
  [shown, questions].forEach((known) => known.clear());
  isStarted = false;
  fresh.hidden = true;
  stop.hidden = true;
  person.begin(settings.handover);
};

fresh.onclick = async () => {
  fresh.disabled = true;
  try {
    await door.request("DELETE", "sessions");
    outbox.clear();
    forget();
    view.empty();
    composer.isOpen = false;
    await begin();
    composer.focus();
  } catch (error) {
    view.setState(explain(error));
  }
  fresh.disabled = false;
};

door.whenSessionIsNew(() => {
  if (!isStarted) return;
  forget();
  view.dropReplies();
  view.addNote(say("restarted"));
});

// The page ------------------------------------------------------------------

listen(({ type, dark }) => {
  dress(dark);
  isOpen = type === "open" || (type === "boot" && isOpen);
  if (type === "open") {
    view.scrollToEnd();
    composer.focus();
  }
});
document.getElementById("close").onclick = () => tell("close");
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) tell("close");
});
addEventListener("offline", () => view.setState(say("offline"), "offline"));
addEventListener("online", ready);
// Only while the conversation is in use: an idle tab's session may end.
setInterval(() => {
  if (isStarted && Date.now() - lastUse < HOUR) door.keepAlive().catch(() => {});
}, MINUTE);

begin();
