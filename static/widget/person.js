// A person in the agent's stead: asked for, waited for, there, and gone again.

import * as view from "./view.js";

const { say } = view;
const AGENT = { holder: "agent", person: null, is_late: false, has_email: false };

const button = document.getElementById("person");
const leave = document.getElementById("leave");
const address = leave.querySelector("input");

//   request(method, body) resolves to the server's JSON
//   on.asked(after) is told from which event on to listen
//   on.changed() is told that somebody else answers now
//   on.refused(error) is told why it did not work
export const createPerson = (request, on) => {
  let now = AGENT;
  let isOffered = false;
  let isAsking = false;

  const show = () => {
    button.hidden = !isOffered || now.holder !== "agent";
    leave.hidden = !now.is_late || now.has_email;
  };

  // What changed is said once, by whoever hears of it first.
  const set = (next) => {
    const before = now;
    now = next.is_over ? AGENT : next;
    if (now.holder === "person" && before.person?.name !== now.person.name)
      view.addNote(say("person_joined", { name: now.person.name }));
    if (before.holder !== "agent" && now.holder === "agent")
      view.addNote(say(next.is_over ? "person_over" : "person_left"));
    if (!before.has_email && now.has_email) view.addNote(say("email_kept"));
    show();
    on.changed();
  };

  const ask = async () => {
    if (isAsking || now.holder !== "agent") return;
    isAsking = true;
    try {
      const { events_after, handover } = await request("POST", {
        locale: document.documentElement.lang,
      });
      on.asked(events_after);
      set(handover);
    } catch (error) {
      on.refused(error);
    }
    isAsking = false;
  };

  button.onclick = ask;
  leave.onsubmit = async (event) => {
    event.preventDefault();
    try {
      set((await request("PUT", { email: address.value.trim() })).handover);
    } catch (error) {
      address.setAttribute("aria-invalid", `${error.status === 400}`);
      if (error.status === 400) view.setState(say("email_wrong"));
      else on.refused(error);
    }
  };

  return {
    ask,
    set,
    // Whether somebody is there or may come at any moment.
    get isExpected() {
      return now.holder !== "agent";
    },
    // What stands in the head meanwhile.
    get words() {
      if (now.holder === "person") return say("person_here", { name: now.person.name });
      return now.holder === "waiting" && !now.is_late ? say("person_waiting") : "";
    },
    // Begin without a word about how it came to be so.
    begin(setting, handover = AGENT) {
      isOffered = setting !== "off";
      now = handover;
      show();
    },
    // A line for what a reload finds in the history.
    noteOf({ event, person }) {
      if (event === "taken") return say("person_joined", { name: person.name });
      return event === "returned" ? say("person_left") : "";
    },
  };
};
