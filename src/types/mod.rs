//! The words of the domain: plain values that every layer shares.
//!
//! A value that exists is valid: constructors check, so no later layer does.
//! Nothing here reads a clock, does I/O, or knows a protocol or a store.
//!
//! May import: nothing of ours.

mod article;
mod assessment;
mod audit;
mod campaign;
mod comment;
mod decision;
mod failure;
mod feedback;
mod ids;
mod job;
mod key;
mod label;
mod lesson;
mod model;
mod odds;
mod page;
mod policy;
mod queue;
mod queue_filter;
mod queue_order;
mod queue_state;
mod report;
mod rulebook;
mod sample;
mod site;
mod span;
mod tally;
mod time;
mod trace;
mod verdict;

pub use article::{Article, ArticleFields};
pub use assessment::{Assessment, Counterfactual, LabelScore, Reason, ReasonSource};
pub use audit::{AuditAction, AuditEvent, ChainHead};
pub use campaign::{Campaign, Inheritance, MAX_SPREAD, MAX_VARIANTS};
pub use comment::{
    Author, Body, Comment, InvalidComment, MAX_BODY_BYTES, MAX_FIELD_BYTES, Markup, Place, RequestFacts,
    text_digest,
};
pub use decision::{AuthorAction, AuthorRule, Decision, Disposition, DsaCategory, ReasonCode};
pub use failure::FailureKind;
pub use feedback::{Feedback, FeedbackSource, Ruling};
pub use ids::{
    AppealId, ArticleId, BatchId, CampaignId, CommentId, DecisionId, FeedbackId, FrozenSetName, InvalidId,
    JobId, KeyId, ModelId, QueueItemId, QueueName, RequestId, RuleSetId, RulingId, SiteId, VerdictId,
};
pub use job::{Job, JobKind, JobState, TrainingRequest};
pub use key::{ApiKey, Person, Role};
pub use label::{Label, PerLabel};
pub use lesson::{Lesson, Lessons, Taught, WORD_NUMBERS, Words};
pub use model::{FrozenSet, Gate, ModelRecord, Origin, Promotion, PromotionKind, Stage};
pub use odds::{LogOdds, Probability};
pub use page::{Page, PageRequest};
pub use policy::{Action, Costs, InvalidPolicy, LabelThresholds, Policy, Preset};
pub use queue::{Cause, Causes, Lease, MAX_ITEM_RULES, MAX_LEASE, MIN_LEASE, QueueItem};
pub use queue_filter::{Audience, NamedQueue, QueueFilter};
pub use queue_order::{QueueOrder, Rank};
pub use queue_state::{ItemEvent, ItemState, Refused};
pub use report::{Appeal, AppealOutcome, FiledReport, MAX_REPORTS, Report, ReporterRecord};
pub use rulebook::{Activation, MAX_RULE_VERSIONS, RuleDraft, RuleFile, RuleVersion, RulesState};
pub use sample::{Sample, SampleSource};
pub use site::{QueueRules, Site};
pub use span::Span;
pub use tally::{Tally, TallyKey, TallyKind};
pub use time::{Clock, FixedClock, SystemClock, Timestamp};
pub use trace::{Packed, Trace};
pub use verdict::{Pseudonyms, Verdict, Versions};
