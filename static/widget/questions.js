// Which questions are still to be answered, and which reply is to whose. Events of a
// question may come before its receipt, and again after a reload.

export const createQuestions = () => {
  const open = new Set();
  const settled = new Set();
  const byReply = new Map();

  return {
    get areOpen() {
      return open.size > 0;
    },
    get open() {
      return [...open];
    },
    expect(question) {
      settled.delete(question);
      open.add(question);
    },
    settle(question) {
      settled.add(question);
      open.delete(question);
    },
    isSettled: (question) => settled.has(question),
    of: (reply) => byReply.get(reply),
    answeredBy: (reply, question) => byReply.set(reply, question),
    // Whether words of this reply still belong in the log.
    isOpen(reply, question) {
      // An answer may end before it has begun.
      if (question && !byReply.has(reply)) byReply.set(reply, question);
      return byReply.has(reply) && !settled.has(byReply.get(reply));
    },
    clear() {
      [open, settled, byReply].forEach((known) => known.clear());
    },
  };
};
