//! Pages as text: where they stand, what they link, which tags they have.

use std::collections::BTreeMap;

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn text<'a>(files: &'a Files, path: &str) -> &'a str {
    std::str::from_utf8(files.get(path).unwrap_or_else(|| panic!("no {path}"))).expect("UTF-8")
}

pub(crate) fn pages(files: &Files) -> impl Iterator<Item = (&String, &str)> {
    files.keys().filter(|path| path.ends_with(".html")).map(|path| (path, text(files, path)))
}

/// The values of an attribute, wherever it stands.
pub(crate) fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!(" {name}=\"");
    html.split(opening.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap_or("")).collect()
}

/// Where `link` on the page `path` leads.
pub(crate) fn resolve(path: &str, link: &str) -> String {
    let mut place: Vec<&str> = path.split('/').collect();
    place.pop();
    for step in link.split('#').next().unwrap_or("").split('/') {
        match step {
            ".." => assert!(place.pop().is_some(), "{path}: {link} leads out of the site"),
            "" | "." => {}
            name => place.push(name),
        }
    }
    place.join("/")
}

/// Code of the language in which the page at `path` is written.
pub(crate) fn language(path: &str) -> &'static str {
    if path.starts_with("ko/") { "ko" } else { "en" }
}

/// The tags of a page in order, by name.
pub(crate) fn tags(html: &str) -> Vec<&str> {
    let name = |rest: &'_ str| rest.find(|c: char| !c.is_ascii_alphanumeric() && !"/!".contains(c));
    html.split('<').skip(1).map(|rest| &rest[..name(rest).unwrap_or(rest.len())]).collect()
}
