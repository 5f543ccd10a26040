// Server-sent events over fetch, so that the token travels in a header.

const SILENCE = 45_000;
const LONGEST_WAIT = 30_000;

export const pause = (time, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, time);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()));
  });

// 1 to 30 s, doubling, each spread over half its length.
export const patience = (tries) =>
  Math.min(LONGEST_WAIT, 1000 * 2 ** tries) * (0.5 + Math.random() / 2);

// Turn text as it comes into events {id, event, data}.
export const parser = (take) => {
  let rest = "";
  let event = {};
  const field = (line) => {
    if (!line) {
      if (event.data !== undefined) take(event);
      event = {};
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data" && event.data !== undefined) event.data += `\n${value}`;
    else event[name] = value;
  };
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    lines.forEach(field);
  };
};

const read = async (response, take, alive) => {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const feed = parser(take);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    feed(value);
  }
};

// Follow a stream until stop(): reopen it where it broke off.
//   open(after, signal) resolves to a response
//   take(name, data) gets each event
//   broken(tries) is told of each break and may answer with a promise
export const follow = ({ after, open, take, broken }) => {
  const ending = new AbortController();
  let last = after;
  const once = async () => {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    ending.signal.addEventListener("abort", stop);
    let watchdog;
    const alive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, SILENCE);
    };
    let heard = false;
    try {
      alive();
      const response = await open(last, attempt.signal);
      await read(
        response,
        ({ id, event, data }) => {
          heard = true;
          if (id) last = id;
          if (!ending.signal.aborted) take(event, JSON.parse(data));
        },
        alive,
      );
    } finally {
      clearTimeout(watchdog);
      ending.signal.removeEventListener("abort", stop);
    }
    return heard;
  };
  (async () => {
    for (let tries = 0; !ending.signal.aborted; tries += 1) {
      let fault = null;
      try {
        if (await once()) tries = -1;
      } catch (error) {
        fault = error;
      }
      if (ending.signal.aborted) return;
      await broken(tries + 1, fault);
      await pause(patience(Math.max(tries, 0)), ending.signal);
    }
  })();
  return () => ending.abort();
};
