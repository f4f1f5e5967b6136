// The range view: dots by probability, two handles, an estimate, a look, a decision.
import { $, $$, el, svg, t } from "./dom.js";
import { piece } from "./api.js";
import { decideMany } from "./bulk.js";
import * as keys from "./keys.js";
import { reasons } from "./reasons.js";
import { toast } from "./toast.js";

let columns;
let looked = new Map();
let want = 10;
const box = () => $("#range");
const from = () => Number($("#from").value);
const to = () => Number($("#to").value);
const inside = () => columns.filter((column) => column.from >= from() && column.from < to());
const sum = (list, name) => list.reduce((total, one) => total + one[name], 0);

function draw() {
  const chart = $("#dots");
  const most = Math.max(1, ...columns.map((column) => column.count));
  // One dot is one comment while they fit; beyond, the least number that does.
  const each = Math.ceil(most / 34);
  for (const column of columns) {
    const group = svg("g", { "data-from": column.from });
    for (let n = 0; n < Math.ceil(column.count / each); n += 1) {
      group.append(svg("circle", { cx: column.from * 10 + 5, cy: 212 - n * 6, r: 2.6, class: n * each < column.ruled ? "ruled" : "" }));
    }
    chart.append(group);
  }
  chart.prepend(svg("rect", { id: "band", y: 0, height: 220 }));
}

function tell() {
  const [low, high] = [from(), to()];
  $("#band").setAttribute("x", low * 10);
  $("#band").setAttribute("width", Math.max(0, high - low) * 10);
  for (const group of $$("#dots g")) group.classList.toggle("in", Number(group.dataset.from) >= low && Number(group.dataset.from) < high);
  const chosen = inside();
  const count = sum(chosen, "count");
  const seen = [...looked.values()];
  const enough = count > 0 && seen.length >= Math.min(want, count);
  let text = t("js.estimate_none");
  if (count && seen.length) {
    // Share of good among those drawn, by Agresti and Coull (1998), for 95 %.
    const found = seen.filter(Boolean).length;
    const share = (found + 2) / (seen.length + 4);
    const rest = Math.max(0, count - seen.length) / Math.max(1, count - 1);
    const spread = 1.96 * Math.sqrt((share * (1 - share)) / (seen.length + 4)) * Math.sqrt(rest);
    text = t("js.estimate_seen", { good: Math.round(share * count), spread: Math.max(1, Math.round(spread * count)), count, found, seen: seen.length });
  } else if (count) {
    text = t("js.estimate", { good: Math.round(sum(chosen, "good")), spread: Math.max(1, Math.round(1.96 * Math.sqrt(sum(chosen, "spread")))), count });
  }
  if (count && !enough) text += ` ${seen.length ? t("js.looked", { seen: seen.length, want: Math.min(want, count) }) : t("js.look_more", { count: Math.min(want, count) })}`;
  $("#estimate").textContent = text;
  for (const button of $$("[data-bulk]", $("#range-bar"))) button.disabled = !enough || box().dataset.bulk !== "true";
}

function moved() {
  looked = new Map();
  $("#looked").replaceChildren();
  tell();
}

/** Moves a handle; `shift` moves it the other way. */
const shift = (id) => (event) => {
  const field = $(id);
  field.value = Number(field.value) + (event.shiftKey || event.key === "{" || event.key === "}" ? -1 : 1);
  if (from() > to()) field.value = id === "#from" ? to() : from();
  moved();
};

const filterQuery = () => {
  const query = new URLSearchParams(box().dataset.query);
  query.set("min", from() / 100);
  query.set("max", to() / 100);
  return query;
};

async function look() {
  const count = sum(inside(), "count");
  if (!count) return;
  let body;
  try {
    const query = filterQuery();
    query.set("count", want);
    body = await piece("GET", `/console/s/${document.body.dataset.site}/range/sample?${query}`);
  } catch (error) {
    return toast(t("js.failed", { why: error.message }), { kind: "bad" });
  }
  looked = new Map();
  const rows = $$(".row", body).map((row) => document.adoptNode(row));
  want = Math.min(Number(box().dataset.sample), rows.length || 1);
  for (const row of rows) {
    $("input", row)?.remove();
    const mark = (good) => {
      looked.set(row.dataset.item, good);
      row.dataset.good = good;
      tell();
      rows[rows.indexOf(row) + 1]?.focus({ preventScroll: false });
    };
    row.tabIndex = 0;
    row.append(el("span", { class: "judge" },
      el("button", { type: "button", class: "good", onclick: () => mark(true) }, t("js.good")),
      el("button", { type: "button", class: "bad", onclick: () => mark(false) }, t("js.bad"))));
    row.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const key = event.key.toLowerCase();
      if (key !== keys.keyOf("approve") && key !== keys.keyOf("reject")) return;
      event.preventDefault();
      event.stopPropagation();
      mark(key === keys.keyOf("approve"));
    });
  }
  $("#looked").replaceChildren(el("h2", {}, t("js.look_title", { count })), el("ul", { class: "rows" }, ...rows));
  document.dispatchEvent(new Event("tamis:cards"));
  rows[0]?.focus();
  tell();
}

/** The fields of the query as the filter of the API. */
function filter() {
  const query = filterQuery();
  const made = { minProbability: from() / 100, maxProbability: to() / 100 };
  const name = { label: (v) => ["label", `LABEL_${v.toUpperCase()}`], section: (v) => ["section", v], language: (v) => ["language", v], rule: (v) => ["rule", v], author: (v) => ["authorId", v],
    article: (v) => ["article", `sites/${document.body.dataset.site}/articles/${v}`], campaign: (v) => ["campaign", `sites/${document.body.dataset.site}/campaigns/${v}`], cause: (v) => ["cause", `QUEUE_CAUSE_${v.toUpperCase()}`], action: (v) => ["action", `ACTION_${v.toUpperCase()}`] };
  for (const [key, value] of query) if (name[key] && value) {
    const [field, text] = name[key](value);
    made[field] = text;
  }
  return made;
}

async function bulk(what, code) {
  if ($("[data-bulk]", $("#range-bar")).disabled) return toast(box().dataset.bulk === "true" ? $("#estimate").textContent : t("js.bulk_lead"));
  const result = await decideMany({ filter: filter() }, what, code);
  if (!result) return;
  // The chart stands until the undo is over, then shows what is left.
  for (const group of $$("#dots g.in")) group.classList.add("gone");
  setTimeout(() => location.reload(), 10500);
}

export function start() {
  columns = $$("#columns tbody tr").map(({ dataset }) => ({ from: Number(dataset.from), count: Number(dataset.count), ruled: Number(dataset.ruled), good: Number(dataset.good), spread: Number(dataset.spread) }));
  want = Number(box().dataset.sample);
  draw();
  for (const id of ["#from", "#to"]) {
    $(id).addEventListener("input", () => {
      if (from() > to()) $(id).value = id === "#from" ? to() : from();
      moved();
    });
  }
  const menu = reasons((code) => bulk("reject", code));
  const deeds = { approve: () => bulk("approve"), reject: menu.toggle, spam: () => bulk("reject", "spam") };
  $("#range-bar").addEventListener("click", (event) => deeds[event.target.closest("[data-bulk]")?.dataset.bulk]?.());
  for (const [name, deed] of Object.entries(deeds)) keys.on(name, deed);
  keys.on("lower", shift("#from"));
  keys.on("upper", shift("#to"));
  keys.on("look", look);
  $("#look").addEventListener("click", look);
  document.addEventListener("tamis:bulk-undone", () => location.reload());
  tell();
}
