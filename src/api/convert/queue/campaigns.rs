//! Campaigns: what is asked of them, and cards.
//!
//! May import: `types`, `store` (members), `moderation` (what is asked and told).

use std::time::Duration;

use super::{
    decide::read_ruled,
    filter::{write_disposition, write_reason as write_code},
    write::{cut, write_decision, write_glance},
};
use crate::{
    api::{
        convert::{
            checks::{Checks, known},
            names,
            scoring::page_size,
            time,
        },
        error::ApiError,
        idempotency::Promise,
        page_token::ListBinding,
        pb,
    },
    moderation::queue::{
        CampaignAsk, CampaignCard, CampaignOutcome, CampaignSpread, CampaignView, InheritTerms, Listed,
        MAX_INHERITED_CAP, Outcomes, Span, Variant,
    },
    store::Member,
    types::{
        BatchId, Campaign, CampaignId, Inheritance, KeyId, Page, PageRequest, SiteId, Timestamp, VerdictId,
    },
};

/// Least and most that members may inherit for.
const INHERIT: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(90 * 24 * 60 * 60);
/// Characters of an excerpt.
const EXCERPT: usize = 300;

fn last_16(bytes: Vec<u8>) -> Result<[u8; 16], ApiError> {
    bytes.try_into().map_err(|_| ApiError::PageToken("holds no place"))
}

/// A page of campaigns.
#[derive(Debug)]
pub(in crate::api) struct ListCampaignsCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) view: CampaignView,
    pub(in crate::api) page: PageRequest<CampaignId>,
    pub(in crate::api) binding: ListBinding,
}

impl TryFrom<pb::ListCampaignsRequest> for ListCampaignsCall {
    type Error = ApiError;
    fn try_from(mut request: pb::ListCampaignsRequest) -> Result<Self, ApiError> {
        let token = std::mem::take(&mut request.page_token);
        let asked = std::mem::take(&mut request.page_size);
        let binding = ListBinding::new("ListCampaigns", &request);
        let pb::ListCampaignsRequest { parent, view, .. } = request;
        let mut checks = Checks::default();
        let site = checks.take("parent", names::site(&parent));
        let size = checks.take("page_size", page_size(asked));
        let view = checks.take("view", known::<pb::CampaignView>(view)).map(|view| match view {
            None | Some(pb::CampaignView::Unspecified | pb::CampaignView::All) => CampaignView::All,
            Some(pb::CampaignView::Waiting) => CampaignView::Waiting,
            Some(pb::CampaignView::Ruled) => CampaignView::Ruled,
        });
        let call = (|| Some((site?, view?, size?)))();
        let (site, view, size) = checks.finish(call)?;
        let after = binding.read(&token)?.map(last_16).transpose()?.map(CampaignId::from_bytes);
        Ok(Self { site, view, page: PageRequest { size, after }, binding })
    }
}

/// One campaign, and a page of its members.
#[derive(Debug)]
pub(in crate::api) struct GetCampaignCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) id: CampaignId,
    pub(in crate::api) page: PageRequest<VerdictId>,
    pub(in crate::api) binding: ListBinding,
}

impl TryFrom<pb::GetCampaignRequest> for GetCampaignCall {
    type Error = ApiError;
    fn try_from(mut request: pb::GetCampaignRequest) -> Result<Self, ApiError> {
        let token = std::mem::take(&mut request.page_token);
        let asked = std::mem::take(&mut request.page_size);
        let binding = ListBinding::new("GetCampaign", &request);
        let mut checks = Checks::default();
        let name = checks.take("name", names::campaign(&request.name));
        let size = checks.take("page_size", page_size(asked));
        let ((site, id), size) = checks.finish(name.zip(size))?;
        let after = binding.read(&token)?.map(last_16).transpose()?.map(VerdictId::from_bytes);
        Ok(Self { site, id, page: PageRequest { size, after }, binding })
    }
}

