//! Readers' reports, how far their authors are believed, and authors' appeals.
//!
//! Knows nothing of stores. May import: nothing of ours.

use serde::{Deserialize, Serialize};

use super::{AppealId, DecisionId, KeyId, QueueItemId, ReasonCode, Timestamp, VerdictId};

/// Most reports on one comment that are kept and counted.
pub const MAX_REPORTS: usize = 64;

/// A reader's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The verdict on the comment reported.
    pub verdict: VerdictId,
    /// Keyed digest of the reader.
    pub reporter: [u8; 16],
    /// What is wrong with it.
    pub reason: Option<ReasonCode>,
    /// Free words; at most 500 bytes.
    pub note: String,
    /// The key that passed it on.
    pub sent_by: KeyId,
    /// When.
    pub created_at: Timestamp,
}

/// A report with what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiledReport {
    /// The report.
    pub report: Report,
    /// Its weight when it came, in thousandths.
    pub weight: u32,
    /// The decision that settled it, and whether that agreed.
    pub settled: Option<(DecisionId, bool)>,
}

/// How often a reader was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReporterRecord {
    /// Reports that counted.
    pub filed: u32,
    /// Of those, the comment was rejected.
    pub upheld: u32,
    /// Of those, the comment was approved.
    pub dismissed: u32,
}

impl ReporterRecord {
    /// Least weight of a report: a reader who was always wrong is heard as a whisper.
    pub const MIN_WEIGHT: u32 = 50;
    /// Greatest weight: no reader takes a comment down alone twice over.
    pub const MAX_WEIGHT: u32 = 1_500;

    /// What the next report weighs, in thousandths: twice the share of reports
    /// upheld under a prior of one of two (Laplace 1814), less a half, within
    /// bounds. A new reader weighs 500, one who was right nine times of ten 1,166.
    #[must_use]
    pub fn weight(&self) -> u32 {
        let (right, all) =
            (u64::from(self.upheld) + 1, u64::from(self.upheld) + u64::from(self.dismissed) + 2);
        let weight = (2_000 * right / all).saturating_sub(500);
        u32::try_from(weight).unwrap_or(Self::MAX_WEIGHT).clamp(Self::MIN_WEIGHT, Self::MAX_WEIGHT)
    }
}

/// How an appeal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppealOutcome {
    /// It stays as it was.
    Upheld,
    /// It is the other way round now.
    Overturned,
}

impl AppealOutcome {
    /// The name in messages to other systems.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::Overturned => "overturned",
        }
    }
}

/// An author's appeal against what became of a comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// Its name.
    pub id: AppealId,
    /// The verdict on the comment.
    pub verdict: VerdictId,
    /// The item.
    pub item: QueueItemId,
    /// The decision it is against; `None` when only the filter had spoken.
    pub against: Option<DecisionId>,
    /// The author's words; at most 2 KiB.
    pub statement: String,
    /// The key that passed it on.
    pub opened_by: KeyId,
    /// When it was opened.
    pub created_at: Timestamp,
    /// The decision that ended it, and how.
    pub outcome: Option<(DecisionId, AppealOutcome)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_weigh_what_their_author_earned() {
        let record = |upheld, dismissed| ReporterRecord { filed: 0, upheld, dismissed }.weight();
        assert_eq!(record(0, 0), 500);
        assert_eq!(record(0, 1), 166);
        assert_eq!(record(0, 100), ReporterRecord::MIN_WEIGHT);
        assert_eq!(record(9, 1), 1_166);
        assert!(record(1000, 0) < ReporterRecord::MAX_WEIGHT);
        assert_eq!(record(u32::MAX, u32::MAX), 500);
    }
}
