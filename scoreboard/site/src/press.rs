//! The templates, and the frame that every page stands in.

use serde::Serialize;
use tera::{Context, Tera};

use crate::catalogue::{self, Catalogue};
use crate::issue::Issue;
use crate::shell::{self, Language, Shell};
use crate::{Files, SiteError, date, format, text};

/// Names end in `.html`: the engine escapes by that ending, and by nothing else.
pub(crate) const TEMPLATES: [(&str, &str); 9] = [
    shell::TEMPLATE,
    ("frame.html", include_str!("templates/frame.html")),
    ("board.html", include_str!("templates/board.html")),
    ("index.html", include_str!("templates/index.html")),
    ("decision.html", include_str!("templates/decision.html")),
    ("admission.html", include_str!("templates/admission.html")),
    ("operator.html", include_str!("templates/operator.html")),
    ("run.html", include_str!("templates/run.html")),
    ("methodology.html", include_str!("templates/methodology.html")),
];

/// The template engine with all templates in it, and what they say in each language.
pub(crate) struct Press {
    tera: Tera,
    english: Catalogue,
    korean: Catalogue,
}

/// A page before it is printed.
pub(crate) struct Sheet<'a> {
    pub(crate) language: Language,
    /// Where the page stands among those of its language, for example `run/NAME.html`.
    pub(crate) path: &'a str,
    pub(crate) template: &'static str,
    pub(crate) title: String,
    /// Which entry of the navigation is the page; empty if none.
    pub(crate) here: &'static str,
}

impl Press {
    pub(crate) fn new() -> Result<Self, SiteError> {
        let mut tera = Tera::new();
        tera.add_raw_templates(TEMPLATES)?;
        Ok(Self {
            tera,
            english: catalogue::of(Language::English)?,
            korean: catalogue::of(Language::Korean)?,
        })
    }

    /// Prints one page into `files`; `view` is what its template calls `page`.
    pub(crate) fn print<V: Serialize>(
        &self,
        issue: &Issue,
        sheet: &Sheet,
        view: &V,
        files: &mut Files,
    ) -> Result<(), SiteError> {
        let mut context = Context::new();
        context.insert("t", sheet.language.pick(&self.english, &self.korean));
        context.insert("shell", &shell(issue, sheet));
        context.insert("frame", &Frame::new(issue, sheet));
        context.insert("page", view);
        let page = self.tera.render(sheet.template, &context)?;
        files.insert(format!("{}{}", folder(sheet.language), sheet.path), page.into_bytes());
        Ok(())
    }
}

/// Where the pages of a language stand.
fn folder(language: Language) -> &'static str {
    language.pick("", "ko/")
}

/// Way from a page back to where pages of its language begin.
fn root(sheet: &Sheet) -> String {
    "../".repeat(sheet.path.matches('/').count())
}

/// Way from a page back to the top, where that stands which has no language.
fn shared(sheet: &Sheet) -> String {
    root(sheet) + sheet.language.pick("", "../")
}

fn shell(issue: &Issue, sheet: &Sheet) -> Shell {
    let language = sheet.language;
    let title = match issue.demonstration() {
        true => format!("{}: {}", language.pick("Demonstration", "시연"), sheet.title),
        false => sheet.title.clone(),
    };
    let (style, home) = (shared(sheet) + "style.css", root(sheet) + "index.html");
    let elsewhere = |other| format!("{}{}{}", shared(sheet), folder(other), sheet.path);
    Shell::new(language, title, style, home, elsewhere)
}

/// What every page shows above and below its own.
#[derive(Serialize)]
struct Frame {
    root: String,
    shared: String,
    here: &'static str,
    demonstration: bool,
    season: String,
    number: u32,
    last: bool,
    published: String,
    published_iso: String,
    /// Name of the rulebook.
    rules: String,
    rules_version: u32,
    /// They are not the rules of a full season, which every page says.
    own_rules: bool,
    rulebook: String,
    season_digest: String,
}

impl Frame {
    fn new(issue: &Issue, sheet: &Sheet) -> Self {
        let (publication, rulebook) = (issue.publication, issue.source.rulebook);
        let language = sheet.language;
        Self {
            root: root(sheet),
            shared: shared(sheet),
            here: sheet.here,
            demonstration: issue.demonstration(),
            season: season(issue, language),
            number: publication.number,
            last: publication.last,
            published: date::shown(language, publication.published_ms),
            published_iso: date::iso(publication.published_ms),
            rules: text::name(&rulebook.name, language.pick("unnamed", "이름 없음")),
            rules_version: rulebook.version,
            own_rules: *rulebook != scoreboard::Rulebook::standard(),
            rulebook: publication.rulebook.to_string(),
            season_digest: publication.season.to_string(),
        }
    }
}

/// The season's name on pages.
pub(crate) fn season(issue: &Issue, language: Language) -> String {
    text::name(&issue.season.name, language.pick("Season", "시즌"))
}

/// A digest as a page shows it: its beginning, with the whole behind it.
#[derive(Serialize)]
pub(crate) struct DigestView {
    short: String,
    full: String,
}

impl From<&model::Digest> for DigestView {
    fn from(digest: &model::Digest) -> Self {
        Self { short: format::short(digest), full: digest.to_string() }
    }
}
