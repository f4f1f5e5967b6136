// What a person set for themselves, kept in this browser only.
import { $, el, dialog, t } from "./dom.js";

const KEY = "tamis.settings";
const DEFAULTS = { theme: "auto", blur: true, pause: 50, dense: false };
let now = { ...DEFAULTS };
try {
  now = { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY) || "{}") };
} catch { /* a browser without storage has the defaults */ }

export const settings = () => now;

export function apply() {
  const root = document.documentElement;
  if (now.theme === "auto") root.removeAttribute("data-theme");
  else root.dataset.theme = now.theme;
  root.dataset.blur = now.blur;
  root.dataset.dense = now.dense;
}

function set(name, value) {
  now = { ...now, [name]: value };
  try { localStorage.setItem(KEY, JSON.stringify(now)); } catch { /* kept for this page only */ }
  apply();
}

export function ask() {
  const select = (name, options) => el("select", { onchange: (event) => set(name, typeof DEFAULTS[name] === "number" ? Number(event.target.value) : event.target.value) },
    ...options.map(([value, words]) => el("option", { value, selected: String(now[name]) === String(value) }, words)));
  const box = (name) => el("input", { type: "checkbox", checked: now[name], onchange: (event) => set(name, event.target.checked) });
  const pauses = [25, 50, 90].map((count) => [count, t("js.minutes", { count })]);
  return dialog(t("js.settings_title"), [
    el("label", { class: "setting" }, t("js.theme"), select("theme", [["auto", t("js.theme_auto")], ["light", t("js.theme_light")], ["dark", t("js.theme_dark")]])),
    el("label", { class: "setting" }, t("js.blur"), box("blur")),
    el("label", { class: "setting" }, t("js.dense"), box("dense")),
    el("label", { class: "setting" }, t("js.pause"), select("pause", [...pauses, [0, t("js.never")]])),
  ], [["", t("js.close"), "primary"]]);
}

/** Reminds of a pause when the time set has been worked. `count` says how many were decided. */
export function remind(count) {
  let last = Date.now();
  setInterval(async () => {
    if (!now.pause || document.hidden || $("dialog[open]")) return;
    const minutes = Math.floor((Date.now() - last) / 60000);
    if (minutes < now.pause) return;
    last = Date.now();
    await dialog(t("js.rest", { minutes, count: count() }), [], [["", t("js.rest_ok"), "primary"]]);
  }, 15000);
}
