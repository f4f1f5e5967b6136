//! Listing, getting, claiming, renewing and releasing items.
//!
//! May import: `types`, `store` (requests), `moderation` (what is asked).

use std::time::Duration;

use super::{
    filter::{read_filter, read_order, read_state},
    write::Parts,
};
use crate::{
    api::{
        convert::{checks::Checks, names, scoring::page_size, time},
        error::ApiError,
        idempotency::Promise,
        page_token::ListBinding,
        pb,
    },
    moderation::queue::{ClaimAsk, ListAsk, MAX_CLAIM, Scope, Wanted},
    store::{ItemCursor, LeaseRef},
    types::{KeyId, PageRequest, QueueItemId, SiteId},
};

/// A page of items to show.
#[derive(Debug)]
pub(in crate::api) struct ListCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) ask: ListAsk,
    pub(in crate::api) parts: Parts,
    pub(in crate::api) binding: ListBinding,
}

impl TryFrom<pb::ListQueueItemsRequest> for ListCall {
    type Error = ApiError;
    fn try_from(mut request: pb::ListQueueItemsRequest) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let token = std::mem::take(&mut request.page_token);
        let size = checks.take("page_size", page_size(std::mem::take(&mut request.page_size)));
        let parts = Parts::read(request.read_mask.take(), &mut checks);
        let binding = ListBinding::new("ListQueueItems", &request);
        let place = read_scope(&request.parent, &mut checks);
        let site = place.as_ref().map(|(site, _)| site);
        let wanted = read_filter(request.filter, site, &mut checks);
        let order = read_order(request.order, &mut checks);
        let state = read_state(request.state, &mut checks);
        let all = (|| Some((place?, wanted?, order?, state?, size?, parts?)))();
        let ((site, scope), wanted, order, state, size, parts) = checks.finish(all)?;
        let after = binding.read(&token)?.map(|bytes| read_cursor(&bytes)).transpose()?;
        let ask = ListAsk { scope, wanted, order, state, page: PageRequest { size, after } };
        Ok(Self { site, ask, parts, binding })
    }
}

impl ListCall {
    /// The token of the next page.
    pub(in crate::api) fn issue(binding: ListBinding, next: Option<ItemCursor>) -> String {
        let bytes = next.map(|ItemCursor { key, item }| [&key.to_be_bytes()[..], item.as_bytes()].concat());
        binding.issue(bytes.as_deref())
    }
}

fn read_cursor(bytes: &[u8]) -> Result<ItemCursor, ApiError> {
    const FOREIGN: ApiError = ApiError::PageToken("holds no item");
    let (key, item) = bytes.split_first_chunk::<8>().ok_or(FOREIGN)?;
    let item = item.try_into().map_err(|_| FOREIGN)?;
    Ok(ItemCursor { key: u64::from_be_bytes(*key), item: QueueItemId::from_bytes(item) })
}

/// Reads `sites/{site}` or `sites/{site}/queues/{queue}`.
fn read_scope(parent: &str, checks: &mut Checks) -> Option<(SiteId, Scope)> {
    if parent.contains("/queues/") {
        let (site, queue) = checks.take("parent", names::queue(parent))?;
        return Some((site, Scope::Queue(queue)));
    }
    Some((checks.take("parent", names::site(parent))?, Scope::Site))
}

/// One item to show.
#[derive(Debug)]
pub(in crate::api) struct GetCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) id: QueueItemId,
}

impl GetCall {
    /// Reads the name of a request that has nothing else.
    ///
    /// # Errors
    ///
    /// [`ApiError::Fields`].
    pub(in crate::api) fn read(name: &str) -> Result<Self, ApiError> {
        let mut checks = Checks::default();
        let name = checks.take("name", names::queue_item(name));
        checks.finish(name.map(|(site, id)| Self { site, id }))
    }
}

/// Items to claim.
#[derive(Debug)]
pub(in crate::api) struct ClaimCall {
    pub(in crate::api) site: SiteId,
    ask: ClaimAsk,
    promise: Option<Promise>,
}

impl ClaimCall {
    /// The site and what the use case takes.
    pub(in crate::api) fn by(self, key: &KeyId) -> (SiteId, ClaimAsk) {
        let request = self.promise.map(|promise| promise.by(key));
        (self.site, ClaimAsk { request, ..self.ask })
    }
}

