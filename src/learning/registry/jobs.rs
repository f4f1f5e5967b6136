//! Trainings and evaluations: queued, carried out one after the other, followed and
//! cancelled.
//!
//! The work runs on a thread of its own, never on the runtime. A cancelled job ends at
//! its next step. One that was queued or running when the node ended is interrupted, and
//! says so. May import: `types`, `store`, `learning`.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    Models, ModelsError, REPORT_FILE, frozen,
    lines::base,
    stored::{cap, gather, rulings_since},
    training::{Control, Input, Made, figures, make},
};
use crate::{
    classifier::{CARD_FILE, MODEL_FILE},
    learning::{Articles, DataSet, judge_sets, report as html_of},
    scoring::Snapshot,
    store::ModelRefusal,
    types::{
        FrozenSetName, Job, JobId, JobKind, JobState, KeyId, ModelId, Origin, Page, PageRequest, Policy,
        Preset, Stage, TrainingRequest,
    },
};

/// Jobs that wait at most.
const MAX_WAITING: usize = 16;
/// What the files of the measured bundle are called beside those of the candidate.
const MEASURED: &str = "measured-";
/// The report as a page.
const HTML_FILE: &str = "report.html";
/// File of an evaluation.
const EVALUATION_FILE: &str = "evaluation.json";

/// How this node learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workshop {
    /// Threads of a training.
    pub threads: usize,
    /// Files of labelled comments learnt from besides; those that come with the program
    /// when there are none.
    pub base_files: Vec<PathBuf>,
    /// Bundles kept besides the active one, the one in shadow and the one before.
    pub keep: usize,
}

impl Default for Workshop {
    fn default() -> Self {
        Self { threads: 1, base_files: Vec::new(), keep: 10 }
    }
}

/// When a node trains by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// Never.
    #[default]
    Off,
    /// A day after the training before.
    Daily,
    /// After so many rulings since the training before.
    Every(u64),
}

/// How often the nodes are told that a job is being worked on.
const HOLD_EVERY: Duration = Duration::from_secs(2);

/// What a job is called among the background jobs of the nodes.
fn held(id: JobId) -> String {
    format!("model job {id}")
}

/// A day.
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Jobs of a node.
pub(super) struct Jobs {
    sender: mpsc::Sender<JobId>,
    receiver: tokio::sync::Mutex<mpsc::Receiver<JobId>>,
    running: Mutex<HashMap<JobId, Arc<Control>>>,
}

impl Default for Jobs {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        Self { sender, receiver: tokio::sync::Mutex::new(receiver), running: Mutex::default() }
    }
}

impl Models {
    /// Asks for a candidate.
    ///
    /// # Errors
    ///
    /// [`ModelsError::JobsFull`].
    pub async fn train(&self, request: TrainingRequest, actor: Option<&KeyId>) -> Result<Job, ModelsError> {
        self.queue(JobKind::Train(request), actor).await
    }

    /// Asks for a training when the schedule says so: never while one waits or runs, and
    /// not without a ruling since the one before.
    ///
    /// # Errors
    ///
    /// As [`Models::train`].
    pub async fn train_when_due(&self, schedule: Schedule) -> Result<Option<Job>, ModelsError> {
        let jobs = self.shelf.store.jobs(PageRequest { size: 100, after: None }).await?.rows;
        let before = jobs.into_iter().find(|job| matches!(job.kind, JobKind::Train(_)));
        if before.as_ref().is_some_and(|job| !job.state.is_final()) {
            return Ok(None);
        }
        let since = before.map(|job| job.created_at).unwrap_or_default();
        let least = match schedule {
            Schedule::Off => return Ok(None),
            Schedule::Daily if self.now().since(since) < DAY => return Ok(None),
            Schedule::Daily => 1,
            Schedule::Every(rulings) => rulings.max(1),
        };
        if rulings_since(&self.shelf.store, since, least).await? < least {
            return Ok(None);
        }
        self.train(TrainingRequest::default(), None).await.map(Some)
    }

    /// Asks for figures of a bundle on frozen sets.
    ///
    /// # Errors
    ///
    /// `UnknownModel`, `UnknownSet`; [`ModelsError::JobsFull`].
    pub async fn evaluate(
        &self,
        model: ModelId,
        sets: Vec<FrozenSetName>,
        actor: &KeyId,
    ) -> Result<Job, ModelsError> {
        self.get(&model).await?;
        for name in &sets {
            self.frozen_set(name).await?;
        }
        self.queue(JobKind::Evaluate { model, sets }, Some(actor)).await
    }

