//! Charts and pages as a strict reader of XML sees them.

use super::*;
use crate::html::{Cell, Markup, Page, Table};
use quick_xml::Reader;
use quick_xml::events::Event;

const HOSTILE: &str = "</text></svg><script>alert('x')</script>\" onload=\"&nbsp; \u{0} ]]>";

/// The names of all elements; fails on a page that is not well-formed.
#[track_caller]
fn elements(page: &str) -> Vec<String> {
    let mut reader = Reader::from_str(page);
    reader.config_mut().check_end_names = true;
    let mut names = Vec::new();
    let mut open = 0;
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}: {page}")) {
            Event::Start(tag) => {
                open += 1;
                names.push(name(&tag));
            }
            Event::Empty(tag) => names.push(name(&tag)),
            Event::End(_) => open -= 1,
            Event::GeneralRef(reference) => {
                let known = ["amp", "lt", "gt", "quot", "#39"];
                assert!(known.contains(&&*String::from_utf8_lossy(&reference)), "{reference:?}");
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0, "{page}");
    names
}

/// The name, once all attributes are known to be well-formed and not to come twice.
fn name(tag: &quick_xml::events::BytesStart<'_>) -> String {
    for attribute in tag.attributes() {
        let attribute = attribute.unwrap();
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        assert!(!key.starts_with("on"), "{key}");
        assert!(!attribute.value.contains(&b'<'), "{key}");
    }
    String::from_utf8_lossy(tag.name().as_ref()).into_owned()
}

fn lines(points: Vec<(f64, f64)>) -> LineChart {
    let series = |name: &str, mark| Series { name: name.to_owned(), points: points.clone(), mark };
    LineChart {
        caption: HOSTILE.to_owned(),
        x: Axis::new(HOSTILE),
        y: Axis::new(HOSTILE).logarithmic(),
        series: vec![series(HOSTILE, Mark::LineAndDots), series("b", Mark::Guide), series("c", Mark::Dots)],
    }
}

fn bars(values: &[f64]) -> BarChart {
    let bar = |value: &f64| Bar { name: HOSTILE.to_owned(), value: *value, interval: Some((value - 1.0, value + 1.0)) };
    BarChart { caption: HOSTILE.to_owned(), axis: Axis::new(HOSTILE), bars: values.iter().map(bar).collect() }
}

fn reliability(rows: u64) -> ReliabilityDiagram {
    let bin = |i: u64| Bin {
        low: i as f64 / 10.0,
        high: (i + 1) as f64 / 10.0,
        rows,
        foretold: (i as f64 + 0.5) / 10.0,
        observed: if rows == 0 { f64::NAN } else { 0.7 },
    };
    ReliabilityDiagram { caption: HOSTILE.to_owned(), bins: (0..10).map(bin).collect() }
}

fn page() -> String {
    let mut page = Page::new(HOSTILE, HOSTILE);
    let mut table = Table::new(&[HOSTILE]);
    table.row([Cell::text(HOSTILE), Cell::number(HOSTILE)]);
    page.section(HOSTILE, table.markup().folded(HOSTILE));
    let charts = [lines(vec![(1.0, 2.0), (3.0, 4.0)]).markup(), bars(&[1.0, -2.0]).markup(), reliability(3).markup()];
    page.section("charts", charts.into_iter().collect::<Markup>().within("div", &[("class", HOSTILE)]));
    page.finish()
}

#[test]
fn a_page_full_of_hostile_names_is_well_formed_and_runs_nothing() {
    let page = page();
    let elements = elements(&page);
    assert!(elements.iter().all(|element| !["script", "link", "img", "iframe", "object"].contains(&element.as_str())));
    assert_eq!(elements.iter().filter(|element| *element == "svg").count(), 3);
    assert!(!page.contains("<script") && !page.contains("alert('x')"));
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let page = page();
    for outside in ["http:", "https:", "//", "url(", "@import", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("default-src 'none'"));
}

#[test]
fn numbers_that_cannot_be_drawn_are_left_out() {
    let odd = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300, 1e-300];
    let points = odd.iter().flat_map(|&x| odd.map(|y| (x, y))).collect();
    for chart in [lines(points).markup(), bars(&odd).markup(), reliability(1).markup()] {
        elements(chart.as_str());
        assert!(!chart.as_str().contains("NaN") && !chart.as_str().contains("inf"), "{}", chart.as_str());
    }
}

#[test]
fn a_chart_without_numbers_says_so() {
    for chart in [lines(vec![]).markup(), bars(&[]).markup(), bars(&[f64::NAN]).markup(), reliability(0).markup()] {
        assert_eq!(elements(chart.as_str()), ["figure", "figcaption", "p"]);
        assert!(chart.as_str().contains("nothing to show"));
    }
}

#[test]
fn points_lie_where_their_numbers_say() {
    let chart = LineChart {
        caption: "c".to_owned(),
        x: Axis::new("x").from_to(0.0, 1.0),
        y: Axis::new("y").from_to(0.0, 1.0),
        series: vec![Series { name: "s".to_owned(), points: vec![(0.0, 0.0), (1.0, 1.0)], mark: Mark::Line }],
    };
    assert!(chart.markup().as_str().contains("points=\"60.0,278.0 508.0,10.0\""), "{}", chart.markup().as_str());
}
