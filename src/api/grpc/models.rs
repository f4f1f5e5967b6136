//! `tamis.v1.ModelService`.
//!
//! May import: `types`, `learning`.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, stream};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    api::{
        auth::Caller,
        convert::models::{
            Arriving, CHUNK_BYTES, PromoteCall, PromotionsCall, read_any, read_one, read_rollback, write,
            write_difference, write_header, write_promotion,
        },
        pb::{
            self, export_model_response::Part as Sent, import_model_request::Part as Got,
            model_service_server::ModelService,
        },
    },
    learning::{Models, ModelsError, registry::differences},
    types::{ModelId, ModelRecord, Page},
};

/// The service on its use cases.
#[derive(Clone)]
pub(in crate::api) struct ModelApi {
    pub(in crate::api) models: Arc<Models>,
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
type Pieces = Pin<Box<dyn Stream<Item = Result<pb::ExportModelResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ModelService for ModelApi {
    type ExportModelStream = Pieces;

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
        let files = self.models.files(&id).await?;
        let header = pb::ExportModelResponse { part: Some(Sent::Header(write_header(&files))) };
        let model = files.model;
        let places: Vec<usize> = (0..model.len()).step_by(CHUNK_BYTES).collect();
        let pieces = places.into_iter().map(move |at| {
            let piece = model.get(at..model.len().min(at + CHUNK_BYTES)).unwrap_or_default();
            Ok(pb::ExportModelResponse { part: Some(Sent::Chunk(piece.to_vec())) })
        });
        Ok(Response::new(Box::pin(stream::iter(std::iter::once(Ok(header)).chain(pieces)))))
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
}
