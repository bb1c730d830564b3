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
use crate::human;
use portstory_core::internal::flow::record::{LARGE_PAYLOAD_BYTES_MIN, SMALL_PAYLOAD_BYTES_MAX};
use portstory_core::{Side, Timestamp};

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
    draw(SIZE, |canvas| {
        let mut chart = labelled(canvas, 48).build_cartesian_2d(0.0..end, -top..top)?;
        let band = |low: f64, high: f64| Rectangle::new([(0.0, low), (end, high)], BAND.filled());
        chart.draw_series([band(-top, -large), band(0.0, small)])?;
        axes(&mut chart, [5, 6], &|x| time_label(x, end), &|y| format!("{:.0}", y.abs()))?;
        chart.draw_series(points.iter().map(|point| {
            let is_up = point.side == client;
            let len = f64::from(point.len);
            let (y, colour) = if is_up { (len, UP) } else { (-len, DOWN) };
            Circle::new((seconds(point.time), y), 2, colour.filled())
        }))?;
        Ok(())
    })
}

/// Bytes of payload a second, up above and down below.
pub(super) fn pace(trace: &Trace, client: Side) -> Option<String> {
    let spans = &trace.bytes;
    let per_second = |bytes: u64| float(bytes) / spans.seconds();
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
    draw(SIZE, |canvas| {
        let mut chart = labelled(canvas, 66).build_cartesian_2d(0.0..end, -bottom..top)?;
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

/// Flows that began, over the capture's time: a lane for each label, in [`portstory_core::event::Label::ALL`]'s order, each to a
/// scale of its own so that one flow among thousands is seen. Without text, so that it may be stretched to
/// any width; the page says what is what.
pub(super) fn timeline(spans: &Spans<3>, until: Timestamp) -> Option<String> {
    let counts = spans.counts();
    let end = timeline_seconds(spans, until);
    // A single flow of a long capture is to be seen, too.
    let width = spans.seconds().max(end / 160.0);
    let svg = draw((1000, 120), |canvas| {
        let mut chart = ChartBuilder::on(canvas).build_cartesian_2d(0.0..end, -0.06..3.0)?;
        for (which, (colour, base)) in LABELS.into_iter().zip([2.0, 1.0, 0.0]).enumerate() {
            let line = Rectangle::new([(0.0, base - 0.04), (end, base)], GRID.filled());
            chart.draw_series([line])?;
            let count = |counts: &[u64; 3]| counts.get(which).copied().unwrap_or_default();
            let most = counts.iter().map(count).max().filter(|&most| most > 0);
            let Some(most) = most else { continue };
            let bars = counts.iter().map(count).enumerate().filter(|&(_, count)| count > 0);
            chart.draw_series(bars.map(|(at, count)| {
                // The last bar is as wide as any other.
                let from = (float_of(at) * spans.seconds()).min(end - width).max(0.0);
                let height = 0.12 + 0.76 * float(count) / float(most);
                Rectangle::new([(from, base), (from + width, base + height)], colour.filled())
            }))?;
        }
        Ok(())
    })?;
    // Its height stays, whatever the width.
    Some(svg.replacen("<svg ", "<svg preserveAspectRatio=\"none\" ", 1))
}

/// How long the timeline is.
fn timeline_seconds(spans: &Spans<3>, until: Timestamp) -> f64 {
    let seconds = until.since(spans.start()).as_secs_f64();
    if seconds > 0.0 {
        seconds
    } else {
        (float_of(spans.counts().len()) * spans.seconds()).max(0.001)
    }
}

/// What to write below a timeline: the times at its beginning, its middle and its end.
pub(super) fn timeline_ends(spans: &Spans<3>, until: Timestamp) -> [String; 3] {
    let end = timeline_seconds(spans, until);
    let times = [0.0, end / 2.0, end].map(|seconds| {
        let span = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
        human::Clock(spans.start().plus(span)).to_string()
    });
    let [first, .., last] = &times;
    let day = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    if day(first) != day(last) && end > 172_800.0 {
        return times.map(|text| day(&text));
    }
    // The day once, where it is the same.
    let same = day(first) == day(last);
    let mut shown = times.map(|text| {
        if same { text.split(' ').next_back().unwrap_or_default().to_owned() } else { text }
    });
    if same && let [start, ..] = &mut shown {
        *start = human::Clock(spans.start()).to_string();
    }
    shown
}

/// A chart with room for labels, at the left so many points of it.
fn labelled<'a, 'b>(canvas: &'a Canvas<'b>, left: u32) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(canvas);
    chart.margin(6).x_label_area_size(28).y_label_area_size(left);
    chart
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

fn draw(size: (u32, u32), fill: impl for<'a> FnOnce(&Canvas<'a>) -> Drawn) -> Option<String> {
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

fn rate_label(bytes: f64) -> String {
    if bytes >= 1e6 {
        format!("{:.1} MB/s", bytes / 1e6)
    } else if bytes >= 1e3 {
        format!("{:.1} kB/s", bytes / 1e3)
    } else {
        format!("{bytes:.0} B/s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::trace::Point;

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
        let mut spans = Spans::new(120);
        for (time, label) in [(0, 0), (365 * 86_400, 2)] {
            spans.add(Timestamp::from_parts(time, 0), label, 1);
        }
        let until = Timestamp::from_parts(365 * 86_400, 0);
        let svg = timeline(&spans, until).unwrap();
        assert!(svg.contains("#060606") && svg.contains("#080808") && !svg.contains("#070707"));
        assert!(svg.starts_with("<svg preserveAspectRatio=\"none\" ") && !svg.contains("<text"));
        assert_eq!(timeline_ends(&spans, until)[0], "1970-01-01");
        let empty = Trace::new(Timestamp::default(), 256, 120);
        assert!(sizes(&empty, Side::A).is_none());
    }
}
