//! Secrets that stand for somebody who signed in: of a browser session, or of a program (an API token).

use std::fmt;

use sha2::{Digest as _, Sha256};

/// What a secret is for. A session's is never taken for a token, nor the reverse: the prefix is part
/// of what is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A browser's session, in a cookie.
    Session,
    /// A program's token, in the `Authorization` header.
    Token,
}

impl Kind {
    /// What the text begins with, by which a leaked secret can be searched for.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Session => "tss_",
            Self::Token => "tst_",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Token => "token",
        }
    }
}

/// 256 bits of true randomness. Shown by [`Secret::reveal`] to whom it is given, and never else.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    kind: Kind,
    bytes: [u8; 32],
}

/// The text is no secret of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no {} of Touchstone ({}… and 64 hexadecimal digits): sign in again", .0.noun(), .0.prefix())]
pub struct NotASecret(pub Kind);

impl Secret {
    /// The secret of 32 bytes from the operating system's randomness, such as
    /// [`crate::season::secret::random_seed`] draws.
    pub fn new(kind: Kind, random: [u8; 32]) -> Self {
        Self { kind, bytes: random }
    }

    /// Reads a secret of this kind: its prefix and 64 small hexadecimal digits.
    ///
    /// # Errors
    /// When it is none; the text is not said again.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, NotASecret> {
        let mut bytes = [0; 32];
        let digits = text.strip_prefix(kind.prefix()).ok_or(NotASecret(kind))?;
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| NotASecret(kind))?;
        let secret = Self { kind, bytes };
        if secret.reveal() == text { Ok(secret) } else { Err(NotASecret(kind)) }
    }

    /// What it is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The text, for whom it is given to.
    pub fn reveal(&self) -> String {
        format!("{}{}", self.kind.prefix(), hex::encode(self.bytes))
    }

    /// What is stored, and looked up: SHA-256 of the text.
    ///
    /// A fast hash will do, as nobody guesses 256 bits. Nor need the look-up take constant time: what its
    /// duration could tell is how far a stored hash agrees with the hash of a guess, and no guess can be
    /// steered towards a hash.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.reveal()).into()
    }
}

/// Without the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}…)", self.kind.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_is_written() {
        for kind in [Kind::Session, Kind::Token] {
            let secret = Secret::new(kind, [0xab; 32]);
            let text = secret.reveal();
            assert_eq!(text, format!("{}{}", kind.prefix(), "ab".repeat(32)));
            assert_eq!(Secret::parse(kind, &text), Ok(secret));
            for odd in [&text[1..], &text[..67], &format!("{text}0"), &text.to_uppercase(), "", &text[4..]] {
                assert_eq!(Secret::parse(kind, odd), Err(NotASecret(kind)), "{odd}");
            }
            let capitals = format!("{}{}", kind.prefix(), "AB".repeat(32));
            assert_eq!(Secret::parse(kind, &capitals), Err(NotASecret(kind)));
        }
    }

    #[test]
    fn a_session_is_no_token() {
        let (session, token) = (Secret::new(Kind::Session, [7; 32]), Secret::new(Kind::Token, [7; 32]));
        assert!(Secret::parse(Kind::Token, &session.reveal()).is_err());
        assert!(Secret::parse(Kind::Session, &token.reveal()).is_err());
        assert_ne!(session.digest(), token.digest());
    }

    /// `printf 'tst_%064d' 0 | sha256sum`.
    #[test]
    fn what_is_stored_is_sha_256_of_the_text() {
        let digest = Secret::new(Kind::Token, [0; 32]).digest();
        assert_eq!(hex::encode(digest), "64854ac898ea9b55518b54f21928bcbe5a88a476d4e27d668f6ddc21beae3bb7");
    }

    #[test]
    fn a_secret_does_not_show_in_logs() {
        let shown = format!("{:?} {}", Secret::new(Kind::Token, [0xab; 32]), NotASecret(Kind::Token));
        assert!(!shown.contains("abab"), "{shown}");
    }
}
