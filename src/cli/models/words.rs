//! Models in words and names.
//!
//! May import: `api` (wire types).

use crate::{
    api::pb,
    cli::terminal::{Screen, tame},
};

/// The resource name of a model, given that name or its last part.
pub(super) fn model(given: &str) -> String {
    if given.contains('/') { given.to_owned() } else { format!("models/{given}") }
}

/// The last part of a resource name.
pub(super) fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A stage in a word.
pub(super) fn stage(number: i32) -> &'static str {
    match pb::ModelStage::try_from(number) {
        Ok(pb::ModelStage::Candidate) => "candidate",
        Ok(pb::ModelStage::Shadow) => "shadow",
        Ok(pb::ModelStage::Active) => "active",
        Ok(pb::ModelStage::Retired) => "retired",
        Ok(pb::ModelStage::Unspecified) | Err(_) => "unknown",
    }
}

/// An origin in words.
pub(super) fn origin(number: i32) -> &'static str {
    match pb::ModelOrigin::try_from(number) {
        Ok(pb::ModelOrigin::BuiltIn) => "built in",
        Ok(pb::ModelOrigin::Configured) => "configured",
        Ok(pb::ModelOrigin::Imported) => "imported",
        Ok(pb::ModelOrigin::Trained) => "trained",
        Ok(pb::ModelOrigin::Unspecified) | Err(_) => "unknown",
    }
}

/// What made a promotion, in words.
pub(super) fn kind(number: i32) -> &'static str {
    match pb::PromotionKind::try_from(number) {
        Ok(pb::PromotionKind::Configured) => "configured",
        Ok(pb::PromotionKind::Promoted) => "promoted",
        Ok(pb::PromotionKind::RolledBack) => "rolled back",
        Ok(pb::PromotionKind::Unspecified) | Err(_) => "unknown",
    }
}

/// A moment, or nothing.
pub(super) fn time(at: Option<&prost_types::Timestamp>) -> String {
    at.map(|at| at.to_string().split('.').next().unwrap_or_default().to_owned()).unwrap_or_default()
}

/// Gates as lines.
pub(super) fn gates(gates: &[pb::ModelGate]) -> String {
    if gates.is_empty() {
        return "gates: none measured; `--override report/measured --reason …` promotes it all the same\n"
            .to_owned();
    }
    let row = |gate: &pb::ModelGate| {
        let mark = if gate.passed { "holds" } else { "FAILS" };
        vec![mark.to_owned(), tame(&gate.name), tame(&gate.message)]
    };
    Screen::stdout().table(&["", "gate", "what was measured"], &gates.iter().map(row).collect::<Vec<_>>())
}

/// A promotion as a line.
pub(super) fn promotion(promotion: &pb::Promotion) -> String {
    let before = match promotion.previous_model.as_str() {
        "" => String::new(),
        before => format!(", before it {}", last(before)),
    };
    format!("{} scores now (promotion {}{before})\n", last(&promotion.model), promotion.sequence)
}