impl TryFrom<pb::ClaimQueueItemsRequest> for ClaimCall {
    type Error = ApiError;
    fn try_from(mut request: pb::ClaimQueueItemsRequest) -> Result<Self, ApiError> {
        let request_id = std::mem::take(&mut request.request_id);
        let mut checks = Checks::default();
        let promise = checks.take("request_id", Promise::new("ClaimQueueItems", &request_id, &request));
        let pb::ClaimQueueItemsRequest {
            parent,
            filter,
            order,
            items,
            max_items,
            lease_duration,
            request_id: _,
        } = request;
        let place = read_scope(&parent, &mut checks);
        let site = place.as_ref().map(|(site, _)| site);
        let named = !items.is_empty();
        if named {
            checks.require("filter", filter.is_none(), "must be empty when items are named");
            checks.require("max_items", max_items == 0, "must be empty when items are named");
        }
        let wanted = if named { Some(Wanted::default()) } else { read_filter(filter, site, &mut checks) };
        let order = read_order(order, &mut checks);
        let items = read_items("items", &items, MAX_CLAIM, site, &mut checks);
        let max = match usize::try_from(max_items) {
            _ if named => items.as_ref().map(Vec::len),
            Ok(max) if (1..=MAX_CLAIM).contains(&max) => Some(max),
            Ok(_) | Err(_) => checks.take("max_items", Err(format!("must be 1 to {MAX_CLAIM}"))),
        };
        let lease = read_lease(lease_duration, &mut checks);
        let call = (|| {
            let (site, scope) = place?;
            let ask = ClaimAsk {
                scope,
                wanted: wanted?,
                order: order?,
                items: items?,
                max: max?,
                lease: lease?,
                request: None,
            };
            Some(Self { site, ask, promise: promise? })
        })();
        checks.finish(call)
    }
}

fn read_lease(duration: Option<prost_types::Duration>, checks: &mut Checks) -> Option<Option<Duration>> {
    checks.maybe("lease_duration", duration.map(time::read_duration))
}

/// Reads names of items of a site; at most `most`.
pub(super) fn read_items(
    field: &str,
    items: &[String],
    most: usize,
    site: Option<&SiteId>,
    checks: &mut Checks,
) -> Option<Vec<QueueItemId>> {
    if items.len() > most {
        checks.fail(field, format_args!("must be at most {most}, got {}", items.len()));
        return None;
    }
    let read = |(at, name): (usize, &String)| {
        let id = names::of_site(names::queue_item(name), site);
        checks.take(&format!("{field}[{at}]"), id)
    };
    // Every name is read, so that every mistake is told.
    let ids: Vec<Option<QueueItemId>> = items.iter().enumerate().map(read).collect();
    ids.into_iter().collect()
}

/// A lease to make longer.
#[derive(Debug)]
pub(in crate::api) struct RenewCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) lease: LeaseRef,
    pub(in crate::api) duration: Option<Duration>,
}

impl TryFrom<pb::RenewLeaseRequest> for RenewCall {
    type Error = ApiError;
    fn try_from(request: pb::RenewLeaseRequest) -> Result<Self, ApiError> {
        let pb::RenewLeaseRequest { name, lease_token, lease_duration } = request;
        let mut checks = Checks::default();
        let name = checks.take("name", names::queue_item(&name));
        let token = read_token(lease_token, &mut checks);
        let duration = read_lease(lease_duration, &mut checks);
        let call = (|| {
            let (site, item) = name?;
            Some(Self { site, lease: LeaseRef { item, token: token? }, duration: duration? })
        })();
        checks.finish(call)
    }
}

/// Reads a fencing token; they begin with 1.
pub(super) fn read_token(token: u64, checks: &mut Checks) -> Option<u64> {
    checks.require("lease_token", token > 0, "must be the token of the lease");
    (token > 0).then_some(token)
}

/// Items to give back.
#[derive(Debug)]
pub(in crate::api) struct ReleaseCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) leases: Vec<LeaseRef>,
}

