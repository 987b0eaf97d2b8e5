//! The templates of the pages, and what stands in them.

use std::sync::LazyLock;

use serde::Serialize;
use site::catalogue::{self, Catalogue};
use site::shell::{self, Language, Shell};
use tera::{Context, Tera};

/// Names end in `.html`: the engine escapes by that ending, and by nothing else.
const TEMPLATES: [(&str, &str); 16] = [
    shell::TEMPLATE,
    ("frame.html", include_str!("templates/frame.html")),
    ("field.html", include_str!("templates/field.html")),
    ("fault.html", include_str!("templates/fault.html")),
    ("live.html", include_str!("templates/live.html")),
    ("runs.html", include_str!("templates/runs.html")),
    ("front.html", include_str!("templates/front.html")),
    ("season.html", include_str!("templates/season.html")),
    ("sign_in.html", include_str!("templates/sign_in.html")),
    ("home.html", include_str!("templates/home.html")),
    ("operator.html", include_str!("templates/operator.html")),
    ("run.html", include_str!("templates/run.html")),
    ("review.html", include_str!("templates/review.html")),
    ("applicant.html", include_str!("templates/applicant.html")),
    ("decisions.html", include_str!("templates/decisions.html")),
    ("refused.html", include_str!("templates/refused.html")),
];

static PRESS: LazyLock<Result<Press, String>> = LazyLock::new(Press::new);

struct Press {
    tera: Tera,
    english: Catalogue,
    korean: Catalogue,
}

impl Press {
    fn new() -> Result<Self, String> {
        let mut tera = Tera::new();
        tera.add_raw_templates(TEMPLATES).map_err(|fault| format!("page templates: {fault}"))?;
        Ok(Self { tera, english: messages(Language::English)?, korean: messages(Language::Korean)? })
    }
}

/// The messages in one language.
fn messages(language: Language) -> Result<Catalogue, String> {
    let text = language.pick(include_str!("words/en.toml"), include_str!("words/ko.toml"));
    catalogue::read(text).map_err(|fault| format!("messages in {}: {fault}", language.name()))
}

/// What every page shows around its own.
#[derive(Debug, Serialize)]
pub(super) struct Frame {
    #[serde(skip)]
    pub(super) shell: Shell,
    /// Name of the page's template, for the navigation.
    pub(super) page: String,
    /// Code of the language, with which addresses begin.
    pub(super) language: &'static str,
    /// The account that is signed in.
    pub(super) account: Option<String>,
}

/// One page.
///
/// # Errors
/// When a template is wrong: a fault of ours.
pub(super) fn page<V: Serialize>(
    language: Language,
    template: &str,
    frame: &Frame,
    view: &V,
) -> Result<String, String> {
    let press = PRESS.as_ref().map_err(Clone::clone)?;
    let mut context = Context::new();
    context.insert("shell", &frame.shell);
    context.insert("frame", frame);
    context.insert("t", language.pick(&press.english, &press.korean));
    context.insert("page", view);
    press.tera.render(template, &context).map_err(|fault| {
        let mut said = format!("page template {template}: {fault}");
        let mut cause = std::error::Error::source(&fault);
        while let Some(below) = cause {
            said += &format!(": {below}");
            cause = below.source();
        }
        said
    })
}

/// A message by its key, for titles.
pub(super) fn message(language: Language, section: &str, key: &str) -> String {
    let catalogue = PRESS.as_ref().map(|press| language.pick(&press.english, &press.korean));
    let found = catalogue.ok().and_then(|catalogue| catalogue.get(section)?.get(key));
    found.cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_the_pages_are_whole() {
        let [english, korean] = Language::ALL.map(|language| messages(language).unwrap());
        let mut asked = catalogue::asked_in(TEMPLATES.map(|(_, template)| template));
        // Titles are asked for by the handlers, as `t.title.{template}`.
        let titles = TEMPLATES.iter().filter_map(|(name, _)| name.strip_suffix(".html"));
        let whole = |name: &&str| !["shell", "frame", "field", "fault", "live", "runs"].contains(name);
        asked.extend(titles.filter(whole).map(|name| format!("t.title.{name}")));
        assert_eq!(catalogue::faults(&english, &korean, &asked), [""; 0]);
    }
}
