//! The messages of `ModelService`.
//!
//! May import: `types`, `learning` (what is asked of use cases).

use sha2::{Digest as _, Sha256};

use super::{
    checks::{Checks, at_most},
    names,
    scoring::page_size,
    time,
};
use crate::{
    api::{error::ApiError, page_token::ListBinding, pb},
    learning::registry::{BundleFiles, Difference, Wish},
    types::{Gate, JobId, ModelId, ModelRecord, Origin, PageRequest, Promotion, PromotionKind, Stage},
};

/// Longest reason.
const MAX_REASON_BYTES: usize = 1_000;
/// Most gates that are overridden in one call: more than there are.
const MAX_OVERRIDDEN: usize = 64;
/// Largest model file, as the reader of bundles has it.
const MAX_MODEL_BYTES: usize = 128 << 20;
/// Largest card.
const MAX_CARD_BYTES: usize = 4 << 20;
/// Bytes of one piece of a file.
pub(in crate::api) const CHUNK_BYTES: usize = 256 << 10;

/// Reads `models/{model}`; `None` is the active one.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_any(field: &str, name: &str) -> Result<Option<ModelId>, ApiError> {
    let mut checks = Checks::default();
    let id = checks.take(field, names::model(name));
    checks.finish(id)
}

/// Reads `models/{model}` where the active one must be named.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_one(name: &str) -> Result<ModelId, ApiError> {
    let mut checks = Checks::default();
    let id = one(&mut checks, name);
    checks.finish(id)
}

fn one(checks: &mut Checks, name: &str) -> Option<ModelId> {
    let id = checks.take("name", names::model(name))?;
    checks.require("name", id.is_some(), "must name a model by its hash");
    id
}

/// A promotion that is asked for.
#[derive(Debug)]
pub(in crate::api) struct PromoteCall {
    pub(in crate::api) id: ModelId,
    pub(in crate::api) wish: Wish,
    pub(in crate::api) validate_only: bool,
}

impl TryFrom<pb::PromoteModelRequest> for PromoteCall {
    type Error = ApiError;
    fn try_from(request: pb::PromoteModelRequest) -> Result<Self, ApiError> {
        let pb::PromoteModelRequest { name, reason, override_gates, expected_sequence, validate_only } =
            request;
        let mut checks = Checks::default();
        let id = one(&mut checks, &name);
        let wish = wish(&mut checks, reason, override_gates, expected_sequence);
        let call = id.zip(wish).map(|(id, wish)| Self { id, wish, validate_only });
        checks.finish(call)
    }
}

/// A roll-back that is asked for.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_rollback(request: pb::RollbackModelRequest) -> Result<Wish, ApiError> {
    let pb::RollbackModelRequest { reason, expected_sequence } = request;
    let mut checks = Checks::default();
    let wish = wish(&mut checks, reason, Vec::new(), expected_sequence);
    checks.finish(wish)
}

fn wish(checks: &mut Checks, reason: String, overridden: Vec<String>, expected: i64) -> Option<Wish> {
    let reason = checks.take("reason", at_most(reason, MAX_REASON_BYTES));
    let few = overridden.len() <= MAX_OVERRIDDEN;
    checks.require("override_gates", few, format!("must be at most {MAX_OVERRIDDEN}"));
    let expected =
        checks.take("expected_sequence", u64::try_from(expected).map_err(|_| "must not be negative"));
    let expected = expected?;
    Some(Wish { reason: reason?, overridden, expected: (expected > 0).then_some(expected) })
}

/// A page of promotions.
#[derive(Debug)]
pub(in crate::api) struct PromotionsCall {
    pub(in crate::api) page: PageRequest<u64>,
    pub(in crate::api) binding: ListBinding,
}

