//! The page that stands alone.

use crate::bench::{Bench, EVALUATE};
use quick_xml::Reader;
use quick_xml::events::Event;

/// Every element of the page; fails where it is not well-formed.
fn elements(page: &str) -> Vec<String> {
    let mut reader = Reader::from_str(page);
    let (mut names, mut open) = (Vec::new(), 0);
    loop {
        let (tag, opens) = match reader.read_event().unwrap() {
            Event::Start(tag) => (tag, 1),
            Event::Empty(tag) => (tag, 0),
            Event::End(_) => {
                open -= 1;
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        open += opens;
        tag.attributes().for_each(|attribute| _ = attribute.unwrap());
        names.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
    }
    assert_eq!(open, 0);
    names
}

#[test]
fn a_report_is_one_file_that_needs_no_other_and_runs_nothing() {
    let bench = Bench::with_model();
    let flags = ["--slice-by", "category", "--slice-by", "month", "--threshold-for", "f1", "--report", "test.html"];
    let told = bench.text(&[&EVALUATE[..], &flags].concat());
    assert!(told.contains("95 % of 1,000 resamples") && told.contains("threshold  "), "{told}");
    let page = std::fs::read_to_string(bench.path("test.html")).unwrap();
    let elements = elements(&page);
    let count = |name: &str| elements.iter().filter(|element| *element == name).count();
    // Calibration, ROC, precision and recall, two kinds of slices, terms either way.
    assert_eq!((count("svg"), count("script"), count("link"), count("img"), count("b")), (7, 0, 0, 0, 0));
    assert!(page.contains("home, &lt;b&gt;big&lt;/b&gt;"));
    assert!(!page.contains("http:") && !page.contains("https:") && !page.contains("src="));
    for heading in ["Figures", "Curves", "By category", "By month", "Terms with most weight", "Worst errors"] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    assert!(bench.names("".as_ref()).iter().all(|name| !name.contains("partial")));
}
