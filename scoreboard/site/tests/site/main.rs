//! What every rendering must keep to.

mod admission;
mod hostile;
mod hostile_text;
mod languages;
mod page;
mod sample;

use page::{attributes, language, pages, resolve, text};
use sample::{SEALED, Sample};

#[test]
fn every_link_leads_to_a_file() {
    let sample = Sample::new(true);
    let files = sample.render();
    let evidence: Vec<String> = sample.publications[2]
        .runs
        .values()
        .filter(|entry| sample.evidence.contains_key(&entry.run.to_string()))
        .map(|entry| format!("evidence/{}.json", entry.evidence))
        .collect();
    let mut linked_evidence = 0;
    let mut linked = 0;
    for (path, html) in pages(&files) {
        // The icon stands in the page itself.
        let links = attributes(html, "href").into_iter().chain(attributes(html, "src"));
        for link in links.filter(|link| !link.starts_with("data:image/png;base64,")) {
            assert!(!link.starts_with('/') && !link.contains(':'), "{path}: {link} is not relative");
            if let Some(anchor) = link.strip_prefix('#') {
                assert!(html.contains(&format!("id=\"{anchor}\"")), "{path}: no {link}");
                continue;
            }
            let target = resolve(path, link);
            if target.starts_with("evidence/") {
                assert!(evidence.contains(&target), "{path}: {target} is no evidence");
                linked_evidence += 1;
            } else {
                assert!(files.contains_key(&target), "{path}: {link} leads nowhere");
                if let Some(anchor) = link.split_once('#') {
                    assert!(
                        text(&files, &target).contains(&format!("id=\"{}\"", anchor.1)),
                        "{path}: {link}"
                    );
                }
            }
            linked += 1;
        }
    }
    assert!(linked > 600, "only {linked} links were looked at");
    assert_eq!(linked_evidence, 2 * evidence.len(), "each run's page links its evidence, in each language");
}

#[test]
fn every_chart_is_shown_and_every_page_is_reached() {
    let files = Sample::new(true).render();
    let mut reached: Vec<String> = vec!["index.html".into()];
    for (path, html) in pages(&files) {
        let links = attributes(html, "href").into_iter().chain(attributes(html, "src"));
        reached.extend(links.filter(|link| !link.starts_with('#')).map(|link| resolve(path, link)));
    }
    for path in files.keys() {
        assert!(reached.contains(path), "{path} is linked from nowhere");
    }
}

#[test]
fn same_input_same_bytes() {
    assert_eq!(Sample::new(true).render(), Sample::new(true).render());
    assert_ne!(Sample::new(true).render(), Sample::new(false).render());
}

#[test]
fn every_page_stands_without_script_and_says_what_it_is() {
    let sample = Sample::new(false);
    let (files, publication) = (sample.render(), &sample.publications[2]);
    for (path, html) in pages(&files) {
        let lang = format!("<html lang=\"{}\">", language(path));
        for needed in [lang.as_str(), "name=\"viewport\"", "<title>", "class=\"skip\"", "<nav", "<footer>"] {
            assert!(html.contains(needed), "{path} lacks {needed}");
        }
        for banned in ["<script", "javascript:", " style=", " onerror", " onload", "http://", "https://"] {
            assert!(!html.contains(banned), "{path} has {banned}");
        }
        let tables = html.matches("<table").count();
        assert_eq!(tables, html.matches("<caption>").count(), "{path}: a table without caption");
        for cell in html.split("<th").skip(1).filter(|cell| !cell.starts_with("ead")) {
            assert!(
                cell.split('>').next().is_some_and(|tag| tag.contains("scope=")),
                "{path}: <th{cell:.60}"
            );
        }
        for image in html.split("<img").skip(1) {
            assert!(image.split('>').next().is_some_and(|tag| tag.contains("alt=\"")), "{path}: no alt text");
        }
        assert!(html.contains(&publication.rulebook.to_string()), "{path}: no rulebook digest");
        assert!(html.contains(&publication.season.to_string()), "{path}: no season digest");
        let number = if language(path) == "ko" { "공표 3" } else { "publication 3" };
        assert!(html.contains(number), "{path}: no publication number");
    }
}

