//! The plots, as SVG by plotters.
//!
//! They are small enough for a telephone and scale up: two stand side by side on a screen. Colours are
//! stand-ins that the page's style sheet maps to its own, so that one drawing serves light, dark and
//! paper. Text in them is made here of numbers alone; nothing of strangers gets in.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::float;
use super::trace::{Spans, Trace};
use crate::event::Label;
use crate::flow::record::{LARGE_PAYLOAD_BYTES_MIN, SMALL_PAYLOAD_BYTES_MAX};
use crate::identify::Side;
use crate::output::human;
use crate::time::Timestamp;

/// Stand-ins, by what they are for; `style.css` knows them.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const DOWN: RGBColor = RGBColor(3, 3, 3);
const UP: RGBColor = RGBColor(4, 4, 4);
const BAND: RGBColor = RGBColor(5, 5, 5);
const LABELS: [RGBColor; 3] = [RGBColor(6, 6, 6), RGBColor(7, 7, 7), RGBColor(8, 8, 8)];

const SIZE: (u32, u32) = (400, 230);
const FONT: (&str, u32) = ("sans-serif", 15);

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Each packet's size over time: up above, down below. Shaded is where display remoting has most of its
/// packets.
pub(super) fn sizes(trace: &Trace, client: Side) -> Option<String> {
    let points = trace.points();
    let last = points.last()?.time;
    let seconds = |time: Timestamp| time.since(trace.first).as_secs_f64();
    let end = seconds(last).max(0.001) * 1.02;
    let largest = points.iter().map(|point| point.len).max()?;
    let top = f64::from(largest).max(float_of(LARGE_PAYLOAD_BYTES_MIN) * 1.5) * 1.05;
    let [large, small] = [LARGE_PAYLOAD_BYTES_MIN, SMALL_PAYLOAD_BYTES_MAX].map(float_of);
    draw(|canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .margin(6)
            .x_label_area_size(28)
            .y_label_area_size(48)
            .build_cartesian_2d(0.0..end, -top..top)?;
        let band = |low: f64, high: f64| Rectangle::new([(0.0, low), (end, high)], BAND.filled());
        chart.draw_series([band(-top, -large), band(0.0, small)])?;
        axes(&mut chart, [5, 6], &|x| time_label(x, end), &|y| size_label(y.abs()))?;
        chart.draw_series(points.iter().map(|point| {
            let is_up = point.side == client;
            let len = f64::from(point.len);
            let (y, colour) = if is_up { (len, UP) } else { (-len, DOWN) };
            Circle::new((seconds(point.time), y), 2, colour.filled())
        }))?;
        Ok(())
    })
}

/// Octets of payload a second, up above and down below.
pub(super) fn pace(trace: &Trace, client: Side) -> Option<String> {
    let spans = &trace.octets;
    let per_second = |octets: u64| float(octets) / spans.seconds();
    let rates: Vec<(f64, f64)> = spans
        .counts()
        .iter()
        .map(|&[a, b]| if client == Side::A { (a, b) } else { (b, a) })
        .map(|(up, down)| (per_second(up), per_second(down)))
        .collect();
    let highest = |rate: fn(&(f64, f64)) -> f64| rates.iter().map(rate).fold(1.0, f64::max) * 1.08;
    let (top, bottom) = (highest(|rate| rate.0), highest(|rate| rate.1));
    // Of two very different rates the smaller one still is to be seen.
    let (top, bottom) = (top.max(bottom / 6.0), bottom.max(top / 6.0));
    let end = float_of(rates.len()) * spans.seconds();
    draw(|canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .margin(6)
            .x_label_area_size(28)
            .y_label_area_size(66)
            .build_cartesian_2d(0.0..end, -bottom..top)?;
        axes(&mut chart, [5, 6], &|x| time_label(x, end), &|y| rate_label(y.abs()))?;
        let bars = rates.iter().enumerate().flat_map(|(at, &(up, down))| {
            let from = float_of(at) * spans.seconds();
            let to = from + spans.seconds();
            [(up, UP), (-down, DOWN)].into_iter().filter(|(rate, _)| *rate != 0.0).map(
                move |(rate, colour)| Rectangle::new([(from, 0.0), (to, rate)], colour.filled()),
            )
        });
        chart.draw_series(bars)?;
        Ok(())
    })
}

