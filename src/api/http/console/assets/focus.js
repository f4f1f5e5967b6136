// The focus view: decide, go on at once, take back.
import { $, $$, dialog, el, say, t } from "./dom.js";
import { Refusal, parent, piece, queue, uuid } from "./api.js";
import * as keys from "./keys.js";
import { hear } from "./live.js";
import * as outbox from "./outbox.js";
import { reasons } from "./reasons.js";
import { remind, settings } from "./settings.js";
import { toast } from "./toast.js";

const AHEAD = 3;
const base = () => `/console/s/${document.body.dataset.site}`;

let root;
let cards;
let current = null;
let done = 0;
let note = "";
let fetching = null;
/** What was decided here, newest last: `{ id, card, decision, words }`. */
const past = [];
/** Cards that were skipped stay behind the others. */
const skipped = new Set();

const ready = () => $$(".card", cards).filter((card) => card.dataset.state !== "gone");
const usable = (card) => card.dataset.mine === "true" && card.dataset.state !== "decided" && Date.parse(card.dataset.expires) > Date.now();

function show(card) {
  for (const other of $$(".card", cards)) other.hidden = other !== card;
  current = card ?? null;
  note = "";
  $("#empty").hidden = Boolean(card);
  $("#decide").classList.toggle("off", !card || !usable(card));
  offer(card);
  if (card) {
    document.dispatchEvent(new Event("tamis:cards"));
    $("#main").scrollTo?.(0, 0);
    scrollTo(0, 0);
    say($(".original", card)?.closest("[data-blurred=true]") && settings().blur ? t("js.show_text", { key: keys.keyOf("reveal") }) : ($(".original", card)?.textContent ?? "").slice(0, 300));
  }
}

/** A card that somebody else has, or nobody, can be taken. */
function offer(card) {
  $(".take", root)?.remove();
  if (!card || usable(card) || card.dataset.state === "decided" || root.dataset.single !== "true" && card.dataset.mine === "true") return;
  card.before(el("p", { class: "take" }, el("button", { type: "button", onclick: () => take(card) }, t("js.take"))));
}

async function take(card) {
  const id = card.dataset.item.split("/").pop();
  const [fresh] = await fetchCards(`item=${id}`);
  if (fresh) show(fresh);
}

function advance() {
  const rest = ready().filter((card) => card !== current && usable(card));
  show(rest.find((card) => !skipped.has(card.id)) ?? rest[0] ?? null);
  top_up();
}

/** Keeps some cards ahead; what comes goes behind what is there. */
async function top_up() {
  if (fetching || root.dataset.single === "true") return;
  const have = ready().filter(usable).length;
  if (have >= AHEAD) return;
  fetching = fetchCards(`count=${AHEAD - have}${root.dataset.query ? `&${root.dataset.query}` : ""}`);
  try {
    await fetching;
    if (!current) advance();
  } catch (error) {
    if (error instanceof Refusal && error.status === 0) outbox.net(false);
    setTimeout(top_up, 3000);
  } finally {
    fetching = null;
  }
}

async function fetchCards(query) {
  const body = await piece("POST", `${base()}/next?${query}`);
  const waiting = body.dataset.waiting;
  if (waiting) $("#waiting").textContent = waiting;
  const fresh = $$(".card", body).map((card) => {
    const mine = document.adoptNode(card);
    document.getElementById(mine.id)?.remove();
    cards.append(mine);
    return mine;
  });
  document.dispatchEvent(new Event("tamis:cards"));
  return fresh;
}

/** Rules on the card in front and goes on; the server is told meanwhile. */
function decide(ruled, words) {
  const card = current;
  if (!card) return;
  if (!usable(card)) return expired(card);
  const message = { name: card.dataset.item, leaseToken: card.dataset.token, requestId: uuid(), ruled: { ...ruled, ...(note ? { note } : {}) } };
  const record = { id: message.requestId, card, decision: null, words };
  past.push(record);
  card.dataset.state = "gone";
  count(1);
  const close = toast(words, { undo: () => undo(record), kind: ruled.disposition === "DISPOSITION_APPROVE" ? "good" : "bad" });
  record.close = close;
  say(words);
  record.answer = outbox.send(message).then(
    (decision) => {
      record.decision = decision;
      card.dataset.decided = decision.name;
      card.remove();
    },
    (error) => refused(record, error),
  );
  advance();
}

function count(by) {
  done += by;
  $("#done").textContent = done;
}

function refused(record, error) {
  record.failed = true;
  record.close?.();
  count(-1);
  const at = past.indexOf(record);
  if (at >= 0) past.splice(at, 1);
  record.card.remove();
  const stands = error.instead?.disposition;
  const what = stands === "APPROVE" ? t("js.approved") : stands ? t("js.rejected", { reason: t(`reason.${(error.instead.reason_code ?? "other").toLowerCase()}`) }) : "";
  if (what) toast(t("js.lost", { what }), { kind: "bad", ms: 10000 });
  else if (error.reason === "LEASE_LOST" || error.reason === "ITEM_HELD") toast(t("js.lost_plain"), { kind: "bad", ms: 10000 });
  else toast(t("js.failed", { why: error.message }), { kind: "bad", ms: 10000 });
}

function expired(card) {
  card.dataset.state = "gone";
  toast(t("js.over"), { kind: "bad" });
  advance();
  card.remove();
}

