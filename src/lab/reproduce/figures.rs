//! The figures, as SVG with a transparent ground that suits light and dark pages alike.

use super::{
    MAIN, ReproduceError, Results,
    measure::{SamplingStep, TOP, Units, digit},
    paper::TABLE1,
};
use crate::{SIDE, idx::Digits};
use plotters::{
    coord::Shift,
    element::{Drawable, PointCollection},
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use plotters_backend::{BackendCoord, DrawingErrorKind};

/// Colours that a style sheet inside the SVG replaces where the reader prefers dark pages.
const INK: RGBColor = RGBColor(0x33, 0x3b, 0x44);
const FAINT: RGBColor = RGBColor(0xd4, 0xd8, 0xdd);
const OURS: RGBColor = RGBColor(0xc2, 0x41, 0x0c);
const THEIRS: RGBColor = RGBColor(0x47, 0x70, 0xa8);
const DARK: [(RGBColor, &str); 4] = [(INK, "#d5dae0"), (FAINT, "#3d444d"), (OURS, "#f58f57"), (THEIRS, "#86b0ea")];

const FONT: &str = "system-ui, sans-serif";
type Failure = Box<dyn std::error::Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A figure's file name and its SVG.
pub struct Figure {
    /// Without an ending.
    pub name: &'static str,
    /// The document.
    pub svg: String,
}

/// Draws all figures. `test` are the digits that the indices in `results` count.
pub fn draw(results: &Results, test: &Digits) -> Result<Vec<Figure>, ReproduceError> {
    let rows = results.networks.len() as u32;
    Ok(vec![
        figure("distortion", (760, 60 + 34 * rows), |area| distortions(results, area))?,
        figure("transfer", (760, header(results) + 70 + 36 * rows), |area| transfer(results, area))?,
        figure("noise", (760, 420), |area| noise(results, area))?,
        figure("units", (760, 470), |area| units(results, test, area))?,
    ])
}

fn figure(
    name: &'static str,
    size: (u32, u32),
    paint: impl FnOnce(&Area) -> Result<(), Failure>,
) -> Result<Figure, ReproduceError> {
    let mut svg = String::new();
    let failed = |message: String| ReproduceError::Figure { name, message };
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        paint(&area).map_err(|e| failed(e.to_string()))?;
        area.present().map_err(|e| failed(e.to_string()))?;
    }
    Ok(Figure { name, svg: with_themes(&svg) })
}

/// Puts a style sheet behind the opening tag that replaces the colours on dark pages.
fn with_themes(svg: &str) -> String {
    let mut rules = String::new();
    for (RGBColor(r, g, b), dark) in DARK {
        for property in ["fill", "stroke"] {
            rules.push_str(&format!("[{property}=\"#{r:02X}{g:02X}{b:02X}\"]{{{property}:{dark}}}"));
        }
    }
    let style = format!("<style>@media (prefers-color-scheme:dark){{{rules}}}</style>");
    match svg.find("<svg").and_then(|open| svg[open..].find('>').map(|close| open + close + 1)) {
        Some(inside) => format!("{}\n{style}{}", &svg[..inside], &svg[inside..]),
        None => svg.into(),
    }
}

fn text(size: u32, anchor: HPos) -> TextStyle<'static> {
    TextStyle::from((FONT, size).into_font()).color(&INK).pos(Pos::new(anchor, VPos::Center))
}

fn write(area: &Area, words: &str, at: (i32, i32), size: u32, anchor: HPos) -> Result<(), Failure> {
    area.draw(&Text::new(words.to_string(), at, text(size, anchor)))?;
    Ok(())
}

/// Two bars for each network: the paper's distortion and ours.
fn distortions(results: &Results, area: &Area) -> Result<(), Failure> {
    let largest =
        results.rows.iter().map(|r| r.distortion).chain(TABLE1.map(|t| t.distortion.value)).fold(0.0, f64::max);
    let (left, width) = (210, 460.0);
    let length = |d: f64| left + (width * d / largest) as i32;
    write(area, "average minimal distortion, random target", (left, 16), 13, HPos::Left)?;
    for (colour, name, x) in [(OURS, "here", 560), (THEIRS, "the paper", 630)] {
        area.draw(&Rectangle::new([(x - 16, 11), (x - 6, 21)], colour.filled()))?;
        write(area, name, (x, 16), 13, HPos::Left)?;
    }
    for (k, (name, row)) in results.networks.iter().zip(&results.rows).enumerate() {
        let y = 36 + 34 * k as i32;
        write(area, name, (left - 10, y + 13), 14, HPos::Right)?;
        area.draw(&Rectangle::new([(left, y), (length(row.distortion), y + 12)], OURS.filled()))?;
        write(area, &format!("{:.3}", row.distortion), (length(row.distortion) + 6, y + 6), 12, HPos::Left)?;
        if let Some(paper) = TABLE1.iter().find(|t| t.network == name).map(|t| t.distortion.value) {
            area.draw(&Rectangle::new([(left, y + 14), (length(paper), y + 26)], THEIRS.filled()))?;
            write(area, &format!("{paper:.3}"), (length(paper) + 6, y + 20), 12, HPos::Left)?;
        }
    }
    Ok(())
}

/// Room for upright names above a table.
fn header(results: &Results) -> u32 {
    let longest = results.networks.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    6 * longest as u32 + 20
}

