//! The templates of the pages, and what stands in them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;
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

/// Messages by section and key; templates call it `t`.
pub(super) type Catalogue = BTreeMap<String, BTreeMap<String, String>>;

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
        Ok(Self { tera, english: catalogue(Language::English)?, korean: catalogue(Language::Korean)? })
    }
}

/// The messages in one language.
fn catalogue(language: Language) -> Result<Catalogue, String> {
    let text = language.pick(include_str!("words/en.toml"), include_str!("words/ko.toml"));
    toml::from_str(text).map_err(|fault| format!("messages in {}: {fault}", language.name()))
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
    use std::collections::BTreeSet;

    use super::*;

    fn keys(catalogue: &Catalogue) -> BTreeSet<String> {
        let section = |(section, messages): (&String, &BTreeMap<String, String>)| {
            messages.keys().map(|key| format!("t.{section}.{key}")).collect::<Vec<_>>()
        };
        catalogue.iter().flat_map(section).collect()
    }

    /// What a message has beside words: places to fill.
    fn places(message: &str) -> Vec<&str> {
        let mut found: Vec<&str> =
            message.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn both_languages_have_the_same_messages() {
        let [english, korean] = Language::ALL.map(|language| catalogue(language).unwrap());
        assert_eq!(keys(&english), keys(&korean));
        for (section, messages) in &english {
            for (key, message) in messages {
                let other = &korean[section][key];
                assert!(!message.trim().is_empty() && !other.trim().is_empty(), "{section}.{key}");
                assert_eq!(places(message), places(other), "{section}.{key}");
                let hangul = other.chars().any(|c| ('가'..='힣').contains(&c));
                assert!(hangul || other == message, "{section}.{key}: {other}");
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
        // Titles are asked for by the handlers, as `t.title.{template}`.
        let titles = TEMPLATES.iter().filter_map(|(name, _)| name.strip_suffix(".html"));
        let whole = |name: &&str| !["shell", "frame", "field", "fault", "live", "runs"].contains(name);
        used.extend(titles.filter(whole).map(|name| format!("t.title.{name}")));
        assert_eq!(used, keys(&catalogue(Language::English).unwrap()));
    }
}
