//! Figures drawn as SVG by plotters.
//!
//! Colours follow the theme of the page: the drawing uses stand-ins that are replaced
//! by the style sheet's names. May import: `classifier`.

use plotters::{coord::Shift, prelude::*};

use crate::classifier::{BINS, Bin, HISTOGRAM, Histogram, Point};

/// Size of a plot in its own units; the page scales it.
const SIZE: (u32, u32) = (340, 250);
/// Smallest false positive rate shown.
const LEAST: f64 = 0.0005;

/// A stand-in for a colour of the style sheet: no colour of the theme looks so.
const fn stand_in(n: u8) -> RGBColor {
    RGBColor(1, 1, n)
}
const INK: RGBColor = stand_in(1);
const GRID: RGBColor = stand_in(2);
const CURVE: RGBColor = stand_in(3);
const MARK: RGBColor = stand_in(4);
const BAD: RGBColor = stand_in(5);
const GOOD: RGBColor = stand_in(6);
const THEME: [(&str, &str); 6] = [
    ("#010101", "var(--soft)"),
    ("#010102", "var(--grid)"),
    ("#010103", "var(--curve)"),
    ("#010104", "var(--mark)"),
    ("#010105", "var(--bad)"),
    ("#010106", "var(--good)"),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Draws; empty when plotters cannot.
fn draw(paint: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        if paint(&area).and_then(|()| area.present()).is_err() {
            return String::new();
        }
    }
    THEME.iter().fold(svg, |svg, (stand_in, name)| svg.replace(stand_in, name))
}

fn small() -> TextStyle<'static> {
    ("sans-serif", 12).into_font().color(&INK)
}

/// The ROC curve with a logarithmic axis: what matters lies left of 1 %.
pub(super) fn roc(points: &[Point]) -> String {
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(16)
            .x_label_area_size(34)
            .y_label_area_size(40)
            .build_cartesian_2d((LEAST..1.0).log_scale(), 0.0..1.0)?;
        chart
            .configure_mesh()
            .axis_style(MARK)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .label_style(small())
            .axis_desc_style(small())
            .x_desc("false positive rate (log)")
            .y_desc("recall")
            .x_label_formatter(&|x| percent(*x))
            .y_labels(6)
            .draw()?;
        for cut in [0.001, 0.01] {
            chart.draw_series(std::iter::once(PathElement::new([(cut, 0.0), (cut, 1.0)], MARK)))?;
        }
        let line = points.iter().map(|&(x, y)| (x.max(LEAST), y));
        chart.draw_series(LineSeries::new(line, CURVE.stroke_width(2)))?;
        Ok(())
    })
}

fn percent(x: f64) -> String {
    let x = 100.0 * x;
    if x >= 1.0 { format!("{x:.0} %") } else { format!("{x} %") }
}

/// The precision-recall curve.
pub(super) fn precision_recall(points: &[Point]) -> String {
    draw(|area| {
        let mut chart = unit_square(area, "recall", "precision")?;
        let first = points.first().map(|&(_, precision)| (0.0, precision));
        chart.draw_series(LineSeries::new(
            first.into_iter().chain(points.iter().copied()),
            CURVE.stroke_width(2),
        ))?;
        Ok(())
    })
}

/// The reliability diagram: claimed against held, dots as large as their bins.
pub(super) fn reliability(bins: &[Bin; BINS]) -> String {
    let all = bins.iter().map(|b| b.comments).sum::<usize>().max(1) as f64;
    draw(|area| {
        let mut chart = unit_square(area, "probability claimed", "share that held")?;
        chart.draw_series(std::iter::once(PathElement::new([(0.0, 0.0), (1.0, 1.0)], MARK)))?;
        let full = || bins.iter().filter(|b| b.comments > 0);
        chart.draw_series(LineSeries::new(full().map(|b| (b.claimed, b.held)), CURVE.stroke_width(1)))?;
        chart.draw_series(full().map(|b| {
            let radius = 2.5 + 9.0 * (b.comments as f64 / all).sqrt();
            Circle::new((b.claimed, b.held), radius as i32, CURVE.mix(0.75).filled())
        }))?;
        Ok(())
    })
}

/// A chart over the unit square.
fn unit_square<'a, 'b>(
    area: &'b Area<'a>,
    x: &str,
    y: &str,
) -> Result<Square<'a, 'b>, DrawingAreaErrorKind<std::io::Error>> {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(16)
        .x_label_area_size(34)
        .y_label_area_size(40)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .axis_style(MARK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style(small())
        .axis_desc_style(small())
        .x_desc(x)
        .y_desc(y)
        .x_labels(6)
        .y_labels(6)
        .x_label_formatter(&|v| format!("{v:.1}"))
        .y_label_formatter(&|v| format!("{v:.1}"))
        .draw()?;
    Ok(chart)
}

type Square<'a, 'b> = ChartContext<
    'b,
    SVGBackend<'a>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

/// Probabilities by truth on a logarithmic scale of counts: those that carry the label
/// upwards, the others downwards.
pub(super) fn histogram(counts: &Histogram) -> String {
    let height = |n: usize| if n == 0 { 0.0 } else { 1.0 + (n as f64).log10() };
    let top = counts.positives.iter().chain(&counts.negatives).map(|&n| height(n)).fold(2.0, f64::max).ceil();
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(16)
            .x_label_area_size(34)
            .y_label_area_size(40)
            .build_cartesian_2d(0.0..1.0, -top..top)?;
        chart
            .configure_mesh()
            .axis_style(MARK)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .label_style(small())
            .axis_desc_style(small())
            .x_desc("probability")
            .y_desc("comments (log)")
            .x_labels(6)
            .y_labels(2 * top as usize + 1)
            .x_label_formatter(&|v| format!("{v:.1}"))
            .y_label_formatter(&|v| count_at(*v))
            .draw()?;
        let bars = |counts: &[usize; HISTOGRAM], side: f64, colour: RGBColor| {
            let width = 1.0 / HISTOGRAM as f64;
            let bars: Vec<_> = counts
                .iter()
                .enumerate()
                .map(|(at, &n)| {
                    let (left, right) = (width * (at as f64 + 0.08), width * (at as f64 + 0.92));
                    Rectangle::new([(left, 0.0), (right, side * height(n))], colour.filled())
                })
                .collect();
            bars
        };
        chart.draw_series(bars(&counts.positives, 1.0, BAD))?;
        chart.draw_series(bars(&counts.negatives, -1.0, GOOD))?;
        Ok(())
    })
}

/// The count at a height of the histogram.
fn count_at(height: f64) -> String {
    match height.abs().round() as u32 {
        0 => "0".to_owned(),
        k if k < 4 => 10_u32.pow(k - 1).to_string(),
        k => format!("{}k", 10_u32.pow(k.min(10) - 4)),
    }
}