/// A matrix of errors: a row for every network's examples, a column for every network that is shown them.
fn transfer(results: &Results, area: &Area) -> Result<(), Failure> {
    let (left, top, count) = (200, header(results) as i32, results.networks.len() as i32);
    let cell = (550 / count.max(1)).min(64);
    write(area, "examples made for ↓   error, %, of →", (left - 12, top - 14), 12, HPos::Right)?;
    for (k, name) in results.networks.iter().enumerate() {
        let middle = cell * k as i32 + cell / 2;
        let slanted = text(12, HPos::Left).transform(FontTransform::Rotate270);
        area.draw(&Text::new(name.clone(), (left + middle, top - 8), slanted))?;
        write(area, name, (left - 12, top + 36 * k as i32 + 18), 13, HPos::Right)?;
    }
    let noise = results.gaussian.iter().find(|n| n.deviation == 0.1);
    let rows = results.rows.iter().map(|r| &r.errors).chain(noise.map(|n| &n.unclipped.errors));
    if noise.is_some() {
        write(area, "Gaussian noise, 0.1", (left - 12, top + 36 * count + 18), 13, HPos::Right)?;
    }
    for (r, errors) in rows.enumerate() {
        for (c, error) in errors.iter().enumerate() {
            let (x, y) = (left + cell * c as i32, top + 36 * r as i32);
            let corners = [(x + 1, y + 1), (x + cell - 1, y + 35)];
            area.draw(&Rectangle::new(corners, OURS.mix(0.06 + 0.6 * error.sqrt()).filled()))?;
            let digits = if *error < 0.1 { 1 } else { 0 };
            write(area, &format!("{:.digits$}", 100.0 * error), (x + cell / 2, y + 18), 13, HPos::Center)?;
        }
    }
    Ok(())
}

/// How many random perturbations change the label, by their size.
fn noise(results: &Results, area: &Area) -> Result<(), Failure> {
    let sampling = &results.sampling;
    let furthest = sampling.unclipped.last().map_or(1.0, |s| f64::from(s.multiple));
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..furthest, 0.0..100.0)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_label_formatter(&|x| format!("{x}"))
        .y_label_formatter(&|y| format!("{y}"))
        .x_desc("norm of the random perturbation, in multiples of ‖r‖")
        .y_desc("% of random perturbations")
        .axis_style(INK)
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .label_style(text(13, HPos::Center))
        .axis_desc_style(text(14, HPos::Center))
        .draw()?;
    type Part = fn(&SamplingStep) -> u32;
    let changed: Part = |s| s.counts.changed;
    let to_target: Part = |s| s.counts.to_target;
    let series = [
        ("clipped: any other label", &sampling.steps, THEIRS, changed),
        ("clipped: the target", &sampling.steps, OURS, to_target),
        ("unclipped: any other label", &sampling.unclipped, THEIRS, changed),
        ("unclipped: the target", &sampling.unclipped, OURS, to_target),
    ];
    for (name, steps, colour, part) in series {
        let share = |s: &SamplingStep| 100.0 * f64::from(part(s)) / f64::from(s.counts.tried.max(1));
        let points: Vec<(f64, f64)> = steps.iter().map(|s| (f64::from(s.multiple), share(s))).collect();
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|&p| Circle::new(p, 3, colour.filled())))?;
        let Some(&(x, y)) = points.last() else { continue };
        let style = TextStyle::from((FONT, 13).into_font()).color(&colour).pos(Pos::new(HPos::Right, VPos::Bottom));
        chart.draw_series([Text::new(name.to_string(), (x - 0.2, y + 2.0), style)])?;
    }
    let style = text(13, HPos::Left);
    chart.draw_series([Text::new("← the searched r: 100 % at 1×".to_string(), (1.15, 97.0), style)])?;
    chart.draw_series([Circle::new((1.0, 100.0), 4, OURS.filled())])?;
    Ok(())
}

/// A digit, embedded as pixels.
struct Picture {
    at: (i32, i32),
    pixels: Vec<u8>,
}

impl<'a> PointCollection<'a, (i32, i32)> for &'a Picture {
    type Point = &'a (i32, i32);
    type IntoIter = std::iter::Once<&'a (i32, i32)>;

    fn point_iter(self) -> Self::IntoIter {
        std::iter::once(&self.at)
    }
}

impl<DB: DrawingBackend> Drawable<DB> for Picture {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut at: I,
        backend: &mut DB,
        _: (u32, u32),
    ) -> Result<(), DrawingErrorKind<DB::ErrorType>> {
        at.next().map_or(Ok(()), |at| backend.blit_bitmap(at, (SIDE as u32, SIDE as u32), &self.pixels))
    }
}

/// The top images of eight units and of eight directions of the last hidden layer.
fn units(results: &Results, test: &Digits, area: &Area) -> Result<(), Failure> {
    let Some(last) = results.units.last() else { return Ok(()) };
    let side = |tops: fn(&Units) -> &Vec<Vec<usize>>, purity: fn(&Units) -> &Vec<f64>, title: &str, left: i32| {
        write(area, title, (left, 20), 14, HPos::Left)?;
        let mean = purity(last).iter().sum::<f64>() / purity(last).len().max(1) as f64;
        write(area, &format!("mean label purity of the top {TOP}: {mean:.3}"), (left, 42), 12, HPos::Left)?;
        for (row, top) in tops(last).iter().take(8).enumerate() {
            for (column, &index) in top.iter().enumerate() {
                let (image, _) = digit(test, index);
                let pixels: Vec<u8> = image.iter().flat_map(|v| [255 - (255.0 * v).round() as u8; 3]).collect();
                let at = (left + 42 * column as i32, 62 + 50 * row as i32);
                area.draw(&Picture { at, pixels })?;
            }
        }
        Ok::<(), Failure>(())
    };
    side(|u| &u.unit_tops, |u| &u.unit_purity, &format!("units of {MAIN}, layer {}", last.layer), 20)?;
    side(|u| &u.direction_tops, |u| &u.direction_purity, "random directions of the same layer", 400)
}
