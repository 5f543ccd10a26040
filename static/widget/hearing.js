// Hear what happens in a conversation: by its stream, or by asking where there is none.

import { isGone } from "./faults.js";
import { follow, pause } from "./stream.js";

const ASK_EVERY = 3000;

//   isExpecting() says whether there is anything to hear
//   take(name, data) gets each event, catchUp() asks for what was missed
//   broken() tells that the stream is interrupted, gone(error) that it is over
export const createHearing = (door, { isExpecting, take, catchUp, broken, gone }) => {
  let stop = null;
  let isAsking = false;

  const open = (after, signal) =>
    door.request("GET", `stream?after=${encodeURIComponent(after)}`, {
      headers: { Accept: "text/event-stream", "Last-Event-ID": after },
      signal,
    });
  const missed = () => catchUp().catch((error) => isGone(error) && gone(error));

  return {
    get isOn() {
      return stop !== null;
    },
    begin(after) {
      stop ||= follow({
        after,
        open,
        take,
        broken: async (tries, fault) => {
          if (fault && isGone(fault)) return gone(fault);
          if (tries > 1 || fault) broken();
          return missed();
        },
      });
    },
    end() {
      stop?.();
      stop = null;
    },
    async poll() {
      if (isAsking) return;
      isAsking = true;
      while (isExpecting() && !stop) {
        await pause(ASK_EVERY);
        if (!stop) await missed();
      }
      isAsking = false;
    },
  };
};