/// A campaign to be decided.
#[derive(Debug)]
pub(in crate::api) struct DecideCampaignCall {
    pub(in crate::api) site: SiteId,
    pub(in crate::api) validate_only: bool,
    pub(in crate::api) binding: ListBinding,
    ask: CampaignAsk,
    promise: Option<Promise>,
}

impl DecideCampaignCall {
    /// What the use case takes.
    pub(in crate::api) fn by(self, key: &KeyId) -> (CampaignAsk, ListBinding) {
        let request = self.promise.map(|promise| promise.by(key));
        (CampaignAsk { request, ..self.ask }, self.binding)
    }
}

impl TryFrom<pb::DecideCampaignRequest> for DecideCampaignCall {
    type Error = ApiError;
    fn try_from(mut request: pb::DecideCampaignRequest) -> Result<Self, ApiError> {
        let request_id = std::mem::take(&mut request.request_id);
        let token = std::mem::take(&mut request.page_token);
        let mut checks = Checks::default();
        let promise = checks.take("request_id", Promise::new("DecideCampaign", &request_id, &request));
        let binding = ListBinding::new("DecideCampaign", &request);
        let pb::DecideCampaignRequest { name, ruled, inherit_duration, inherit_cap, validate_only, .. } =
            request;
        let name = checks.take("name", names::campaign(&name));
        let ruled = read_ruled(ruled, &mut checks);
        let duration = checks.maybe("inherit_duration", inherit_duration.map(read_inherit_duration));
        let cap = inherit_cap.map(|cap| match cap {
            0..=MAX_INHERITED_CAP => Ok(cap),
            _ => Err(format!("must be at most {MAX_INHERITED_CAP}")),
        });
        let cap = checks.maybe("inherit_cap", cap);
        let call = (|| {
            let (site, campaign) = name?;
            let terms = InheritTerms { duration: duration?, cap: cap? };
            let ask = CampaignAsk { campaign, ruled: ruled?, terms, after: None, request: None };
            Some(Self { site, validate_only, binding, ask, promise: promise? })
        })();
        let mut call = checks.finish(call)?;
        call.ask.after = call.binding.read(&token)?.map(read_place).transpose()?;
        Ok(call)
    }
}

/// Reads for how long later members inherit.
pub(in crate::api) fn read_inherit_duration(given: prost_types::Duration) -> Result<Duration, &'static str> {
    const MUST: &str = "must be from 1 minute to 90 days";
    time::read_duration(given).ok().filter(|given| INHERIT.contains(given)).ok_or(MUST)
}

/// Where the call before ended: its batch and the last member.
fn read_place(bytes: Vec<u8>) -> Result<(BatchId, VerdictId), ApiError> {
    let (batch, last) = bytes.split_at_checked(16).ok_or(ApiError::PageToken("holds no place"))?;
    Ok((BatchId::from_bytes(last_16(batch.to_vec())?), VerdictId::from_bytes(last_16(last.to_vec())?)))
}

/// Writes a campaign.
pub(in crate::api) fn write_campaign(site: &SiteId, listed: Listed) -> pb::Campaign {
    let Listed { campaign, earliest, at } = listed;
    let Campaign {
        id,
        earliest: earliest_id,
        members,
        authors,
        articles,
        sites,
        variants: _,
        first_seen,
        last_seen,
        waiting,
        inheritance,
        version: _,
    } = campaign;
    let excerpt = earliest.map(|verdict| excerpt(verdict.body.as_str())).unwrap_or_default();
    pb::Campaign {
        name: names::of_a_campaign(site, id),
        member_count: members,
        waiting_count: waiting,
        author_count: count(authors.len()),
        article_count: count(articles.len()),
        other_site_count: count(sites.len()),
        first_seen_time: Some(time::write(first_seen)),
        last_seen_time: Some(time::write(last_seen)),
        earliest_verdict: names::of_a_verdict(site, earliest_id),
        excerpt,
        ruling: inheritance.map(|held| write_ruling(site, held, at)),
    }
}

fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT).collect();
    if short.len() < text.len() {
        short.pop();
        short.push('…');
    }
    short
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn write_ruling(site: &SiteId, held: Inheritance, at: Timestamp) -> pb::CampaignRuling {
    let live = held.is_live(at);
    let Inheritance { disposition, reason, batch, actor, created_at, until, cap, inherited, beyond } = held;
    pb::CampaignRuling {
        disposition: write_disposition(disposition).into(),
        reason_code: reason.map(|reason| write_code(reason).into()).unwrap_or_default(),
        reviewer: actor.into(),
        create_time: Some(time::write(created_at)),
        expire_time: Some(time::write(until)),
        cap,
        inherited_count: inherited,
        beyond_count: beyond,
        live,
        batch: batch.map(|id| names::of_a_batch(site, id)).unwrap_or_default(),
    }
}

/// Writes a member; an erased one keeps its name.
fn write_member(site: &SiteId, member: Member) -> pb::CampaignMember {
    let Member { id, verdict, item, decision, inherited } = member;
    let erased = || pb::Verdict { name: names::of_a_verdict(site, id), ..pb::Verdict::default() };
    pb::CampaignMember {
        verdict: Some(verdict.map_or_else(erased, |verdict| write_glance(*verdict))),
        decision: decision.map(|decision| write_decision(site, *decision)),
        item: item.map(|item| names::of_a_queue_item(site, item.id)).unwrap_or_default(),
        inherited,
    }
}

fn write_variant(site: &SiteId, variant: Variant) -> pb::CampaignVariant {
    let Variant { example, members, changes } = variant;
    let span = |(start, end)| pb::TextSpan { start: count(start), end: count(end) };
    pb::CampaignVariant {
        example: Some(write_member(site, example)),
        member_count: members,
        changes: changes.into_iter().map(span).collect(),
    }
}

fn write_spread(site: &SiteId, spread: CampaignSpread) -> pb::CampaignSpread {
    let CampaignSpread { authors, articles, sites, spans, length } = spread;
    let share = |key: String, member_count| pb::CampaignShare { key, member_count };
    let author = |(mut name, members): (String, u32)| {
        cut(&mut name, EXCERPT);
        share(name, members)
    };
    let span = |Span { start, members }: Span| pb::CampaignSpan {
        start_time: Some(time::write(start)),
        member_count: members,
    };
    pb::CampaignSpread {
        authors: authors.into_iter().map(author).collect(),
        articles: articles
            .into_iter()
            .map(|(id, members)| share(names::of_an_article(site, &id), members))
            .collect(),
        sites: sites.into_iter().map(|other| share(names::of_a_site(&other), 0)).collect(),
        spans: spans.into_iter().map(span).collect(),
        span_duration: Some(time::write_duration(length)),
    }
}

/// Writes a card with a page of members.
pub(in crate::api) fn write_card(
    site: &SiteId,
    card: CampaignCard,
    members: Page<Member, VerdictId>,
    binding: &ListBinding,
) -> pb::GetCampaignResponse {
    let CampaignCard { listed, earliest, variants, variant_count, spread, outcomes, looked_at } = card;
    let Outcomes { allowed, waiting, refused, inherited, approved, rejected, erased } = outcomes;
    pb::GetCampaignResponse {
        earliest: earliest.map(|member| write_member(site, member)),
        variants: variants.into_iter().map(|variant| write_variant(site, variant)).collect(),
        variant_count: count(variant_count),
        spread: Some(write_spread(site, spread)),
        outcomes: Some(pb::CampaignOutcomes {
            allowed_count: allowed,
            waiting_count: waiting,
            refused_count: refused,
            inherited_count: inherited,
            approved_count: approved,
            rejected_count: rejected,
            erased_count: erased,
        }),
        looked_at_count: count(looked_at),
        ..write_members(site, listed, members, binding)
    }
}

