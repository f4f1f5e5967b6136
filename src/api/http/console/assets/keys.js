// Keys: one table, remappable, silent in fields and with modifiers.
import { $, $$, dialog, el, t } from "./dom.js";

const DEFAULTS = {
  next: "j", previous: "k", approve: "a", reject: "r", spam: "s", skip: "d", undo: "u", select: "x", campaign: "c",
  history: "h", article: "o", explain: "e", note: "n", block: "b", reveal: "v", search: "/", filters: "f", zen: "z",
  help: "?", go: "g", lower: "[", upper: "]", look: "l", open: "Enter",
};
const PLACES = { q: "focus", l: "list", r: "range", c: "campaigns", u: "rules", m: "models", p: "policy", h: "health" };
const KEY = "tamis.keys";
let map = { ...DEFAULTS };
try {
  const kept = JSON.parse(localStorage.getItem(KEY) || "{}");
  for (const name of Object.keys(DEFAULTS)) if (typeof kept[name] === "string") map[name] = kept[name];
} catch { /* a browser without storage has the defaults */ }

const deeds = new Map();
let going = 0;
/** While set, gets digits and Escape: the menu of reasons. */
let menu = null;

/** What a key does in this view. */
export const on = (name, deed) => deeds.set(name, deed);
export const keyOf = (name) => map[name];
export const openMenu = (listener) => (menu = listener);
export const closeMenu = () => (menu = null);

const typing = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
  !(target instanceof HTMLInputElement && /^(checkbox|range|button)$/.test(target.type));

function pressed(event) {
  if (event.defaultPrevented || event.isComposing) return;
  const undoing = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key === "z";
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if ($("dialog[open]")) return;
  if (undoing) return act("undo", event);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (menu && menu(event)) return event.preventDefault();
  if (Date.now() - going < 1500) {
    going = 0;
    const place = PLACES[event.key];
    const link = place && $(`[data-go="${place}"]`);
    if (link) {
      event.preventDefault();
      link.click();
      return;
    }
  }
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const shifted = event.shiftKey && event.key.length === 1 && event.key.toLowerCase() !== event.key.toUpperCase();
  if (key === "Enter" && /^(BUTTON|A|SUMMARY)$/.test(event.target.tagName)) return;
  const name = Object.keys(map).find((name) => map[name] === key);
  if (!name || (event.repeat && !["next", "previous", "lower", "upper"].includes(name))) return;
  if (shifted && !["select", "lower", "upper"].includes(name)) return;
  if (name === "go") {
    going = Date.now();
    return event.preventDefault();
  }
  act(name, event);
}

function act(name, event) {
  const deed = deeds.get(name);
  if (!deed) return;
  event.preventDefault();
  deed(event);
}

export function label(root = document) {
  for (const hint of $$("kbd[data-key]", root)) hint.textContent = map[hint.dataset.key] ?? "";
}

function keep() {
  try { localStorage.setItem(KEY, JSON.stringify(map)); } catch { /* kept for this page only */ }
  label();
}

export async function help() {
  const status = el("p", { role: "status", class: "soft" }, t("js.keys_hint"));
  const rows = Object.keys(DEFAULTS).map((name) => {
    const shown = el("kbd", {}, map[name]);
    const change = el("button", { type: "button", class: "link", "aria-label": `${t("js.change")}: ${t(`key.${name}`)}`, onclick: () => {
      status.textContent = t("js.press");
      const listen = (event) => {
        event.preventDefault();
        event.stopPropagation();
        removeEventListener("keydown", listen, true);
        const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
        if (event.key === "Escape" || ["Shift", "Control", "Alt", "Meta", "Tab"].includes(key)) status.textContent = t("js.keys_hint");
        else if (Object.entries(map).some(([other, taken]) => other !== name && taken === key)) status.textContent = t("js.taken");
        else {
          map = { ...map, [name]: key };
          shown.textContent = key;
          status.textContent = t("js.keys_hint");
          keep();
        }
      };
      addEventListener("keydown", listen, true);
    } }, t("js.change"));
    return el("li", {}, shown, el("span", {}, t(`key.${name}`)), change);
  });
  const answer = await dialog(t("js.keys_title"), [status, el("ul", { class: "keys" }, ...rows)],
    [["reset", t("js.defaults")], ["", t("js.close"), "primary"]]);
  if (answer === "reset") {
    map = { ...DEFAULTS };
    keep();
  }
}

export function start() {
  addEventListener("keydown", pressed);
  on("help", help);
  on("zen", () => document.documentElement.toggleAttribute("data-zen"));
  label();
}
