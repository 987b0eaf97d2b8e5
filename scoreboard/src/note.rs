//! Signed notes (C2SP `signed-note`): a text, and who signed it.
//!
//! ```text
//! touchstone publication v1
//! <season digest>
//! <number>
//! <SHA-256 of the signed file>
//!
//! — <signer> <base64(4 bytes of key hash, 64 bytes of Ed25519 signature)>
//! ```

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use model::Digest;
use sha2::{Digest as _, Sha256};

/// The algorithm byte of Ed25519 in keys and key hashes.
const ED25519: u8 = 1;

/// Why a key or a note is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// A name is 1 to 100 characters without spaces, control characters and `+`.
    #[error("a signer's name has 1 to 100 characters, without spaces, control characters and +")]
    Name,
    /// Not a verifier key.
    #[error("a key is NAME+HASH+BASE64 of an Ed25519 key, as C2SP signed-note writes it")]
    Key,
    /// Not a note of the one form that is written here.
    #[error("not a signed note: four lines, an empty one, one signature")]
    Form,
    /// The text says something else than it should.
    #[error("the note is about something else")]
    Text,
    /// Signed by another key.
    #[error("signed by another key")]
    Signer,
    /// The signature does not hold.
    #[error("the signature does not hold")]
    Signature,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A publication.
    Publication,
    /// The manifest of a bundle.
    Manifest,
}

/// The text of a note, which is what is signed.
pub fn text(subject: Subject, season: Digest, number: u32, file: Digest) -> String {
    let subject = match subject {
        Subject::Publication => "publication",
        Subject::Manifest => "manifest",
    };
    format!("touchstone {subject} v1\n{season}\n{number}\n{file}\n")
}

/// Who signs: a name and a secret key.
pub struct NoteSigner {
    name: String,
    key: SigningKey,
}

impl NoteSigner {
    /// A signer of this name with the key of these 32 secret bytes.
    ///
    /// # Errors
    /// The name cannot stand in a note.
    pub fn new(name: &str, secret: &[u8; 32]) -> Result<Self, BadNote> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key: SigningKey::from_bytes(secret) })
    }

    /// The key that others check with.
    pub fn verifying(&self) -> VerifyingNote {
        VerifyingNote { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The note of this text. The same text gives the same note.
    pub fn sign(&self, text: &str) -> Vec<u8> {
        let mut signed = self.verifying().hash().to_vec();
        signed.extend(self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n\u{2014} {} {}\n", self.name, STANDARD.encode(signed)).into_bytes()
    }
}

/// Whom to believe: a name and a public key. Written `NAME+HASH+BASE64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingNote {
    name: String,
    key: VerifyingKey,
}

impl VerifyingNote {
    /// The signer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks that `note` is this signer's note of exactly this text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, note: &[u8], text: &str) -> Result<(), BadNote> {
        let note = std::str::from_utf8(note).map_err(|_| BadNote::Form)?;
        let (said, signatures) = note.split_once("\n\n").ok_or(BadNote::Form)?;
        let line = signatures.strip_prefix("\u{2014} ").and_then(|rest| rest.strip_suffix('\n'));
        let (name, encoded) = line.and_then(|line| line.split_once(' ')).ok_or(BadNote::Form)?;
        if text.strip_suffix('\n') != Some(said) {
            return Err(BadNote::Text);
        }
        let signed = STANDARD.decode(encoded).map_err(|_| BadNote::Form)?;
        let (hash, signature) = signed.split_at_checked(4).ok_or(BadNote::Form)?;
        if name != self.name || hash != self.hash() {
            return Err(BadNote::Signer);
        }
        let signature = Signature::from_slice(signature).map_err(|_| BadNote::Form)?;
        self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| BadNote::Signature)
    }

    /// First 4 bytes of SHA-256(name, newline, algorithm, key).
    fn hash(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(self.name.as_bytes());
        hasher.update([b'\n', ED25519]);
        hasher.update(self.key.as_bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
        [a, b, c, d]
    }
}

impl fmt::Display for VerifyingNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519];
        key.extend(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, hex::encode(self.hash()), STANDARD.encode(key))
    }
}

impl FromStr for VerifyingNote {
    type Err = BadNote;

    fn from_str(text: &str) -> Result<Self, BadNote> {
        // Base64 has a + of its own: only the first two separate.
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(_), Some(encoded)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(BadNote::Key);
        };
        check_name(name)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| BadNote::Key)?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(BadNote::Key);
        };
        let key = VerifyingKey::try_from(key).map_err(|_| BadNote::Key)?;
        let parsed = Self { name: name.to_owned(), key };
        if parsed.to_string() == text { Ok(parsed) } else { Err(BadNote::Key) }
    }
}

fn check_name(name: &str) -> Result<(), BadNote> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if (1..=100).contains(&name.chars().count()) && !name.contains(bad) { Ok(()) } else { Err(BadNote::Name) }
}