/// Writes a further page of members.
pub(in crate::api) fn write_members(
    site: &SiteId,
    listed: Listed,
    members: Page<Member, VerdictId>,
    binding: &ListBinding,
) -> pb::GetCampaignResponse {
    pb::GetCampaignResponse {
        campaign: Some(write_campaign(site, listed)),
        members: members.rows.into_iter().map(|member| write_member(site, member)).collect(),
        next_page_token: binding.issue(members.next.as_ref().map(|id| id.as_bytes().as_slice())),
        ..pb::GetCampaignResponse::default()
    }
}

/// Writes what deciding a campaign did or would do.
pub(in crate::api) fn write_campaign_outcome(
    site: &SiteId,
    outcome: CampaignOutcome,
    listed: Listed,
    binding: &ListBinding,
) -> pb::DecideCampaignResponse {
    let CampaignOutcome { campaign: _, batch, count, sample, next } = outcome;
    let place = batch.zip(next).map(|(batch, last)| [*batch.as_bytes(), *last.as_bytes()].concat());
    pb::DecideCampaignResponse {
        campaign: Some(write_campaign(site, listed)),
        batch: batch.map(|id| names::of_a_batch(site, id)).unwrap_or_default(),
        decided_count: count.decided,
        changed_count: count.changed,
        settled_count: count.settled,
        held_count: count.held,
        agreeing_count: count.agreeing,
        failed_count: count.failed,
        agreed_count: count.agreed,
        estimated_error: count.estimated_error,
        sample: sample.into_iter().map(|member| write_member(site, member)).collect(),
        next_page_token: binding.issue(place.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::convert::checks::tests::refused;

    const NAME: &str = "sites/news/campaigns/01890a5d-ac96-774b-bcce-b302099a8057";

    fn decide() -> pb::DecideCampaignRequest {
        let ruled = pb::Ruled { disposition: pb::Disposition::Approve.into(), ..Default::default() };
        pb::DecideCampaignRequest { name: NAME.to_owned(), ruled: Some(ruled), ..Default::default() }
    }

    #[test]
    fn every_violation_is_named() {
        let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        #[rustfmt::skip]
        let cases: Vec<(&str, pb::DecideCampaignRequest, &[&str])> = vec![
            ("nothing at all", pb::DecideCampaignRequest::default(), &["name", "ruled"]),
            ("too short",      pb::DecideCampaignRequest { inherit_duration: seconds(59), ..decide() }, &["inherit_duration"]),
            ("too long",       pb::DecideCampaignRequest { inherit_duration: seconds(7_776_001), ..decide() }, &["inherit_duration"]),
            ("too many",       pb::DecideCampaignRequest { inherit_cap: Some(1_000_001), ..decide() }, &["inherit_cap"]),
        ];
        for (name, request, want) in cases {
            assert_eq!(refused(DecideCampaignCall::try_from(request)), want, "{name}");
        }
        let nobody =
            DecideCampaignCall::try_from(pb::DecideCampaignRequest { inherit_cap: Some(0), ..decide() });
        assert_eq!(nobody.unwrap().ask.terms.cap, Some(0));
        let list = pb::ListCampaignsRequest { page_size: -1, view: 9, ..Default::default() };
        assert_eq!(refused(ListCampaignsCall::try_from(list)), ["parent", "page_size", "view"]);
    }

    #[test]
    fn a_place_leads_back_to_batch_and_member() {
        let (batch, last) = (BatchId::generate(), VerdictId::generate());
        let call = DecideCampaignCall::try_from(decide()).unwrap();
        let place = [*batch.as_bytes(), *last.as_bytes()].concat();
        let page_token = call.binding.issue(Some(&place));
        let next =
            DecideCampaignCall::try_from(pb::DecideCampaignRequest { page_token, ..decide() }).unwrap();
        assert_eq!(next.ask.after, Some((batch, last)));
    }

    #[test]
    fn excerpts_are_short() {
        assert_eq!(excerpt("ä"), "ä");
        assert_eq!(excerpt(&"ä".repeat(400)).chars().count(), 300);
    }
}
