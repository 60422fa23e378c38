"use strict";
// Says what stands under the pointer on a board's charts, and goes over the entries by arrow keys. Without this script
// each mark has its title, and the board lists the same numbers.

const NEAR = 24; // units of the picture
const answers = new Map(); // address -> entries, asked for when somebody first points at a chart

function fetchEntries(address) {
  if (!answers.has(address)) {
    const asked = fetch(address, { headers: { accept: "application/json" } });
    answers.set(address, asked.then((answer) => (answer.ok ? answer.json() : { entries: [] })).then((board) => board.entries));
  }
  return answers.get(address);
}

// "relative_runtime log -3 0 40 470": a field, its scale, the values at both ends, where these lie
function readScale(text) {
  const [field, kind, ...numbers] = text.split(" ");
  const [low, high, start, end] = numbers.map(Number);
  return (entry) => {
    let value = entry[field];
    if (value === null || value === undefined) return null;
    if (typeof value === "string") value = Date.parse(value) / 1000;
    if (kind === "log") value = value > 0 ? Math.log10(value) : low;
    const share = Math.min(Math.max((value - low) / (high - low), 0), 1);
    return start + share * (end - start);
  };
}

function describe(entry) {
  const lines = [entry.place === "reference" ? entry.filename : entry.name];
  if (entry.rank) lines.push(`place ${entry.rank}${entry.rank_label === String(entry.rank) ? "" : `, tied ${entry.rank_label}`}`);
  if (entry.score !== null) {
    const ends = entry.score_low === null ? "" : ` (${entry.score_low.toFixed(3)} to ${entry.score_high.toFixed(3)})`;
    lines.push(`score ${entry.score.toFixed(3)}${ends}`);
  }
  if (entry.relative_runtime !== null) lines.push(`runtime ${(100 * entry.relative_runtime).toFixed(1)} %`);
  lines.push(entry.submitted_at.slice(0, 10));
  return lines;
}

// Every entry that the chart shows, with where it lies.
function place(chart, entries) {
  const [x, y] = [readScale(chart.dataset.x), readScale(chart.dataset.y)];
  const shown = entries.filter((entry) => !("ranked" in chart.dataset) || (entry.place === "ranked" && !entry.decided_early));
  return shown.map((entry) => ({ entry, left: x(entry), top: y(entry) })).filter(({ left, top }) => left !== null && top !== null);
}

function findNearest(points, at) {
  const distance = ({ left, top }) => Math.hypot(left - at.x, top - at.y);
  const near = points.filter((point) => distance(point) <= NEAR);
  return near.length ? near.reduce((best, each) => (distance(each) < distance(best) ? each : best)) : null;
}

// Right and left go along the axis to the right, up and down along the other one.
function findNext(points, shown, key) {
  const along = key === "ArrowUp" || key === "ArrowDown" ? (point) => -point.top : (point) => point.left;
  const order = [...points].sort((a, b) => along(a) - along(b) || a.left - b.left || b.top - a.top);
  if (key === "Home") return order[0];
  if (key === "End") return order.at(-1);
  const step = key === "ArrowRight" || key === "ArrowUp" ? 1 : -1;
  const at = order.findIndex((point) => point.entry.submission_id === shown);
  if (at < 0) return step > 0 ? order[0] : order.at(-1);
  return order[Math.min(Math.max(at + step, 0), order.length - 1)];
}

function hide(chart) {
  chart.querySelector(".hit")?.remove();
  delete chart.dataset.shown;
  const bubble = chart.parentElement.querySelector(".bubble");
  if (bubble) bubble.hidden = true;
}

// There before anything is told in it: only then it is read out.
function getBubble(chart) {
  const found = chart.parentElement.querySelector(".bubble");
  if (found) return found;
  const bubble = document.createElement("p");
  bubble.className = "bubble";
  bubble.hidden = true;
  bubble.setAttribute("role", "status");
  chart.parentElement.append(bubble);
  return bubble;
}

function tell(chart, found) {
  if (chart.dataset.shown === found.entry.submission_id) return;
  hide(chart);
  chart.dataset.shown = found.entry.submission_id;
  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  for (const [name, value] of Object.entries({ class: "hit", cx: found.left, cy: found.top, r: 8 })) ring.setAttribute(name, value);
  chart.append(ring);
  const bubble = getBubble(chart);
  bubble.hidden = false;
  const [name, ...rest] = describe(found.entry);
  const strong = document.createElement("strong");
  strong.textContent = name;
  bubble.replaceChildren(strong, " ", rest.join(" · "));
  const box = chart.getBoundingClientRect();
  const scale = box.width / chart.viewBox.baseVal.width;
  const left = Math.min(found.left * scale + 12, box.width - bubble.offsetWidth);
  bubble.style.left = `${Math.max(left, 0)}px`;
  bubble.style.top = `${chart.offsetTop + found.top * scale + 14}px`;
}

function open(entry) {
  location.assign(`/submissions/${entry.submission_id}`);
}

async function point(event) {
  const chart = event.target.closest?.("svg[data-points]");
  for (const other of document.querySelectorAll("svg[data-points]")) {
    if (other !== chart && other !== document.activeElement) hide(other);
  }
  if (!chart) return null;
  const box = chart.getBoundingClientRect();
  const scale = chart.viewBox.baseVal.width / box.width;
  const at = { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  const found = findNearest(place(chart, await fetchEntries(chart.dataset.points)), at);
  if (found) tell(chart, found);
  else if (chart !== document.activeElement) hide(chart);
  return found;
}

const KEYS = ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End"];

async function press(event) {
  const chart = event.target.closest?.("svg[data-points]");
  if (!chart || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") hide(chart);
  if (![...KEYS, "Enter"].includes(event.key)) return;
  event.preventDefault(); // the page would scroll
  const points = place(chart, await fetchEntries(chart.dataset.points));
  const shown = points.find((each) => each.entry.submission_id === chart.dataset.shown);
  if (event.key === "Enter") {
    if (shown) open(shown.entry);
  } else if (points.length) tell(chart, findNext(points, chart.dataset.shown, event.key));
}

document.addEventListener("pointermove", (event) => { point(event).catch(() => {}); });
document.addEventListener("click", async (event) => {
  const found = await point(event).catch(() => null);
  if (found && event.pointerType === "mouse") open(found.entry);
});
document.addEventListener("keydown", (event) => { press(event).catch(() => {}); });
document.addEventListener("focusin", (event) => {
  const chart = event.target.closest?.("svg[data-points]");
  if (!chart) return;
  chart.setAttribute("role", "application"); // a screen reader leaves it the arrow keys
  chart.setAttribute("aria-roledescription", "chart");
  getBubble(chart);
});
document.addEventListener("focusout", (event) => {
  const chart = event.target.closest?.("svg[data-points]");
  if (chart) hide(chart);
});
