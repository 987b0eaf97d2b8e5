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

/** What the measuring process says of itself, which it says in English. */
function said(text) {
  const span = document.createElement("span");
  span.lang = "en";
  span.textContent = text;
  return span;
}

function words(happened) {
  switch (happened.kind) {
    case "phase": return said(`${happened.run}: ${happened.phase}`);
    case "ended": return said(`${happened.run}: ${happened.how}`);
    case "missed": return box.dataset.missed;
    default: return said(happened.text);
  }
}

async function fresh() {
  try {
    const answer = await fetch(location.href);
    // Who has been signed out meanwhile is led elsewhere: that is not this page.
    return answer.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null;
  }
}

/** Brings the tables of the page up to date, at most once in a while, and not under somebody's hands. */
function renew() {
  if (waits) return;
  waits = true;
  setTimeout(async () => {
    waits = false;
    const page = await fresh();
    // The stage moved on while there was no connection.
    if (page && !page.getElementById("live")) return location.reload();
    for (const selector of page ? ["#runs", "#applicants + *", ".facts"] : []) {
      const [old, now] = [document.querySelector(selector), page.querySelector(selector)];
      if (old && now && old.innerHTML !== now.innerHTML && !old.contains(document.activeElement)) old.replaceWith(now);
    }
  }, REST);
}

const events = new EventSource(box.dataset.events);
events.addEventListener("open", () => {
  state.textContent = box.dataset.listens;
  // What happened before, or while there was no connection.
  renew();
});
events.addEventListener("error", () => {
  state.textContent = events.readyState === EventSource.CLOSED ? box.dataset.closed : box.dataset.lost;
});
events.addEventListener("message", ({ data }) => {
  const happened = JSON.parse(data);
  // Another stage is another page: other sentences, other forms.
  if (happened.kind === "stage") return location.reload();
  line(words(happened));
  if (happened.kind !== "phase") renew();
});
