//! `tamis evaluate`: how well a bundle, or the way bundles are trained, does on labelled
//! comments.
//!
//! May import: `learning`, `rules`, `scoring`, `types`.

mod args;
mod table;

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, bail};

use crate::{
    learning::{
        Articles, DataSet, Evaluation, LearningError, Plan, Target, TrainConfig, default_bundle, evade,
        export_scores, judge_sets, load_bundle, outcomes, read_clean, report, run_online, run_plan,
        summarise, train, write_card,
    },
    rules::RuleSet,
    scoring::Snapshot,
    types::{Author, Place, Policy, Preset},
};

pub(super) use args::EvaluateArgs;

use super::train::{progress, tell};

/// Runs it; figures on standard output, progress on standard error.
///
/// # Errors
///
/// Files that cannot be read or written, bad lines, a bad bundle, a protocol that
/// cannot be carried out.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(args: &EvaluateArgs) -> Result<()> {
    let mut articles = Articles::default();
    for path in &args.articles {
        articles.add_file(path)?;
    }
    let mut sets = DataSet::read_all(&args.data, &mut articles)?;
    let mut extra = DataSet::read_all(&args.train, &mut articles)?;
    if args.text_only {
        sets.iter_mut().chain(&mut extra).for_each(text_only);
    }
    let preset = args.policy.preset();
    let bar = progress();
    let evaluation = if args.online {
        online(args, &sets)?
    } else if let Some(plan) = plan(args, &sets, &extra, &mut articles)? {
        let rules = Arc::new(RuleSet::starter());
        let found = run_plan(&plan, &config(args), &rules, preset, &|stage| tell(&bar, stage))?;
        let outcomes = outcomes(&plan, &found);
        export(args, || export_scores(&outcomes, args.target(), preset))?;
        summarise("", &plan.protocol, preset, &outcomes)
    } else {
        given(args, &sets, &extra, preset, &|stage| tell(&bar, stage))?
    };
    bar.finish_and_clear();
    if let Some(path) = &args.report {
        std::fs::write(path, report(&evaluation))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&evaluation)?);
    } else {
        print!("{}", table::text(&evaluation));
    }
    Ok(())
}

/// Judges the sets as they are: by a bundle, or by one trained for the purpose.
fn given(
    args: &EvaluateArgs,
    sets: &[DataSet],
    extra: &[DataSet],
    preset: Preset,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Evaluation> {
    let snapshot = if extra.is_empty() {
        snapshot(args.model.as_deref())?
    } else {
        let rules = Arc::new(RuleSet::starter());
        let bundle = train(&config(args), extra, &rules, tell)?;
        Snapshot { bundle: Arc::new(bundle), rules }
    };
    let outcomes = judge_sets(&snapshot, &Policy::preset(preset), sets);
    export(args, || export_scores(&outcomes, args.target(), preset))?;
    let mut evaluation = summarise(snapshot.model_id(), "as given", preset, &outcomes);
    if args.evasion {
        let clean = read_clean(&args.clean)?;
        evaluation.evasion = Some(evade(&snapshot, preset, args.target(), sets, &clean, args.seed, tell));
    }
    if let (true, Some(dir)) = (args.write_card, &args.model) {
        let mut card = snapshot.bundle.card.clone();
        card.figures = evaluation.sets.iter().map(|(name, set)| (name.clone(), set.on_card())).collect();
        write_card(&card, dir)?;
    }
    Ok(evaluation)
}

/// The trainings that the arguments ask for; `None` for a plain comparison.
fn plan(
    args: &EvaluateArgs,
    sets: &[DataSet],
    extra: &[DataSet],
    articles: &mut Articles,
) -> Result<Option<Plan>> {
    if let Some(dir) = &args.splits_from {
        return Ok(Some(Plan::from_folder(dir, sets, articles)?));
    }
    let plan = |protocol| Plan::new(&protocol, sets.to_vec(), extra.to_vec());
    Ok(args.protocol().map(plan).transpose()?)
}

fn config(args: &EvaluateArgs) -> TrainConfig {
    TrainConfig { seed: args.seed, ..TrainConfig::default() }
}

fn online(args: &EvaluateArgs, sets: &[DataSet]) -> Result<Evaluation> {
    let Target::Label(label) = args.target() else {
        bail!("--online learns one label: --target spam, low_content, off_topic or abuse")
    };
    let found = sets.iter().map(|set| (set.name.clone(), run_online(set, label))).collect();
    let evaluation = Evaluation {
        protocol: "online: predict, then learn, in file order, from nothing".into(),
        online: found,
        ..Evaluation::default()
    };
    let lines = || {
        let scores = evaluation.online.values().flat_map(|o| &o.scores);
        let line =
            |(id, score): &(String, f64)| format!("{}\n", serde_json::json!({"id": id, "score": score}));
        let timing = serde_json::json!({"timing": {"threshold": 0.5, "proba": true}});
        Ok(scores.map(line).collect::<String>() + &format!("{timing}\n"))
    };
    export(args, lines)?;
    Ok(evaluation)
}

/// Writes scores where that was asked for.
fn export(args: &EvaluateArgs, lines: impl FnOnce() -> Result<String, LearningError>) -> Result<()> {
    let Some(path) = &args.export_scores else { return Ok(()) };
    std::fs::write(path, lines()?).with_context(|| format!("cannot write {}", path.display()))
}

/// Leaves of each comment what a filter sees that is given the text only.
fn text_only(set: &mut DataSet) {
    for sample in &mut set.samples {
        sample.article = None;
        sample.comment.author = Author::default();
        sample.comment.place = Place::default();
    }
}

/// The bundle of a folder, or the shipped one, with the starter rules.
pub(super) fn snapshot(model: Option<&Path>) -> Result<Snapshot> {
    let bundle = model.map_or_else(default_bundle, load_bundle)?;
    Ok(Snapshot { bundle: Arc::new(bundle), rules: Arc::new(RuleSet::starter()) })
}
