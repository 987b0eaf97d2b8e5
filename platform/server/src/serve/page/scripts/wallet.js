// Signing in with a wallet in this browser: EIP-1193, found by EIP-6963 where wallets announce themselves.
// Without this script the form below it does the same by hand.
"use strict";

const section = document.getElementById("wallet");
const say = section.querySelector("[data-state]");
const form = section.querySelector("form");
const found = new Map();

function failed(why, error) {
  say.className = "fault";
  say.setAttribute("role", "alert");
  say.textContent = `${why} ${error?.message ?? error}`;
}

function hex(text) {
  const bytes = new TextEncoder().encode(text);
  return "0x" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function offer(address) {
  const answer = await fetch(`${section.dataset.offer}?address=${encodeURIComponent(address)}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail ?? body.title);
  return body.message;
}

async function signIn(wallet) {
  say.className = "note";
  say.textContent = section.dataset.waits;
  let address, message, signature;
  try {
    [address] = await wallet.request({ method: "eth_requestAccounts" });
  } catch (error) {
    return failed(section.dataset.failed, error);
  }
  try {
    message = await offer(address);
  } catch (error) {
    return failed(section.dataset.refused, error);
  }
  try {
    signature = await wallet.request({ method: "personal_sign", params: [hex(message), address] });
  } catch (error) {
    return failed(section.dataset.failed, error);
  }
  form.elements.message.value = message;
  form.elements.signature.value = signature;
  form.submit();
}

function add(id, words, wallet) {
  if (found.has(id)) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = words;
  button.addEventListener("click", () => signIn(wallet));
  found.set(id, button);
  form.append(button, " ");
  section.hidden = false;
}

window.addEventListener("eip6963:announceProvider", ({ detail }) => {
  add(detail.info.uuid, `${section.dataset.with} ${detail.info.name}`, detail.provider);
});
window.dispatchEvent(new Event("eip6963:requestProvider"));
// Wallets that do not announce themselves.
if (found.size === 0 && window.ethereum) add("ethereum", section.dataset.button, window.ethereum);
