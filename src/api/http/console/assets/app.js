// Where every page starts.
import { $, $$, left, t, tellTimes } from "./dom.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import * as outbox from "./outbox.js";
import * as settings from "./settings.js";
import { start as focus } from "./focus.js";
import { start as list } from "./list.js";
import { start as range } from "./range.js";
import * as keepers from "./keepers.js";

settings.apply();
keys.start();
$("#help")?.addEventListener("click", keys.help);
$("#settings")?.addEventListener("click", settings.ask);
$("#site")?.addEventListener("change", (event) => {
  location.href = `/console/s/${encodeURIComponent(event.target.value)}/${document.body.dataset.view}`;
});

// Abusive text is blurred until somebody asks for it.
export function reveal(root) {
  for (const text of $$("[data-text]", root)) text.classList.add("shown");
}
document.addEventListener("click", (event) => {
  const text = event.target.closest?.("[data-blurred=true] [data-text]:not(.shown)");
  if (text && settings.settings().blur) {
    event.preventDefault();
    reveal(text.closest("[data-blurred]"));
  }
});

// A reason and the words it points at light up together.
document.addEventListener("pointerover", (event) => {
  const one = event.target.closest?.("[data-reason]");
  const card = (one ?? event.target).closest?.(".card");
  if (!card) return;
  for (const other of $$("[data-reason]", card)) other.classList.toggle("lit", Boolean(one) && other.dataset.reason === one.dataset.reason);
});

/** Leases: whose, and how long. */
function tellLeases() {
  for (const place of $$("[data-lease]")) {
    const { holder, expires, mine, state } = (place.dataset.expires ? place : place.closest("[data-item]")).dataset;
    const own = mine === "true" || place.closest("[data-mine=true]");
    const time = expires && left(expires);
    const text = state === "decided" ? t("js.decided") : !expires ? "" : !time ? (own ? t("js.over") : t("js.free")) : own ? t("js.left", { time }) : t("js.has", { name: holder, time });
    if (place.textContent !== text) place.textContent = text;
    place.classList.toggle("ending", Boolean(own && time && Date.parse(expires) - Date.now() < 60000));
    place.classList.toggle("over", Boolean(own && expires && !time));
    place.classList.toggle("theirs", Boolean(!own && time));
  }
}
tellTimes();
tellLeases();
setInterval(tellLeases, 1000);
setInterval(tellTimes, 20000);
document.addEventListener("tamis:cards", () => { tellTimes(); tellLeases(); keys.label(); });

outbox.start();
const view = { focus, list, range, campaigns: keepers.campaign, rules: keepers.acts, models: keepers.acts, policy: keepers.policy }[document.body.dataset.view];
view?.();
if (document.body.dataset.view !== "models" && document.body.dataset.view !== "rules" && document.body.dataset.view !== "policy") live.start();
