//! Every metric: name, unit, help, type. `docs/METRICS.md` lists the same, which a test
//! holds against this file.
//!
//! May import: `types`, `store`.

use std::{
    sync::atomic::{AtomicI64, AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{
    exposition::{Format, as_text},
    labels::{
        BuildLabels, CallLabels, GaugeLabels, MethodLabels, QueueLabels, RateLabels, SiteLabels,
        VerdictLabels,
    },
    sites::SiteNames,
};
use crate::{
    store::CommitWatch,
    types::{SiteId, Verdict},
};

/// Number that may have a fraction.
type Real = Gauge<f64, AtomicU64>;
/// Whole number.
type Whole = Gauge<i64, AtomicI64>;
/// Histograms of one shape.
type Times = Family<MethodLabels, Histogram, fn() -> Histogram>;

/// Seconds: from the fastest call (tens of µs) to the longest deadline.
const CALL_BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];
/// Seconds: from a device with a cache of its own to one that is overloaded.
const COMMIT_BUCKETS: [f64; 12] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0];
/// Writes of one commit.
const GROUP_BUCKETS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Every metric of the service.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    sites: SiteNames,
    calls: Family<CallLabels, Counter>,
    call_seconds: Times,
    shed: Counter,
    verdicts: Family<VerdictLabels, Counter>,
    commit_seconds: Histogram,
    commit_items: Histogram,
    commits_failed: Counter,
    /// Items of each queue by state.
    pub queue_items: Family<QueueLabels, Whole>,
    /// Age of the oldest open item of each queue.
    pub queue_oldest: Family<SiteLabels, Real>,
    /// Share of removals wanted among what was removed.
    pub precision: Family<RateLabels, Real>,
    /// Share of what should be removed that was.
    pub recall: Family<RateLabels, Real>,
    /// Shift of a score or signal against its reference.
    pub psi: Family<GaugeLabels, Real>,
    /// Share of filter actions that people reversed.
    pub overturn_rate: Family<SiteLabels, Real>,
    /// Gap between stated and observed probability.
    pub calibration_gap: Family<GaugeLabels, Real>,
    /// Share of comments that were rejected lately.
    pub reject_share: Family<SiteLabels, Real>,
    build: Family<BuildLabels, Whole>,
    ready: Whole,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry with every metric at its beginning.
    #[must_use]
    pub fn new() -> Self {
        let times: fn() -> Histogram = || Histogram::new(CALL_BUCKETS);
        let mut metrics = Self {
            registry: Registry::with_prefix("tamis"),
            sites: SiteNames::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(times),
            shed: Counter::default(),
            verdicts: Family::default(),
            commit_seconds: Histogram::new(COMMIT_BUCKETS),
            commit_items: Histogram::new(GROUP_BUCKETS),
            commits_failed: Counter::default(),
            queue_items: Family::default(),
            queue_oldest: Family::default(),
            precision: Family::default(),
            recall: Family::default(),
            psi: Family::default(),
            overturn_rate: Family::default(),
            calibration_gap: Family::default(),
            reject_share: Family::default(),
            build: Family::default(),
            ready: Whole::default(),
        };
        metrics.register_traffic();
        metrics.register_quality();
        metrics
    }

    /// The registry puts a full stop behind each help.
    fn register_traffic(&mut self) {
        let r = &mut self.registry;
        r.register("calls", "Calls by method and gRPC code", self.calls.clone());
        r.register_with_unit(
            "call",
            "Time from a call's headers to its answer; of streams to its beginning",
            Unit::Seconds,
            self.call_seconds.clone(),
        );
        r.register("calls_shed", "Calls refused because too much work was in flight", self.shed.clone());
        r.register("verdicts", "Comments judged, by site, action and likeliest label", self.verdicts.clone());
        r.register_with_unit(
            "commit",
            "Time a group of writes took to become durable",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        r.register("commit_items", "Writes that became durable together", self.commit_items.clone());
        r.register("commits_failed", "Groups of writes that storage refused", self.commits_failed.clone());
        r.register("queue_items", "Items of the queue by site and state", self.queue_items.clone());
        r.register_with_unit(
            "queue_oldest",
            "Age of the oldest open item of the queue; 0 when there is none",
            Unit::Seconds,
            self.queue_oldest.clone(),
        );
        r.register("build", "1, with the versions of program, model and rules as labels", self.build.clone());
        r.register("ready", "1 while the service takes calls", self.ready.clone());
    }

    fn register_quality(&mut self) {
        let r = &mut self.registry;
        r.register_with_unit(
            "precision",
            "Share of comments held or refused that people rejected, from the random sample; bound tells value and 95 % interval",
            Unit::Ratios,
            self.precision.clone(),
        );
        r.register_with_unit(
            "recall",
            "Share of comments people would reject that were held or refused, from the random sample; bound tells value and 95 % interval",
            Unit::Ratios,
            self.recall.clone(),
        );
        r.register(
            "drift_psi",
            "Population stability index of the last day against the reference weeks, by label or signal; above 0.2 look, above 0.3 act",
            self.psi.clone(),
        );
        r.register_with_unit(
            "overturn",
            "Share of decided comments where people ruled against the filter, last 7 days",
            Unit::Ratios,
            self.overturn_rate.clone(),
        );
        r.register_with_unit(
            "calibration_gap",
            "Mean distance between stated and observed probability, last 28 days, by label",
            Unit::Ratios,
            self.calibration_gap.clone(),
        );
        r.register_with_unit(
            "reject",
            "Share of comments rejected or discarded, last hour",
            Unit::Ratios,
            self.reject_share.clone(),
        );
    }

    /// Counts a call.
    pub fn call(&self, method: &'static str, code: &'static str, took: Duration) {
        self.calls.get_or_create(&CallLabels { method, code }).inc();
        self.call_seconds.get_or_create(&MethodLabels { method }).observe(took.as_secs_f64());
    }

    /// Counts a call that was refused for load.
    pub fn shed(&self) {
        self.shed.inc();
    }

    /// Counts a recorded verdict.
    pub fn verdict(&self, verdict: &Verdict) {
        let likeliest = verdict
            .assessment
            .labels
            .iter()
            .max_by(|(_, a), (_, b)| a.log_odds.get().total_cmp(&b.log_odds.get()));
        let labels = VerdictLabels {
            site: self.sites.of(&verdict.site),
            action: verdict.action.name(),
            label: likeliest.map_or("none", |(label, _)| label.name()),
        };
        self.verdicts.get_or_create(&labels).inc();
    }

    /// The label set of a site.
    #[must_use]
    pub fn site(&self, site: &SiteId) -> SiteLabels {
        SiteLabels { site: self.sites.of(site) }
    }

    /// Says what judges now.
    pub fn judges(&self, model: &str, rules: &str) {
        let labels = BuildLabels {
            version: env!("CARGO_PKG_VERSION"),
            model: model.to_owned(),
            rules: rules.to_owned(),
        };
        if self.build.get(&labels).is_none() {
            self.build.clear();
        }
        self.build.get_or_create(&labels).set(1);
    }

    /// Says whether calls are taken.
    pub fn ready(&self, ready: bool) {
        self.ready.set(i64::from(ready));
    }

    /// The page of metrics.
    #[must_use]
    pub fn page(&self, format: Format) -> String {
        let mut page = String::new();
        // Writing to a String fails only when a value cannot be formatted.
        if encode(&mut page, &self.registry).is_err() {
            return String::new();
        }
        match format {
            Format::OpenMetrics => page,
            Format::Text => as_text(&page),
        }
    }
}

