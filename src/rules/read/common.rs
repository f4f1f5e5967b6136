//! The keys that every rule has: name, message, effect, state, site, expiry.
//!
//! May import: `types`.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
    value::{Datetime, Offset},
};

use crate::{
    rules::{Effect, rule::State},
    types::{Action, Label, LogOdds, PerLabel, SiteId, Timestamp},
};

use super::values::{Reader, Text};

/// Keys of every rule.
pub(super) const KEYS: [&str; 11] = [
    "name",
    "message",
    "weight",
    "action",
    "state",
    "site",
    "owner",
    "note",
    "expires",
    "emergency",
    "examples",
];

/// Longest name and owner, in bytes.
const MAX_NAME: usize = 64;
/// Longest message and note, in bytes.
const MAX_PROSE: usize = 500;
/// Largest weight, in nats: e^10 is 22,000 to one.
const MAX_WEIGHT: f64 = 10.0;

/// What every rule says; a part is absent where a problem was reported.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) name: Option<Text>,
    pub(super) message: Option<String>,
    pub(super) effect: Option<Effect>,
    pub(super) state: State,
    pub(super) site: Option<SiteId>,
    pub(super) owner: Option<String>,
    pub(super) note: Option<String>,
    pub(super) expires: Option<Timestamp>,
    pub(super) emergency: bool,
}

/// Reads the common keys.
pub(super) fn read(reader: &mut Reader<'_, '_>, table: &DeTable<'_>, header: &Range<usize>) -> Common {
    let name = reader.required_text(table, "name", header, "name = \"no-casino\"");
    if let Some(name) = &name
        && !is_kebab(&name.value)
    {
        let message = format!("\"{}\" is not a rule name", name.value);
        let help = format!("a-z, 0-9 and single hyphens, beginning with a letter, at most {MAX_NAME} bytes");
        reader.out.error_help(&name.at, "bad-name", message, help);
    }
    let help = "message = \"one sentence that tells a moderator what was found\"";
    let message = reader.required_text(table, "message", header, help);
    let owner = reader.text(table, "owner");
    let note = reader.text(table, "note");
    for (text, most) in [(&message, MAX_PROSE), (&note, MAX_PROSE), (&owner, MAX_NAME)] {
        if let Some(text) = text
            && text.value.len() > most
        {
            let message = format!("the text has {} bytes; at most {most} are allowed", text.value.len());
            reader.out.error(&text.at, "text-too-long", message);
        }
    }
    Common {
        name,
        message: message.map(|text| text.value),
        effect: effect(reader, table, header),
        state: reader.choice(table, "state", &State::NAMES, "bad-state").unwrap_or(State::Live),
        site: site(reader, table),
        owner: owner.map(|text| text.value),
        note: note.map(|text| text.value),
        expires: expires(reader, table),
        emergency: emergency(reader, table),
    }
}

fn is_kebab(name: &str) -> bool {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.bytes().all(known)
}

fn effect(reader: &mut Reader<'_, '_>, table: &DeTable<'_>, header: &Range<usize>) -> Option<Effect> {
    let names = Action::ALL.map(|action| (action.name(), action));
    let action = match table.get("action") {
        Some(_) => reader.choice(table, "action", &names, "bad-action").map(Some),
        None => Some(None),
    };
    let weights = match table.get("weight") {
        Some(value) => weights(reader, value),
        None => Some(PerLabel::default()),
    };
    let (action, weights) = (action?, weights?);
    let effect = Effect { weights, action };
    if effect == Effect::default() {
        let at = reader.at(table.get("weight").map_or_else(|| header.clone(), Spanned::span));
        reader.out.error_help(
            &at,
            "missing-effect",
            "the rule has no effect",
            "give it a weight other than 0, as in `weight = { spam = 1.5 }`, or an action, as in `action = \"HOLD\"`",
        );
        return None;
    }
    Some(effect)
}

