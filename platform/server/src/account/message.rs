//! The text of EIP-4361 (Sign-In with Ethereum), read as strictly as its grammar is written.

use std::fmt;
use std::str::FromStr;

use super::timestamp::Timestamp;
use super::{Account, NotAnAccount};

/// Longest text that is looked at, bytes.
pub const LONGEST: usize = 4096;

const OPENING: &str = " wants you to sign in with your Ethereum account:";
const RESOURCES: &str = "Resources:";
const RESOURCE: &str = "- ";
/// `unreserved` and `sub-delims` of RFC 3986 that are neither letter nor digit.
const MARKS: &[u8] = b"-._~!$&'()*+,;=";

/// What a message says. Reading checks the form of each field; what it must say is checked by
/// [`super::sign_in::check`]. Writing gives back the very text that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Scheme of the site, if it is said.
    pub scheme: Option<String>,
    /// Host and port of the site that asks.
    pub domain: String,
    /// Who is asked to sign.
    pub account: Account,
    /// What signing means, for the person who signs.
    pub statement: Option<String>,
    /// What the signature is for.
    pub uri: String,
    /// Chain id (EIP-155).
    pub chain_id: u64,
    /// What makes this text good for one sign-in.
    pub nonce: String,
    /// When the text was made.
    pub issued_at: Timestamp,
    /// From when on it is no longer good.
    pub expiration_time: Option<Timestamp>,
    /// Before when it is not yet good.
    pub not_before: Option<Timestamp>,
    /// A mark of the site's own.
    pub request_id: Option<String>,
    /// Further URIs; a list that is there may be empty.
    pub resources: Option<Vec<String>>,
}

/// Why a text is no message of EIP-4361.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    /// Longer than [`LONGEST`].
    #[error("the message is longer than {LONGEST} bytes: sign the text that the server gave")]
    Long,
    /// A character that no field may have, such as a control character or a non-ASCII letter.
    #[error(
        "the message has the character {0:?}, which EIP-4361 does not allow: sign the server's text unchanged"
    )]
    Character(char),
    /// Not the line that the grammar has at this place: missing, out of order, or said twice.
    #[error("line {line} of the message is not {wanted}: fields come once, in the order of EIP-4361")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What belongs there.
        wanted: &'static str,
    },
    /// Lines after the end.
    #[error("line {line} of the message is one too many: fields come once, in the order of EIP-4361")]
    Trailing {
        /// Number of the line, from 1.
        line: usize,
    },
    /// A field whose value has not its form.
    #[error("the message's {field} is not written as EIP-4361 wants it: sign the text that the server gave")]
    Field {
        /// Name of the field.
        field: &'static str,
    },
    /// Not version 1.
    #[error("the message is not of version 1, the only one there is")]
    Version,
    /// The account is none, or its capitals are wrong.
    #[error("{0}")]
    Account(#[from] NotAnAccount),
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}://")?;
        }
        write!(f, "{}{OPENING}\n{}\n\n", self.domain, self.account)?;
        if let Some(statement) = &self.statement {
            writeln!(f, "{statement}")?;
        }
        write!(f, "\nURI: {}\nVersion: 1\nChain ID: {}\n", self.uri, self.chain_id)?;
        write!(f, "Nonce: {}\nIssued At: {}", self.nonce, self.issued_at)?;
        if let Some(time) = &self.expiration_time {
            write!(f, "\nExpiration Time: {time}")?;
        }
        if let Some(time) = &self.not_before {
            write!(f, "\nNot Before: {time}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, "\nRequest ID: {id}")?;
        }
        if let Some(resources) = &self.resources {
            write!(f, "\n{RESOURCES}")?;
            resources.iter().try_for_each(|resource| write!(f, "\n{RESOURCE}{resource}"))?;
        }
        Ok(())
    }
}

impl FromStr for Message {
    type Err = MessageFault;

    fn from_str(text: &str) -> Result<Self, MessageFault> {
        if text.len() > LONGEST {
            return Err(MessageFault::Long);
        }
        if let Some(odd) = text.chars().find(|c| !matches!(c, ' '..='~' | '\n')) {
            return Err(MessageFault::Character(odd));
        }
        let mut lines = Lines { rest: text.split('\n').collect(), at: 0 };
        let (scheme, domain) = opening(&mut lines)?;
        let account = lines.next("the account")?.parse()?;
        let statement = statement(&mut lines)?;
        let uri = valid("URI", lines.field("URI: ")?, is_uri)?;
        if lines.field("Version: ")? != "1" {
            return Err(MessageFault::Version);
        }
        let message = Self {
            scheme,
            domain,
            account,
            statement,
            uri,
            chain_id: chain_id(lines.field("Chain ID: ")?)?,
            nonce: valid("Nonce", lines.field("Nonce: ")?, is_nonce)?,
            issued_at: time("Issued At", lines.field("Issued At: ")?)?,
            expiration_time: option(lines.option("Expiration Time: "), |t| time("Expiration Time", t))?,
            not_before: option(lines.option("Not Before: "), |t| time("Not Before", t))?,
            request_id: option(lines.option("Request ID: "), |id| valid("Request ID", id, is_request_id))?,
            resources: resources(&mut lines)?,
        };
        if lines.at < lines.rest.len() {
            return Err(MessageFault::Trailing { line: lines.at + 1 });
        }
        Ok(message)
    }
}

