// Campaigns, rules, models and policy: changes behind a confirmation, with a reason.
import { $, $$, dialog, el, t } from "./dom.js";
import { Refusal, parent, queue, rpc, uuid } from "./api.js";
import { words } from "./bulk.js";
import * as keys from "./keys.js";
import { reasons } from "./reasons.js";
import { toast } from "./toast.js";

const failed = (error) => toast(t("js.failed", { why: error.message }), { kind: "bad", ms: 10000 });
const again = () => setTimeout(() => location.reload(), 700);

/** Asks for a reason; null when it was called off. */
async function why(title, extra = []) {
  const field = el("textarea", { rows: 2, maxlength: 400, "aria-label": t("js.reason") });
  const answer = await dialog(title, [...extra, el("label", {}, t("js.reason"), field)], [["", t("js.cancel")], ["yes", t("js.do_it"), "primary"]]);
  return answer === "yes" ? field.value.trim() || "console" : null;
}

async function change(reason, call) {
  if (reason === null) return;
  try {
    await call(reason);
    toast(t("js.done_ok"), { kind: "good" });
    again();
  } catch (error) {
    failed(error);
  }
}

const last = (name) => name.split("/").pop();
const ACTS = {
  promote: async ({ dataset }) => {
    const gates = dataset.failed.trim().split(" ").filter(Boolean);
    const extra = gates.length ? [el("p", { class: "problem" }, t("js.gates", { gates: gates.join(", ") }))] : [];
    const sequence = $("#models").dataset.sequence;
    await change(await why(t("js.promote_title", { id: last(dataset.name) }), extra), (reason) =>
      rpc("ModelService", "PromoteModel", { name: dataset.name, reason, overrideGates: gates, ...(sequence ? { expectedSequence: sequence } : {}) }));
  },
  "model-back": async () => {
    const sequence = $("#models").dataset.sequence;
    await change(await why(t("js.rollback_title")), (reason) => rpc("ModelService", "RollbackModel", { reason, ...(sequence ? { expectedSequence: sequence } : {}) }));
  },
  publish: async (button) => {
    const { etag } = button.closest("[data-etag]").dataset;
    await change(await why(t("js.publish_title", { id: last(button.dataset.name) })), (reason) => rpc("RuleService", "PublishRules", { name: button.dataset.name, reason, etag }));
  },
  "rules-back": async (button) => {
    const { etag, parent: of } = button.closest("[data-etag]").dataset;
    await change(await why(t("js.rules_back_title")), (reason) => rpc("RuleService", "RollbackRules", { parent: of, reason, etag }));
  },
};

export function acts() {
  $("main").addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) ACTS[button.dataset.act]?.(button);
  });
}

/* Campaign */

async function decideCampaign(what, code) {
  const { name, bulk } = $("#campaign").dataset;
  if (bulk !== "true") return toast(t("js.bulk_lead"));
  const ruled = what === "approve" ? { disposition: "DISPOSITION_APPROVE" } : { disposition: "DISPOSITION_REJECT", reasonCode: `REASON_CODE_${code.toUpperCase()}` };
  try {
    const preview = await queue("DecideCampaign", { name, ruled, validateOnly: true });
    const sample = (preview.sample ?? []).map((member) => el("li", {}, el("bdi", { dir: "auto" }, (member.verdict?.comment?.body ?? "").slice(0, 200))));
    const count = preview.decidedCount ?? 0;
    const answer = await dialog(t("js.campaign_title", { what: words(what, code), count }), [
      el("p", {}, t("js.campaign_more", { changed: preview.changedCount ?? 0, settled: preview.settledCount ?? 0, held: preview.heldCount ?? 0 })),
      el("ul", { class: "list sample" }, ...sample),
    ], [["", t("js.cancel")], ["yes", t("js.bulk_yes", { what: words(what, code), count }), what === "approve" ? "good" : "bad"]]);
    if (answer !== "yes") return;
    let batch = "";
    let decided = 0;
    let pageToken = "";
    const requestId = uuid();
    do {
      const part = await queue("DecideCampaign", { name, ruled, requestId: pageToken ? uuid() : requestId, ...(pageToken ? { pageToken } : {}) });
      batch = part.batch;
      decided += part.decidedCount ?? 0;
      pageToken = part.nextPageToken ?? "";
    } while (pageToken);
    toast(t("js.bulk_done", { what: words(what, code), count: decided }), { undo: () => undo(batch) });
    document.body.dataset.decided = decided;
    setTimeout(() => location.reload(), 10500);
  } catch (error) {
    failed(error);
  }
}