    async fn queue(&self, kind: JobKind, actor: Option<&KeyId>) -> Result<Job, ModelsError> {
        let place = self.jobs.sender.try_reserve().map_err(|_| ModelsError::JobsFull)?;
        let job = Job {
            id: JobId::generate(),
            kind,
            state: JobState::Queued,
            progress: 0.0,
            step: "waiting".to_owned(),
            created_at: self.now(),
            created_by: actor.cloned(),
            started_at: None,
            ended_at: None,
            model: None,
            error: None,
        };
        let job = self.shelf.store.save_job(job, actor, self.now()).await?;
        place.send(job.id);
        Ok(job)
    }

    /// One job as it is now.
    ///
    /// # Errors
    ///
    /// `UnknownJob`.
    pub async fn job(&self, id: JobId) -> Result<Job, ModelsError> {
        let job = self.shelf.store.job(id).await?.ok_or(ModelRefusal::UnknownJob(id))?;
        Ok(self.as_it_is(job))
    }

    fn as_it_is(&self, job: Job) -> Job {
        let control = self.jobs.running.lock().get(&job.id).cloned();
        match control {
            Some(control) if !job.state.is_final() => {
                let (progress, step) = control.progress();
                Job { progress, step, ..job }
            }
            _ended => job,
        }
    }

    /// Jobs, the newest first.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Store`].
    pub async fn list_jobs(&self, page: PageRequest<JobId>) -> Result<Page<Job, JobId>, ModelsError> {
        let Page { rows, next } = self.shelf.store.jobs(page).await?;
        Ok(Page { rows: rows.into_iter().map(|job| self.as_it_is(job)).collect(), next })
    }

    /// Stops a job: one that waits at once, a running one at its next step.
    ///
    /// # Errors
    ///
    /// `UnknownJob`; `JobOver`.
    pub async fn cancel(&self, id: JobId, actor: &KeyId) -> Result<Job, ModelsError> {
        let job = self.job(id).await?;
        let control = self.jobs.running.lock().get(&id).cloned();
        if let Some(control) = control {
            control.cancelled.store(true, Ordering::Relaxed);
            return Ok(job);
        }
        self.end(job, JobState::Cancelled, None, None, Some(actor)).await
    }

    async fn end(
        &self,
        job: Job,
        state: JobState,
        model: Option<ModelId>,
        error: Option<String>,
        actor: Option<&KeyId>,
    ) -> Result<Job, ModelsError> {
        let progress = if state == JobState::Succeeded { 1.0 } else { job.progress };
        let ended_at = Some(self.now());
        let job = Job { state, progress, step: state.name().to_owned(), ended_at, model, error, ..job };
        Ok(self.shelf.store.save_job(job, actor, self.now()).await?)
    }