impl TryFrom<pb::ReleaseQueueItemsRequest> for ReleaseCall {
    type Error = ApiError;
    fn try_from(request: pb::ReleaseQueueItemsRequest) -> Result<Self, ApiError> {
        let pb::ReleaseQueueItemsRequest { parent, items } = request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::site(&parent));
        let fits = (1..=MAX_CLAIM).contains(&items.len());
        checks.require("items", fits, format_args!("must be 1 to {MAX_CLAIM}, got {}", items.len()));
        let mut leases = Vec::new();
        for (at, item) in items.into_iter().take(MAX_CLAIM).enumerate() {
            let pb::ReleaseQueueItemsItem { name, lease_token } = item;
            leases.push(checks.inside(&format!("items[{at}]"), |checks| {
                let item = checks.take("name", names::of_site(names::queue_item(&name), site.as_ref()));
                let token = read_token(lease_token, checks);
                item.zip(token).map(|(item, token)| LeaseRef { item, token })
            }));
        }
        let leases = leases.into_iter().collect::<Option<Vec<_>>>();
        checks.finish(site.zip(leases).map(|(site, leases)| Self { site, leases }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::convert::checks::tests::refused;

    const ITEM: &str = "sites/news/queueItems/01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn every_violation_of_a_claim_is_named() {
        let fine = || pb::ClaimQueueItemsRequest {
            parent: "sites/news".to_owned(),
            max_items: 5,
            ..Default::default()
        };
        let minute = prost_types::Duration { seconds: -60, nanos: 0 };
        #[rustfmt::skip]
        let cases: Vec<(&str, pb::ClaimQueueItemsRequest, &[&str])> = vec![
            ("nothing at all",      pb::ClaimQueueItemsRequest::default(), &["parent", "max_items"]),
            ("too many",            pb::ClaimQueueItemsRequest { max_items: 51, ..fine() }, &["max_items"]),
            ("a negative number",   pb::ClaimQueueItemsRequest { max_items: -1, ..fine() }, &["max_items"]),
            ("a negative lease",    pb::ClaimQueueItemsRequest { lease_duration: Some(minute), ..fine() }, &["lease_duration"]),
            ("named and counted",   pb::ClaimQueueItemsRequest { items: vec![ITEM.into()], ..fine() }, &["max_items"]),
            ("another site's item", pb::ClaimQueueItemsRequest { parent: "sites/blog".into(), items: vec![ITEM.into()], max_items: 0, ..fine() }, &["items[0]"]),
            ("a bad queue",         pb::ClaimQueueItemsRequest { parent: "sites/news/queues/A".into(), ..fine() }, &["parent"]),
            ("a bad order",         pb::ClaimQueueItemsRequest { order: 99, ..fine() }, &["order"]),
            ("a bad request id",    pb::ClaimQueueItemsRequest { request_id: "x".into(), ..fine() }, &["request_id"]),
        ];
        for (name, request, want) in cases {
            assert_eq!(refused(ClaimCall::try_from(request)), want, "{name}");
        }
        assert!(ClaimCall::try_from(fine()).is_ok());
    }

    #[test]
    fn every_violation_of_a_list_is_named() {
        let fine = || pb::ListQueueItemsRequest { parent: "sites/news".to_owned(), ..Default::default() };
        let mask = |path: &str| Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
        let with = |filter| pb::ListQueueItemsRequest { filter: Some(filter), ..fine() };
        let range = pb::QueueItemFilter {
            min_probability: Some(0.9),
            max_probability: Some(0.1),
            ..Default::default()
        };
        #[rustfmt::skip]
        let cases: Vec<(&str, pb::ListQueueItemsRequest, &[&str])> = vec![
            ("nothing at all",     pb::ListQueueItemsRequest::default(), &["parent"]),
            ("an unknown field",   pb::ListQueueItemsRequest { read_mask: mask("colour"), ..fine() }, &["read_mask"]),
            ("a negative page",    pb::ListQueueItemsRequest { page_size: -1, ..fine() }, &["page_size"]),
            ("a bad state",        pb::ListQueueItemsRequest { state: 9, ..fine() }, &["state"]),
            ("an empty range",     with(range), &["filter.max_probability"]),
            ("no probability",     with(pb::QueueItemFilter { min_probability: Some(f64::NAN), ..Default::default() }), &["filter.min_probability"]),
            ("another site",       with(pb::QueueItemFilter { article: "sites/blog/articles/1".into(), ..Default::default() }), &["filter.article"]),
        ];
        for (name, request, want) in cases {
            assert_eq!(refused(ListCall::try_from(request)), want, "{name}");
        }
        assert!(ListCall::try_from(pb::ListQueueItemsRequest { read_mask: mask("body"), ..fine() }).is_ok());
    }

    #[test]
    fn releases_and_renewals_need_a_token() {
        let renew = pb::RenewLeaseRequest { name: ITEM.to_owned(), ..Default::default() };
        assert_eq!(refused(RenewCall::try_from(renew)), ["lease_token"]);
        let item = |name: &str, lease_token| pb::ReleaseQueueItemsItem { name: name.to_owned(), lease_token };
        let release = |items| pb::ReleaseQueueItemsRequest { parent: "sites/news".to_owned(), items };
        let bad = release(vec![item(ITEM, 1), item("x", 0)]);
        assert_eq!(refused(ReleaseCall::try_from(bad)), ["items[1].name", "items[1].lease_token"]);
        assert_eq!(refused(ReleaseCall::try_from(release(Vec::new()))), ["items"]);
    }

    #[test]
    fn cursors_come_back() {
        let item = QueueItemId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let cursor = ItemCursor { key: 77, item };
        let bytes = [&cursor.key.to_be_bytes()[..], cursor.item.as_bytes()].concat();
        assert_eq!(read_cursor(&bytes).unwrap(), cursor);
        assert!(read_cursor(&bytes[..20]).is_err());
    }
}
