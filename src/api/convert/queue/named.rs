//! Named queues on the wire.
//!
//! May import: `types`, `moderation` (what is asked).

use std::time::Duration;

use super::filter::{read_filter, read_order, write_filter, write_order};
use crate::{
    api::{
        convert::{
            checks::{Checks, at_most},
            names, time,
        },
        error::ApiError,
        pb,
    },
    moderation::queue::Wanted,
    types::{Audience, KeyId, NamedQueue, QueueFilter, QueueName, QueueOrder, SiteId, Timestamp},
};

const MAX_DISPLAY_NAME_BYTES: usize = 200;
const MAX_KEYS: usize = 200;
const MIN_TARGET: Duration = Duration::from_secs(60);
const MAX_TARGET: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The site of a request that has nothing else.
///
/// # Errors
///
/// [`ApiError::Fields`].
pub(in crate::api) fn read_parent(parent: &str) -> Result<SiteId, ApiError> {
    let mut checks = Checks::default();
    let site = checks.take("parent", names::site(parent));
    checks.finish(site)
}

/// A queue to show.
#[derive(Debug)]
pub(in crate::api) struct GetQueueCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) name: QueueName,
}

impl GetQueueCall {
    /// Reads the name of a request that has nothing else.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`].
    pub(in crate::api) fn read(name: &str) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let name = checks.take("name", names::queue(name));
        checks.finish(name.map(|(site, name)| Self { site, name }))
    }
}

/// A queue to make.
#[derive(Debug)]
pub(in crate::api) struct CreateQueueCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) queue: NamedQueue,
    pub(in crate::api) wanted: Wanted,
}

impl TryFrom<pb::CreateQueueRequest> for CreateQueueCall {
    type Error = ApiError;
    fn try_from(request: pb::CreateQueueRequest) -> Result<Self, ApiError> {
        let pb::CreateQueueRequest { parent, queue_id, queue } = request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::site(&parent));
        let name = checks.take("queue_id", QueueName::new(&queue_id));
        let content =
            checks.inside("queue", |checks| read_content(queue.unwrap_or_default(), site.as_ref(), checks));
        let call = (|| {
            let (queue, wanted) = content?;
            Some(Self { site: site?, queue: NamedQueue { name: name?, ..queue }, wanted })
        })();
        checks.finish(call)
    }
}

/// What a queue consists of besides its name, which is a placeholder.
fn read_content(
    queue: pb::Queue,
    site: Option<&SiteId>,
    checks: &mut Checks,
) -> Option<(NamedQueue, Wanted)> {
    let pb::Queue {
        name: _,
        display_name,
        filter,
        order,
        target_age,
        viewer_key_ids,
        actor_key_ids,
        etag: _,
        update_time: _,
    } = queue;
    let display_name = checks.take("display_name", at_most(display_name, MAX_DISPLAY_NAME_BYTES));
    let wanted = read_filter(filter, site, checks);
    let order = read_order(order, checks);
    let target_age = checks.maybe("target_age", target_age.map(read_target));
    let viewers = read_keys("viewer_key_ids", &viewer_key_ids, checks);
    let actors = read_keys("actor_key_ids", &actor_key_ids, checks);
    let queue = NamedQueue {
        name: QueueName::new("unnamed").ok()?,
        display_name: display_name?,
        filter: QueueFilter::default(),
        order: order?.unwrap_or(QueueOrder::ValueOfLook),
        target_age: target_age?,
        viewers: viewers?,
        actors: actors?,
        version: 0,
        updated_at: Timestamp::default(),
    };
    Some((queue, wanted?))
}

fn read_target(span: prost_types::Duration) -> Result<Duration, &'static str> {
    let span = time::read_duration(span)?;
    if (MIN_TARGET..=MAX_TARGET).contains(&span) { Ok(span) } else { Err("must be from 1 minute to 30 days") }
}

fn read_keys(field: &str, ids: &[String], checks: &mut Checks) -> Option<Audience> {
    checks.require(field, ids.len() <= MAX_KEYS, format_args!("must be at most {MAX_KEYS}"));
    let read = |(at, id): (usize, &String)| checks.take(&format!("{field}[{at}]"), KeyId::new(id));
    let keys: Vec<Option<KeyId>> = ids.iter().take(MAX_KEYS).enumerate().map(read).collect();
    Some(Audience { roles: Vec::new(), keys: keys.into_iter().collect::<Option<Vec<_>>>()? })
}

/// A queue to change.
#[derive(Debug)]
pub(in crate::api) struct UpdateQueueCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) name: QueueName,
    pub(in crate::api) expected: u64,
    changed: NamedQueue,
    wanted: Wanted,
    mask: Vec<String>,
}

const CHANGEABLE: [&str; 6] =
    ["display_name", "filter", "order", "target_age", "viewer_key_ids", "actor_key_ids"];

impl TryFrom<pb::UpdateQueueRequest> for UpdateQueueCall {
    type Error = ApiError;
    fn try_from(request: pb::UpdateQueueRequest) -> Result<Self, ApiError> {
        let pb::UpdateQueueRequest { queue, update_mask } = request;
        let queue = queue.unwrap_or_default();
        let mut checks = Checks::default();
        let mut mask = update_mask.unwrap_or_default().paths;
        if mask == ["*"] {
            mask = CHANGEABLE.iter().map(|field| (*field).to_owned()).collect();
        }
        let fits = !mask.is_empty() && mask.iter().all(|path| CHANGEABLE.contains(&path.as_str()));
        checks.require(
            "update_mask",
            fits,
            format_args!("must name some of {}, or be *", CHANGEABLE.join(", ")),
        );
        let (name, expected, content) = checks.inside("queue", |checks| {
            let name = checks.take("name", names::queue(&queue.name));
            let etag = queue.etag.parse().ok().filter(|version| *version > 0);
            let expected = checks.take("etag", etag.ok_or("must be the one last read"));
            let site = name.as_ref().map(|(site, _)| site.clone());
            (name, expected, read_content(queue, site.as_ref(), checks))
        });
        let call = (|| {
            let ((site, name), (changed, wanted)) = (name?, content?);
            Some(Self { site, name, expected: expected?, changed, wanted, mask })
        })();
        checks.finish(call)
    }
}