impl TryFrom<pb::ListPromotionsRequest> for PromotionsCall {
    type Error = ApiError;
    fn try_from(mut request: pb::ListPromotionsRequest) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let token = std::mem::take(&mut request.page_token);
        let size = checks.take("page_size", page_size(std::mem::take(&mut request.page_size)));
        let binding = ListBinding::new("ListPromotions", &request);
        let size = checks.finish(size)?;
        let cursor = |bytes: Vec<u8>| match bytes.try_into() {
            Ok(bytes) => Ok(u64::from_be_bytes(bytes)),
            Err(_) => Err(ApiError::PageToken("holds no promotion")),
        };
        let after = binding.read(&token)?.map(cursor).transpose()?;
        Ok(Self { page: PageRequest { size, after }, binding })
    }
}

/// Writes a bundle.
pub(in crate::api) fn write(model: ModelRecord, has_report: bool) -> pb::Model {
    let ModelRecord {
        id,
        stage,
        staged_at,
        origin,
        created_at,
        created_by,
        bytes,
        compared_with,
        gates,
        learnt_until: _,
    } = model;
    let (origin, job) = match origin {
        Origin::BuiltIn => (pb::ModelOrigin::BuiltIn, None),
        Origin::Configured => (pb::ModelOrigin::Configured, None),
        Origin::Imported => (pb::ModelOrigin::Imported, None),
        Origin::Trained(job) => (pb::ModelOrigin::Trained, Some(job)),
    };
    pb::Model {
        name: name_of(&id),
        stage: write_stage(stage).into(),
        stage_time: Some(time::write(staged_at)),
        origin: origin.into(),
        job: job.map(name_of_job).unwrap_or_default(),
        create_time: Some(time::write(created_at)),
        key_id: created_by.map(String::from).unwrap_or_default(),
        size_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        compared_with: compared_with.as_ref().map(name_of).unwrap_or_default(),
        gates: gates.into_iter().map(write_gate).collect(),
        has_report,
    }
}

/// The name of a bundle.
pub(in crate::api) fn name_of(id: &ModelId) -> String {
    format!("models/{id}")
}

/// The name of a job.
pub(in crate::api) fn name_of_job(id: JobId) -> String {
    format!("jobs/{id}")
}

const fn write_stage(stage: Stage) -> pb::ModelStage {
    match stage {
        Stage::Candidate => pb::ModelStage::Candidate,
        Stage::Shadow => pb::ModelStage::Shadow,
        Stage::Active => pb::ModelStage::Active,
        Stage::Retired => pb::ModelStage::Retired,
    }
}

fn write_gate(gate: Gate) -> pb::ModelGate {
    let Gate { name, passed, value, limit, message } = gate;
    pb::ModelGate { name, passed, value, limit, message }
}

/// Writes a promotion.
pub(in crate::api) fn write_promotion(promotion: Promotion) -> pb::Promotion {
    let Promotion { number, model, previous, kind, at, actor, reason, overridden } = promotion;
    let kind = match kind {
        PromotionKind::Configured => pb::PromotionKind::Configured,
        PromotionKind::Promoted => pb::PromotionKind::Promoted,
        PromotionKind::RolledBack => pb::PromotionKind::RolledBack,
    };
    pb::Promotion {
        sequence: i64::try_from(number).unwrap_or(i64::MAX),
        model: name_of(&model),
        previous_model: previous.as_ref().map(name_of).unwrap_or_default(),
        kind: kind.into(),
        create_time: Some(time::write(at)),
        key_id: actor.map(String::from).unwrap_or_default(),
        reason,
        overridden_gates: overridden,
    }
}

/// Writes a difference.
pub(in crate::api) fn write_difference(difference: Difference) -> pb::ModelDifference {
    let Difference { path, base, value } = difference;
    pb::ModelDifference { path, base, value }
}

/// SHA-256 as hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first message about files.
pub(in crate::api) fn write_header(files: &BundleFiles) -> pb::ModelHeader {
    pb::ModelHeader {
        name: name_of(&files.id),
        model_bytes: i64::try_from(files.model.len()).unwrap_or(i64::MAX),
        model_sha256: sha256(&files.model),
        card_json: files.card.clone(),
        card_sha256: sha256(files.card.as_bytes()),
    }
}