#[test]
fn a_demonstration_says_so_everywhere() {
    let (demonstration, earnest) = (Sample::new(true).render(), Sample::new(false).render());
    for (path, html) in pages(&demonstration) {
        assert!(html.contains("class=\"demonstration\""), "{path}");
    }
    for (path, svg) in demonstration.iter().filter(|(path, _)| path.ends_with(".svg")) {
        let svg = std::str::from_utf8(svg).unwrap();
        let head = svg.split("</desc>").next().unwrap();
        assert_eq!(head.matches("(demonstration").count(), 2, "{path}: title and description");
    }
    for (path, html) in pages(&earnest) {
        assert!(!html.contains("class=\"demonstration\""), "{path}");
    }
}

#[test]
fn hostile_text_is_inert() {
    let mut sample = Sample::new(true);
    let image = "\"><img src=x onerror=alert(1)>";
    sample.rename("alpha", "<script>alert(1)</script>");
    sample.rename("bravo", image);
    sample.rename("charlie", "=HYPERLINK(\"http://x\")");
    sample.rename("delta", "gnp.\u{202e}exe\u{2066}");
    sample.rename("foxtrot", &"w".repeat(10_000));
    sample.season.name = image.into();
    sample.season.network.family = image.into();
    sample.publications[2].ranking.entries[3].findings = vec![image.into()];
    for record in sample.evidence.values_mut() {
        record.client = image.into();
        for lane in record.phases.iter_mut().flat_map(|phase| &mut phase.lanes) {
            lane.unknown = vec!["</code><script>alert(2)</script>\u{202e}".into(), image.into()];
        }
    }
    let files = sample.render();
    for (path, html) in pages(&files) {
        assert!(!html.contains("<script"), "{path}");
        assert!(!html.contains("<img src=x"), "{path}");
        assert!(!html.chars().any(|c| matches!(c, '\u{202e}' | '\u{2066}')), "{path}");
        assert!(!html.contains(&"w".repeat(200)), "{path}: an endless name");
    }
    assert!(text(&files, "index.html").contains("&lt;script&gt;alert(1)"), "shown as text");
    let run = text(&files, "run/w01.spam.alpha.1.html");
    assert!(run.contains("&lt;script&gt;alert(2)"), "an unknown message is shown as text");
    for (path, svg) in files.iter().filter(|(path, _)| path.ends_with(".svg")) {
        assert!(!String::from_utf8_lossy(svg).contains("<script"), "{path}");
    }
}

#[test]
fn the_spreadsheet_holds_no_formula() {
    let mut sample = Sample::new(true);
    sample.rename("alpha", "=HYPERLINK(\"http://x\")");
    sample.rename("bravo", "\u{202e}+1");
    let files = sample.render();
    let csv = text(&files, "ranking.csv");
    assert!(csv.contains(",\"'=HYPERLINK(\"\"http://x\"\")\","), "{csv}");
    assert!(csv.contains(",\"'+1\","), "{csv}");
    for field in csv.lines().flat_map(|line| line.split(',')) {
        assert!(!field.trim_start_matches('"').starts_with(['=', '+', '@']), "{field}");
    }
    assert_eq!(csv.lines().count(), 9, "a head, six candidates, two controls");
}

#[test]
fn unrated_is_never_a_number() {
    let mut sample = Sample::new(true);
    // Whatever an unrated entry carries, it has no number.
    let echo = sample.publications[2].ranking.entries.last_mut().unwrap();
    (echo.total, echo.interval, echo.spread) = (Some(0), Some((0, 0)), Some(0));
    echo.trials.iter_mut().for_each(|trial| trial.mean = Some(0));
    let files = sample.render();
    let index = text(&files, "index.html");
    let row = index.split("<tr").find(|row| row.contains("operator/echo.html")).expect("listed");
    assert!(row.contains("no number yet") && row.contains("unrated"));
    assert!(!row.contains("0.0"), "{row}");
    let page = text(&files, "operator/echo.html");
    assert!(page.contains("no number yet") && !page.contains("0.0"), "{page}");
    let csv = text(&files, "ranking.csv");
    let line = csv.lines().find(|line| line.contains(",echo,")).unwrap();
    assert!(line.contains("unrated,,,,,") && !line.contains("0.000"), "{line}");
    assert!(!text(&files, "chart/totals.svg").contains("echo"));
}

