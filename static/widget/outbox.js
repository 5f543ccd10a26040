// Questions on their way: sent one after the other, kept while the line is
// down, and sent again under the same key, so that none arrives twice.

import { patience, pause } from "./stream.js";

export const LIMIT = 20;
const PASSING = new Set([409, 502, 503, 504]);
const MOST_TRIES = 6;
const LONGEST_WAIT = 60;

const back = () =>
  new Promise((resolve) => addEventListener("online", resolve, { once: true }));

//   send(item) resolves to the server's receipt
//   on.sent(item, receipt), on.waiting(item, error), on.failed(item, error)
//   on.changed(items) whenever one comes or goes
export const createOutbox = (send, on) => {
  const queue = [];
  let busy = false;

  // How long until the next try, or null when trying again is no use.
  const delay = (error, tries) => {
    if (error instanceof TypeError) return patience(tries);
    if (error.status === 429 && error.wait && error.wait <= LONGEST_WAIT)
      return error.wait * 1000;
    if (PASSING.has(error.status) && tries < MOST_TRIES)
      return Math.max(error.wait * 1000, patience(tries));
    return null;
  };
  const leave = () => {
    queue.shift();
    on.changed(queue);
  };
  const deliver = async (item) => {
    for (let tries = 0; queue[0] === item; tries += 1) {
      try {
        const receipt = await send(item);
        leave();
        return on.sent(item, receipt);
      } catch (error) {
        const time = delay(error, tries);
        if (queue[0] !== item) return null;
        if (time === null) {
          leave();
          return on.failed(item, error);
        }
        on.waiting(item, error);
        await (navigator.onLine ? Promise.race([pause(time), back()]) : back());
      }
    }
    return null;
  };
  const drain = async () => {
    if (busy) return;
    busy = true;
    while (queue.length) await deliver(queue[0]);
    busy = false;
  };
  return {
    get isFull() {
      return queue.length >= LIMIT;
    },
    put(item) {
      queue.push(item);
      on.changed(queue);
      drain();
    },
    clear() {
      queue.splice(0);
      on.changed(queue);
    },
  };
};
