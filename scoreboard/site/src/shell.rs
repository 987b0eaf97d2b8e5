//! The shell that every page of Touchstone stands in: head, banners, navigation, language switch,
//! content, footer. The public pages here and the pages of the server extend the same template and
//! share one style sheet, so that a reader cannot tell where one ends and the other begins.
//!
//! A page's template begins with `{% extends "shell.html" %}`, its context has a [`Shell`] under
//! the name `shell`, and it fills the blocks `head`, `notes`, `nav`, `content` and `footer`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Name and text of the shell's template. Templates must have names that end in `.html`: the
/// engine escapes by that ending, and by nothing else.
pub const TEMPLATE: (&str, &str) = ("shell.html", include_str!("templates/shell.html"));

/// The one style sheet, forms included.
pub const STYLE: &str = include_str!("templates/style.css");

/// A language that pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// English, which stands at the plain addresses.
    English,
    /// Korean, which stands under `ko/`.
    Korean,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Korean];

    /// As it stands in addresses and in the `lang` attribute.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// What its speakers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Korean => "한국어",
        }
    }

    /// Of an English and a Korean wording, the one in this language.
    pub fn pick<T>(self, english: T, korean: T) -> T {
        match self {
            Self::English => english,
            Self::Korean => korean,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Language {
    type Err = NoLanguage;

    fn from_str(code: &str) -> Result<Self, NoLanguage> {
        Self::ALL.into_iter().find(|language| language.code() == code).ok_or(NoLanguage)
    }
}

/// The text is no language's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no language of these pages: choose en or ko")]
pub struct NoLanguage;

/// What the template calls `shell`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shell {
    /// Code of the page's language.
    pub lang: &'static str,
    /// Title of the page, without the name of the site.
    pub title: String,
    /// Address of the style sheet.
    pub style: String,
    /// Where the brand leads.
    pub home: String,
    /// Words of the link that skips the navigation.
    pub skip: &'static str,
    /// What the navigation is called.
    pub main: &'static str,
    /// The same page in the other languages.
    pub languages: Vec<OtherLanguage>,
}

/// The page in another language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherLanguage {
    /// Its code.
    pub lang: &'static str,
    /// Its own name for itself.
    pub name: &'static str,
    /// Address of the page.
    pub href: String,
}

impl Shell {
    /// The shell of a page in `language`; `elsewhere` tells the address of the same page in another.
    pub fn new(
        language: Language,
        title: impl Into<String>,
        style: impl Into<String>,
        home: impl Into<String>,
        elsewhere: impl Fn(Language) -> String,
    ) -> Self {
        let others = Language::ALL.into_iter().filter(|other| *other != language);
        Self {
            lang: language.code(),
            title: title.into(),
            style: style.into(),
            home: home.into(),
            skip: language.pick("Skip to content", "본문으로 건너뛰기"),
            main: language.pick("Main", "주 메뉴"),
            languages: others
                .map(|other| OtherLanguage { lang: other.code(), name: other.name(), href: elsewhere(other) })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_one_code() {
        for language in Language::ALL {
            assert_eq!(language.to_string().parse(), Ok(language));
        }
        assert_eq!("KO".parse::<Language>(), Err(NoLanguage));
    }

    #[test]
    fn a_page_leads_to_every_language_but_its_own() {
        let shell =
            Shell::new(Language::Korean, "순위표", "/style.css", "/ko/", |other| format!("/{other}/"));
        assert_eq!((shell.lang, shell.languages.len()), ("ko", 1));
        assert_eq!((shell.languages[0].lang, shell.languages[0].href.as_str()), ("en", "/en/"));
    }
}
