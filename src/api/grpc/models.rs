//! `tamis.v1.ModelService`.
//!
//! May import: `types`, `learning`, `moderation`.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    api::{
        auth::Caller,
        convert::{
            jobs::{
                ArrivingSet, EvaluateCall, JobsCall, read_export, read_forget, read_job, read_training,
                write_job, write_set, write_shadow,
            },
            models::{
                Arriving, CHUNK_BYTES, PromoteCall, PromotionsCall, read_any, read_one, read_rollback, write,
                write_difference, write_header, write_promotion,
            },
        },
        pb::{
            self, export_model_response::Part as Sent, export_samples_response::Part as SentLines,
            freeze_set_request::Part as GotLines, import_model_request::Part as Got,
            model_service_server::ModelService,
        },
    },
    learning::{Models, ModelsError, registry::differences},
    moderation::Shadow,
    types::{Job, JobId, ModelId, ModelRecord, Page},
};

/// How often a watched job is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct ModelApi {
    pub(in crate::api) models: Arc<Models>,
    pub(in crate::api) shadow: Arc<Shadow>,
    pub(in crate::api) stop: CancellationToken,
}

impl ModelApi {
    /// The bundle that is meant; `None` means the active one.
    fn meant(&self, id: Option<ModelId>) -> Result<ModelId, ModelsError> {
        id.map_or_else(|| self.models.active_id(), Ok)
    }

    async fn written(&self, model: ModelRecord) -> pb::Model {
        let has_report = self.models.has_report(&model.id).await;
        write(model, has_report)
    }
}

/// The pieces of a bundle's files, each made when it is taken.
type Pieces<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Bytes in pieces, each made when it is taken.
fn pieces<T>(
    bytes: Vec<u8>,
    write: impl Fn(Vec<u8>) -> T + Send + 'static,
) -> impl Iterator<Item = Result<T, Status>> + Send {
    let places: Vec<usize> = (0..bytes.len()).step_by(CHUNK_BYTES).collect();
    places.into_iter().map(move |at| {
        let piece = bytes.get(at..bytes.len().min(at + CHUNK_BYTES)).unwrap_or_default();
        Ok(write(piece.to_vec()))
    })
}

#[tonic::async_trait]
impl ModelService for ModelApi {
    type ExportModelStream = Pieces<pb::ExportModelResponse>;
    type ExportSamplesStream = Pieces<pb::ExportSamplesResponse>;
    type WatchJobStream = Pieces<pb::WatchJobResponse>;

    async fn list_models(
        &self,
        request: Request<pb::ListModelsRequest>,
    ) -> Result<Response<pb::ListModelsResponse>, Status> {
        let (caller, pb::ListModelsRequest {}) = Caller::split(request)?;
        caller.enter_all()?;
        let mut models = Vec::new();
        for model in self.models.list().await? {
            models.push(self.written(model).await);
        }
        Ok(Response::new(pb::ListModelsResponse { models }))
    }