    /// Marks what a node that ended had left; what another node is working on it leaves.
    async fn interrupt_left(&self) -> Result<(), ModelsError> {
        let mut after = None;
        loop {
            let page = self.shelf.store.jobs(PageRequest { size: 100, after }).await?;
            for job in page.rows.into_iter().filter(|job| !job.state.is_final()) {
                if !self.shelf.store.holds(&held(job.id)).await? {
                    continue;
                }
                let error = Some("the node ended before the job did".to_owned());
                self.end(job, JobState::Interrupted, None, error, None).await?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Carries out jobs one after the other until `stop` is cancelled.
    pub async fn work(&self, stop: &CancellationToken) {
        if let Err(error) = self.interrupt_left().await {
            tracing::warn!(reason = error.reason(), %error, "jobs of before were not looked at");
        }
        let mut waiting = self.jobs.receiver.lock().await;
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => return,
                next = waiting.recv() => next,
            };
            let Some(id) = next else { return };
            if let Err(error) = self.carry_out(id, stop).await {
                tracing::error!(job = %id, reason = error.reason(), %error, "a job could not be carried out");
            }
        }
    }

    async fn carry_out(&self, id: JobId, stop: &CancellationToken) -> Result<(), ModelsError> {
        let job = self.job(id).await?;
        if job.state != JobState::Queued {
            return Ok(());
        }
        let control = Arc::new(Control::default());
        self.jobs.running.lock().insert(id, Arc::clone(&control));
        let _ = self.shelf.store.holds(&held(id)).await;
        let job = Job { state: JobState::Running, started_at: Some(self.now()), ..job };
        let job = self.shelf.store.save_job(job, None, self.now()).await?;
        let done = {
            let mut done = std::pin::pin!(self.done(&job, &control));
            loop {
                tokio::select! {
                    () = stop.cancelled() => {
                        control.cancelled.store(true, Ordering::Relaxed);
                        break None;
                    }
                    done = &mut done => break Some(done),
                    // A node that starts meanwhile must see that somebody is at work.
                    () = tokio::time::sleep(HOLD_EVERY) => drop(self.shelf.store.holds(&held(id)).await),
                }
            }
        };
        let job = Job { progress: control.progress().0, ..job };
        let ended = match done {
            None => {
                let error = Some("the node ended before the job did".to_owned());
                self.end(job, JobState::Interrupted, None, error, None).await
            }
            Some(Ok(model)) => self.end(job, JobState::Succeeded, model, None, None).await,
            Some(Err(ModelsError::Cancelled)) => self.end(job, JobState::Cancelled, None, None, None).await,
            Some(Err(error)) => self.end(job, JobState::Failed, None, Some(error.to_string()), None).await,
        };
        self.jobs.running.lock().remove(&id);
        ended.map(drop)
    }

    async fn done(&self, job: &Job, control: &Arc<Control>) -> Result<Option<ModelId>, ModelsError> {
        match &job.kind {
            JobKind::Train(request) => self.make_candidate(job, request.clone(), control).await.map(Some),
            JobKind::Evaluate { model, sets } => {
                self.make_figures(job, model, sets, control).await.map(|()| None)
            }
        }
    }

    async fn make_candidate(
        &self,
        job: &Job,
        request: TrainingRequest,
        control: &Arc<Control>,
    ) -> Result<ModelId, ModelsError> {
        control.step(0.01, "reading rulings")?;
        let gathered = gather(&self.shelf.store).await?;
        let live = self.live.load_full();
        let active = self.active_id()?;
        let active_until = self.get(&active).await.ok().and_then(|model| model.learnt_until);
        let (threads, files) = (self.workshop.threads, self.workshop.base_files.clone());
        let made = on_thread(Arc::clone(control), move |control| {
            let base = if request.base { vec![read_base(&files)?] } else { Vec::new() };
            let (stored, capped) = cap(gathered.samples);
            let input = Input {
                stored,
                without_label: gathered.without_label,
                capped,
                base,
                request,
                threads,
                rules: Arc::clone(&live.rules),
                active: Arc::clone(&live.bundle),
                active_until,
            };
            make(&input, control)
        });
        let id = self.keep_candidate(job, made.await?, active).await?;
        self.prune().await?;
        Ok(id)
    }

    async fn keep_candidate(&self, job: &Job, made: Made, active: ModelId) -> Result<ModelId, ModelsError> {
        let Made { candidate, measured, report, learnt_until } = made;
        let id = candidate.id.clone();
        let mut record = self.record(&candidate, Origin::Trained(job.id), job.created_by.as_ref());
        record.compared_with = Some(active);
        record.gates.clone_from(&report.gates);
        record.learnt_until = learnt_until;
        let json = serde_json::to_vec(&report).map_err(|error| ModelsError::Unusable(error.to_string()))?;
        let blobs = &self.shelf.blobs;
        self.library.write(candidate).await?;
        blobs.put_blob(id.as_str(), &format!("{MEASURED}{MODEL_FILE}"), measured.model).await?;
        blobs.put_blob(id.as_str(), &format!("{MEASURED}{CARD_FILE}"), measured.card.into_bytes()).await?;
        blobs.put_blob(id.as_str(), HTML_FILE, html_of(&report.candidate).into_bytes()).await?;
        blobs.put_blob(id.as_str(), REPORT_FILE, json).await?;
        self.shelf.store.add_model(record).await?;
        Ok(id)
    }

    async fn make_figures(
        &self,
        job: &Job,
        model: &ModelId,
        sets: &[FrozenSetName],
        control: &Arc<Control>,
    ) -> Result<(), ModelsError> {
        control.step(0.05, "reading the sets")?;
        let bundle = self.bundle(model).await?;
        let mut texts = Vec::new();
        for name in sets {
            texts.push((name.clone(), self.frozen_text(name).await?));
        }
        let rules = Arc::clone(&self.live.load().rules);
        let threads = self.workshop.threads;
        let json = on_thread(Arc::clone(control), move |control| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(16 << 20).build();
            let pool = pool.map_err(|error| ModelsError::Unusable(error.to_string()))?;
            pool.install(|| {
                let sets: Result<Vec<DataSet>, ModelsError> =
                    texts.iter().map(|(name, text)| text.read(name)).collect();
                control.step(0.3, "judging")?;
                let snapshot = Snapshot { bundle, rules };
                let sets = sets?;
                let outcomes = judge_sets(&snapshot, &Policy::preset(Preset::Balanced), &sets);
                control.step(0.8, "summing up")?;
                let figures = figures(snapshot.model_id(), &outcomes);
                serde_json::to_vec(&figures).map_err(|error| ModelsError::Unusable(error.to_string()))
            })
        });
        let id = frozen::evaluation_blob(job.id);
        Ok(self.shelf.blobs.put_blob(&id, EVALUATION_FILE, json.await?).await?)
    }

