"use strict";
// Keeps a page true without reloading it. Without this script the pages still say everything.

// What a reader typed, ticked, chose or stands in is theirs: a fresh page changes only what is around it.
function isTouched(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") {
    const usual = [...field.options].find((each) => each.defaultSelected) || field.options[0];
    return usual !== undefined && field.value !== usual.value;
  }
  if (field.type === "file") return field.files.length > 0;
  return field.tagName !== "BUTTON" && field.value !== field.defaultValue;
}

function isHeld(node) {
  if (!(node instanceof HTMLElement) || !node.matches("input, select, textarea")) return false;
  if (node.type === "hidden") return node.form !== null && [...node.form.elements].some(isTouched);
  return node === document.activeElement || isTouched(node);
}

const KEEP = {
  beforeNodeMorphed: (node) => !isHeld(node),
  beforeNodeRemoved: (node) =>
    !(node instanceof HTMLElement) || ![node, ...node.querySelectorAll("input, select, textarea")].some(isHeld),
  beforeAttributeUpdated: (name, node) => !(name === "open" && node.tagName === "DETAILS"),
};

async function renew(element) {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(element.id);
  if (fresh) Idiomorph.morph(element, document.importNode(fresh, true), { callbacks: KEEP });
}

function poll(id, etag) {
  const element = document.getElementById(id);
  if (!element || !element.dataset.live) return; // what it was about has ended
  const pause = Number(element.dataset.live);
  setTimeout(async () => {
    try {
      let next = etag;
      if (document.visibilityState === "visible") {
        if (element.dataset.check) {
          const headers = etag ? { "if-none-match": etag } : {};
          const answer = await fetch(element.dataset.check, { headers, cache: "no-store" });
          next = answer.headers.get("etag") || etag;
          if (answer.status === 200) await renew(element);
        } else {
          await renew(element);
        }
      }
      poll(id, next);
    } catch {
      poll(id, etag); // the server is away: ask again later
    }
  }, pause);
}

function follow(page) {
  const source = new EventSource(page.dataset.events);
  const text = (id, value) => { document.getElementById(id).textContent = value; };
  const moves = document.getElementById("moves");
  let first = true;
  source.addEventListener("status", (event) => {
    const move = JSON.parse(event.data);
    if (first) moves.replaceChildren(); // the stream tells the history from its beginning
    first = false;
    const time = document.createElement("time");
    time.textContent = `${move.at.slice(0, 19).replace("T", " ")} UTC`;
    const name = document.createElement("strong");
    name.textContent = (move.verdict || move.status).replaceAll("_", " ");
    const item = document.createElement("li");
    item.append(time, " ", name);
    moves.append(item);
    text("status", name.textContent);
  });
  source.addEventListener("progress", (event) => {
    const now = JSON.parse(event.data);
    document.getElementById("progress").value = now.finished;
    text("finished", now.finished);
    text("queue", now.queue_position ? `, number ${now.queue_position} in the queue` : "");
  });
  source.addEventListener("end", () => {
    source.close();
    renew(page);
  });
}

// Shows what would be kept of a notebook without losing the chosen file; without a script it is chosen once more.
async function send(form) {
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { accept: "text/html" } });
  if (answer.redirected) { location.assign(answer.url); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("reading");
  if (!fresh || !fresh.firstElementChild) { form.submit(); return; } // a refusal: let the browser show it
  document.getElementById("reading").replaceWith(document.importNode(fresh, true));
  document.getElementById("seen").value = page.getElementById("seen").value;
  document.getElementById("reading").scrollIntoView({ block: "nearest" });
}

const upload = document.querySelector("[data-upload]");
if (upload) upload.addEventListener("submit", (event) => {
  event.preventDefault();
  send(upload).catch(() => upload.submit());
});

for (const element of document.querySelectorAll("[data-live]")) poll(element.id, null);
const followed = document.querySelector("[data-events]");
if (followed) follow(followed);
