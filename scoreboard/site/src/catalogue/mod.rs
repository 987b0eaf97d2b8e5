//! What pages say, by language: every message that stands in a template.
//!
//! Names of machine words (states, causes, rules) are not here but in [`crate::words`], where the
//! compiler sees to it that none is forgotten.

use std::collections::BTreeMap;

use crate::SiteError;
use crate::shell::Language;

/// Messages by section and key; templates call it `t`.
pub(crate) type Catalogue = BTreeMap<String, BTreeMap<String, String>>;

/// The messages in one language.
pub(crate) fn of(language: Language) -> Result<Catalogue, SiteError> {
    Ok(toml::from_str(language.pick(include_str!("en.toml"), include_str!("ko.toml")))?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::press::TEMPLATES;

    fn keys(catalogue: &Catalogue) -> BTreeSet<String> {
        let section = |(section, messages): (&String, &BTreeMap<String, String>)| {
            messages.keys().map(|key| format!("t.{section}.{key}")).collect::<Vec<_>>()
        };
        catalogue.iter().flat_map(section).collect()
    }

    /// What a message has beside words: places to fill, and markup.
    fn structure(message: &str) -> Vec<String> {
        let pieces = |open, close| {
            message
                .split(open)
                .skip(1)
                .filter_map(move |rest: &str| Some(rest.split_once(close)?.0.to_owned()))
        };
        let mut found: Vec<String> = pieces('{', '}').chain(pieces('<', '>')).collect();
        found.sort();
        found
    }

    #[test]
    fn both_languages_have_the_same_messages() {
        let [english, korean] = Language::ALL.map(|language| of(language).unwrap());
        assert_eq!(keys(&english), keys(&korean));
        for (section, messages) in &english {
            for (key, message) in messages {
                let other = &korean[section][key];
                assert_eq!(structure(message), structure(other), "{section}.{key}");
                assert!(!message.is_empty() && !other.is_empty(), "{section}.{key}");
            }
        }
    }

    #[test]
    fn korean_messages_are_korean() {
        for (key, message) in of(Language::Korean).unwrap().values().flatten() {
            let hangul = |c: char| ('가'..='힣').contains(&c);
            assert!(message == "." || message.chars().any(hangul), "{key}: {message}");
        }
    }

    #[test]
    fn markup_in_messages_only_stresses_and_raises() {
        for language in Language::ALL {
            for (key, message) in of(language).unwrap().values().flatten() {
                for piece in structure(message).iter().filter(|piece| message.contains(&format!("<{piece}>")))
                {
                    assert!(
                        ["strong", "/strong", "sup", "/sup"].contains(&piece.as_str()),
                        "{key}: <{piece}>"
                    );
                }
            }
        }
    }

    #[test]
    fn templates_use_every_message_and_no_other() {
        let mut used = BTreeSet::new();
        for (_, template) in TEMPLATES {
            let names = template.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
            used.extend(names.filter(|name| name.starts_with("t.")).map(str::to_owned));
        }
        assert_eq!(used, keys(&of(Language::English).unwrap()));
    }
}
