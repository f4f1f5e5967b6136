//! The words of the domain: plain values that every layer shares.
//!
//! A value that exists is valid: constructors check, so no later layer does.
//! Nothing here reads a clock, does I/O, or knows a protocol or a store.
//!
//! May import: nothing of ours.

mod article;
mod assessment;
mod comment;
mod failure;
mod feedback;
mod ids;
mod key;
mod label;
mod odds;
mod page;
mod policy;
mod site;
mod span;
mod tally;
mod time;
mod verdict;

pub use article::{Article, ArticleFields};
pub use assessment::{Assessment, LabelScore, Reason, ReasonSource};
pub use comment::{
    Author, Body, Comment, InvalidComment, MAX_BODY_BYTES, MAX_FIELD_BYTES, Markup, Place, RequestFacts,
};
pub use failure::FailureKind;
pub use feedback::{Feedback, FeedbackSource, Ruling};
pub use ids::{ArticleId, CommentId, FeedbackId, InvalidId, KeyId, RequestId, SiteId, VerdictId};
pub use key::{ApiKey, Role};
pub use label::{Label, PerLabel};
pub use odds::{LogOdds, Probability};
pub use page::{Page, PageRequest};
pub use policy::{Action, Costs, InvalidPolicy, LabelThresholds, Policy, Preset};
pub use site::Site;
pub use span::Span;
pub use tally::{Tally, TallyKey, TallyKind};
pub use time::{Clock, FixedClock, SystemClock, Timestamp};
pub use verdict::{Pseudonyms, Verdict, Versions};
