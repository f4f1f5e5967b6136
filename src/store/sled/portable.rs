//! Records of the embedded store.
//!
//! May import: `types`, `store`.

use async_trait::async_trait;

use super::{
    Key, SledStore, StoreError, codec, gate::View, keys::Kind, ledger::SledLedger, packs, plan::Plan,
};
use crate::{
    store::{
        NewVerdict,
        effect::Mark,
        portable::{Class, Portable, Record, pack, unpack},
        queue::{Ledger as _, RowKey},
    },
    types::{ApiKey, Article, Feedback, KeyId, RequestId, Site, SiteId, Tally, TallyKey, Verdict},
};

/// The class as this store keys it: sites and keys belong to none.
fn place(site: &SiteId, class: Class) -> Result<(String, Kind), StoreError> {
    let unknown = || StoreError::Backend { doing: "reading records", source: "of no known class".into() };
    let kind = Kind::of(class.0).ok_or_else(unknown)?;
    let outside = matches!(class, Class::SITE | Class::KEY);
    Ok((if outside { String::new() } else { site.as_str().to_owned() }, kind))
}

/// The value of a stored row as records carry it.
fn value(class: Class, key: &Key, payload: &[u8]) -> Result<Vec<u8>, StoreError> {
    fn read<T: serde::Serialize + serde::de::DeserializeOwned>(
        key: &Key,
        payload: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        pack(&rmp_serde::from_slice::<T>(payload).map_err(|_| codec::damaged(key))?)
    }
    match class {
        Class::SITE => read::<Site>(key, payload),
        Class::KEY => read::<ApiKey>(key, payload),
        Class::ARTICLE => read::<Article>(key, payload),
        Class::VERDICT => read::<Verdict>(key, payload),
        Class::FEEDBACK => read::<Feedback>(key, payload),
        Class::MARK => read::<Mark>(key, payload),
        Class::TALLY => read::<Tally>(key, payload),
        _ => Ok(payload.to_vec()),
    }
}

fn export(
    view: View<'_>,
    (site, class): (&SiteId, Class),
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let (place, kind) = place(site, class)?;
    let family = Key::of_class(&place, kind, &[]);
    let start = after.map_or_else(|| family.clone(), |after| Key::of_class(&place, kind, after).next());
    let mut found = Vec::new();
    let mut add = |key: &Key, payload: &[u8]| {
        let (_, _, rest) = key.parts().ok_or_else(|| codec::damaged(key))?;
        found.push(Record { key: rest.to_vec(), value: value(class, key, payload)? });
        Ok::<_, StoreError>(found.len() < limit)
    };
    if kind.is_packed() {
        for row in packs::scan(&view, &start, &family.end(), false)? {
            let (key, payload) = row?;
            if !add(&key, &payload)? {
                break;
            }
        }
    } else {
        for row in view.range(&start, &family.end()) {
            let (key, stored) = row?;
            if !add(&key, &codec::payload(&view, &key, &stored)?)? {
                break;
            }
        }
    }
    Ok(found)
}

fn import(plan: &mut Plan, site: &SiteId, class: Class, record: &Record) -> Result<(), StoreError> {
    match class {
        Class::SITE => {
            let site: Site = unpack(class, record)?;
            plan.replace(&Key::site(&site.id), &site).map(drop)
        }
        Class::KEY => {
            let key: ApiKey = unpack(class, record)?;
            plan.replace(&Key::api_key(&key.id), &key).map(drop)
        }
        Class::ARTICLE => {
            let article: Article = unpack(class, record)?;
            if !plan.replace(&Key::article(site, &article.id), &article)? {
                plan.totals().articles += 1;
            }
            Ok(())
        }
        Class::VERDICT => {
            let verdict: Verdict = unpack(class, record)?;
            if plan.load::<Verdict>(&Key::verdict(site, verdict.id))?.is_some() {
                return Ok(());
            }
            let new = NewVerdict { verdict, request: None, queue: None, campaign: None };
            super::verdicts::Prepared::new(new)?.keep(plan)
        }
        Class::FEEDBACK => {
            let report: Feedback = unpack(class, record)?;
            if !plan.replace(&Key::feedback(site, report.verdict, report.id), &report)? {
                plan.totals().feedback += 1;
            }
            Ok(())
        }
        Class::MARK => {
            let mark: Mark = unpack(class, record)?;
            let (actor, id) = mark_key(&record.key)?;
            let key = Key::mark(site, &actor, id);
            if plan.load::<Mark>(&key)?.as_ref() != Some(&mark) {
                plan.replace(&key, &mark)?;
                plan.list_mark(site, (actor, id, mark.at));
            }
            Ok(())
        }
        Class::TALLY => {
            let tally: Tally = unpack(class, record)?;
            packs::put(plan, &Key::tally(site, &tally_key(&record.key)?), codec::bytes(&tally)?)
        }
        _ => {
            let kind = class.row().ok_or_else(|| wrong("class"))?;
            let key = RowKey { kind, rest: record.key.clone() };
            SledLedger::new(plan, site).put(&key, record.value.clone())
        }
    }
}

fn wrong(what: &'static str) -> StoreError {
    StoreError::Backend { doing: "reading a record", source: format!("its {what} has no known shape").into() }
}

/// Who sent a request and its id, from the key of its mark.
pub(in crate::store) fn mark_key(key: &[u8]) -> Result<(KeyId, RequestId), StoreError> {
    let (actor, id) = key.split_last_chunk::<16>().ok_or_else(|| wrong("key"))?;
    let actor = actor.strip_suffix(&[0]).and_then(|actor| std::str::from_utf8(actor).ok());
    let actor = actor.and_then(|actor| KeyId::new(actor).ok()).ok_or_else(|| wrong("key"))?;
    Ok((actor, RequestId::from_bytes(*id)))
}

/// What is counted, from the key of its count.
pub(in crate::store) fn tally_key(key: &[u8]) -> Result<TallyKey, StoreError> {
    use crate::types::TallyKind::{Author, Domain, EmailDomain, Network, Text};
    let (code, digest) = key.split_first().ok_or_else(|| wrong("key"))?;
    let kind = [Author, Network, Domain, EmailDomain, Text].into_iter().find(|kind| kind.code() == *code);
    let digest = digest.try_into().map_err(|_| wrong("key"))?;
    Ok(TallyKey { kind: kind.ok_or_else(|| wrong("key"))?, digest })
}

#[async_trait]
impl Portable for SledStore {
    async fn export(
        &self,
        site: &SiteId,
        class: Class,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        let site = site.clone();
        self.gate.scan(move |view: View<'_>| export(view, (&site, class), after.as_deref(), limit)).await
    }

    async fn import(&self, site: &SiteId, class: Class, records: Vec<Record>) -> Result<(), StoreError> {
        let site = site.clone();
        let bytes = records.iter().map(|record| record.key.len() + record.value.len()).sum();
        let write = move |plan: &mut Plan| {
            records.iter().try_for_each(|record| plan.step(|plan| import(plan, &site, class, record)))
        };
        self.writer()?.write(1, bytes, write).await
    }
}
