"use strict";
// Keeps a page true without reloading it. Without this script the pages still say everything.

async function swap(element) {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(element.id);
  if (fresh && fresh.innerHTML !== element.innerHTML) element.replaceWith(document.importNode(fresh, true));
}

function poll(id, etag) {
  const element = document.getElementById(id);
  const pause = Number(element.dataset.live);
  setTimeout(async () => {
    try {
      let next = etag;
      if (document.visibilityState === "visible") {
        if (element.dataset.check) {
          const headers = etag ? { "if-none-match": etag } : {};
          const answer = await fetch(element.dataset.check, { headers, cache: "no-store" });
          next = answer.headers.get("etag") || etag;
          if (answer.status === 200) await swap(element);
        } else {
          await swap(element);
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
    swap(page);
  });
}

for (const element of document.querySelectorAll("[data-live]")) poll(element.id, null);
const followed = document.querySelector("[data-events]");
if (followed) follow(followed);