struct Lines<'a> {
    rest: Vec<&'a str>,
    at: usize,
}

impl<'a> Lines<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self, wanted: &'static str) -> Result<&'a str, MessageFault> {
        self.at += 1;
        self.rest.get(self.at - 1).copied().ok_or(MessageFault::Line { line: self.at, wanted })
    }

    fn blank(&mut self) -> Result<(), MessageFault> {
        let wanted = "empty";
        if self.next(wanted)?.is_empty() { Ok(()) } else { Err(MessageFault::Line { line: self.at, wanted }) }
    }

    /// The value on the next line, which must begin with `label`.
    fn field(&mut self, label: &'static str) -> Result<&'a str, MessageFault> {
        let wanted = label.trim_end();
        let line = self.next(wanted)?;
        line.strip_prefix(label).ok_or(MessageFault::Line { line: self.at, wanted })
    }

    /// The value on the next line, if it begins with `label`.
    fn option(&mut self, label: &str) -> Option<&'a str> {
        let value = self.peek()?.strip_prefix(label)?;
        self.at += 1;
        Some(value)
    }
}

fn opening(lines: &mut Lines<'_>) -> Result<(Option<String>, String), MessageFault> {
    let wanted = "`… wants you to sign in with your Ethereum account:`";
    let site = lines.next(wanted)?.strip_suffix(OPENING);
    let site = site.ok_or(MessageFault::Line { line: 1, wanted })?;
    let (scheme, domain) = match site.split_once("://") {
        Some((scheme, domain)) => (Some(valid("scheme", scheme, is_scheme)?), domain),
        None => (None, site),
    };
    Ok((scheme, valid("domain", domain, is_authority)?))
}

/// What stands between the account and the URI: with a statement, even an empty one, a line more.
fn statement(lines: &mut Lines<'_>) -> Result<Option<String>, MessageFault> {
    lines.blank()?;
    let line = lines.next("a statement, or empty")?;
    if line.is_empty() && lines.peek() != Some("") {
        return Ok(None);
    }
    lines.blank()?;
    valid("statement", line, is_statement).map(Some)
}

fn resources(lines: &mut Lines<'_>) -> Result<Option<Vec<String>>, MessageFault> {
    if lines.peek() != Some(RESOURCES) {
        return Ok(None);
    }
    lines.at += 1;
    let mut list = Vec::new();
    while let Some(resource) = lines.option(RESOURCE) {
        list.push(valid("Resources", resource, is_uri)?);
    }
    Ok(Some(list))
}

fn valid(field: &'static str, value: &str, is: fn(&str) -> bool) -> Result<String, MessageFault> {
    if is(value) { Ok(value.to_owned()) } else { Err(MessageFault::Field { field }) }
}

fn time(field: &'static str, value: &str) -> Result<Timestamp, MessageFault> {
    value.parse().map_err(|_| MessageFault::Field { field })
}

fn option<T>(
    value: Option<&str>,
    read: impl FnOnce(&str) -> Result<T, MessageFault>,
) -> Result<Option<T>, MessageFault> {
    value.map(read).transpose()
}

/// Digits, in their one spelling: no sign and no leading zero.
fn chain_id(digits: &str) -> Result<u64, MessageFault> {
    let id: Option<u64> = digits.parse().ok();
    id.filter(|id| id.to_string() == digits).ok_or(MessageFault::Field { field: "Chain ID" })
}

/// `8*( ALPHA / DIGIT )`.
fn is_nonce(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `*( reserved / unreserved / " " )` of RFC 3986.
fn is_statement(text: &str) -> bool {
    text.bytes().all(|byte| is_plain(byte) || b" :/?#[]@".contains(&byte))
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// `*pchar` of RFC 3986.
fn is_request_id(text: &str) -> bool {
    is_percent_encoded(text, b":@")
}

/// `authority` of RFC 3986, by its characters.
fn is_authority(text: &str) -> bool {
    !text.is_empty() && is_percent_encoded(text, b":@[]")
}

/// `URI` of RFC 3986, by its scheme and its characters.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let (before, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    is_scheme(scheme) && is_percent_encoded(before, b":/?@[]") && is_percent_encoded(fragment, b":/?@")
}

/// `unreserved` or `sub-delims` of RFC 3986.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || MARKS.contains(&byte)
}

/// Whether every character is plain, one of `more`, or `%` with two hexadecimal digits.
fn is_percent_encoded(text: &str, more: &[u8]) -> bool {
    let mut pieces = text.split('%');
    let good = |piece: &str| piece.bytes().all(|byte| is_plain(byte) || more.contains(&byte));
    let hex = |piece: &str| piece.len() >= 2 && piece.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    pieces.next().is_some_and(good) && pieces.all(|piece| hex(piece) && good(piece))
}
