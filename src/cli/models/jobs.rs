//! `tamis models train` and `jobs`.
//!
//! May import: `api` (wire types).

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::words::{last, time};
use crate::{
    api::pb::{self, JobState},
    cli::{
        print,
        remote::{Models, Remote, json, next, told},
        terminal::{Screen, tame},
    },
};

/// `tamis models train ...`
#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Learn from stored rulings alone, without the labelled comments that come with the program.
    #[arg(long)]
    without_base: bool,
    /// Order of samples: same rulings, options and seed make the same bundle.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Newest part of the stored rulings that is held out for the report, in percent.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i32).range(5..=50))]
    held_out: i32,
    /// Do not try disguises: quicker, but the gate for them then needs an override.
    #[arg(long)]
    without_evasion: bool,
    /// Follow it to its end.
    #[arg(long)]
    watch: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Trains a candidate.
pub(super) async fn train(remote: &Remote, args: &TrainArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let options = pb::TrainingOptions {
        without_base: args.without_base,
        seed: args.seed,
        held_out_percent: args.held_out,
        without_evasion: args.without_evasion,
    };
    let request = pb::TrainModelRequest { options: Some(options) };
    let job = told(client.train_model(request).await)?.job.context("the server sent no job")?;
    started(&mut client, job, args.watch, args.json).await
}

/// Says that a job was queued, or follows it.
pub(super) async fn started(client: &mut Models, job: pb::Job, follow: bool, as_json: bool) -> Result<()> {
    let job = if follow { watch(client, &job.name).await? } else { job };
    tell(&job, as_json)?;
    ended_well(&job)
}

fn ended_well(job: &pb::Job) -> Result<()> {
    match JobState::try_from(job.state) {
        Ok(JobState::Failed | JobState::Cancelled | JobState::Interrupted) => {
            bail!("job {} {}: {}", last(&job.name), state(job.state), tame(&job.error))
        }
        Ok(JobState::Unspecified | JobState::Queued | JobState::Running | JobState::Succeeded) | Err(_) => {
            Ok(())
        }
    }
}

fn tell(job: &pb::Job, as_json: bool) -> Result<()> {
    if as_json {
        print(&format!("{}\n", json("Job", job)?));
        return Ok(());
    }
    let made = match job.model.as_str() {
        "" => String::new(),
        model => format!(", model {}", last(model)),
    };
    print(&format!("job {} {}{made}\n", last(&job.name), state(job.state)));
    Ok(())
}

/// Follows a job to its end: a bar on a terminal, a line per step elsewhere.
#[expect(clippy::print_stderr, reason = "progress for people who watch a log")]
async fn watch(client: &mut Models, name: &str) -> Result<pb::Job> {
    let bar = if std::io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("{bar:30} {percent}% {msg}");
        ProgressBar::new(1_000).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    } else {
        ProgressBar::hidden()
    };
    let mut stream = told(client.watch_job(pb::WatchJobRequest { name: name.to_owned() }).await)?;
    let (mut newest, mut step) = (None, String::new());
    while let Some(message) = next(&mut stream).await? {
        let Some(job) = message.job else { continue };
        bar.set_position((job.progress * 1_000.0) as u64);
        bar.set_message(tame(&job.step));
        if bar.is_hidden() && job.step != step {
            eprintln!("{:3.0} % {}", 100.0 * job.progress, tame(&job.step));
        }
        step.clone_from(&job.step);
        newest = Some(job);
    }
    bar.finish_and_clear();
    newest.context("the server told nothing of the job")
}

/// A state in a word.
fn state(number: i32) -> &'static str {
    match JobState::try_from(number) {
        Ok(JobState::Queued) => "queued",
        Ok(JobState::Running) => "running",
        Ok(JobState::Succeeded) => "succeeded",
        Ok(JobState::Failed) => "failed",
        Ok(JobState::Cancelled) => "cancelled",
        Ok(JobState::Interrupted) => "interrupted",
        Ok(JobState::Unspecified) | Err(_) => "unknown",
    }
}

/// `tamis models jobs ...`
#[derive(Debug, Args)]
pub(super) struct JobsArgs {
    #[command(subcommand)]
    command: Option<JobCommand>,
    /// Jobs listed at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=500))]
    limit: i32,
    /// As JSON lines.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum JobCommand {
    /// Shows one job.
    Show {
        /// Its id.
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Follows a job to its end.
    Watch {
        /// Its id.
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Stops a job: one that waits at once, a running one at its next step.
    Cancel {
        /// Its id.
        #[arg(value_name = "JOB")]
        job: String,
    },
}

fn job_name(given: &str) -> String {
    if given.contains('/') { given.to_owned() } else { format!("jobs/{given}") }
}

/// Lists jobs, follows or stops one.
pub(super) async fn jobs(remote: &Remote, args: &JobsArgs) -> Result<()> {
    let mut client = remote.models().await?;
    let job = match &args.command {
        None => return list(&mut client, args).await,
        Some(JobCommand::Show { job }) => {
            told(client.get_job(pb::GetJobRequest { name: job_name(job) }).await)?.job
        }
        Some(JobCommand::Watch { job }) => {
            let job = watch(&mut client, &job_name(job)).await?;
            tell(&job, args.json)?;
            return ended_well(&job);
        }
        Some(JobCommand::Cancel { job }) => {
            told(client.cancel_job(pb::CancelJobRequest { name: job_name(job) }).await)?.job
        }
    };
    tell(&job.context("the server sent no job")?, args.json)
}

async fn list(client: &mut Models, args: &JobsArgs) -> Result<()> {
    let request = pb::ListJobsRequest { page_size: args.limit, page_token: String::new() };
    let found = told(client.list_jobs(request).await)?.jobs;
    if args.json {
        return found.iter().try_for_each(|job| tell(job, true));
    }
    let row = |job: &pb::Job| {
        let what = match &job.work {
            Some(pb::job::Work::Training(_)) => "train",
            Some(pb::job::Work::Evaluation(_)) => "evaluate",
            None => "",
        };
        let more = if job.error.is_empty() { &job.step } else { &job.error };
        vec![
            last(&job.name).to_owned(),
            what.to_owned(),
            state(job.state).to_owned(),
            time(job.create_time.as_ref()),
            format!("{:.0} %", 100.0 * job.progress),
            last(&job.model).to_owned(),
            tame(more),
        ]
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    print(&Screen::stdout().table(&["job", "what", "state", "asked for", "done", "model", "step"], &rows));
    Ok(())
}
