"use strict";
// One forget example at a time: its picture, both histograms, and what a threshold would tell. The report has the
// worst and the best of them without a script.

const SVG = "http://www.w3.org/2000/svg";
const BUCKETS = 32, BROAD = 480, HIGH = 150, FLOOR = 130;

function make(tag, attributes, ...inside) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

function count(values, low, high) {
  const counts = new Array(BUCKETS).fill(0);
  for (const value of values) {
    const place = Math.floor(((value - low) / (high - low)) * BUCKETS);
    counts[Math.min(Math.max(place, 0), BUCKETS - 1)] += 1;
  }
  return counts.map((each) => each / values.length);
}

function findRates(example, threshold) {
  const above = (values) => values.filter((value) => value > threshold).length / values.length;
  const [unlearned, retrained] = [above(example.unlearned), above(example.retrained)];
  const sides = [
    { words: "above", fpr: retrained, fnr: 1 - unlearned },
    { words: "up to", fpr: 1 - retrained, fnr: unlearned },
  ];
  for (const side of sides) {
    const parts = [[1 - side.fpr, side.fnr], [1 - side.fnr, side.fpr]];
    const known = parts.filter(([, wrong]) => wrong > 0).map(([right, wrong]) => Math.log(right / wrong));
    side.epsilon = known.length < 2 ? null : Math.max(0, ...known);
    side.gain = 1 - side.fpr - side.fnr;
  }
  return sides[0].gain >= sides[1].gain ? sides[0] : sides[1];
}

function drawHistograms(example, threshold, low, high) {
  const width = BROAD / BUCKETS;
  const shares = { retrained: count(example.retrained, low, high), unlearned: count(example.unlearned, low, high) };
  const most = Math.max(...shares.retrained, ...shares.unlearned);
  const bars = Object.entries(shares).flatMap(([kind, each]) => each.map((share, place) => make("rect", {
    class: `law ${kind}`, x: place * width, y: FLOOR - (share / most) * (FLOOR - 8), width: width - 1, height: (share / most) * (FLOOR - 8),
  })));
  const x = ((threshold - low) / (high - low)) * BROAD;
  const cut = make("path", { class: "cut", d: `M${x} 0V${FLOOR}` });
  const ends = [[0, "start", low], [BROAD, "end", high]].map(([at, anchor, value]) =>
    make("text", { x: at, y: FLOOR + 16, "text-anchor": anchor }, value.toFixed(1)));
  return make("svg", { viewBox: `0 0 ${BROAD} ${HIGH}`, class: "laws", role: "img", "aria-label": "Confidence of both kinds of models in this example" },
    ...bars, make("path", { class: "floor", d: `M0 ${FLOOR}H${BROAD}` }), cut, ...ends);
}

function show(box, example) {
  const all = [...example.unlearned, ...example.retrained];
  const [low, high] = [Math.min(...all), Math.max(...all) + 1e-6];
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: low, max: high, step: (high - low) / 200, value: (low + high) / 2 });
  slider.setAttribute("aria-label", "Threshold on the confidence");
  const heading = document.createElement("h3");
  heading.textContent = `Number ${example.rank} from the worst forgotten: ${example.label}, epsilon ${example.epsilon.toFixed(2)}`;
  const image = document.createElement("img");
  if (example.image) Object.assign(image, { src: example.image, alt: `the example, labelled ${example.label}`, width: 96, height: 96 });
  const words = document.createElement("p");
  words.textContent = example.words || `The attack that won: ${example.attack}.`;
  const plot = document.createElement("div");
  const rates = document.createElement("p");
  rates.setAttribute("role", "status");
  const move = () => {
    const threshold = Number(slider.value);
    plot.replaceChildren(drawHistograms(example, threshold, low, high));
    const found = findRates(example, threshold);
    const epsilon = found.epsilon === null ? "not told by so few models" : found.epsilon.toFixed(2);
    rates.textContent = `Who calls a model unlearned ${found.words} ${threshold.toFixed(2)}: FPR ${found.fpr.toFixed(2)}, FNR ${found.fnr.toFixed(2)}, epsilon ${epsilon}.`;
  };
  slider.addEventListener("input", move);
  // the line itself can be dragged too
  const drag = (event) => {
    const rect = plot.getBoundingClientRect();
    slider.value = low + Math.min(Math.max((event.clientX - rect.left) / rect.width, 0), 1) * (high - low);
    move();
  };
  plot.className = "threshold";
  plot.addEventListener("pointerdown", (event) => { plot.setPointerCapture(event.pointerId); drag(event); });
  plot.addEventListener("pointermove", (event) => { if (plot.hasPointerCapture(event.pointerId)) drag(event); });
  box.replaceChildren(heading, ...(example.image ? [image] : []), words, plot, slider, rates);
  move();
}

async function begin(section) {
  const answer = await fetch(section.dataset.examples, { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const examples = (await answer.json()).items;
  const box = section.querySelector(".one-example");
  const plot = section.querySelector("svg");
  if (!examples.length || !box || !plot) return;
  let shown = null;
  const choose = (example) => {
    if (example === shown) return;
    shown = example;
    show(box, example);
    section.querySelector(".told").textContent = box.firstElementChild.textContent; // read out
    for (const old of plot.querySelectorAll(".hit")) old.remove();
    const dot = plot.querySelector(`[data-rank="${example.rank}"]`);
    if (dot) plot.append(make("circle", { class: "hit", cx: dot.getAttribute("cx"), cy: dot.getAttribute("cy"), r: 8 }));
  };
  const list = section.querySelector("select");
  list.replaceChildren(...examples.map((each) => new Option(`${each.rank}: ${each.label}, epsilon ${each.epsilon.toFixed(2)}`, each.rank)));
  list.addEventListener("change", () => choose(examples.find((each) => each.rank === Number(list.value))));
  plot.addEventListener("pointermove", (event) => {
    const rect = plot.getBoundingClientRect();
    const x = ((event.clientX - rect.left) / rect.width) * plot.viewBox.baseVal.width;
    const near = (each) => {
      const dot = plot.querySelector(`[data-rank="${each.rank}"]`);
      return dot ? Math.abs(Number(dot.getAttribute("cx")) - x) : Infinity;
    };
    const example = examples.reduce((best, each) => (near(each) < near(best) ? each : best));
    list.value = example.rank;
    choose(example);
  });
  plot.addEventListener("focus", () => {
    plot.setAttribute("role", "application"); // a screen reader leaves it the arrow keys
    plot.setAttribute("aria-roledescription", "chart");
  });
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -examples.length, End: examples.length };
  plot.addEventListener("keydown", (event) => {
    if (!(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // the page would scroll
    const at = examples.indexOf(shown) + steps[event.key];
    const example = examples[Math.min(Math.max(at, 0), examples.length - 1)];
    list.value = example.rank;
    choose(example);
  });
  section.querySelector(".chosen").hidden = false;
  choose(examples[0]);
}

for (const section of document.querySelectorAll("[data-examples]")) begin(section).catch(() => {});
