// One or two curves of figures a day or a week, drawn by uPlot from
// [data-chart]. Their colours are the tokens, so they follow light and dark.
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
  const unit = box.dataset.unit ?? "";
  const top = unit === "%" ? () => [0, 105] : (_, __, max) => [0, Math.max(4, Math.ceil(max * 1.15))];
  return {
    ...size,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 8 } },
    scales: { y: { range: top } },
    axes: [
      { ...axis, grid: { show: false }, size: 28, space: 70, values: (_, marks) => marks.map(label) },
      { ...axis, size: 48, incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000, 1000000], values: (_, marks) => marks.map((mark) => written(mark, unit)) },
    ],
    series: [{}, ...lines(box)],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    hooks: { setCursor: [(plot) => tell(box, plot)] },
  };
}

function lines(box) {
  // Between gaps a single figure has no line: it needs its dot.
  const points = box.dataset.unit === "%" ? { size: 5 } : { show: false };
  const shared = { width: 1.75, spanGaps: true, points };
  const first = { ...shared, label: box.dataset.label, stroke: () => colour("--series-1"), fill: () => colour("--tide-wash") };
  const second = { ...shared, label: box.dataset.secondLabel, stroke: () => colour("--series-4"), dash: [4, 3] };
  return box.dataset.second ? [first, second] : [first];
}

function label(seconds) {
  return new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}

function written(number, unit) {
  return number.toLocaleString("en-GB") + (unit && ` ${unit}`);
}

function tell(box, plot) {
  const at = plot.cursor.idx;
  const tip = box.querySelector(".tip");
  tip.hidden = at == null;
  if (at == null) return;
  const figures = plot.series.slice(1).map((line, n) => {
    const number = plot.data[n + 1][at];
    const words = number == null ? "none" : written(number, box.dataset.unit ?? "");
    return plot.series.length > 2 ? `${line.label} ${words}` : words;
  });
  tip.textContent = `${label(plot.data[0][at])}: ${figures.join(", ")}`;
}

function numbers(text) {
  return text.split(",").map((word) => (word === "" ? null : Number(word)));
}

function draw(box) {
  const first = Date.parse(`${box.dataset.first}T00:00:00Z`) / 1000;
  const step = Number(box.dataset.step ?? 1) * DAY;
  const curves = [box.dataset.numbers, box.dataset.second].filter(Boolean).map(numbers);
  const data = [curves[0].map((_, n) => first + n * step), ...curves];
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