#[test]
fn every_run_has_a_page_and_says_what_became_of_it() {
    let sample = Sample::new(true);
    let files = sample.render();
    for (name, entry) in &sample.publications[2].runs {
        let page = text(&files, &format!("run/{name}.html"));
        assert!(page.contains(&entry.state.to_string()), "{name}");
        assert!(page.contains(&entry.evidence.to_string()), "{name}");
        let operator = text(&files, &format!("operator/{}.html", entry.run.operator));
        assert!(operator.contains(&format!("../run/{name}.html")), "{name}");
    }
    assert!(text(&files, "run/w02.traffic.bravo.1.html").contains("costs no point"));
    assert!(text(&files, "run/w02.spam.delta.1.html").contains("earn their floor"));
    assert!(text(&files, &format!("run/{SEALED}.html")).contains("sealed"));
}

#[test]
fn lost_points_have_a_rule_an_observation_and_the_controls_beside_them() {
    let files = Sample::new(true).render();
    let page = text(&files, "operator/charlie.html");
    let row = page.split("<tr").find(|row| row.contains("door.capacity")).expect("a part");
    assert!(row.contains("210 requests/s"), "{row}");
    assert!(row.contains("control-near: 430 requests/s"), "{row}");
    assert!(row.contains("median 420 requests/s"), "{row}");
    let cut = text(&files, "operator/delta.html");
    assert!(cut.contains("not observed: earns the floor"));
}

#[test]
fn seats_follow_the_key_and_the_lottery() {
    let files = Sample::new(true).render();
    let seats = |id: &str| {
        let line =
            text(&files, "ranking.csv").lines().find(|line| line.contains(&format!(",{id},"))).unwrap();
        line.split(',').nth(18).unwrap().to_owned()
    };
    assert_eq!(["alpha", "bravo", "charlie", "delta"].map(seats), ["in", "lottery", "out", ""]);
}

#[test]
fn nothing_published_is_an_error_and_not_an_empty_list() {
    let sample = Sample::new(true);
    assert!(matches!(site::render(&sample.source(&[])), Err(site::SiteError::NothingPublished)));
}

#[test]
fn another_rulebook_or_season_than_the_published_is_refused() {
    let mut sample = Sample::new(true);
    assert!(site::render(&sample.source(&sample.publications)).is_ok());
    sample.rulebook.traffic.capacity_full += 1;
    let refused = site::render(&sample.source(&sample.publications)).unwrap_err();
    assert!(refused.to_string().contains("rulebook"), "{refused}");
    sample.rulebook.traffic.capacity_full -= 1;
    sample.season.seats += 1;
    let refused = site::render(&sample.source(&sample.publications)).unwrap_err();
    assert!(refused.to_string().contains("season"), "{refused}");
}

#[test]
fn rules_other_than_the_standard_ones_are_named_on_every_page() {
    for (path, html) in pages(&Sample::new(false).render()) {
        assert!(html.contains("class=\"rules\""), "{path}");
    }
    let mut sample = Sample::new(false);
    sample.rulebook = scoreboard::Rulebook::standard();
    sample.publications[2].rulebook = sample.rulebook.digest();
    for (path, html) in pages(&sample.render()) {
        assert!(!html.contains("class=\"rules\""), "{path}");
    }
}

#[test]
fn no_more_seats_than_there_are() {
    let mut sample = Sample::new(true);
    for entry in &mut sample.publications[2].ranking.entries[..3] {
        (entry.seat_key, entry.lottery) = (Some(90_000), false);
    }
    let files = sample.render();
    assert_eq!(text(&files, "index.html").matches("seat-in").count(), 2);
}

/// Writes the sample's site for looking at: `cargo test -p site --test site -- --ignored --nocapture`.
#[test]
#[expect(clippy::disallowed_methods, reason = "a folder for a person to look at")]
#[ignore = "writes files for a person to look at"]
fn write_for_looking() {
    let folder = std::env::temp_dir().join("touchstone-site");
    let [open, decided] =
        [("open", Sample::new(true)), ("decided", Sample::decided())].map(|(name, sample)| {
            sample.render().into_iter().map(move |(path, bytes)| (format!("{name}/{path}"), bytes))
        });
    for (path, bytes) in open.chain(decided) {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    println!("{}", folder.display());
}