/// A bundle that arrives in pieces.
#[derive(Debug)]
pub(in crate::api) struct Arriving {
    files: BundleFiles,
    bytes: usize,
    sha256: String,
}

impl Arriving {
    /// Begins with the header.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`].
    pub(in crate::api) fn begin(header: Option<pb::ModelHeader>) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let Some(header) = header else {
            checks.fail("header", "must be the first message");
            return checks.finish(None);
        };
        let arriving = checks.inside("header", |checks| {
            let pb::ModelHeader { name, model_bytes, model_sha256, card_json, card_sha256 } = header;
            let id = one(checks, &name);
            let bytes = usize::try_from(model_bytes).ok().filter(|n| (1..=MAX_MODEL_BYTES).contains(n));
            checks.require("model_bytes", bytes.is_some(), format!("must lie in 1..={MAX_MODEL_BYTES}"));
            let card = checks.take("card_json", at_most(card_json, MAX_CARD_BYTES));
            let whole = card.as_ref().is_none_or(|card| sha256(card.as_bytes()) == card_sha256);
            checks.require("card_sha256", whole, "must be the SHA-256 of card_json");
            let files = BundleFiles { id: id?, model: Vec::new(), card: card? };
            Some(Self { files, bytes: bytes?, sha256: model_sha256 })
        });
        checks.finish(arriving)
    }

    /// Takes the next piece.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`] when there is more than the header says.
    pub(in crate::api) fn take(&mut self, chunk: &[u8]) -> Result<(), ApiError> {
        if self.files.model.len() + chunk.len() > self.bytes {
            let mut checks = Checks::default();
            checks.fail("chunk", format!("must not go beyond the {} bytes of the header", self.bytes));
            return checks.finish(None);
        }
        self.files.model.extend_from_slice(chunk);
        Ok(())
    }

    /// The files, now that all arrived.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`] when bytes are missing or others than the header says.
    pub(in crate::api) fn end(self) -> Result<BundleFiles, ApiError> {
        let mut checks = Checks::default();
        let got = self.files.model.len();
        checks.require("chunk", got == self.bytes, format!("must be {} bytes in all, got {got}", self.bytes));
        let whole = got != self.bytes || sha256(&self.files.model) == self.sha256;
        checks.require("header.model_sha256", whole, "must be the SHA-256 of the model file");
        checks.finish(Some(self.files))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};

    fn header() -> pb::ModelHeader {
        write_header(&BundleFiles {
            id: ModelId::new("abc").unwrap(),
            model: vec![1, 2, 3],
            card: "{}".into(),
        })
    }

    #[test]
    fn files_arrive_whole_or_not_at_all() {
        let arrive = |chunks: &[&[u8]]| {
            let mut arriving = Arriving::begin(Some(header()))?;
            chunks.iter().try_for_each(|chunk| arriving.take(chunk))?;
            arriving.end()
        };
        assert_eq!(arrive(&[&[1], &[2, 3]]).unwrap().model, [1, 2, 3]);
        assert_eq!(refused(arrive(&[&[1, 2]])), ["chunk"]);
        assert_eq!(refused(arrive(&[&[1, 2, 3, 4]])), ["chunk"]);
        assert_eq!(refused(arrive(&[&[1, 2, 4]])), ["header.model_sha256"]);
    }

    #[test]
    fn every_violation_is_named() {
        assert_eq!(refused(Arriving::begin(None)), ["header"]);
        let bad = pb::ModelHeader {
            name: "models/active".into(),
            model_bytes: -1,
            card_sha256: "x".into(),
            ..header()
        };
        assert_eq!(
            refused(Arriving::begin(Some(bad))),
            ["header.name", "header.model_bytes", "header.card_sha256"]
        );
        let request = pb::PromoteModelRequest {
            name: "models/A".into(),
            reason: "x".repeat(2_000),
            expected_sequence: -1,
            ..Default::default()
        };
        assert_eq!(refused(PromoteCall::try_from(request)), ["name", "reason", "expected_sequence"]);
    }
}
