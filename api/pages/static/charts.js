"use strict";
// Says what stands under the pointer on a board's charts. Without this script each mark has its title.

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

function findNearest(chart, entries, at) {
  const [x, y] = [readScale(chart.dataset.x), readScale(chart.dataset.y)];
  let best = null;
  for (const entry of entries) {
    if ("ranked" in chart.dataset && (entry.place !== "ranked" || entry.decided_early)) continue;
    const [left, top] = [x(entry), y(entry)];
    if (left === null || top === null) continue;
    const distance = Math.hypot(left - at.x, top - at.y);
    if (distance <= NEAR && (best === null || distance < best.distance)) best = { entry, left, top, distance };
  }
  return best;
}

function hide(chart) {
  chart.querySelector(".hit")?.remove();
  chart.parentElement.querySelector(".bubble")?.remove();
}

function tell(chart, found) {
  hide(chart);
  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  for (const [name, value] of Object.entries({ class: "hit", cx: found.left, cy: found.top, r: 8 })) ring.setAttribute(name, value);
  chart.append(ring);
  const bubble = document.createElement("p");
  bubble.className = "bubble";
  const [name, ...rest] = describe(found.entry);
  const strong = document.createElement("strong");
  strong.textContent = name;
  bubble.append(strong, rest.join(" · "));
  chart.parentElement.append(bubble);
  const box = chart.getBoundingClientRect();
  const scale = box.width / chart.viewBox.baseVal.width;
  const left = Math.min(found.left * scale + 12, box.width - bubble.offsetWidth);
  bubble.style.left = `${Math.max(left, 0)}px`;
  bubble.style.top = `${chart.offsetTop + found.top * scale + 14}px`;
}

async function point(event) {
  const chart = event.target.closest?.("svg[data-points]");
  for (const other of document.querySelectorAll("svg[data-points]")) if (other !== chart) hide(other);
  if (!chart) return null;
  const box = chart.getBoundingClientRect();
  const scale = chart.viewBox.baseVal.width / box.width;
  const at = { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  const found = findNearest(chart, await fetchEntries(chart.dataset.points), at);
  if (found) tell(chart, found);
  else hide(chart);
  return found;
}

document.addEventListener("pointermove", (event) => { point(event).catch(() => {}); });
document.addEventListener("click", async (event) => {
  const found = await point(event).catch(() => null);
  if (found && event.pointerType === "mouse") location.assign(`/submissions/${found.entry.submission_id}`);
});
