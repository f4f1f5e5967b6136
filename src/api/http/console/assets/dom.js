// Small things every script needs: words, elements, time. Text is only ever set as text.
import words from "./words.js";

export const t = (key, values = {}) =>
  Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, value), words[key] ?? key);

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Makes an element: el("p", { class: "a", onclick: f }, "text", child). */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

export function svg(name, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Minutes and seconds until a moment; null when it is over. */
export function left(until) {
  const seconds = Math.floor((Date.parse(until) - Date.now()) / 1000);
  if (!Number.isFinite(seconds) || seconds < 0) return null;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const STEPS = [[60, "second"], [60, "minute"], [24, "hour"], [30, "day"], [12, "month"], [Infinity, "year"]];
const ago = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });

/** Writes every moment below `root` as time gone by; the exact one is its title. */
export function tellTimes(root = document) {
  for (const time of $$("time[data-ago]", root)) {
    let value = (Date.parse(time.dateTime) - Date.now()) / 1000;
    if (!Number.isFinite(value)) continue;
    for (const [size, unit] of STEPS) {
      if (Math.abs(value) < size || size === Infinity) {
        time.textContent = ago.format(Math.round(value), unit);
        break;
      }
      value /= size;
    }
    time.title = new Date(time.dateTime).toLocaleString();
  }
  for (const time of $$("time[data-hour]", root)) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = at.toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  }
}

export const say = (text) => {
  const place = $("#say");
  place.textContent = "";
  requestAnimationFrame(() => (place.textContent = text));
};

/** A dialog with a title; answers what `value` it was closed with. */
export function dialog(title, content, buttons) {
  return new Promise((done) => {
    const id = `d${Math.random().toString(36).slice(2)}`;
    const box = el("dialog", { class: "dialog", "aria-labelledby": id },
      el("form", { method: "dialog" }, el("h2", { id }, title), ...content,
        el("div", { class: "dialog-end" }, ...buttons.map(([value, words, kind], n) =>
          el("button", { value, class: kind ?? "", autofocus: n === buttons.length - 1 }, words)))));
    const before = document.activeElement;
    box.addEventListener("close", () => {
      box.remove();
      before?.focus?.({ preventScroll: true });
      done(box.returnValue);
    });
    document.body.append(box);
    box.showModal();
  });
}
