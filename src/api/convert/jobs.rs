//! The messages of `ModelService` about jobs, frozen sets and stored rulings.
//!
//! May import: `types`, `learning`, `moderation` (what is asked of use cases).

use super::{
    checks::{Checks, known},
    models::{name_of, name_of_job},
    names,
    scoring::page_size,
    time,
    verdict::write_action,
};
use crate::{
    api::{error::ApiError, page_token::ListBinding, pb},
    learning::registry::{Part, SetText},
    moderation::{
        ShadowReport,
        shadow::{Agreement, Beside, Times},
    },
    types::{
        FrozenSet, FrozenSetName, Job, JobId, JobKind, JobState, ModelId, PageRequest, SiteId,
        TrainingRequest, VerdictId,
    },
};

/// Sets of one evaluation.
const MAX_SETS: usize = 20;
/// Bytes of a frozen set, comments and articles each.
const MAX_SET_BYTES: usize = 64 << 20;

/// Reads what a training is to learn from.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_training(request: pb::TrainModelRequest) -> Result<TrainingRequest, ApiError> {
    let usual = TrainingRequest::default();
    let Some(options) = request.options else { return Ok(usual) };
    let pb::TrainingOptions { without_base, seed, held_out_percent, without_evasion } = options;
    let mut checks = Checks::default();
    let percent = match held_out_percent {
        0 => Some(usual.held_out_percent),
        5..=50 => u32::try_from(held_out_percent).ok(),
        _other => None,
    };
    checks.require("options.held_out_percent", percent.is_some(), "must be 0 or lie in 5..=50");
    checks.finish(percent.map(|held_out_percent| TrainingRequest {
        base: !without_base,
        seed: if seed == 0 { usual.seed } else { seed },
        held_out_percent,
        evasion: !without_evasion,
    }))
}

/// An evaluation that is asked for; no model means the active one.
#[derive(Debug)]
pub(in crate::api) struct EvaluateCall {
    pub(in crate::api) model: Option<ModelId>,
    pub(in crate::api) sets: Vec<FrozenSetName>,
}

impl TryFrom<pb::EvaluateModelRequest> for EvaluateCall {
    type Error = ApiError;
    fn try_from(request: pb::EvaluateModelRequest) -> Result<Self, ApiError> {
        let pb::EvaluateModelRequest { name, sets } = request;
        let mut checks = Checks::default();
        let model = checks.take("name", names::model(&name));
        let few = (1..=MAX_SETS).contains(&sets.len());
        checks.require("sets", few, format!("must be 1 to {MAX_SETS} sets"));
        let read =
            |(at, name): (usize, &String)| checks.take(&format!("sets[{at}]"), names::frozen_set(name));
        let sets: Vec<Option<FrozenSetName>> = sets.iter().enumerate().map(read).collect();
        let sets: Option<Vec<FrozenSetName>> = sets.into_iter().collect();
        checks.finish(model.zip(sets).map(|(model, sets)| Self { model, sets }))
    }
}

/// Reads `jobs/{job}`.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_job(name: &str) -> Result<JobId, ApiError> {
    let mut checks = Checks::default();
    let id = checks.take("name", names::job(name));
    checks.finish(id)
}

/// A page of jobs.
#[derive(Debug)]
pub(in crate::api) struct JobsCall {
    pub(in crate::api) page: PageRequest<JobId>,
    pub(in crate::api) binding: ListBinding,
}

impl TryFrom<pb::ListJobsRequest> for JobsCall {
    type Error = ApiError;
    fn try_from(mut request: pb::ListJobsRequest) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let token = std::mem::take(&mut request.page_token);
        let size = checks.take("page_size", page_size(std::mem::take(&mut request.page_size)));
        let binding = ListBinding::new("ListJobs", &request);
        let size = checks.finish(size)?;
        let cursor = |bytes: Vec<u8>| match bytes.try_into() {
            Ok(bytes) => Ok(JobId::from_bytes(bytes)),
            Err(_) => Err(ApiError::PageToken("holds no job")),
        };
        let after = binding.read(&token)?.map(cursor).transpose()?;
        Ok(Self { page: PageRequest { size, after }, binding })
    }
}