impl CommitWatch for Metrics {
    fn committed(&self, items: usize, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
        self.commit_items.observe(items as f64);
    }

    fn refused(&self) {
        self.commits_failed.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with at least one sample of every metric.
    fn page(format: Format) -> String {
        let metrics = Metrics::new();
        let site = SiteId::new("news").unwrap();
        metrics.call("/tamis.v1.SiteService/GetSite", "Ok", Duration::from_millis(3));
        metrics.committed(12, Duration::from_millis(2));
        metrics.refused();
        metrics.judges("aa", "bb");
        metrics.judges("cc", "bb");
        metrics.ready(true);
        let of = || GaugeLabels { site: "news".into(), of: "spam".into() };
        let rate = || RateLabels { site: "news".into(), label: "any", bound: "value" };
        metrics.queue_items.get_or_create(&QueueLabels { site: "news".into(), state: "open" }).set(7);
        metrics.queue_oldest.get_or_create(&metrics.site(&site)).set(12.5);
        metrics.precision.get_or_create(&rate()).set(0.9);
        metrics.recall.get_or_create(&rate()).set(0.8);
        metrics.psi.get_or_create(&of()).set(0.1);
        metrics.calibration_gap.get_or_create(&of()).set(0.02);
        metrics.overturn_rate.get_or_create(&metrics.site(&site)).set(0.1);
        metrics.reject_share.get_or_create(&metrics.site(&site)).set(0.05);
        metrics.verdict(&crate::store::conformance::samples::verdict("news"));
        metrics.page(format)
    }

    #[test]
    fn the_page_has_names_units_and_help() {
        let text = page(Format::Text);
        assert!(text.contains("# TYPE tamis_calls_total counter\n"), "{text}");
        let call = "tamis_calls_total{method=\"/tamis.v1.SiteService/GetSite\",code=\"Ok\"} 1";
        assert!(text.contains(call), "{text}");
        assert!(text.contains("tamis_queue_oldest_seconds{site=\"news\"} 12.5"), "{text}");
        assert!(
            text.contains("model=\"cc\"") && !text.contains("model=\"aa\""),
            "only what judges now: {text}"
        );
        assert!(!text.contains("# EOF") && page(Format::OpenMetrics).ends_with("# EOF\n"));
    }

    #[test]
    fn the_catalogue_lists_exactly_these_metrics() {
        let text = page(Format::Text);
        let told: std::collections::BTreeSet<_> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        let listed: std::collections::BTreeSet<_> = include_str!("../../docs/METRICS.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        assert_eq!(listed, told, "left: docs/METRICS.md, right: code");
    }
}