impl UpdateQueueCall {
    /// The queue after the change, and its filter.
    pub(in crate::api) fn apply(self, old: NamedQueue) -> (NamedQueue, Wanted) {
        let Self { changed, wanted, mask, .. } = self;
        let takes = |field: &str| mask.iter().any(|path| path == field);
        let kept = Wanted { filter: old.filter.clone(), author_id: None };
        let wanted = if takes("filter") { wanted } else { kept };
        let queue = NamedQueue {
            display_name: if takes("display_name") { changed.display_name } else { old.display_name },
            order: if takes("order") { changed.order } else { old.order },
            target_age: if takes("target_age") { changed.target_age } else { old.target_age },
            viewers: if takes("viewer_key_ids") { changed.viewers } else { old.viewers },
            actors: if takes("actor_key_ids") { changed.actors } else { old.actors },
            ..old
        };
        (queue, wanted)
    }
}

/// A queue to delete.
#[derive(Debug)]
pub(in crate::api) struct DeleteQueueCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) name: QueueName,
    pub(in crate::api) expected: u64,
}

impl TryFrom<pb::DeleteQueueRequest> for DeleteQueueCall {
    type Error = ApiError;
    fn try_from(request: pb::DeleteQueueRequest) -> Result<Self, ApiError> {
        let pb::DeleteQueueRequest { name, etag } = request;
        let mut checks = Checks::default();
        let name = checks.take("name", names::queue(&name));
        let expected = checks.take("etag", etag.parse().map_err(|_| "must be the one last read"));
        let call = name.zip(expected).map(|((site, name), expected)| Self { site, name, expected });
        checks.finish(call)
    }
}

/// Writes a queue of a site.
pub(in crate::api) fn write_queue(site: &SiteId, queue: NamedQueue) -> pb::Queue {
    let NamedQueue { name, display_name, filter, order, target_age, viewers, actors, version, updated_at } =
        queue;
    let keys = |Audience { roles: _, keys }: Audience| keys.into_iter().map(String::from).collect();
    pb::Queue {
        name: names::of_a_queue(site, &name),
        display_name,
        filter: Some(write_filter(site, filter)),
        order: write_order(order).into(),
        target_age: target_age.map(time::write_duration),
        viewer_key_ids: keys(viewers),
        actor_key_ids: keys(actors),
        etag: version.to_string(),
        update_time: Some(time::write(updated_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::convert::checks::tests::refused;

    fn queue() -> pb::Queue {
        pb::Queue {
            name: "sites/news/queues/legal".to_owned(),
            display_name: "Legal".to_owned(),
            filter: Some(pb::QueueItemFilter { section: "courts".to_owned(), ..Default::default() }),
            order: pb::QueueOrder::Oldest.into(),
            target_age: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
            viewer_key_ids: vec!["legal1".to_owned()],
            actor_key_ids: Vec::new(),
            etag: "1".to_owned(),
            update_time: None,
        }
    }

    #[test]
    fn every_violation_is_named() {
        let create = |queue_id: &str, queue| pb::CreateQueueRequest {
            parent: "sites/news".to_owned(),
            queue_id: queue_id.to_owned(),
            queue: Some(queue),
        };
        let short = Some(prost_types::Duration { seconds: 1, nanos: 0 });
        #[rustfmt::skip]
        let cases: Vec<(&str, pb::CreateQueueRequest, &[&str])> = vec![
            ("a bad id",       create("Legal", queue()), &["queue_id"]),
            ("a long name",    create("legal", pb::Queue { display_name: "x".repeat(201), ..queue() }), &["queue.display_name"]),
            ("a short target", create("legal", pb::Queue { target_age: short, ..queue() }), &["queue.target_age"]),
            ("a bad key",      create("legal", pb::Queue { viewer_key_ids: vec!["x".into(), "X!".into()], ..queue() }), &["queue.viewer_key_ids[1]"]),
        ];
        for (name, request, want) in cases {
            assert_eq!(refused(CreateQueueCall::try_from(request)), want, "{name}");
        }
        let update = pb::UpdateQueueRequest { queue: Some(pb::Queue::default()), update_mask: None };
        assert_eq!(refused(UpdateQueueCall::try_from(update)), ["update_mask", "queue.name", "queue.etag"]);
    }

    #[test]
    fn only_masked_fields_change() {
        let create = pb::CreateQueueRequest {
            parent: "sites/news".to_owned(),
            queue_id: "legal".to_owned(),
            queue: Some(queue()),
        };
        let CreateQueueCall { queue: made, wanted, .. } = CreateQueueCall::try_from(create).unwrap();
        let made = NamedQueue { filter: wanted.filter, version: 1, ..made };
        let update = pb::UpdateQueueRequest {
            queue: Some(pb::Queue { display_name: "Law".to_owned(), filter: None, ..queue() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["display_name".to_owned()] }),
        };
        let (changed, wanted) = UpdateQueueCall::try_from(update).unwrap().apply(made);
        assert_eq!(changed.display_name, "Law");
        assert_eq!(wanted.filter.section.as_deref(), Some("courts"));
    }
}
