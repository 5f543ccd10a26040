// What went wrong, in the visitor's words.

import { LONGEST } from "./composer.js";
import { say } from "./nodes.js";
import { Refused } from "./protocol.js";

// Nothing here will answer again.
export const isGone = (error) =>
  error instanceof Refused && (error.status === 404 || error.status === 403);

export const explain = (error) => {
  if (error instanceof TypeError) return say(navigator.onLine ? "unreachable" : "offline");
  if (error.code === "quota_exceeded") return say("quota");
  if (error.status === 429) return say("slower", { seconds: error.wait || 60 });
  if (error.status === 413) return say("too_long", { limit: LONGEST });
  return say(isGone(error) ? "blocked" : "not_sent");
};
