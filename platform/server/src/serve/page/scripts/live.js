// What is going on in a season, as it happens; without this script the page is reloaded by hand.
"use strict";

const box = document.getElementById("live");
const list = box.querySelector("ol");
const state = box.querySelector("[data-state]");
/** Lines that are kept. */
const MOST = 30;
/** Milliseconds between two looks at the table of runs. */
const REST = 2000;
let waits = false;

function line(text) {
  const item = document.createElement("li");
  const now = new Date();
  const time = document.createElement("time");
  time.dateTime = now.toISOString();
  time.textContent = now.toLocaleTimeString(document.documentElement.lang);
  item.append(time, " ", text);
  list.prepend(item);
  list.hidden = false;
  while (list.children.length > MOST) list.lastElementChild.remove();
}

function words(happened) {
  switch (happened.kind) {
    case "phase": return `${happened.run}: ${happened.phase}`;
    case "ended": return `${happened.run} ${box.dataset.run} ${happened.how}`;
    case "missed": return box.dataset.missed;
    default: return happened.text;
  }
}

/** Brings what the page says of runs and applicants up to date, at most once in a while. */
function renew() {
  if (waits) return;
  waits = true;
  setTimeout(async () => {
    waits = false;
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const selector of ["#runs", "#applicants + *", ".facts"]) {
      const [old, fresh] = [document.querySelector(selector), page.querySelector(selector)];
      if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceWith(fresh);
    }
  }, REST);
}

const events = new EventSource(box.dataset.events);
events.addEventListener("open", () => { state.textContent = box.dataset.listens; });
events.addEventListener("error", () => { state.textContent = box.dataset.lost; });
events.addEventListener("message", ({ data }) => {
  const happened = JSON.parse(data);
  line(words(happened));
  if (happened.kind !== "phase") renew();
});
