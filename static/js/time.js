// Relative times stay true while the page is open: <time datetime data-when>.
const STEPS = [
  [60, 1, "s"],
  [3600, 60, "min"],
  [86400, 3600, "h"],
  [28 * 86400, 86400, "d"],
];

function words(moment) {
  const distance = (Date.now() - moment.getTime()) / 1000;
  const size = Math.abs(distance);
  if (size < 5) return "just now";
  const step = STEPS.find(([limit]) => size < limit);
  if (!step) return null;
  const text = `${Math.floor(size / step[1])} ${step[2]}`;
  return distance > 0 ? `${text} ago` : `in ${text}`;
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-when]")) {
    const text = words(new Date(time.dateTime));
    if (text && text !== time.textContent) time.textContent = text;
  }
}

setInterval(refresh, 15000);
