// What happens elsewhere: new items are counted at the top, nothing moves by itself.
import { $, t } from "./dom.js";

const listeners = [];
let source = null;
let fresh = 0;
const seen = new Set();

/** Hears every event of the queue. */
export const hear = (listener) => listeners.push(listener);

function count(by) {
  fresh += by;
  const pill = $("#fresh");
  pill.hidden = fresh <= 0;
  pill.textContent = fresh === 1 ? t("js.fresh_one") : t("js.fresh_many", { count: fresh });
}

function open() {
  if (source || document.hidden || !window.EventSource) return;
  source = new EventSource(`/console/s/${document.body.dataset.site}/events`);
  source.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (!event.item) return;
    const id = event.item.split("/").pop();
    if ((event.kind === "QUEUE_EVENT_KIND_ADDED" || event.kind === "QUEUE_EVENT_KIND_REOPENED") && !seen.has(id)) {
      seen.add(id);
      count(1);
    }
    if (event.kind === "QUEUE_EVENT_KIND_DECIDED" && seen.delete(id)) count(-1);
    for (const listener of listeners) listener({ ...event, id });
  };
}

function close() {
  source?.close();
  source = null;
}

export function start() {
  $("#fresh")?.addEventListener("click", () => location.reload());
  // A hidden page gives its connection back: a browser has few of them per server.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  open();
}
