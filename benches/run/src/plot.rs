//! Bars, a panel for each case: SVG by hand, since that is all it takes.

use std::fmt::Write;

use crate::grid::{Grid, show};

const ROW: usize = 18;
const HEAD: usize = 34;
const LABELS: usize = 190;
const BARS: usize = 380;
const WIDTH: usize = LABELS + BARS + 190;

pub(crate) fn svg(grid: &Grid) -> String {
    let panel = HEAD + ROW * grid.subjects.len();
    let height = 40 + panel * grid.cases.len();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, 10, 24, "font-size=\"16\" font-weight=\"bold\"", &format!("{}, {}", grid.title, grid.unit));
    for (index, case) in grid.cases.iter().enumerate() {
        draw(&mut svg, grid, case, 40 + index * panel);
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, grid: &Grid, case: &str, top: usize) {
    let longest = grid.subjects.iter().filter_map(|subject| grid.spread(case, subject)).map(|spread| spread.max);
    let longest = longest.fold(f64::MIN_POSITIVE, f64::max);
    text(svg, 10, top + 18, "font-weight=\"bold\"", case);
    for (index, subject) in grid.subjects.iter().enumerate() {
        let Some(spread) = grid.spread(case, subject) else { continue };
        let y = top + HEAD - 8 + index * ROW;
        let x = |value: f64| LABELS as f64 + value.max(0.0) / longest * BARS as f64;
        let colour = if subject.starts_with("sockeye") { "#c0392b" } else { "#7f9db9" };
        text(svg, 10, y + 12, "", subject);
        shape(svg, x(0.0), y + 2, x(spread.median) - x(0.0), 13, colour);
        // From the smallest to the largest.
        shape(svg, x(spread.min), y + 7, (x(spread.max) - x(spread.min)).max(1.0), 2, "#333");
        text(svg, x(spread.max) as usize + 6, y + 12, "fill=\"#333\"", &show(Some(spread), grid.digits));
    }
}

fn shape(svg: &mut String, x: f64, y: usize, width: f64, height: usize, colour: &str) {
    writeln!(svg, "<rect x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{colour}\"/>")
        .expect("a string takes all");
}

fn text(svg: &mut String, x: usize, y: usize, style: &str, text: &str) {
    writeln!(svg, "<text x=\"{x}\" y=\"{y}\" {style}>{text}</text>").expect("a string takes all");
}