    /// The figures that an evaluation found, as JSON.
    ///
    /// # Errors
    ///
    /// `UnknownJob` when there is none, or it has not ended well.
    pub async fn evaluation(&self, id: JobId) -> Result<String, ModelsError> {
        self.job(id).await?;
        let json = self.shelf.blobs.blob(&frozen::evaluation_blob(id), EVALUATION_FILE).await?;
        let json = json.ok_or(ModelRefusal::UnknownJob(id))?;
        String::from_utf8(json).map_err(|error| ModelsError::Unusable(error.to_string()))
    }

    /// The report of a bundle: as JSON, and as a page.
    ///
    /// # Errors
    ///
    /// `UnknownModel`; [`ModelsError::NoReport`].
    pub async fn report(&self, id: &ModelId) -> Result<(String, String), ModelsError> {
        self.get(id).await?;
        let read = |name: &'static str| async move {
            let bytes = self.shelf.blobs.blob(id.as_str(), name).await?;
            let bytes = bytes.ok_or_else(|| ModelsError::NoReport(id.clone()))?;
            String::from_utf8(bytes).map_err(|error| ModelsError::Unusable(error.to_string()))
        };
        Ok((read(REPORT_FILE).await?, read(HTML_FILE).await?))
    }

    /// The files of the bundle that the figures of a report are of.
    ///
    /// # Errors
    ///
    /// `UnknownModel`; [`ModelsError::NoReport`].
    pub async fn measured(&self, id: &ModelId) -> Result<super::BundleFiles, ModelsError> {
        self.get(id).await?;
        let none = || ModelsError::NoReport(id.clone());
        let blobs = &self.shelf.blobs;
        let model = blobs.blob(id.as_str(), &format!("{MEASURED}{MODEL_FILE}")).await?.ok_or_else(none)?;
        let card = blobs.blob(id.as_str(), &format!("{MEASURED}{CARD_FILE}")).await?.ok_or_else(none)?;
        let lost = |problem: String| ModelsError::Lost { model: id.clone(), problem };
        let card = String::from_utf8(card).map_err(|error| lost(error.to_string()))?;
        let name = crate::classifier::Bundle::id_of(&model);
        let id = ModelId::new(&name).map_err(|error| lost(error.to_string()))?;
        Ok(super::BundleFiles { id, model, card })
    }

    /// Deletes the oldest bundles that nothing refers to: not the active one, the one in
    /// shadow, the one to go back to, nor the configured one.
    ///
    /// # Errors
    ///
    /// [`ModelsError::Store`].
    pub async fn prune(&self) -> Result<usize, ModelsError> {
        let before = match self.active().await? {
            Some(active) => self.before(&active).await?,
            None => None,
        };
        let models = self.list().await?.into_iter();
        let spare = models.filter(|model| {
            let in_use = matches!(model.stage, Stage::Active | Stage::Shadow);
            let given = matches!(model.origin, Origin::BuiltIn | Origin::Configured);
            !in_use && !given && Some(&model.id) != before.as_ref()
        });
        let mut deleted = 0;
        for model in spare.skip(self.workshop.keep) {
            self.delete(&model.id, None).await?;
            deleted += 1;
        }
        Ok(deleted)
    }
}

/// The labelled comments of files, or those that come with the program.
fn read_base(files: &[PathBuf]) -> Result<DataSet, ModelsError> {
    if files.is_empty() {
        return base();
    }
    let mut articles = Articles::default();
    let mut all = DataSet { name: super::lines::BASE.to_owned(), samples: Vec::new(), sha256: String::new() };
    for set in DataSet::read_all(files, &mut articles)? {
        all.samples.extend(set.samples);
        all.sha256 = super::lines::sha256(format!("{} {}", all.sha256, set.sha256).as_bytes());
    }
    Ok(all)
}

/// Does long work on a thread of its own, which ends with the process and holds up nobody.
async fn on_thread<T: Send + 'static>(
    control: Arc<Control>,
    work: impl FnOnce(&Control) -> Result<T, ModelsError> + Send + 'static,
) -> Result<T, ModelsError> {
    let (done, result) = oneshot::channel();
    let run = move || {
        // Whoever asked may have gone away.
        let _ = done.send(work(&control));
    };
    let thread = std::thread::Builder::new().name("tamis-learn".into()).stack_size(16 << 20).spawn(run);
    thread.map_err(|error| ModelsError::Unusable(format!("no thread can be made: {error}")))?;
    result.await.unwrap_or_else(|_| Err(ModelsError::Unusable("the work ended in the middle".to_owned())))
}
