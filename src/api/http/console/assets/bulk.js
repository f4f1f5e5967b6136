// Decisions on many at once: first what would happen, with some of them to look at.
import { $, dialog, el, t } from "./dom.js";
import { Refusal, parent, queue, uuid } from "./api.js";
import { toast } from "./toast.js";

const RULED = (what, code) => (what === "approve" ? { disposition: "DISPOSITION_APPROVE" } : { disposition: "DISPOSITION_REJECT", reasonCode: `REASON_CODE_${code.toUpperCase()}` });
export const words = (what, code) => (what === "approve" ? t("js.approved") : t("js.rejected", { reason: t(`reason.${code}`) }));

/** Sends a request until it was answered; the id makes the retries one. */
async function surely(method, message) {
  for (let pause = 500; ; pause = Math.min(pause * 2, 8000)) {
    try {
      return await queue(method, message);
    } catch (error) {
      if (!(error instanceof Refusal && error.passing)) throw error;
      await new Promise((go) => setTimeout(go, pause));
    }
  }
}

/**
 * Asks, decides and offers to take back. `selection` is `{ items: { names } }` or
 * `{ filter }`; answers how many were decided, null when it was called off.
 */
export async function decideMany(selection, what, code) {
  const ruled = RULED(what, code);
  let preview;
  try {
    preview = await queue("BatchDecideQueueItems", { parent, ...selection, ruled, validateOnly: true });
  } catch (error) {
    toast(error.status === 403 ? t("js.bulk_lead") : t("js.failed", { why: error.message }), { kind: "bad" });
    return null;
  }
  const count = preview.decidedCount ?? 0;
  if (!count) {
    toast(t("js.bulk_none"));
    return null;
  }
  const wrong = Math.round((preview.estimatedError ?? 0) * count);
  const sample = (preview.sample ?? []).slice(0, 10).map((item) => el("li", {}, el("b", {}, `${Math.round((item.probability ?? 0) * 100)} %`), " ", el("bdi", { dir: "auto" }, text(item.name))));
  const answer = await dialog(t("js.bulk_title", { what: words(what, code), count }), [
    el("p", {}, t("js.bulk_agree", { agreed: preview.agreedCount ?? 0, wrong })),
    preview.failedCount ? el("p", { class: "soft" }, t("js.bulk_failing", { count: preview.failedCount })) : null,
    el("h3", {}, t("js.bulk_sample")),
    el("ul", { class: "list sample" }, ...sample),
  ].filter(Boolean), [["", t("js.cancel")], ["yes", t("js.bulk_yes", { what: words(what, code), count }), what === "approve" ? "good" : "bad"]]);
  return answer === "yes" ? run(selection, ruled, words(what, code)) : null;
}

/** The text of an item, if it is on this page. */
const text = (name) => $(`[data-item="${CSS.escape(name.split("/").pop())}"] [data-text]`)?.textContent ?? name.split("/").pop();

async function run(selection, ruled, what) {
  let batch = "";
  let decided = 0;
  const names = selection.items?.names;
  try {
    for (let at = 0; ; at += 500) {
      const part = names ? { items: { names: names.slice(at, at + 500) } } : selection;
      if (names && !part.items.names.length) break;
      const answer = await surely("BatchDecideQueueItems", { parent, ...part, ruled, requestId: uuid(), ...(batch ? { batch } : {}) });
      batch = answer.batch;
      decided += answer.decidedCount ?? 0;
      if (!names && (!answer.more || !answer.decidedCount)) break;
    }
  } catch (error) {
    toast(t("js.failed", { why: error.message }), { kind: "bad" });
  }
  if (batch && decided) toast(t("js.bulk_done", { what, count: decided }), { undo: () => undo(batch) });
  return { decided, batch };
}

async function undo(batch) {
  let count = 0;
  let pageToken = "";
  try {
    do {
      const answer = await surely("UndoDecision", { name: batch, requestId: uuid(), ...(pageToken ? { pageToken } : {}) });
      count += (answer.results ?? []).filter((result) => result.decision).length;
      pageToken = answer.nextPageToken ?? "";
    } while (pageToken);
    toast(t("js.bulk_undone", { count }));
    document.dispatchEvent(new CustomEvent("tamis:bulk-undone", { detail: { batch } }));
  } catch (error) {
    toast(t("js.undo_failed", { why: error.message }), { kind: "bad" });
  }
}
