// Decisions on their way. Each is kept in this browser until the server has answered, and
// sent again with the same request id, so that none is lost and none counts twice.
import { $, t } from "./dom.js";
import { queue, Refusal } from "./api.js";
import { toast } from "./toast.js";

const KEY = `tamis.outbox.${document.body.dataset.me}`;
const listeners = new Map();
let entries = [];
try { entries = JSON.parse(localStorage.getItem(KEY) || "[]"); } catch { entries = []; }
let sending = false;
let pause = 500;
let timer = null;

function keep() {
  try { localStorage.setItem(KEY, JSON.stringify(entries)); } catch { /* kept in memory */ }
  const box = $("#outbox");
  if (box) box.textContent = entries.length > 1 || (entries.length && !navigator.onLine) ? t("js.pending", { count: entries.length }) : "";
}

export const pending = () => entries.length;
export const holds = (name) => entries.some((entry) => entry.message.name === name);

/** Sends a decision; answers the decision once it is recorded. */
export function send(message) {
  const entry = { id: message.requestId, message };
  entries.push(entry);
  keep();
  const answer = new Promise((done, failed) => listeners.set(entry.id, { done, failed }));
  answer.catch(() => {});
  flush();
  return answer;
}

/** Takes back a decision that has not been sent yet; whether there was one. */
export function withdraw(id) {
  const at = entries.findIndex((entry) => entry.id === id && !entry.sent);
  if (at < 0) return false;
  entries.splice(at, 1);
  listeners.delete(id);
  keep();
  return true;
}

export async function flush() {
  if (sending || !entries.length) return;
  sending = true;
  clearTimeout(timer);
  try {
    while (entries.length) {
      const entry = entries[0];
      entry.sent = true;
      const waiting = listeners.get(entry.id);
      try {
        const { decision } = await queue("DecideQueueItem", entry.message);
        settle(entry);
        net(true);
        pause = 500;
        waiting?.done(decision);
      } catch (error) {
        if (error instanceof Refusal && error.passing) return later(error);
        if (error instanceof Refusal && error.status === 401) return signedOut();
        settle(entry);
        if (waiting) waiting.failed(error);
        else if (!(error instanceof Refusal && error.reason === "LEASE_LOST")) toast(t("js.failed", { why: error.message }), { kind: "bad" });
      }
    }
  } finally {
    sending = false;
  }
}

function settle(entry) {
  entries = entries.filter((other) => other !== entry);
  listeners.delete(entry.id);
  keep();
}

function later(error) {
  if (error.status === 0) net(false);
  pause = Math.min(pause * 2, 15000);
  timer = setTimeout(flush, error.retry ? error.retry * 1000 : pause);
}

function signedOut() {
  const to = `/console/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  toast(t("js.signed_out"), { kind: "bad", ms: 3600000, link: { href: to, text: t("js.sign_in") } });
}

let connected = true;
export function net(now) {
  const pill = $("#net");
  pill.hidden = now;
  pill.textContent = now ? "" : t("js.offline");
  if (now && !connected) toast(t("js.online"));
  connected = now;
  keep();
}

export function start() {
  keep();
  addEventListener("online", () => { net(true); flush(); });
  addEventListener("offline", () => net(false));
  addEventListener("beforeunload", (event) => { if (entries.length && navigator.onLine) event.preventDefault(); });
  flush();
}
