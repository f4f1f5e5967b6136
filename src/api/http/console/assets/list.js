// The list view: move, select, decide together.
import { $, $$, t } from "./dom.js";
import { parent } from "./api.js";
import { decideMany } from "./bulk.js";
import * as keys from "./keys.js";
import { hear } from "./live.js";
import { reasons } from "./reasons.js";
import { toast } from "./toast.js";

const FIELDS = ["author", "section", "language", "label", "article", "rule", "campaign", "cause", "action", "state", "order", "queue", "min", "max"];
let rows;
let at = -1;
let anchor = -1;

const all = () => $$(".row", rows);
const box = (row) => $("input", row);
const picked = () => all().filter((row) => box(row).checked);

function move(to) {
  const list = all();
  if (!list.length) return;
  at = Math.max(0, Math.min(list.length - 1, to));
  for (const row of list) row.classList.toggle("here", row === list[at]);
  list[at].focus({ preventScroll: true });
  list[at].scrollIntoView({ block: "nearest" });
}

function tell() {
  const count = picked().length;
  $("#picked").textContent = count === 0 ? "" : count === 1 ? t("js.selected_one") : t("js.selected_many", { count });
  $("#bulk").hidden = count === 0;
  $("#bulk-count").textContent = $("#picked").textContent;
  for (const row of all()) row.classList.toggle("picked", box(row).checked);
}

function select(event) {
  const list = all();
  if (at < 0) move(0);
  const row = list[at];
  if (!row) return;
  if (event?.shiftKey && anchor >= 0) {
    const [from, to] = anchor < at ? [anchor, at] : [at, anchor];
    const on = box(list[anchor]).checked;
    for (const one of list.slice(from, to + 1)) box(one).checked = on;
  } else {
    box(row).checked = !box(row).checked;
    anchor = at;
  }
  tell();
}

async function bulk(what, code) {
  const chosen = picked();
  if (!chosen.length) return;
  if ($("#list").dataset.bulk !== "true") return toast(t("js.bulk_lead"));
  const names = chosen.map((row) => `${parent}/queueItems/${row.dataset.item}`);
  const result = await decideMany({ items: { names } }, what, code);
  if (!result) return;
  for (const row of chosen) {
    row.dataset.state = "decided";
    box(row).checked = false;
  }
  tell();
}

function heard(event) {
  const row = $(`.row[data-item="${CSS.escape(event.id)}"]`, rows);
  // Rows change their look, never their place.
  if (row && event.kind === "QUEUE_EVENT_KIND_DECIDED") row.dataset.state = "decided";
  if (row && (event.kind === "QUEUE_EVENT_KIND_UNDONE" || event.kind === "QUEUE_EVENT_KIND_RELEASED")) row.dataset.state = "open";
  if (row && event.kind === "QUEUE_EVENT_KIND_CLAIMED") row.dataset.state = "claimed";
}

/** `author:ana label:spam` becomes the fields of the form. */
function search(event) {
  const form = $("#filters");
  const words = form.q.value.trim().split(/\s+/).filter(Boolean);
  const query = new URLSearchParams(new FormData(form));
  query.delete("q");
  for (const word of words) {
    const [name, ...rest] = word.split(":");
    if (rest.length && FIELDS.includes(name)) query.set(name, rest.join(":"));
    else if (!rest.length) query.set("author", word);
  }
  for (const [name, value] of [...query]) if (!value) query.delete(name);
  event.preventDefault();
  location.search = query;
}

export function start() {
  rows = $("#rows");
  const menu = reasons((code) => bulk("reject", code));
  const deeds = { approve: () => bulk("approve"), reject: () => picked().length && menu.toggle(), spam: () => bulk("reject", "spam") };
  $("#bulk").addEventListener("click", (event) => deeds[event.target.closest("[data-bulk]")?.dataset.bulk]?.());
  for (const [name, deed] of Object.entries(deeds)) keys.on(name, deed);
  keys.on("next", () => move(at + 1));
  keys.on("previous", () => move(at - 1));
  keys.on("select", select);
  keys.on("open", () => all()[at] && $("a", all()[at]).click());
  keys.on("reveal", () => all()[at] && $$("[data-text]", all()[at]).forEach((text) => text.classList.toggle("shown")));
  keys.on("search", () => $("#search").focus());
  keys.on("filters", () => $("#filters select").focus());
  rows.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (!row) return;
    at = all().indexOf(row);
    for (const other of all()) other.classList.toggle("here", other === row);
    if (event.target === box(row)) {
      box(row).checked = !box(row).checked;
      select(event);
    }
  });
  $("#filters").addEventListener("submit", search);
  $("#filters").addEventListener("click", (event) => {
    const name = event.target.closest("[data-drop]")?.dataset.drop;
    if (!name) return;
    const query = new URLSearchParams(location.search);
    query.delete(name);
    location.search = query;
  });
  document.addEventListener("tamis:bulk-undone", () => location.reload());
  hear(heard);
  if (location.hash === "#search") $("#search").focus();
  if (location.hash === "#filters") $("#filters select").focus();
}
