//! What pages say, by language: every message that stands in a template.
//!
//! Names of machine words (states, causes, rules) are not here but in [`crate::words`], where the
//! compiler sees to it that none is forgotten. What is wrong with a pair of catalogues is told by [`faults`],
//! for the tests of those who have one.

use std::collections::{BTreeMap, BTreeSet};

use crate::shell::Language;

/// Messages by section and key; templates call it `t`.
pub type Catalogue = BTreeMap<String, BTreeMap<String, String>>;

/// The messages of one file.
///
/// # Errors
/// When the text is not TOML of sections with texts.
pub fn read(toml: &str) -> Result<Catalogue, toml::de::Error> {
    toml::from_str(toml)
}

/// The messages of the site in one language.
pub(crate) fn of(language: Language) -> Result<Catalogue, toml::de::Error> {
    read(language.pick(include_str!("en.toml"), include_str!("ko.toml")))
}

/// The messages that templates ask for, as `t.section.key`.
pub fn asked_in<'a>(templates: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let no_name = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.');
    let names = templates.into_iter().flat_map(|template| template.split(no_name));
    names.filter(|name| name.starts_with("t.")).map(str::to_owned).collect()
}

/// What is wrong with catalogues that say the same in two languages, one line a fault: a message that one of
/// them lacks, that is empty, that has other places to fill or other markup, that is not in Korean, that
/// nobody asks for or that is asked for in vain.
#[must_use]
pub fn faults(english: &Catalogue, korean: &Catalogue, asked: &BTreeSet<String>) -> Vec<String> {
    let [ours, theirs] = [english, korean].map(flat);
    let names: BTreeSet<&str> = ours.keys().chain(theirs.keys()).chain(asked).map(String::as_str).collect();
    let fault = |name: &str| match (ours.get(name), theirs.get(name)) {
        (None, None) => Some("is asked for and nowhere"),
        (None, _) => Some("is not in English"),
        (_, None) => Some("is not in Korean"),
        _ if !asked.contains(name) => Some("is asked for by nobody"),
        (Some(english), Some(korean)) => unlike(english, korean),
    };
    names.into_iter().filter_map(|name| Some(format!("{name} {}", fault(name)?))).collect()
}

fn flat(catalogue: &Catalogue) -> BTreeMap<String, &str> {
    let section = |(section, messages): (&'_ String, &'_ BTreeMap<String, String>)| {
        messages.keys().map(|key| format!("t.{section}.{key}")).collect::<Vec<_>>()
    };
    let messages = catalogue.values().flat_map(BTreeMap::values).map(String::as_str);
    catalogue.iter().flat_map(section).zip(messages).collect()
}

fn unlike(english: &str, korean: &str) -> Option<&'static str> {
    let hangul = |c: char| ('가'..='힣').contains(&c);
    // A full stop that closes a sentence begun elsewhere is the same in both.
    let written = |c: char| c.is_alphanumeric();
    if english.trim().is_empty() || korean.trim().is_empty() {
        Some("is empty")
    } else if structure(english) != structure(korean) {
        Some("has other places or other markup in Korean")
    } else if korean.contains(written) && !korean.contains(hangul) {
        Some("has no Korean in it")
    } else if pieces(english, '<', '>').any(|tag| !["strong", "/strong", "sup", "/sup"].contains(&tag)) {
        Some("has markup that does more than stress or raise")
    } else {
        None
    }
}

/// What a message has beside words: places to fill, and markup.
fn structure(message: &str) -> Vec<&str> {
    let mut found: Vec<&str> = pieces(message, '{', '}').chain(pieces(message, '<', '>')).collect();
    found.sort_unstable();
    found
}

fn pieces(message: &str, open: char, close: char) -> impl Iterator<Item = &str> {
    message.split(open).skip(1).filter_map(move |rest| Some(rest.split_once(close)?.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::press::TEMPLATES;

    fn told(english: &str, korean: &str, templates: &str) -> Vec<String> {
        faults(&read(english).unwrap(), &read(korean).unwrap(), &asked_in([templates]))
    }

    #[test]
    fn each_fault_of_a_pair_is_told() {
        let good = "[a]\nb = '<sup>one</sup> {n}'\nend = '.'";
        let korean = "[a]\nb = '{n} <sup>하나</sup>'\nend = '.'";
        let both = "{{ t.a.b }}{{t.a.end}}";
        assert_eq!(told(good, korean, both), [""; 0]);
        assert_eq!(told(good, korean, "{{ t.a.b }}"), ["t.a.end is asked for by nobody"]);
        assert_eq!(told(good, korean, "t.a.b t.a.end t.a.c"), ["t.a.c is asked for and nowhere"]);
        assert_eq!(told(good, "[a]\nend = '.'", both), ["t.a.b is not in Korean"]);
        assert_eq!(told("[a]\nend = '.'", korean, both), ["t.a.b is not in English"]);
        for (english, korean, fault) in [
            ("x", " ", "is empty"),
            ("{n}", "{m} 하나", "has other places or other markup in Korean"),
            ("one", "one", "has no Korean in it"),
            ("<a>x", "<a>하나", "has markup that does more than stress or raise"),
        ] {
            let [english, korean] = [english, korean].map(|text| format!("[a]\nb = '{text}'"));
            assert_eq!(told(&english, &korean, "t.a.b"), [format!("t.a.b {fault}")]);
        }
    }

    #[test]
    fn the_messages_of_the_site_are_whole() {
        let [english, korean] = Language::ALL.map(|language| of(language).unwrap());
        let asked = asked_in(TEMPLATES.map(|(_, template)| template));
        assert_eq!(faults(&english, &korean, &asked), [""; 0]);
    }
}