fn weights(reader: &mut Reader<'_, '_>, value: &Spanned<DeValue<'_>>) -> Option<PerLabel<LogOdds>> {
    let Some(table) = value.get_ref().as_table() else {
        reader.wrong_type(value, "weight", "a table of labels, as in { spam = 1.5 }");
        return None;
    };
    reader.check_keys(table, &Label::ALL.map(Label::name), "weight");
    let mut weights = PerLabel::default();
    let mut good = true;
    for label in Label::ALL {
        let Some(value) = table.get(label.name()) else { continue };
        let number = reader.number(value, label.name());
        let fits = number.filter(|nats| nats.abs() <= MAX_WEIGHT);
        match (number, fits) {
            (_, Some(nats)) => weights[label] = LogOdds::new(nats),
            (Some(nats), None) => {
                let at = reader.at(value.span());
                let message = format!("the weight {nats} is out of range");
                let help = format!("at most {MAX_WEIGHT} either way; for certainty give an action instead");
                reader.out.error_help(&at, "bad-weight", message, help);
                good = false;
            }
            (None, None) => good = false,
        }
    }
    good.then_some(weights)
}

fn site(reader: &mut Reader<'_, '_>, table: &DeTable<'_>) -> Option<SiteId> {
    let text = reader.text(table, "site")?;
    SiteId::new(&text.value)
        .map_err(|error| reader.out.error(&text.at, "bad-site", format!("the site's name {error}")))
        .ok()
}

fn emergency(reader: &mut Reader<'_, '_>, table: &DeTable<'_>) -> bool {
    let Some(value) = table.get("emergency") else { return false };
    let stated = value.get_ref().as_bool();
    if stated.is_none() {
        reader.wrong_type(value, "emergency", "true or false");
    }
    stated.unwrap_or(false)
}

fn expires(reader: &mut Reader<'_, '_>, table: &DeTable<'_>) -> Option<Timestamp> {
    let value = table.get("expires")?;
    let parsed = match value.get_ref() {
        DeValue::Datetime(moment) => Some(*moment),
        DeValue::String(text) => text.trim().parse::<Datetime>().ok(),
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => {
            reader.wrong_type(value, "expires", "a date with time");
            return None;
        }
    };
    let found = parsed.and_then(|moment| timestamp(&moment));
    if found.is_none() {
        let at = reader.at(value.span());
        reader.out.error_help(
            &at,
            "bad-expiry",
            "`expires` must be a moment: a date, a time and an offset",
            "expires = 2027-01-31T12:00:00Z",
        );
    }
    found
}

/// A moment of RFC 3339. Days by H. Hinnant, "chrono-compatible low-level date
/// algorithms" (2013).
fn timestamp(moment: &Datetime) -> Option<Timestamp> {
    let (date, time) = (moment.date?, moment.time?);
    let offset = match moment.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let (month, day) = (i64::from(date.month), i64::from(date.day));
    let year = i64::from(date.year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let minutes = days * 1440 + i64::from(time.hour) * 60 + i64::from(time.minute) - offset;
    let seconds = minutes * 60 + i64::from(time.second.unwrap_or(0));
    Some(Timestamp::from_micros(seconds * 1_000_000 + i64::from(time.nanosecond.unwrap_or(0) / 1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted_from_the_epoch() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:30:05.25Z", Some(951_827_405_250_000)),
            ("2026-11-30T01:00:00+02:00", Some(1_795_993_200_000_000)),
            ("2027-01-01", None),
            ("2027-01-01T10:00:00", None),
        ] {
            let moment: Datetime = text.parse().unwrap();
            assert_eq!(timestamp(&moment).map(Timestamp::micros), want, "{text}");
        }
    }

    #[test]
    fn names_are_kebab_case() {
        for (name, good) in [
            ("no-casino", true),
            ("a1", true),
            ("No-casino", false),
            ("-a", false),
            ("a-", false),
            ("a--b", false),
            ("1a", false),
            ("a_b", false),
            ("", false),
        ] {
            assert_eq!(is_kebab(name), good, "{name}");
        }
    }
}
