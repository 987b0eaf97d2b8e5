//! Every page exists in both languages, and each speaks its own.

use std::collections::BTreeMap;

use crate::page::{Files, attributes, language, pages, resolve, tags, text};
use crate::sample::Sample;

type Catalogue = BTreeMap<String, BTreeMap<String, String>>;

fn english() -> Catalogue {
    toml::from_str(include_str!("../../src/catalogue/en.toml")).expect("a catalogue")
}

/// Sentences and phrases of the English catalogue, long enough not to stand anywhere by chance, as
/// they stand on a page.
fn phrases() -> Vec<String> {
    let messages = english().into_values().flat_map(BTreeMap::into_values);
    let pieces = messages.flat_map(|message| {
        let piece = |piece: &str| piece.trim().replace('&', "&amp;").replace('\'', "&#x27;");
        message.split(['<', '>', '{', '}']).map(piece).collect::<Vec<_>>()
    });
    pieces.filter(|piece| piece.split(' ').count() >= 3).collect()
}

/// The page at an English path and the one it becomes in Korean.
fn pairs(files: &Files) -> impl Iterator<Item = (&String, &str, &str)> {
    let english = pages(files).filter(|(path, _)| language(path) == "en");
    english.map(|(path, html)| (path, html, text(files, &format!("ko/{path}"))))
}

#[test]
fn every_page_exists_in_both_languages_and_leads_to_the_other() {
    let files = Sample::decided().render();
    assert_eq!(2 * pairs(&files).count(), pages(&files).count());
    for (path, html) in pages(&files) {
        let other = path.strip_prefix("ko/").map_or_else(|| format!("ko/{path}"), str::to_owned);
        let switch = html.split("class=\"languages\"").nth(1).expect("a switch").split("</p>").next();
        let links: Vec<String> =
            attributes(switch.unwrap(), "href").iter().map(|link| resolve(path, link)).collect();
        assert_eq!(links, [other], "{path}");
    }
}

#[test]
fn both_languages_have_the_same_structure() {
    for (path, english, korean) in pairs(&Sample::decided().render()) {
        assert_eq!(tags(english), tags(korean), "{path}");
    }
}

#[test]
fn a_page_links_within_its_language_only() {
    for (path, html) in pages(&Sample::decided().render()) {
        let content = html.split("<header").next().unwrap().to_owned()
            + html.split("</header>").nth(1).expect("a header");
        for link in attributes(&content, "href").iter().filter(|link| link.contains(".html")) {
            assert_eq!(language(&resolve(path, link)), language(path), "{path}: {link}");
        }
    }
}

#[test]
fn what_has_no_language_stands_once() {
    let files = Sample::decided().render();
    for path in files.keys().filter(|path| path.starts_with("ko/")) {
        assert!(path.ends_with(".html"), "{path}");
    }
}

#[test]
fn no_english_sentence_stands_on_a_korean_page() {
    let phrases = phrases();
    assert!(phrases.len() > 80, "only {} phrases are looked for", phrases.len());
    let mut seen = 0;
    // What is said of decisions and what is said before any, and that it is a demonstration.
    let sites = [Sample::decided().render(), Sample::new(true).render()];
    for (path, english, korean) in sites.iter().flat_map(pairs) {
        for phrase in &phrases {
            assert!(!korean.contains(phrase.as_str()), "ko/{path}: {phrase}");
            seen += usize::from(english.contains(phrase.as_str()));
        }
    }
    assert!(seen > 300, "the phrases were found {seen} times on English pages");
}

#[test]
fn korean_pages_have_no_run_of_english_words() {
    // Names, reasons and what nodes said stand as they were given; sentences of ours do not.
    for (path, html) in pages(&Sample::decided().render()).filter(|(path, _)| path.starts_with("ko/")) {
        let parts: Vec<&str> = html.split(['<', '>']).collect();
        for (tag, piece) in parts[1..].iter().zip(&parts[2..]).step_by(2) {
            let given = matches!(*tag, "bdi" | "code") || tag.starts_with("code ");
            let mut row = 0;
            for word in piece.split(' ').filter(|_| !given) {
                let english = word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
                row = if english { row + 1 } else { 0 };
                assert!(row < 3, "{path}: {piece}");
            }
        }
    }
}

#[test]
fn korean_pages_have_korean_time() {
    for (path, html) in pages(&Sample::decided().render()) {
        let dates = html.matches(" KST\n(").count();
        assert_eq!(dates > 0, language(path) == "ko", "{path}");
        assert!(html.contains(" UTC"), "{path}");
    }
}
