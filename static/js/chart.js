// A curve of figures a day, drawn by uPlot from [data-chart]. Its colours are
// the tokens, so it follows light and dark.
const DAY = 86400;

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function options(box, size) {
  const axis = { stroke: () => colour("--ink-3"), grid: { stroke: () => colour("--rule"), width: 1 }, ticks: { show: false }, font: "11px sans-serif" };
  return {
    ...size,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 8 } },
    scales: { y: { range: (_, __, max) => [0, Math.max(4, Math.ceil(max * 1.15))] } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 70, values: (_, marks) => marks.map(label) },
      { ...axis, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000] },
    ],
    series: [{}, { label: box.dataset.label, stroke: () => colour("--series-1"), fill: () => colour("--tide-wash"), width: 1.75, points: { show: false } }],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    hooks: { setCursor: [(plot) => tell(box, plot)] },
  };
}

function label(seconds) {
  return new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}

function tell(box, plot) {
  const at = plot.cursor.idx;
  const tip = box.querySelector(".tip");
  tip.hidden = at == null;
  if (at != null) tip.textContent = `${label(plot.data[0][at])}: ${plot.data[1][at]}`;
}

function draw(box) {
  const first = Date.parse(`${box.dataset.first}T00:00:00Z`) / 1000;
  const numbers = box.dataset.numbers.split(",").map(Number);
  const data = [numbers.map((_, day) => first + day * DAY), numbers];
  const tip = document.createElement("p");
  tip.className = "tip";
  tip.hidden = true;
  const size = () => ({ width: box.clientWidth, height: 180 });
  const plot = new uPlot(options(box, size()), data, box);
  box.append(tip);
  new ResizeObserver(() => plot.setSize(size())).observe(box);
  const redraw = () => plot.redraw(false);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

document.querySelectorAll("[data-chart]").forEach(draw);