/** Takes a decision back and brings its card to the front. */
async function undo(record = past.at(-1)) {
  if (!record) return;
  const at = past.indexOf(record);
  if (at >= 0) past.splice(at, 1);
  record.close?.();
  if (outbox.withdraw(record.id)) {
    record.card.dataset.state = "claimed";
    count(-1);
    if (!record.card.isConnected) cards.prepend(record.card);
    show(record.card);
    return toast(t("js.undone"));
  }
  const waiting = toast(t("js.undo_wait"), { ms: 60000 });
  await record.answer;
  if (record.failed) return waiting();
  const message = { name: record.decision.name, requestId: uuid() };
  for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
    try {
      await queue("UndoDecision", message);
      break;
    } catch (error) {
      if (error instanceof Refusal && error.passing) {
        await new Promise((go) => setTimeout(go, pause));
        continue;
      }
      waiting();
      return toast(t("js.undo_failed", { why: error.message }), { kind: "bad" });
    }
  }
  count(-1);
  waiting();
  toast(t("js.undone"));
  const [card] = await fetchCards(`item=${record.card.dataset.item.split("/").pop()}`).catch(() => []);
  if (card) show(card);
}

const approve = () => decide({ disposition: "DISPOSITION_APPROVE" }, t("js.approved"));
const reject = (code, extra = {}) =>
  decide({ disposition: "DISPOSITION_REJECT", reasonCode: `REASON_CODE_${code.toUpperCase()}`, ...extra }, t("js.rejected", { reason: t(`reason.${code}`) }));

function skip() {
  if (!current) return;
  skipped.add(current.id);
  cards.append(current);
  advance();
}

async function addNote() {
  if (!current) return;
  const field = el("textarea", { rows: 3, maxlength: 500, "aria-label": t("js.note_title") });
  field.value = note;
  const answer = await dialog(t("js.note_title"), [el("p", { class: "soft" }, t("js.note_hint")), field], [["", t("js.cancel")], ["keep", t("js.save"), "primary"]]);
  if (answer === "keep") note = field.value.trim();
}

async function block() {
  if (!current) return;
  if (!current.dataset.author) return toast(t("js.no_author"));
  const ban = root.dataset.ban === "true";
  const answer = await dialog(t(ban ? "js.block_ban" : "js.block_check"), [el("p", {}, el("bdi", {}, current.dataset.author))], [["", t("js.cancel")], ["yes", t("js.block_yes"), "bad"]]);
  if (answer === "yes") reject("spam", { authorAction: ban ? "AUTHOR_ACTION_BAN" : "AUTHOR_ACTION_PRE_MODERATE" });
}

const toggle = (selector) => () => {
  const box = current && $(selector, current);
  if (!box) return;
  box.open = !box.open;
  if (box.open) box.scrollIntoView({ block: "nearest" });
};

/** Leases of what is ahead are made longer while the page is looked at. */
async function renew() {
  if (document.hidden) return;
  for (const card of ready().filter(usable)) {
    if (Date.parse(card.dataset.expires) - Date.now() > 120000) continue;
    try {
      const answer = await queue("RenewLease", { name: card.dataset.item, leaseToken: card.dataset.token }, { background: card !== current });
      card.dataset.expires = answer.leaseExpireTime;
    } catch (error) {
      if (error instanceof Refusal && !error.passing) lose(card);
    }
  }
}

function lose(card) {
  card.dataset.expires = new Date(0).toISOString();
  if (card !== current) card.remove();
  else $("#decide").classList.add("off");
}

/** What is not decided goes back when the page is left. */
function giveBack() {
  const items = ready().filter((card) => usable(card) && !outbox.holds(card.dataset.item)).map((card) => ({ name: card.dataset.item, leaseToken: card.dataset.token }));
  if (items.length) queue("ReleaseQueueItems", { parent, items }, { keepalive: true, background: true }).catch(() => {});
}

function heard(event) {
  const card = document.getElementById(`item-${event.id}`);
  if (event.kind === "QUEUE_EVENT_KIND_ADDED" || event.kind === "QUEUE_EVENT_KIND_RELEASED") {
    if (!current) top_up();
    return;
  }
  if (!card || card.dataset.state === "gone" || event.keyId === document.body.dataset.me) return;
  // Somebody else decided it, in a batch or after the lease was over.
  if (event.kind === "QUEUE_EVENT_KIND_DECIDED") {
    card.dataset.state = "decided";
    if (card !== current) card.remove();
    else $("#decide").classList.add("off");
  }
}

export function start() {
  root = $("#focus");
  cards = $("#cards");
  const menu = reasons((code) => reject(code));
  const deeds = { approve, reject: menu.toggle, spam: () => reject("spam"), skip, note: addNote, undo: () => undo() };
  root.addEventListener("click", (event) => {
    const name = event.target.closest("[data-do]")?.dataset.do;
    if (name) deeds[name]?.();
  });
  for (const [name, deed] of Object.entries(deeds)) keys.on(name, deed);
  keys.on("next", skip);
  keys.on("previous", () => undo_view());
  keys.on("block", block);
  keys.on("history", toggle("[data-record]"));
  keys.on("explain", toggle("[data-more]"));
  keys.on("campaign", () => current?.dataset.campaign && (location.href = `${base()}/list?campaign=${current.dataset.campaign}`));
  keys.on("article", () => current?.dataset.article && open(current.dataset.article, "_blank", "noopener"));
  keys.on("reveal", () => current && $$("[data-text]", current).forEach((text) => text.classList.toggle("shown")));
  keys.on("search", () => (location.href = `${base()}/list#search`));
  keys.on("filters", () => (location.href = `${base()}/list#filters`));
  hear(heard);
  setInterval(renew, 20000);
  addEventListener("pagehide", giveBack);
  remind(() => done);
  const first = ready();
  show(root.dataset.single === "true" ? first[0] : first.find(usable) ?? first[0]);
  top_up();
}

/** Back to the card before this one among those that wait. */
function undo_view() {
  const rest = ready().filter(usable);
  const last = rest.at(-1);
  if (last && last !== current) {
    cards.prepend(last);
    show(last);
  }
}
