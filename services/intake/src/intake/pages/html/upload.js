// Sends a chosen file in parts: none is too large for one request, and what breaks off is sent
// again from there. Without this script the form itself sends files of up to 4 MB.
"use strict";

const TRIES = 6;

class Refused extends Error {}

async function call(url, options) {
  const answer = await fetch(url, { credentials: "same-origin", ...options });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  if (answer.status >= 500 || answer.status === 429) throw new Error(problem.detail);
  throw new Refused(problem.detail);
}

async function patiently(url, options) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await call(url, options);
    } catch (error) {
      if (error instanceof Refused || tried === TRIES) throw error;
      await new Promise((done) => setTimeout(done, 500 * 2 ** tried));
    }
  }
}

function json(body) {
  return {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
}

async function send(form, file) {
  const page = location.pathname;
  const bar = form.querySelector("progress");
  const begun = await patiently(`${page}/files`, json({ name: file.name.slice(-200), size: file.size }));
  const place = `${page}/files/${begun.id}`;
  bar.hidden = false;
  for (let number = 0; number < begun.parts; number += 1) {
    const from = number * begun.part_size;
    const part = file.slice(from, from + begun.part_size);
    await patiently(`${place}/parts/${number}`, { method: "PUT", body: part });
    bar.value = (number + 1) / begun.parts;
  }
  await patiently(`${place}/complete`, { method: "POST" });
  await patiently(`${place}/answer`, json({ item_id: form.dataset.item }));
}

function show(form, words) {
  const said = form.querySelector(".problem");
  said.textContent = words;
  said.hidden = words === "";
}

for (const form of document.querySelectorAll("form[data-item]")) {
  form.addEventListener("submit", async (event) => {
    const file = form.elements.file.files[0];
    if (!file) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    show(form, "");
    try {
      await send(form, file);
      location.assign(`${location.pathname}?said=item`);
    } catch (error) {
      form.querySelector("progress").hidden = true;
      show(form, error instanceof Refused && error.message
        ? error.message
        : "The connection broke off. Please choose the file again, or call us.");
      button.disabled = false;
    }
  });
}
