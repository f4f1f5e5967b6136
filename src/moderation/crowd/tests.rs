//! Who forms a campaign, and who does not.

use std::collections::BTreeSet;

use super::*;
use crate::types::{Body, Markup};

fn sketch(text: &str) -> Sketch {
    let mut document = Document::default();
    let body = Body::new(text.into()).unwrap();
    document.read(body.as_str(), Markup::Plain);
    Sketch::of(&shingles_of(&document), |_| false).unwrap()
}

fn known(sketch: Sketch, author: u8) -> Known {
    let verdict = VerdictId::generate();
    Known {
        sketch,
        verdict,
        comment: None,
        text: *verdict.as_bytes(),
        author: Some([author; 16]),
        article: None,
        campaign: None,
    }
}

/// The `n`th spinning of an advert: one of three wordings at each of ten places.
fn spun(mut n: usize) -> String {
    let places = [
        ["Hello", "Hi", "Hey"],
        ["friends", "all", "everybody"],
        ["earn", "make", "get"],
        ["500", "700", "900"],
        ["dollars", "euros", "bucks"],
        ["a day", "daily", "every day"],
        ["from home", "at home", "online"],
        ["no experience needed", "no skills needed", "without experience"],
        ["write to", "message", "contact"],
        ["today", "now", "quickly"],
    ];
    let mut words = Vec::new();
    for place in places {
        words.push(place[n % 3]);
        n /= 3;
    }
    format!("{} on the quick cash desk dot example, ask for Maria Invest Team", words.join(" "))
}

/// Whether a comment joins a campaign, and which.
fn say(recent: &mut Recent, text: &str, author: u8) -> Option<CampaignId> {
    recent.meet(known(sketch(text), author), Vec::new(), (true, false)).map(|met| met.campaign)
}

fn views() -> [&'static str; 5] {
    [
        "should explain why the second ferry was cancelled before anybody asked the islanders",
        "has promised a new school for nine years and all we got is a car park with a fountain",
        "was right about the bridge, although the cost doubled and nobody wants to say who signed",
        "never answers letters, I sent four of them last winter and got a calendar in return",
        "makes me wonder whether my grandmother's recipe for soup would do better in an election",
    ]
}

#[test]
fn spun_adverts_are_one_campaign() {
    let mut recent = Recent::new(1);
    let joined: Vec<_> = (0..300).map(|n| say(&mut recent, &spun(n * 197), (n % 250) as u8)).collect();
    let first = joined.iter().flatten().next().copied();
    let members = joined.iter().filter(|joined| **joined == first && first.is_some()).count();
    // The first two join later, when the third makes the campaign.
    assert!(members >= 285, "{members} of 300");
}

#[test]
fn plain_copies_are_a_campaign_too() {
    let mut recent = Recent::new(1);
    let joined: Vec<_> = (0..50).map(|author| say(&mut recent, &spun(0), author)).collect();
    assert!(joined[..2].iter().all(Option::is_none) && joined[2..].iter().all(Option::is_some));
    let one: BTreeSet<_> = joined.into_iter().flatten().collect();
    assert_eq!(one.len(), 1);
}

#[test]
fn a_campaign_is_recognised_after_everything_else_was_forgotten() {
    let mut recent = Recent::new(1);
    let first = (0..40).filter_map(|n| say(&mut recent, &spun(n * 197), n as u8)).last();
    let word = |n: usize| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for n in 0..5_000 {
        let text: Vec<String> = (0..6).map(|at| word(n * 6 + at)).collect();
        assert_eq!(say(&mut recent, &text.join(" "), (n % 251) as u8), None);
    }
    let later: Vec<_> = (40..60).map(|n| say(&mut recent, &spun(n * 197), n as u8)).collect();
    let found = later.iter().filter(|joined| **joined == first).count();
    assert!(first.is_some() && found >= 19, "{found} of 20");
}

/// 300 spun variants among 2,000 real comments, from the JSON lines that
/// `TAMIS_COMMENTS` names: one campaign with its members and nobody else.
#[test]
fn a_campaign_among_real_comments_has_no_real_member() {
    let Some(path) = std::env::var_os("TAMIS_COMMENTS") else { return };
    let lines = std::fs::read_to_string(path).unwrap();
    let text = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).ok()?["text"].as_str().map(str::to_owned)
    };
    let real: Vec<String> = lines.lines().filter_map(text).take(2_000).collect();
    let (mut recent, mut joined, mut real_ones) = (Recent::new(1), 0, Vec::new());
    let mut campaigns = BTreeSet::new();
    for (n, text) in real.iter().enumerate() {
        let mut document = Document::default();
        document.read(text, Markup::Plain);
        let all = shingles_of(&document);
        if let Some(sketch) = Sketch::of(&all, |shingle| recent.commons.is_common(shingle)) {
            let met = recent.meet(known(sketch, (n % 251) as u8), Vec::new(), (true, false));
            // People copy themselves and each other too: that is theirs.
            real_ones.extend(met.map(|met| met.campaign));
        }
        recent.commons.note(&all);
        if n * 300 / real.len() != (n + 1) * 300 / real.len() {
            let met = say(&mut recent, &spun((n * 300 / real.len()) * 197), (n % 250) as u8);
            joined += usize::from(met.is_some());
            campaigns.extend(met);
        }
    }
    let wrong = real_ones.iter().filter(|id| campaigns.contains(id)).count();
    let (found, copies) = (campaigns.len(), real_ones.len());
    println!("{joined} of 300 joined {found} campaign, {wrong} real ones did; {copies} real copies");
    assert!(joined >= 285 && found == 1 && wrong == 0);
}

