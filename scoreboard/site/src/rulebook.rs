//! A rulebook as a table, whatever its fields are.

use serde::Serialize;
use tera::Value;

use crate::SiteError;

/// One setting of the rulebook.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Setting {
    /// Where it stands, for example `door.full_share`.
    pub(crate) path: String,
    /// Its value.
    pub(crate) value: String,
}

/// All settings of a typed value, by path.
pub(crate) fn settings<T: Serialize>(rulebook: &T) -> Result<Vec<Setting>, SiteError> {
    let mut found = Vec::new();
    collect("", &Value::try_from_serializable(rulebook)?, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(path: &str, value: &Value, found: &mut Vec<Setting>) {
    if let Some(map) = value.as_map() {
        for (key, inner) in map {
            let dot = if path.is_empty() { "" } else { "." };
            collect(&format!("{path}{dot}{key}"), inner, found);
        }
    } else if let Some(items) = value.as_array().filter(|items| items.iter().any(is_nested)) {
        let width = items.len().to_string().len();
        for (index, inner) in items.iter().enumerate() {
            collect(&format!("{path}[{:0width$}]", index + 1), inner, found);
        }
    } else {
        found.push(Setting { path: path.into(), value: flat(value) });
    }
}

fn is_nested(value: &Value) -> bool {
    value.as_map().is_some() || value.as_array().is_some()
}

fn flat(value: &Value) -> String {
    if value.is_none() {
        return crate::format::NONE.into();
    }
    match value.as_array() {
        Some(items) => items.iter().map(flat).collect::<Vec<_>>().join(", "),
        None => crate::text::plain(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn fields_become_paths_in_one_order() {
        let inner = BTreeMap::from([("b", 2), ("a", -1)]);
        let rulebook = BTreeMap::from([("z", vec![inner])]);
        let shown = settings(&rulebook).unwrap();
        let pairs: Vec<_> = shown.iter().map(|s| (s.path.as_str(), s.value.as_str())).collect();
        assert_eq!(pairs, [("z[1].a", "-1"), ("z[1].b", "2")]);
        let flat = settings(&BTreeMap::from([("list", vec![3, 1, 2])])).unwrap();
        assert_eq!(flat, [Setting { path: "list".into(), value: "3, 1, 2".into() }]);
    }
}
