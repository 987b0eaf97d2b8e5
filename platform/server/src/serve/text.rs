//! Text that people give and others will read.

use super::fault::{Fault, Field, FieldFault};

/// Longest name of an operator, characters; season files cut at the same.
pub const LONGEST_NAME: usize = 80;
/// Longest of other short texts, characters.
pub const LONGEST_LINE: usize = 200;

/// One line of at most `longest` characters, without blanks around it.
///
/// # Errors
/// When it is empty, too long, or has characters that cannot be seen or that turn the direction of
/// writing: a name that reads as another one's is a lie told to reviewers.
pub fn line(field: Field, given: &str, longest: usize) -> Result<String, Fault> {
    let line = given.trim();
    if line.is_empty() {
        return Err(Fault::field(field, FieldFault::Empty));
    }
    if line.chars().count() > longest {
        return Err(Fault::field(field, FieldFault::Long(longest)));
    }
    if line.chars().any(is_unseen) {
        return Err(Fault::field(field, FieldFault::Unseen));
    }
    Ok(line.to_owned())
}

/// As [`line`], where nothing is an answer too.
///
/// # Errors
/// As [`line`], except for an empty one.
pub fn optional_line(field: Field, given: Option<&str>) -> Result<Option<String>, Fault> {
    let given = given.map(str::trim).filter(|given| !given.is_empty());
    given.map(|given| line(field, given, LONGEST_LINE)).transpose()
}

/// Text of several lines, at most `longest` characters.
///
/// # Errors
/// As [`line`]; lines may be broken.
pub fn lines(field: Field, given: &str, longest: usize) -> Result<String, Fault> {
    let text = given.trim().replace("\r\n", "\n");
    if text.is_empty() {
        return Err(Fault::field(field, FieldFault::Empty));
    }
    if text.chars().count() > longest {
        return Err(Fault::field(field, FieldFault::Long(longest)));
    }
    if text.chars().any(|c| c != '\n' && is_unseen(c)) {
        return Err(Fault::field(field, FieldFault::Unseen));
    }
    Ok(text)
}

/// Control characters, marks and overrides of direction (UAX 9), what joins or separates without a
/// width, and what is for private use.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_script_are_names() {
        for name in ["Alpha Validators", "한국 밸리데이터", "Ångström & Söhne <3", "=1+1", "مرحبا"]
        {
            assert_eq!(line(Field::Name, name, LONGEST_NAME).expect(name), name);
        }
        assert_eq!(line(Field::Name, "  a  ", 1).expect("trimmed"), "a");
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for bad in ["a\u{202e}b", "a\u{200b}b", "a\nb", "a\0", "a\u{2066}b", "a\u{feff}", "\u{3164}"] {
            let fault = line(Field::Name, bad, LONGEST_NAME).expect_err(bad);
            assert!(matches!(fault, Fault::Field { what: FieldFault::Unseen, .. }), "{bad:?}: {fault}");
        }
        assert!(matches!(line(Field::Name, " ", 9), Err(Fault::Field { what: FieldFault::Empty, .. })));
        let long = "가".repeat(LONGEST_NAME + 1);
        assert!(line(Field::Name, &long, LONGEST_NAME).is_err());
        assert!(line(Field::Name, &long[3..], LONGEST_NAME).is_ok(), "characters are counted, not bytes");
    }

    #[test]
    fn a_reason_may_have_lines() {
        assert_eq!(lines(Field::Reason, "one\r\ntwo\n", 100).expect("two lines"), "one\ntwo");
        assert!(lines(Field::Reason, "one\ttwo", 100).is_err());
        assert!(lines(Field::Reason, &"가".repeat(100), 100).is_ok(), "characters are counted, not bytes");
        assert!(lines(Field::Reason, &"가".repeat(101), 100).is_err());
        assert!(optional_line(Field::Contact, Some("  ")).expect("nothing").is_none());
    }
}