async function undo(batch) {
  try {
    let pageToken = "";
    do {
      const part = await queue("UndoDecision", { name: batch, requestId: uuid(), ...(pageToken ? { pageToken } : {}) });
      pageToken = part.nextPageToken ?? "";
    } while (pageToken);
    toast(t("js.undone"));
    again();
  } catch (error) {
    if (error instanceof Refusal) toast(t("js.undo_failed", { why: error.message }), { kind: "bad" });
  }
}

export function campaign() {
  if (!$("#campaign")) return;
  $("#bulk").hidden = false;
  const menu = reasons((code) => decideCampaign("reject", code));
  const deeds = { approve: () => decideCampaign("approve"), reject: menu.toggle, spam: () => decideCampaign("reject", "spam") };
  $("#bulk").addEventListener("click", (event) => deeds[event.target.closest("[data-bulk]")?.dataset.bulk]?.());
  for (const [name, deed] of Object.entries(deeds)) keys.on(name, deed);
}

/* Policy: a slider holds log10 of the price of a vain action in misses, times twenty. */

const priceOf = (slider) => 10 ** (Number(slider.value) / 20);
const shareOf = (price) => price / (1 + price);
const NEVER = 100;

function tellCost(row) {
  const [slider, output] = [$("input", row), $("output", row)];
  const off = Number(slider.value) >= NEVER && row.dataset.action !== "HOLD";
  const kept = row.dataset.kept ? Number(row.dataset.kept) / 100 : null;
  const price = kept === null ? priceOf(slider) : kept / (1 - kept);
  output.textContent = off ? t("policy.never") : `${price >= 1 ? `${+price.toPrecision(2)} : 1` : `1 : ${+(1 / price).toPrecision(2)}`} → ${(shareOf(price) * 100).toFixed(1)} %`;
  slider.setAttribute("aria-valuetext", output.textContent);
}

function setCost(row, percent) {
  const share = Number(percent) / 100;
  const value = percent === "" || share >= 1 ? NEVER : Math.round(20 * Math.log10(share / (1 - share)));
  $("input", row).value = value;
  // A threshold that was not moved keeps its digits.
  row.dataset.kept = percent;
  tellCost(row);
}

export function policy() {
  const form = $("#policy");
  const rows = $$(".cost", form);
  for (const row of rows) {
    setCost(row, row.dataset.now);
    $("input", row).addEventListener("input", () => {
      delete row.dataset.kept;
      tellCost(row);
    });
  }
  form.addEventListener("click", (event) => {
    const preset = event.target.closest("[data-preset]")?.dataset.preset;
    if (preset) for (const row of rows) setCost(row, row.dataset[preset]);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const labels = $$("[data-label]", form).map((box) => {
      const made = { label: `LABEL_${box.dataset.label.toUpperCase()}` };
      for (const row of $$(".cost", box)) {
        const slider = $("input", row);
        const share = row.dataset.kept !== undefined ? (row.dataset.kept === "" ? null : Number(row.dataset.kept) / 100) : Number(slider.value) >= NEVER ? null : shareOf(priceOf(slider));
        if (share !== null) made[row.dataset.action.toLowerCase()] = share;
      }
      return made;
    });
    if ((await dialog(t("js.policy_title"), [], [["", t("js.cancel")], ["yes", t("js.do_it"), "primary"]])) !== "yes") return;
    try {
      await rpc("SiteService", "UpdateSite", { site: { name: parent, policy: { thresholds: { labels } }, etag: form.dataset.etag }, updateMask: "policy" });
      toast(t("js.saved"), { kind: "good" });
      again();
    } catch (error) {
      failed(error);
    }
  });
}