    async fn get_model(
        &self,
        request: Request<pb::GetModelRequest>,
    ) -> Result<Response<pb::GetModelResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let id = self.meant(read_any("name", &request.name)?)?;
        let model = self.models.get(&id).await?;
        let card_json = self.models.files(&id).await?.card;
        Ok(Response::new(pb::GetModelResponse { model: Some(self.written(model).await), card_json }))
    }

    async fn diff_models(
        &self,
        request: Request<pb::DiffModelsRequest>,
    ) -> Result<Response<pb::DiffModelsResponse>, Status> {
        let (caller, pb::DiffModelsRequest { name, base }) = Caller::split(request)?;
        caller.enter_all()?;
        let other = self.meant(read_any("name", &name)?)?;
        let base = if base.is_empty() { None } else { read_any("base", &base)? };
        let base = self.meant(base)?;
        let (base, other) = (self.models.bundle(&base).await?, self.models.bundle(&other).await?);
        let found = tokio::task::spawn_blocking(move || differences(&base, &other)).await;
        let found = found.map_err(|_| Status::internal("internal error"))?;
        let differences = found.into_iter().map(write_difference).collect();
        Ok(Response::new(pb::DiffModelsResponse { differences }))
    }

    async fn export_model(
        &self,
        request: Request<pb::ExportModelRequest>,
    ) -> Result<Response<Self::ExportModelStream>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let id = self.meant(read_any("name", &request.name)?)?;
        let files =
            if request.measured { self.models.measured(&id).await? } else { self.models.files(&id).await? };
        let header = pb::ExportModelResponse { part: Some(Sent::Header(write_header(&files))) };
        let chunk = |bytes| pb::ExportModelResponse { part: Some(Sent::Chunk(bytes)) };
        let all = std::iter::once(Ok(header)).chain(pieces(files.model, chunk));
        Ok(Response::new(Box::pin(stream::iter(all))))
    }

    async fn import_model(
        &self,
        request: Request<Streaming<pb::ImportModelRequest>>,
    ) -> Result<Response<pb::ImportModelResponse>, Status> {
        let (caller, mut messages) = Caller::split(request)?;
        caller.enter_all()?;
        let first = messages.message().await?.and_then(|message| message.part);
        let header = match first {
            Some(Got::Header(header)) => Some(header),
            Some(Got::Chunk(_)) | None => None,
        };
        let mut arriving = Arriving::begin(header)?;
        while let Some(message) = messages.message().await? {
            match message.part {
                Some(Got::Chunk(chunk)) => arriving.take(&chunk)?,
                Some(Got::Header(_)) | None => {
                    return Err(Status::invalid_argument("only chunks follow the header"));
                }
            }
        }
        let model = self.models.import(arriving.end()?, caller.key()).await?;
        Ok(Response::new(pb::ImportModelResponse { model: Some(self.written(model).await) }))
    }

    async fn promote_model(
        &self,
        request: Request<pb::PromoteModelRequest>,
    ) -> Result<Response<pb::PromoteModelResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let PromoteCall { id, wish, validate_only } = PromoteCall::try_from(request)?;
        let promotion = if validate_only {
            Models::admit(&self.models.get(&id).await?, &wish)?;
            self.models.active().await?
        } else {
            Some(self.models.promote(&id, wish, caller.key()).await?)
        };
        Ok(Response::new(pb::PromoteModelResponse { promotion: promotion.map(write_promotion) }))
    }

    async fn rollback_model(
        &self,
        request: Request<pb::RollbackModelRequest>,
    ) -> Result<Response<pb::RollbackModelResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let promotion = self.models.roll_back(read_rollback(request)?, caller.key()).await?;
        Ok(Response::new(pb::RollbackModelResponse { promotion: Some(write_promotion(promotion)) }))
    }

    async fn list_promotions(
        &self,
        request: Request<pb::ListPromotionsRequest>,
    ) -> Result<Response<pb::ListPromotionsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let PromotionsCall { page, binding } = PromotionsCall::try_from(request)?;
        let Page { rows, next } = self.models.promotions(page).await?;
        let next_page_token = binding.issue(next.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        let promotions = rows.into_iter().map(write_promotion).collect();
        Ok(Response::new(pb::ListPromotionsResponse { promotions, next_page_token }))
    }

    async fn delete_model(
        &self,
        request: Request<pb::DeleteModelRequest>,
    ) -> Result<Response<pb::DeleteModelResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        self.models.delete(&read_one(&request.name)?, Some(caller.key())).await?;
        Ok(Response::new(pb::DeleteModelResponse {}))
    }

    async fn shadow_model(
        &self,
        request: Request<pb::ShadowModelRequest>,
    ) -> Result<Response<pb::ShadowModelResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let id = read_one(&request.name)?;
        let model = self.models.shadow(&id, !request.stop, caller.key()).await?;
        Ok(Response::new(pb::ShadowModelResponse { model: Some(self.written(model).await) }))
    }

    async fn get_shadow_report(
        &self,
        request: Request<pb::GetShadowReportRequest>,
    ) -> Result<Response<pb::GetShadowReportResponse>, Status> {
        let (caller, pb::GetShadowReportRequest {}) = Caller::split(request)?;
        caller.enter_all()?;
        Ok(Response::new(write_shadow(self.shadow.report().await?)))
    }

    async fn get_model_report(
        &self,
        request: Request<pb::GetModelReportRequest>,
    ) -> Result<Response<pb::GetModelReportResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let id = self.meant(read_any("name", &request.name)?)?;
        let (report_json, html) = self.models.report(&id).await?;
        let report_html = if request.with_html { html } else { String::new() };
        Ok(Response::new(pb::GetModelReportResponse { report_json, report_html }))
    }

    async fn train_model(
        &self,
        request: Request<pb::TrainModelRequest>,
    ) -> Result<Response<pb::TrainModelResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let job = self.models.train(read_training(request)?, Some(caller.key())).await?;
        Ok(Response::new(pb::TrainModelResponse { job: Some(write_job(job)) }))
    }

    async fn evaluate_model(
        &self,
        request: Request<pb::EvaluateModelRequest>,
    ) -> Result<Response<pb::EvaluateModelResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let EvaluateCall { model, sets } = EvaluateCall::try_from(request)?;
        let job = self.models.evaluate(self.meant(model)?, sets, caller.key()).await?;
        Ok(Response::new(pb::EvaluateModelResponse { job: Some(write_job(job)) }))
    }

    async fn get_evaluation(
        &self,
        request: Request<pb::GetEvaluationRequest>,
    ) -> Result<Response<pb::GetEvaluationResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let evaluation_json = self.models.evaluation(read_job(&request.name)?).await?;
        Ok(Response::new(pb::GetEvaluationResponse { evaluation_json }))
    }

    async fn get_job(
        &self,
        request: Request<pb::GetJobRequest>,
    ) -> Result<Response<pb::GetJobResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let job = self.models.job(read_job(&request.name)?).await?;
        Ok(Response::new(pb::GetJobResponse { job: Some(write_job(job)) }))
    }

    async fn list_jobs(
        &self,
        request: Request<pb::ListJobsRequest>,
    ) -> Result<Response<pb::ListJobsResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let JobsCall { page, binding } = JobsCall::try_from(request)?;
        let Page { rows, next } = self.models.list_jobs(page).await?;
        let next_page_token = binding.issue(next.as_ref().map(|id| id.as_bytes().as_slice()));
        Ok(Response::new(pb::ListJobsResponse {
            jobs: rows.into_iter().map(write_job).collect(),
            next_page_token,
        }))
    }

    async fn watch_job(
        &self,
        request: Request<pb::WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let id = read_job(&request.name)?;
        self.models.job(id).await?;
        let watch = Watched { models: Arc::clone(&self.models), stop: self.stop.clone(), id, told: None };
        Ok(Response::new(Box::pin(stream::unfold(watch, Watched::next))))
    }

    async fn cancel_job(
        &self,
        request: Request<pb::CancelJobRequest>,
    ) -> Result<Response<pb::CancelJobResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let job = self.models.cancel(read_job(&request.name)?, caller.key()).await?;
        Ok(Response::new(pb::CancelJobResponse { job: Some(write_job(job)) }))
    }

    async fn freeze_set(
        &self,
        request: Request<Streaming<pb::FreezeSetRequest>>,
    ) -> Result<Response<pb::FreezeSetResponse>, Status> {
        let (caller, mut messages) = Caller::split(request)?;
        caller.enter_all()?;
        let header = match messages.message().await?.and_then(|message| message.part) {
            Some(GotLines::Header(header)) => Some(header),
            Some(GotLines::Chunk(_) | GotLines::ArticlesChunk(_)) | None => None,
        };
        let mut arriving = ArrivingSet::begin(header)?;
        while let Some(message) = messages.message().await? {
            match message.part {
                Some(GotLines::Chunk(chunk)) => arriving.take(&chunk, false)?,
                Some(GotLines::ArticlesChunk(chunk)) => arriving.take(&chunk, true)?,
                Some(GotLines::Header(_)) | None => {
                    return Err(Status::invalid_argument("only chunks follow the header"));
                }
            }
        }
        let (name, text) = arriving.end()?;
        let set = self.models.freeze(name, text, caller.key()).await?;
        Ok(Response::new(pb::FreezeSetResponse { set: Some(write_set(set)) }))
    }

    async fn list_frozen_sets(
        &self,
        request: Request<pb::ListFrozenSetsRequest>,
    ) -> Result<Response<pb::ListFrozenSetsResponse>, Status> {
        let (caller, pb::ListFrozenSetsRequest {}) = Caller::split(request)?;
        caller.enter_all()?;
        let sets = self.models.frozen_sets().await?.into_iter().map(write_set).collect();
        Ok(Response::new(pb::ListFrozenSetsResponse { sets }))
    }

    async fn export_samples(
        &self,
        request: Request<pb::ExportSamplesRequest>,
    ) -> Result<Response<Self::ExportSamplesStream>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let (model, part) = read_export(request)?;
        let text = self.models.export(model.as_ref(), part).await?;
        let lines = |bytes| pb::ExportSamplesResponse { part: Some(SentLines::Chunk(bytes)) };
        let articles = |bytes| pb::ExportSamplesResponse { part: Some(SentLines::ArticlesChunk(bytes)) };
        let all = pieces(text.lines.into_bytes(), lines).chain(pieces(text.articles.into_bytes(), articles));
        Ok(Response::new(Box::pin(stream::iter(all))))
    }

    async fn forget_samples(
        &self,
        request: Request<pb::ForgetSamplesRequest>,
    ) -> Result<Response<pb::ForgetSamplesResponse>, Status> {
        let (caller, request) = Caller::split(request)?;
        caller.enter_all()?;
        let (site, verdict) = read_forget(request)?;
        let forgotten = self.models.forget(&site, verdict, caller.key()).await?;
        let forgotten_count = i64::try_from(forgotten).unwrap_or(i64::MAX);
        Ok(Response::new(pb::ForgetSamplesResponse { forgotten_count }))
    }
}

/// A job that somebody follows.
struct Watched {
    models: Arc<Models>,
    stop: CancellationToken,
    id: JobId,
    told: Option<Job>,
}

impl Watched {
    /// The job at its next change; ends after its end was told, or with the server.
    async fn next(mut self) -> Option<(Result<pb::WatchJobResponse, Status>, Self)> {
        loop {
            let over = self.told.as_ref().is_some_and(|told| told.state.is_final());
            if over || self.stop.is_cancelled() {
                return None;
            }
            let job = match self.models.job(self.id).await {
                Ok(job) => job,
                Err(error) => {
                    // A token of its own that is cancelled ends this stream only.
                    self.stop = self.stop.child_token();
                    self.stop.cancel();
                    return Some((Err(error.into()), self));
                }
            };
            if self.told.as_ref() != Some(&job) {
                self.told = Some(job.clone());
                return Some((Ok(pb::WatchJobResponse { job: Some(write_job(job)) }), self));
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}
