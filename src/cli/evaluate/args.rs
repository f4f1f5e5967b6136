//! What can be typed after `tamis evaluate`.
//!
//! May import: `learning`, `types`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    learning::{Protocol, Target},
    types::{Label, Preset},
};

/// Compares a bundle, or bundles trained for the purpose, with labelled comments.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tamis evaluate --data youtube/dev.jsonl sms/dev.jsonl --report report.html
  tamis evaluate --train youtube/train.jsonl --data youtube/dev.jsonl
  tamis evaluate --data youtube/train.jsonl youtube/dev.jsonl --leave-one-group-out
  tamis evaluate --data sms/train.jsonl sms/dev.jsonl --splits 5 --json
  tamis evaluate --data sms/train.jsonl --online
  tamis evaluate --data youtube/dev.jsonl --evasion --clean tests/golden/clean/*.txt
  tamis evaluate --model models/mine --data dev.jsonl --write-card")]
pub(in crate::cli) struct EvaluateArgs {
    /// Folder of the bundle; the shipped one when left out.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["train", "protocol", "online"])]
    pub(super) model: Option<PathBuf>,
    /// Labelled comments to judge, JSON lines. Files of one folder are one set.
    #[arg(long, required_unless_present = "splits_from", num_args = 1.., value_name = "FILE")]
    pub(super) data: Vec<PathBuf>,
    /// Train on these and judge --data; with a protocol: learnt from in every fold.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(super) train: Vec<PathBuf>,
    /// Articles that comments name by `article_id`, JSON lines.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(super) articles: Vec<PathBuf>,
    /// Stratified cross-validation with K folds.
    #[arg(long, value_name = "K", group = "protocol", value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub(super) folds: Option<u16>,
    /// Shuffles of the cross-validation.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "folds")]
    pub(super) repeat: u16,
    /// N random stratified splits, one fifth judged.
    #[arg(long, value_name = "N", group = "protocol", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) splits: Option<u16>,
    /// Judge each article by a bundle that saw only the others.
    #[arg(long, group = "protocol")]
    pub(super) leave_one_group_out: bool,
    /// Judge the latest fifth by a bundle that saw only what was posted before.
    #[arg(long, group = "protocol")]
    pub(super) by_time: bool,
    /// Judge each set by a bundle that saw only the other sets.
    #[arg(long, group = "protocol")]
    pub(super) leave_one_set_out: bool,
    /// Judge each set by a bundle trained on the --train set of its name.
    #[arg(long, group = "protocol", requires = "train")]
    pub(super) each_alone: bool,
    /// Judge the splits that the peers' runner wrote (--export-split); --data lends
    /// the fields that it leaves out.
    #[arg(long, value_name = "DIR", group = "protocol")]
    pub(super) splits_from: Option<PathBuf>,
    /// Predict, then learn, in file order, from nothing.
    #[arg(long, group = "protocol")]
    pub(super) online: bool,
    /// Disguise the comments that carry the target label, by every known trick and pair of
    /// tricks, and tell what is still caught.
    #[arg(long, conflicts_with = "protocol")]
    pub(super) evasion: bool,
    /// With --evasion: clean texts, one a line; the file's name is their language.
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "evasion")]
    pub(super) clean: Vec<PathBuf>,
    /// Seed of shuffles, splits and training.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Whose thresholds decisions are measured at.
    #[arg(long, value_enum, default_value_t = PolicyName::Balanced)]
    pub(super) policy: PolicyName,
    /// Look at the text only: no author, article or parent.
    #[arg(long)]
    pub(super) text_only: bool,
    /// What --export-scores, --online and --evasion are about: a label, or `overall`.
    #[arg(long, default_value = "spam", value_parser = parse_target, value_name = "TARGET")]
    target: Target,
    /// Write the probability of each comment, as the peers' runner reads them.
    #[arg(long, value_name = "FILE")]
    pub(super) export_scores: Option<PathBuf>,
    /// Put the figures on the bundle's card.
    #[arg(long, requires = "model")]
    pub(super) write_card: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Write a report as HTML.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

/// A shipped policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PolicyName {
    /// A good comment held costs as much as a bad one published.
    Balanced,
    /// A bad comment published costs four times as much.
    Strict,
}

impl PolicyName {
    pub(super) const fn preset(self) -> Preset {
        match self {
            Self::Balanced => Preset::Balanced,
            Self::Strict => Preset::Strict,
        }
    }
}

fn parse_target(name: &str) -> Result<Target, String> {
    Target::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Label::ALL.iter().map(|l| l.name()).collect();
        format!("must be one of {}, overall", names.join(", "))
    })
}

impl EvaluateArgs {
    pub(super) const fn target(&self) -> Target {
        self.target
    }

    /// The protocol that was asked for, if any.
    pub(super) fn protocol(&self) -> Option<Protocol> {
        let seed = self.seed;
        match (self.folds, self.splits) {
            (Some(folds), _) => {
                Some(Protocol::Folds { folds: folds.into(), repeat: self.repeat.max(1).into(), seed })
            }
            (None, Some(splits)) => Some(Protocol::Splits { splits: splits.into(), share: 0.2, seed }),
            (None, None) if self.leave_one_group_out => Some(Protocol::LeaveOneGroupOut),
            (None, None) if self.by_time => Some(Protocol::ByTime { share: 0.2 }),
            (None, None) if self.leave_one_set_out => Some(Protocol::LeaveOneSetOut),
            (None, None) if self.each_alone => Some(Protocol::Alone),
            (None, None) => None,
        }
    }
}
