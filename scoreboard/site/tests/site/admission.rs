//! What reviewers decided, on pages and in files.

use model::{Decision, Verdict};

use crate::page::{language, pages, text};
use crate::sample::Sample;

/// The part of a page under the heading with this id.
fn under<'a>(html: &'a str, id: &str) -> &'a str {
    let rest = html.split(&format!("<h2 id=\"{id}\"")).nth(1).unwrap_or_else(|| panic!("no heading {id}"));
    rest.split("<h2").next().unwrap()
}

fn about(html: &str, operator: &str) -> usize {
    html.matches(&format!("operator/{operator}.html")).count()
}

#[test]
fn a_later_decision_stands_in_the_place_of_an_earlier() {
    let files = Sample::decided().render();
    for path in ["admission.html", "ko/admission.html"] {
        let html = text(&files, path);
        let [admit, waitlist, reject, undecided, all] =
            ["admit", "waitlist", "reject", "undecided", "all"].map(|id| under(html, id));
        assert_eq!((about(admit, "alpha"), about(admit, "bravo")), (1, 1), "{path}");
        assert_eq!((about(waitlist, "bravo"), about(reject, "charlie")), (0, 1), "{path}");
        assert_eq!(about(all, "bravo"), 2, "{path}: the replaced one stands with all");
        assert_eq!(all.matches("class=\"replaced\"").count(), 1, "{path}");
        for open in ["delta", "echo", "foxtrot"] {
            assert_eq!(about(undecided, open), 1, "{path}: {open}");
        }
        assert_eq!(about(html, "control-near"), 0, "{path}: nothing is decided about controls");
    }
}

#[test]
fn a_decision_has_its_place_reason_reviewer_and_ground() {
    let sample = Sample::decided();
    let files = sample.render();
    let decision = &sample.publications[2].decisions[2];
    for path in ["admission.html", "operator/charlie.html"] {
        let row = text(&files, path).split("<tr").find(|row| row.contains("The door gave way")).unwrap();
        assert!(row.contains("<td class=\"num\">3</td>"), "{path}: the place in publication 2: {row}");
        assert!(row.contains("early.\nApply again."), "{path}: lines of the reason stay: {row}");
        assert!(row.contains("Kim Reviewer") && row.contains("publication 2"), "{path}: {row}");
        assert!(row.contains(&decision.digest.to_string()), "{path}: {row}");
        assert!(row.contains("2026-09-21 19:46:43 UTC"), "{path}: {row}");
    }
    assert!(text(&files, "ko/operator/charlie.html").contains("<span class=\"tag reject\">제외</span>"));
    assert!(!text(&files, "operator/delta.html").contains("id=\"decision\""), "nothing is decided");
}

#[test]
fn the_place_is_that_of_the_publication_decided_on() {
    let mut sample = Sample::new(false);
    sample.publications[0].ranking.entries[0].place = Some(2);
    sample.decide("alpha", Verdict::Admit, 1, "It did well.");
    let files = sample.render();
    assert!(under(text(&files, "admission.html"), "admit").contains("<td class=\"num\">2</td>"));
    assert!(text(&files, "admission.csv").contains("\r\npresent,admit,2,alpha,"));
}

#[test]
fn before_any_decision_nobody_is_called_undecided() {
    let files = Sample::new(false).render();
    assert!(text(&files, "admission.html").contains("Nothing is decided yet."));
    assert!(text(&files, "ko/admission.html").contains("아직 아무것도 결정되지 않았습니다."));
    assert!(!text(&files, "admission.html").contains("Undecided"));
    assert_eq!(text(&files, "admission.csv").lines().count(), 1, "a head only");
    assert!(text(&files, "admission.json").contains("\"undecided\":[]"));
}

#[test]
fn every_page_leads_to_the_admission_list() {
    for (path, html) in pages(&Sample::new(true).render()) {
        let steps = path.matches('/').count() - usize::from(language(path) == "ko");
        let link = format!("<li><a href=\"{}admission.html\"", "../".repeat(steps));
        assert!(html.contains(&link), "{path}");
    }
}

#[test]
fn the_files_have_what_holds_and_all_that_was_decided() {
    let sample = Sample::decided();
    let files = sample.render();
    let csv = text(&files, "admission.csv");
    let heads: Vec<String> =
        csv.lines().skip(1).map(|line| line.split(',').take(4).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(
        heads,
        [
            "present,admit,1,alpha",
            "present,admit,1,bravo",
            "present,reject,3,charlie",
            "undecided,,,delta",
            "undecided,,,echo",
            "undecided,,,foxtrot",
            "replaced,waitlist,1,bravo",
        ]
    );
    let fields = csv.lines().next().unwrap().split(',').count();
    for line in csv.lines() {
        assert_eq!(line.split(',').count(), fields, "{line}");
    }
    let document: serde_json::Value = serde_json::from_slice(&files["admission.json"]).unwrap();
    let decisions: Vec<Decision> = serde_json::from_value(document["decisions"].clone()).unwrap();
    assert_eq!(decisions, sample.publications[2].decisions);
    assert_eq!(document["present"].as_array().unwrap().len(), 3);
    assert_eq!(document["present"][1]["decision"], 4);
}
