//! Names and reasons by which somebody tries to make a page, a spreadsheet or a chart do something.

use model::Verdict;

use crate::hostile_text::{HARMLESS, HOSTILE, shape};
use crate::page::{Files, pages, tags, text};
use crate::sample::Sample;

/// The decided sample with `text` wherever people may write: names of an operator, the season, the
/// network's family and a reviewer, and the reason of a decision.
fn site(text: &str) -> Files {
    let mut sample = Sample::decided();
    sample.rename("alpha", text);
    sample.season.name = text.into();
    sample.season.network.family = text.into();
    for decision in &mut sample.publications[2].decisions {
        (decision.reason, decision.reviewer) = (text.into(), text.into());
    }
    sample.render()
}

/// Fields of a CSV file by line, as a spreadsheet reads them.
fn cells(csv: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell, mut quoted) = (vec![], vec![], String::new(), false);
    let mut rest = csv.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => cell.extend(rest.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            _ => cell.push(c),
        }
    }
    assert!(!quoted && cell.is_empty() && line.is_empty(), "the file ends within a line");
    lines
}

/// Characters that no page and no spreadsheet may have.
fn tricky(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r'))
        || matches!(c, '\u{200b}' | '\u{ad}' | '\u{feff}' | '\u{2028}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

#[test]
fn hostile_text_adds_no_tag_and_no_attribute_to_any_page() {
    let harmless = site(HARMLESS);
    for hostile in HOSTILE {
        let files = site(hostile);
        assert!(files.keys().eq(harmless.keys()), "{hostile:?}: other files");
        for (path, html) in pages(&files) {
            let plain = text(&harmless, path);
            assert_eq!(tags(html), tags(plain), "{path}: {hostile:?}");
            assert_eq!(shape(html), shape(plain), "{path}: {hostile:?}");
            assert!(!html.chars().any(tricky), "{path}: {hostile:?}");
            assert!(!html.contains("href=\"javascript"), "{path}: {hostile:?}");
        }
    }
}

#[test]
fn hostile_text_is_shown_as_it_is_and_rendered_by_no_engine() {
    let index = |hostile: &str| text(&site(hostile), "ko/index.html").to_owned();
    assert!(index("<svg onload=alert(1)>").contains("<bdi>&lt;svg onload=alert(1)&gt;</bdi>"));
    assert!(index("{{ 7 * 7 }}").contains("<bdi>{{ 7 * 7 }}</bdi>"));
    assert!(index("&#60;script&#62;").contains("&amp;#60;script"));
}

#[test]
fn hostile_text_is_one_cell_and_no_formula() {
    let harmless = site(HARMLESS);
    for hostile in HOSTILE {
        let files = site(hostile);
        for path in ["ranking.csv", "admission.csv"] {
            let (csv, plain) = (cells(text(&files, path)), cells(text(&harmless, path)));
            let lengths = |lines: &[Vec<String>]| lines.iter().map(Vec::len).collect::<Vec<_>>();
            assert_eq!(lengths(&csv), lengths(&plain), "{path}: {hostile:?}");
            for cell in csv.iter().flatten() {
                let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
                assert!(!formula && !cell.chars().any(|c| tricky(c) || c.is_control()), "{path}: {cell:?}");
            }
        }
    }
}

#[test]
fn hostile_text_is_one_string_in_json() {
    for hostile in HOSTILE {
        let files = site(hostile);
        for path in ["ranking.json", "admission.json"] {
            let json = text(&files, path);
            assert!(!json.trim_end().chars().any(|c| c < ' '), "{path}: {hostile:?}");
            let document: serde_json::Value = serde_json::from_str(json).expect("JSON");
            assert_eq!(document["season"], hostile, "{path}");
        }
        let document: serde_json::Value = serde_json::from_slice(&files["admission.json"]).unwrap();
        assert_eq!(document["decisions"][0]["reason"], hostile);
    }
}

#[test]
fn no_text_of_others_stands_in_a_chart() {
    let charts =
        |files: Files| -> Vec<_> { files.into_iter().filter(|(path, _)| path.ends_with(".svg")).collect() };
    let harmless = charts(site(HARMLESS));
    assert!(!harmless.is_empty());
    for hostile in HOSTILE {
        assert!(charts(site(hostile)) == harmless, "{hostile:?}");
    }
}

#[test]
fn a_very_long_text_does_not_break_the_list() {
    let files = site(&"w".repeat(2_000));
    assert!(!text(&files, "index.html").contains(&"w".repeat(100)), "names are cut");
    assert!(text(&files, "admission.html").contains(&"w".repeat(2_000)), "a reason is whole");
}

#[test]
fn a_decision_of_a_hostile_reviewer_stays_under_its_verdict() {
    let mut sample = Sample::new(false);
    sample.decide("alpha", Verdict::Reject, 2, "</td></tr></tbody></table><h2 id=\"admit\">Admitted");
    let files = sample.render();
    assert_eq!(text(&files, "admission.html").matches("<h2 id=\"admit\"").count(), 1);
}
