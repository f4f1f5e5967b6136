//! The messages of `QueueService`.
//!
//! May import: `types`, `store` (requests), `moderation` (what is asked).

mod campaigns;
mod decide;
mod filter;
mod items;
mod named;
mod watch;
mod write;

pub(in crate::api) use campaigns::{
    DecideCampaignCall, GetCampaignCall, ListCampaignsCall, read_inherit_duration, write_campaign,
    write_campaign_outcome, write_card, write_members,
};
pub(in crate::api) use decide::{AuthorRuleCall, BatchCall, DecideCall, UndoCall};
pub(in crate::api) use items::{ClaimCall, GetCall, ListCall, ReleaseCall, RenewCall};
pub(in crate::api) use named::{
    CreateQueueCall, DeleteQueueCall, GetQueueCall, UpdateQueueCall, read_parent, write_queue,
};
pub(in crate::api) use watch::{WatchCall, write_event, write_outcome};
pub(in crate::api) use write::{
    Parts, write_batch, write_context, write_decision, write_item, write_preview, write_stats, write_undo,
};
