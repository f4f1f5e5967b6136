// Short notes at the foot of the page; the one after a decision has an undo for ten seconds.
import { $, el, t } from "./dom.js";

export const UNDO_MS = 10000;

/** Shows a note; answers what takes it away. */
export function toast(text, { undo = null, kind = "", ms = 6000, link = null } = {}) {
  const box = $("#toasts");
  const note = el("div", { class: `toast ${kind}` }, el("span", {}, text));
  let timer = null;
  const close = () => {
    clearTimeout(timer);
    note.remove();
  };
  if (undo) {
    note.append(el("button", { type: "button", onclick: () => { close(); undo(); } }, t("js.undo")));
    note.append(el("i", { class: "clock", "aria-hidden": "true" }));
  }
  if (link) note.append(el("a", { href: link.href }, link.text));
  timer = setTimeout(close, undo ? UNDO_MS : ms);
  while (box.childElementCount >= 3) box.firstElementChild.remove();
  box.append(note);
  return close;
}