/// Writes a job.
pub(in crate::api) fn write_job(job: Job) -> pb::Job {
    use pb::job::Work;
    let Job { id, kind, state, progress, step, created_at, created_by, started_at, ended_at, model, error } =
        job;
    let work = match kind {
        JobKind::Train(TrainingRequest { base, seed, held_out_percent, evasion }) => {
            Work::Training(pb::TrainingOptions {
                without_base: !base,
                seed,
                held_out_percent: i32::try_from(held_out_percent).unwrap_or(i32::MAX),
                without_evasion: !evasion,
            })
        }
        JobKind::Evaluate { model, sets } => Work::Evaluation(pb::EvaluationOptions {
            model: name_of(&model),
            sets: sets.iter().map(name_of_set).collect(),
        }),
    };
    pb::Job {
        name: name_of_job(id),
        state: write_state(state).into(),
        work: Some(work),
        progress,
        step,
        create_time: Some(time::write(created_at)),
        start_time: started_at.map(time::write),
        end_time: ended_at.map(time::write),
        key_id: created_by.map(String::from).unwrap_or_default(),
        model: model.as_ref().map(name_of).unwrap_or_default(),
        error: error.unwrap_or_default(),
    }
}

const fn write_state(state: JobState) -> pb::JobState {
    match state {
        JobState::Queued => pb::JobState::Queued,
        JobState::Running => pb::JobState::Running,
        JobState::Succeeded => pb::JobState::Succeeded,
        JobState::Failed => pb::JobState::Failed,
        JobState::Cancelled => pb::JobState::Cancelled,
        JobState::Interrupted => pb::JobState::Interrupted,
    }
}

fn name_of_set(name: &FrozenSetName) -> String {
    format!("frozenSets/{name}")
}

/// Writes a frozen set.
pub(in crate::api) fn write_set(set: FrozenSet) -> pb::FrozenSet {
    let FrozenSet { name, sha256, comments, bytes, created_at, created_by } = set;
    pb::FrozenSet {
        name: name_of_set(&name),
        sha256,
        comment_count: i64::try_from(comments).unwrap_or(i64::MAX),
        size_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        create_time: Some(time::write(created_at)),
        key_id: created_by.map(String::from).unwrap_or_default(),
    }
}

/// A set that arrives in pieces.
#[derive(Debug)]
pub(in crate::api) struct ArrivingSet {
    name: FrozenSetName,
    sha256: String,
    lines: Vec<u8>,
    articles: Vec<u8>,
}

impl ArrivingSet {
    /// Begins with the header.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`].
    pub(in crate::api) fn begin(header: Option<pb::FreezeSetHeader>) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let Some(pb::FreezeSetHeader { set_id, sha256 }) = header else {
            checks.fail("header", "must be the first message");
            return checks.finish(None);
        };
        let name = checks.take("header.set_id", FrozenSetName::new(&set_id));
        let set = name.map(|name| Self { name, sha256, lines: Vec::new(), articles: Vec::new() });
        checks.finish(set)
    }

    /// Takes the next piece.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`] when the set grows too large.
    pub(in crate::api) fn take(&mut self, chunk: &[u8], of_articles: bool) -> Result<(), ApiError> {
        let part = if of_articles { &mut self.articles } else { &mut self.lines };
        if part.len() + chunk.len() > MAX_SET_BYTES {
            let mut checks = Checks::default();
            checks.fail("chunk", format!("must be at most {MAX_SET_BYTES} bytes in all"));
            return checks.finish(None);
        }
        part.extend_from_slice(chunk);
        Ok(())
    }

    /// The set, now that all arrived.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`] when the bytes are no text, or others than the header says.
    pub(in crate::api) fn end(self) -> Result<(FrozenSetName, SetText), ApiError> {
        let mut checks = Checks::default();
        let whole = self.sha256.is_empty() || super::models::sha256(&self.lines) == self.sha256;
        checks.require("header.sha256", whole, "must be the SHA-256 of the lines");
        let lines = checks.take("chunk", String::from_utf8(self.lines).map_err(|_| "must be UTF-8"));
        let articles =
            checks.take("articles_chunk", String::from_utf8(self.articles).map_err(|_| "must be UTF-8"));
        let text = lines.zip(articles).map(|(lines, articles)| SetText { lines, articles });
        checks.finish(text.map(|text| (self.name, text)))
    }
}

/// Reads which stored rulings are meant.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_export(
    request: pb::ExportSamplesRequest,
) -> Result<(Option<ModelId>, Part), ApiError> {
    let pb::ExportSamplesRequest { model, part } = request;
    let mut checks = Checks::default();
    let model = match model.as_str() {
        "" => Some(None),
        name => checks.take("model", names::model(name)),
    };
    let part = checks.take("part", known::<pb::SamplePart>(part));
    let part = part.map(|part| match part {
        Some(pb::SamplePart::LearntFrom) => Part::LearntFrom,
        Some(pb::SamplePart::HeldOut) => Part::HeldOut,
        Some(pb::SamplePart::Unspecified) | None => Part::All,
    });
    let of_nothing = matches!((&model, part), (Some(None), Some(Part::LearntFrom | Part::HeldOut)));
    checks.require("part", !of_nothing, "needs a model");
    checks.finish(model.zip(part))
}

