"use strict";
// Shows beside a text in Markdown how it reads. Without this script the Preview button does, on the form shown again.

const PAUSE = 250; // milliseconds after the last key

async function read(editor, text) {
  const body = new URLSearchParams({ text });
  const answer = await fetch("/markdown", { method: "POST", body, headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const html = await answer.text();
  if (editor.querySelector("textarea").value !== text) return; // typed on meanwhile
  const reads = editor.querySelector(".reads");
  reads.querySelector(".prose").innerHTML = html; // cleaned by the server, as on every page
  reads.hidden = !html;
}

let waiting = 0;
document.addEventListener("input", (event) => {
  const editor = event.target.matches("textarea") && event.target.closest("[data-editor]");
  if (!editor) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => { read(editor, event.target.value).catch(() => {}); }, PAUSE);
});

for (const button of document.querySelectorAll("[data-preview]")) button.hidden = true;
