//! In what two bundles differ.
//!
//! May import: `types`, `classifier`.

use std::collections::BTreeMap;

use crate::{classifier::Bundle, types::Label};

/// One thing in which two bundles differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What, as a path: `configuration/seed`, `weights/text/spam`.
    pub path: String,
    /// As it is in the one compared with; empty when it is not there.
    pub base: String,
    /// As it is in the other; empty when it is not there.
    pub value: String,
}

/// Every difference, by path. `O(weights)`.
#[must_use]
pub fn differences(base: &Bundle, other: &Bundle) -> Vec<Difference> {
    let (before, after) = (facts(base), facts(other));
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let text = |facts: &BTreeMap<String, String>, path: &str| facts.get(path).cloned().unwrap_or_default();
    let one = |path: &String| Difference {
        path: path.clone(),
        base: text(&before, path),
        value: text(&after, path),
    };
    let mut found: Vec<Difference> = paths.into_iter().map(one).filter(|d| d.base != d.value).collect();
    found.extend(weights(base, other));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// What cards and small tables say, as texts by path.
fn facts(bundle: &Bundle) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([
        ("normalizer".to_owned(), bundle.card.normalizer.to_string()),
        ("languages".to_owned(), bundle.languages.join(",")),
        ("overall".to_owned(), format!("{:.6} {:.6}", bundle.overall.0, bundle.overall.1)),
    ]);
    for (key, value) in &bundle.card.configuration {
        facts.insert(format!("configuration/{key}"), value.clone());
    }
    for (set, count) in &bundle.card.data {
        facts.insert(format!("data/{set}/comments"), count.comments.to_string());
        facts.insert(format!("data/{set}/sha256"), count.sha256.clone());
        for (label, (with, without)) in &count.labels {
            facts.insert(format!("data/{set}/{label}"), format!("{with} with, {without} without"));
        }
    }
    for (set, labels) in &bundle.card.figures {
        for (label, figures) in labels {
            let Ok(serde_json::Value::Object(values)) = serde_json::to_value(figures) else { continue };
            for (name, value) in values.iter().filter(|(_, value)| value.is_number()) {
                facts.insert(format!("figures/{set}/{label}/{name}"), value.to_string());
            }
        }
    }
    for label in Label::ALL {
        let head = &bundle.heads[label];
        facts.insert(format!("weights/base/{}", label.name()), format!("{:.6}", head.base));
        facts.insert(format!("weights/rules/{}", label.name()), format!("{:.6}", head.rules));
    }
    facts
}

/// How far the weights of text are apart, per label: how many of the slots differ.
fn weights(base: &Bundle, other: &Bundle) -> Vec<Difference> {
    let slots = |bundle: &Bundle| bundle.text.slots().iter().map(|s| s.to_le_bytes()).collect::<Vec<_>>();
    let (before, after) = (slots(base), slots(other));
    let (scale, other_scale) = (base.text.scale(), other.text.scale());
    let step = |slot: &[u8; 8], label: usize| {
        let pair = slot.get(2 * label..2 * label + 2).unwrap_or(&[0, 0]);
        // The two lowest bits are part of the slot's tag.
        i16::from_le_bytes([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]) & !3
    };
    let sizes = before.len() != after.len();
    let one = |label: Label| {
        let at = label.index();
        let nats = |slot, scale: &[f32]| {
            f64::from(step(slot, at)) * f64::from(scale.get(at).copied().unwrap_or(0.0))
        };
        let moved: Vec<f64> = before
            .iter()
            .zip(&after)
            .map(|(a, b)| (nats(b, &other_scale) - nats(a, &scale)).abs())
            .filter(|moved| *moved > 0.0)
            .collect();
        let mean = moved.iter().sum::<f64>() / moved.len().max(1) as f64;
        (sizes || !moved.is_empty()).then(|| Difference {
            path: format!("weights/text/{}", label.name()),
            base: format!("{} slots", before.len()),
            value: format!(
                "{} slots, {} of them moved, by {mean:.4} nats on average",
                after.len(),
                moved.len()
            ),
        })
    };
    Label::ALL.into_iter().filter_map(one).collect()
}
