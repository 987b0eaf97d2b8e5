//! Text that came from outside: the template engine escapes it, this takes out what escaping leaves.

/// Longest name shown, characters; the whole one stands in the season file.
const LONGEST_NAME: usize = 80;

/// The text without control characters, direction overrides and invisible marks, runs of white
/// space as one blank.
pub(crate) fn plain(text: &str) -> String {
    let visible: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(shows).collect();
    visible.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Text of several lines: each [`plain`], those without anything left out.
pub(crate) fn lines(text: &str) -> String {
    text.lines().map(plain).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A name as pages show it: [`plain`], never empty, and not longer than a table can bear.
pub(crate) fn name(text: &str, otherwise: &str) -> String {
    let plain = plain(text);
    if plain.is_empty() {
        return otherwise.to_owned();
    }
    if plain.chars().count() <= LONGEST_NAME {
        return plain;
    }
    plain.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

/// Whether a character shows itself and nothing but itself. The joiners U+200C and U+200D stay:
/// scripts need them.
fn shows(c: &char) -> bool {
    let hidden = matches!(*c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
        | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffc}'
        | '\u{e0000}'..='\u{e0fff}');
    !c.is_control() && !hidden
}

/// One field of a CSV file. A leading character by which a spreadsheet would read the text as a
/// formula is made harmless by an apostrophe before it.
pub(crate) fn csv(text: &str) -> String {
    let plain = plain(text);
    let formula = plain.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let safe = if formula { format!("'{plain}") } else { plain };
    if safe.contains(['"', ',', ';', '\'']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_taken_out() {
        assert_eq!(plain("a\u{202e}b\u{0}c\n\td  e\u{2028}f"), "abc d e f");
        assert_eq!(plain("한국 검증인"), "한국 검증인");
    }

    #[test]
    fn names_are_never_empty_and_never_endless() {
        assert_eq!(name("\u{202e} \n", "alpha"), "alpha");
        assert_eq!(name(&"x".repeat(5_000), "alpha").chars().count(), LONGEST_NAME);
        assert_eq!(name("한국 검증인", "alpha"), "한국 검증인");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("one \u{202e}two\r\n\n \u{200b}\nthree"), "one two\nthree");
    }

    #[test]
    fn a_name_of_letters_without_ink_is_no_name() {
        assert_eq!(name("\u{3164}\u{115f}\u{ffa0}\u{2800}", "alpha"), "alpha");
    }

    #[test]
    fn no_field_is_a_formula() {
        assert_eq!(csv("=HYPERLINK(\"http://x\")"), "\"'=HYPERLINK(\"\"http://x\"\")\"");
        assert_eq!(csv("\u{202e}=1+1"), "\"'=1+1\"");
        assert_eq!(csv("\t@x"), "\"'@x\"");
        assert_eq!(csv("Alpha, Inc"), "\"Alpha, Inc\"");
        assert_eq!(csv("Alpha"), "Alpha");
    }
}