/// Flows of one label that began, over the capture's time.
pub(super) fn timeline(spans: &Spans<3>, label: Label, until: Timestamp) -> Option<String> {
    let which = Label::ALL.iter().position(|&one| one == label)?;
    let colour = LABELS.get(which)?;
    let counts: Vec<u64> = spans
        .counts()
        .iter()
        .map(|counts| counts.get(which).copied().unwrap_or_default())
        .collect();
    let most = counts.iter().copied().max().filter(|&most| most > 0)?;
    let end = (float_of(counts.len()) * spans.seconds())
        .max(until.since(spans.start()).as_secs_f64())
        .max(0.001);
    let clock = |seconds: f64| {
        let span = std::time::Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
        let text = human::Clock(spans.start().plus(span)).to_string();
        // Days where there are many, or else the time of day.
        let (day, time) = text.split_once(' ').unwrap_or((&text, ""));
        if end > 172_800.0 { day.to_owned() } else { time.to_owned() }
    };
    let colour = *colour;
    draw_sized((400, 120), |canvas| {
        let mut chart = ChartBuilder::on(canvas)
            .margin(4)
            .margin_right(28)
            .x_label_area_size(28)
            .y_label_area_size(44)
            .build_cartesian_2d(0.0..end, 0.0..float(most) * 1.1)?;
        axes(&mut chart, [4, 2], &clock, &|y| format!("{y:.0}"))?;
        // A single flow of a long capture is to be seen, too.
        let width = spans.seconds().max(end / 160.0);
        let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        chart.draw_series(bars.map(|(at, &count)| {
            let from = float_of(at) * spans.seconds();
            Rectangle::new([(from, 0.0), ((from + width).min(end), float(count))], colour.filled())
        }))?;
        Ok(())
    })
}

/// Lines across, and how many labels an axis may have, with their text.
fn axes(
    chart: &mut Chart<'_, '_>,
    [across, up]: [usize; 2],
    x: &dyn Fn(f64) -> String,
    y: &dyn Fn(f64) -> String,
) -> Drawn {
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .x_labels(across)
        .y_labels(up)
        .x_label_formatter(&|at| x(*at))
        .y_label_formatter(&|at| y(*at))
        .label_style(FONT.into_font().color(&INK))
        .draw()
}

fn draw(fill: impl for<'a> FnOnce(&Canvas<'a>) -> Drawn) -> Option<String> {
    draw_sized(SIZE, fill)
}

/// Nothing where the drawing fails: a report without a plot is still a report.
fn draw_sized(size: (u32, u32), fill: impl for<'a> FnOnce(&Canvas<'a>) -> Drawn) -> Option<String> {
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        fill(&canvas).ok()?;
        canvas.present().ok()?;
    }
    Some(svg)
}

fn float_of(number: usize) -> f64 {
    float(u64::try_from(number).unwrap_or(u64::MAX))
}

fn time_label(seconds: f64, end: f64) -> String {
    if end >= 7200.0 {
        format!("{:.1} h", seconds / 3600.0)
    } else if end >= 300.0 {
        format!("{:.0} min", seconds / 60.0)
    } else if end >= 5.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{seconds:.1} s")
    }
}

fn size_label(octets: f64) -> String {
    format!("{octets:.0}")
}

fn rate_label(octets: f64) -> String {
    if octets >= 1e6 {
        format!("{:.1} MB/s", octets / 1e6)
    } else if octets >= 1e3 {
        format!("{:.1} kB/s", octets / 1e3)
    } else {
        format!("{octets:.0} B/s")
    }
}

#[cfg(test)]
mod tests {
    use super::super::trace::Point;
    use super::*;

    #[test]
    fn a_flow_of_one_packet_and_one_of_a_year_can_be_drawn() {
        for end in [0, 365 * 86_400] {
            let mut trace = Trace::new(Timestamp::default(), 256, 120);
            for second in [0, end] {
                let time = Timestamp::from_parts(second, 0);
                trace.add(Point { time, side: Side::A, len: 1200 });
            }
            let (sizes, pace) = (sizes(&trace, Side::B).unwrap(), pace(&trace, Side::B).unwrap());
            assert!(sizes.contains("<circle") && sizes.ends_with("</svg>\n"), "{sizes}");
            assert!(pace.contains("<rect") && !pace.contains("NaN"), "{pace}");
        }
        let empty = Trace::new(Timestamp::default(), 256, 120);
        assert!(sizes(&empty, Side::A).is_none());
    }
}