/// Reads the verdict whose author is meant.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_forget(
    request: pb::ForgetSamplesRequest,
) -> Result<(SiteId, VerdictId), ApiError> {
    let mut checks = Checks::default();
    let name = checks.take("verdict", names::verdict(&request.verdict));
    checks.finish(name)
}

/// Writes what a shadow would have done.
pub(in crate::api) fn write_shadow(report: ShadowReport) -> pb::GetShadowReportResponse {
    let ShadowReport {
        model,
        since,
        comments,
        dropped,
        flips,
        parts,
        examples,
        agreement,
        active_times,
        shadow_times,
    } = report;
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let times = |times: Times| pb::ShadowTimes {
        mean: Some(time::write_duration(times.mean)),
        p99: Some(time::write_duration(times.p99)),
    };
    let Agreement { ruled, active_right, shadow_right, held_good, published_bad, cost } = agreement;
    if model.is_empty() {
        return pb::GetShadowReportResponse::default();
    }
    pb::GetShadowReportResponse {
        model: format!("models/{model}"),
        since_time: Some(time::write(since)),
        comment_count: count(comments),
        dropped_count: count(dropped),
        flips: flips
            .into_iter()
            .map(|(from, to, n)| pb::ShadowFlips {
                active_action: write_action(from).into(),
                shadow_action: write_action(to).into(),
                count: count(n),
            })
            .collect(),
        parts: parts
            .into_iter()
            .map(|(by, part, all, flips)| pb::ShadowPart {
                by: by.to_owned(),
                part,
                comment_count: count(all),
                flip_count: count(flips),
            })
            .collect(),
        examples: examples.into_iter().map(write_beside).collect(),
        agreement: Some(pb::ShadowAgreement {
            ruled_count: count(ruled),
            active_right_count: count(active_right),
            shadow_right_count: count(shadow_right),
            active_held_good_count: count(held_good.0),
            shadow_held_good_count: count(held_good.1),
            active_published_bad_count: count(published_bad.0),
            shadow_published_bad_count: count(published_bad.1),
            active_cost: cost.0,
            shadow_cost: cost.1,
        }),
        active_times: Some(times(active_times)),
        shadow_times: Some(times(shadow_times)),
    }
}

fn write_beside(one: Beside) -> pb::ShadowExample {
    let Beside { site, verdict, active, shadow, active_probability, shadow_probability } = one;
    pb::ShadowExample {
        verdict: names::of_a_verdict(&site, verdict),
        active_action: write_action(active).into(),
        shadow_action: write_action(shadow).into(),
        active_probability,
        shadow_probability,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::checks::tests::refused, *};

    #[test]
    fn every_violation_is_named() {
        let options = pb::TrainingOptions { held_out_percent: 80, ..Default::default() };
        let train = pb::TrainModelRequest { options: Some(options) };
        assert_eq!(refused(read_training(train)), ["options.held_out_percent"]);
        let evaluate =
            pb::EvaluateModelRequest { name: "x".into(), sets: vec!["frozenSets/ok".into(), "no".into()] };
        assert_eq!(refused(EvaluateCall::try_from(evaluate)), ["name", "sets[1]"]);
        let export = pb::ExportSamplesRequest { model: String::new(), part: 2 };
        assert_eq!(refused(read_export(export)), ["part"]);
        assert_eq!(refused(read_forget(pb::ForgetSamplesRequest::default())), ["verdict"]);
        assert_eq!(refused(ArrivingSet::begin(None)), ["header"]);
    }

    #[test]
    fn a_set_arrives_whole_or_not_at_all() {
        let header = |sha256: &str| pb::FreezeSetHeader { set_id: "spring".into(), sha256: sha256.into() };
        let mut set = ArrivingSet::begin(Some(header(""))).unwrap();
        set.take(b"{}", false).unwrap();
        set.take(b"{}\n", true).unwrap();
        let (name, text) = set.end().unwrap();
        assert_eq!((name.as_str(), text.lines.as_str(), text.articles.as_str()), ("spring", "{}", "{}\n"));
        let mut bad = ArrivingSet::begin(Some(header("00"))).unwrap();
        bad.take(&[0xff], false).unwrap();
        assert_eq!(refused(bad.end()), ["header.sha256", "chunk"]);
    }
}