#[test]
fn people_who_talk_about_one_thing_are_no_campaign() {
    let mut recent = Recent::new(1);
    let subjects =
        ["the mayor", "the council", "our port", "this budget", "the harbour master", "the editor"];
    for (n, subject) in subjects.iter().enumerate() {
        let text = format!("I think that {subject} {}", views()[n % 5]);
        assert_eq!(say(&mut recent, &text, n as u8), None, "{text}");
    }
}

#[test]
fn one_author_under_one_article_is_no_campaign() {
    let mut recent = Recent::new(1);
    for n in 0..20 {
        assert_eq!(say(&mut recent, &spun(n), 7), None);
    }
}

#[test]
fn a_comment_that_is_scored_again_is_no_copy() {
    let mut recent = Recent::new(1);
    let one = |author| {
        let comment = crate::types::CommentId::new(&format!("c{author}")).ok();
        Known { comment, text: [author; 16], ..known(sketch(&spun(0)), author) }
    };
    for _ in 0..5 {
        assert!(recent.meet(one(1), Vec::new(), (true, false)).is_none());
    }
    assert!(recent.meet(one(2), Vec::new(), (true, false)).is_none(), "two comments are no campaign");
    let made = recent.meet(one(3), Vec::new(), (true, false)).unwrap();
    assert_eq!((made.earlier.len(), made.again), (2, false));
    let again = recent.meet(one(3), Vec::new(), (true, false)).unwrap();
    assert!(again.again && again.campaign == made.campaign);
}

#[test]
fn sayings_make_no_campaign_and_previews_leave_no_trace() {
    let mut recent = Recent::new(1);
    let meet =
        |recent: &mut Recent, author, how| recent.meet(known(sketch(&spun(0)), author), Vec::new(), how);
    for author in 0..9 {
        assert!(meet(&mut recent, author, (true, true)).is_none());
    }
    let mut recent = Recent::new(1);
    for author in 0..9 {
        assert!(meet(&mut recent, author, (false, false)).is_none());
    }
    assert!(recent.is_empty());
}

#[test]
fn what_many_say_makes_nobody_alike() {
    let mut recent = Recent::new(1);
    let opening = "as somebody who has lived in this town for longer than he would like to admit i say that";
    let join = |recent: &Recent, text: &str| {
        Sketch::of(&shingles(&text.replace(' ', "")), |shingle| recent.commons.is_common(shingle))
    };
    for n in 0..300 {
        recent.commons.note(&shingles(&format!("{opening}{n}").replace(' ', "")));
    }
    assert_eq!(join(&recent, opening), None, "nothing but what everybody says");
    for (n, view) in views().iter().enumerate() {
        let sketch = join(&recent, &format!("{opening} the mayor {view}")).unwrap();
        assert!(recent.meet(known(sketch, n as u8), Vec::new(), (true, false)).is_none(), "{view}");
    }
}

#[test]
fn other_sites_that_saw_the_same_are_told() {
    let mut sites = Sites::default();
    let (one, two) = (SiteId::new("one").unwrap(), SiteId::new("two").unwrap());
    sites.remember(&one, Vec::new(), Vec::new());
    sites.remember(&two, Vec::new(), Vec::new());
    let mut say = |site: &SiteId, n| sites.meet(site, known(sketch(&spun(n)), 7), (true, false));
    assert!(say(&one, 0).is_none() && say(&two, 1).is_none());
    let met = say(&one, 2).expect("one author, but on two sites");
    assert_eq!((met.sites, met.earlier.len()), (vec![two.clone()], 1));
    let met = say(&two, 3).unwrap();
    assert_eq!(met.sites, [one]);
}

#[test]
fn a_cap_holds_for_those_under_way() {
    let mut recent = Recent::new(1);
    let (id, at) = (CampaignId::generate(), Timestamp::from_micros(5));
    let mut held = Inheritance {
        disposition: Disposition::Reject,
        reason: None,
        batch: None,
        actor: KeyId::new("lead").unwrap(),
        created_at: at,
        until: Timestamp::from_micros(9),
        cap: 3,
        inherited: 0,
        beyond: 0,
    };
    assert!(recent.grant(id, &held, false), "a preview takes nothing away");
    let granted: Vec<bool> = (0..5).map(|_| recent.grant(id, &held, true)).collect();
    assert_eq!(granted, [true, true, true, false, false]);
    held.created_at = Timestamp::from_micros(6);
    held.inherited = 2;
    let granted: Vec<bool> = (0..2).map(|_| recent.grant(id, &held, true)).collect();
    assert_eq!(granted, [true, false], "a new ruling begins anew, with what the store counted");
}
