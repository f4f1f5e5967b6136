//! The health view: how much waits, how fast it comes and goes, as a picture and as the
//! numbers behind it.
//!
//! May import: `types`, `moderation`, `store` (answers).

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use plotters::prelude::*;

use super::{
    Console,
    frame::{Frame, moment, show},
};
use crate::{
    api::{auth::Caller, http::answer::Refusal},
    moderation::{Session, queue::StatsTold},
    store::QueueStats,
};

/// Hours shown.
const HOURS: usize = 48;
const SIZE: (u32, u32) = (720, 220);
const COMING: RGBColor = RGBColor(64, 110, 190);
const GOING: RGBColor = RGBColor(20, 140, 105);

struct Hour {
    at: String,
    arrived: u64,
    approved: u64,
    rejected: u64,
    undone: u64,
}

#[derive(Template)]
#[template(path = "health.html", config = "src/api/http/console/askama.toml")]
struct HealthPage {
    f: Frame,
    open: u64,
    claimed: u64,
    decided: u64,
    oldest: String,
    arrivals: String,
    decisions: String,
    forecast: String,
    hours: Vec<Hour>,
    chart: String,
}

/// `GET /console/s/{site}/health`.
pub(super) async fn page(
    State(console): State<Console>,
    Extension(caller): Extension<Caller>,
    Extension(session): Extension<Session>,
    Path(site): Path<String>,
) -> Result<Response, Refusal> {
    let (site, f) = console.enter(&caller, &session, &site, "health").await?;
    let StatsTold { stats, forecast, .. } = console.queue.stats(caller.actor(), &site).await?;
    let chart = drawn(&stats).unwrap_or_default();
    let QueueStats { open, claimed, decided, oldest, hours } = stats;
    let recent = hours.len().saturating_sub(HOURS);
    let hour = |(at, hour): (crate::types::Timestamp, crate::store::StoredHour)| Hour {
        at: moment(at),
        arrived: hour.arrivals(),
        approved: hour.approved,
        rejected: hour.rejected,
        undone: hour.undone,
    };
    Ok(show(&HealthPage {
        f,
        open,
        claimed,
        decided,
        oldest: oldest.map_or(String::new(), moment),
        arrivals: format!("{:.1}", forecast.arrivals_per_hour),
        decisions: format!("{:.1}", forecast.decisions_per_hour),
        forecast: forecast.sentence,
        hours: hours.into_iter().skip(recent).rev().map(hour).collect(),
        chart,
    }))
}

/// Arrivals and decisions per hour as lines; `None` when there is too little to draw.
fn drawn(stats: &QueueStats) -> Option<String> {
    let recent = stats.hours.len().saturating_sub(HOURS);
    let hours = stats.hours.get(recent..)?;
    let first = hours.first()?.0;
    if hours.len() < 2 {
        return None;
    }
    let at = |moment: crate::types::Timestamp| moment.since(first).as_secs_f64() / 3_600.0;
    let last = hours.last().map_or(1.0, |(moment, _)| at(*moment)).max(1.0);
    let most = hours.iter().map(|(_, hour)| hour.arrivals().max(hour.decisions())).max()?.max(1) as f64;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart =
            ChartBuilder::on(&root).margin(8).build_cartesian_2d(0.0..last, 0.0..most * 1.1).ok()?;
        let line = |of: fn(&crate::store::StoredHour) -> u64| {
            hours.iter().map(|(moment, hour)| (at(*moment), of(hour) as f64)).collect::<Vec<_>>()
        };
        chart
            .draw_series(LineSeries::new(line(crate::store::StoredHour::arrivals), COMING.stroke_width(2)))
            .ok()?;
        chart
            .draw_series(LineSeries::new(line(crate::store::StoredHour::decisions), GOING.stroke_width(2)))
            .ok()?;
        root.present().ok()?;
    }
    Some(svg)
}
