//! The templates, and the frame that every page stands in.

use serde::Serialize;
use tera::{Context, Tera};

use crate::issue::Issue;
use crate::shell::{self, Language, Shell};
use crate::{SiteError, date, format, text};

/// Names end in `.html`: the engine escapes by that ending, and by nothing else.
const TEMPLATES: [(&str, &str); 7] = [
    shell::TEMPLATE,
    ("frame.html", include_str!("templates/frame.html")),
    ("board.html", include_str!("templates/board.html")),
    ("index.html", include_str!("templates/index.html")),
    ("operator.html", include_str!("templates/operator.html")),
    ("run.html", include_str!("templates/run.html")),
    ("methodology.html", include_str!("templates/methodology.html")),
];

/// The template engine with all templates in it.
pub(crate) struct Press(Tera);

impl Press {
    pub(crate) fn new() -> Result<Self, SiteError> {
        let mut tera = Tera::new();
        tera.add_raw_templates(TEMPLATES)?;
        Ok(Self(tera))
    }

    /// One page; `view` is what its template calls `page`.
    pub(crate) fn page<V: Serialize>(
        &self,
        template: &str,
        frame: &Frame,
        view: &V,
    ) -> Result<Vec<u8>, SiteError> {
        let mut context = Context::new();
        context.insert("shell", &frame.shell);
        context.insert("frame", frame);
        context.insert("page", view);
        Ok(self.0.render(template, &context)?.into_bytes())
    }
}

/// What every page shows above and below its own.
#[derive(Serialize)]
pub(crate) struct Frame {
    #[serde(skip)]
    shell: Shell,
    /// Way back to the top: empty or `../`.
    root: &'static str,
    /// Which entry of the navigation is the present page.
    here: &'static str,
    demonstration: bool,
    season: String,
    number: u32,
    last: bool,
    published: String,
    published_iso: String,
    /// Name and version of the rulebook.
    rules: String,
    /// They are not the rules of a full season, which every page says.
    own_rules: bool,
    rulebook: String,
    season_digest: String,
}

impl Frame {
    pub(crate) fn new(issue: &Issue, title: String, root: &'static str, here: &'static str) -> Self {
        let publication = issue.publication;
        let title = if issue.demonstration() { format!("Demonstration: {title}") } else { title };
        let (style, home) = (format!("{root}style.css"), format!("{root}index.html"));
        let mut shell = Shell::new(Language::English, title, style, home, |_| String::new());
        shell.languages.clear();
        Self {
            shell,
            root,
            here,
            demonstration: issue.demonstration(),
            season: text::name(&issue.season.name, "Season"),
            number: publication.number,
            last: publication.last,
            published: date::utc(publication.published_ms),
            published_iso: date::iso(publication.published_ms),
            rules: rules(issue),
            own_rules: *issue.source.rulebook != scoreboard::Rulebook::standard(),
            rulebook: publication.rulebook.to_string(),
            season_digest: publication.season.to_string(),
        }
    }
}

fn rules(issue: &Issue) -> String {
    let rulebook = issue.source.rulebook;
    format!("{}, version {}", text::name(&rulebook.name, "unnamed"), rulebook.version)
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
