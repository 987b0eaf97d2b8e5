//! Key files under a password: Web3 secret storage version 3, and Kaia's version 4, which holds lists of
//! the same sealed keys.

use aes::Aes128;
use alloy_primitives::keccak256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use secp256k1::SecretKey;
use serde::Deserialize;
use sha2::Sha256;

use crate::account::Account;

/// Most memory that scrypt may take, bytes: four times what wallets ask for (n = 2^18, r = 8).
const MOST_MEMORY: u64 = 1 << 30;
/// Most work of scrypt, n r p: 32 times what wallets ask for.
const MOST_WORK: u64 = 1 << 26;
/// Most rounds of PBKDF2: 38 times what wallets ask for (2^18).
const MOST_ROUNDS: u32 = 10_000_000;

/// Why a keystore gives no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreFault {
    /// Not JSON of that form.
    #[error("this is no keystore of version 3 or 4 ({0}): give the file as the wallet or node wrote it")]
    Form(String),
    /// Of a version that we do not read.
    #[error(
        "this keystore is of version {0}; versions 3 and 4 can be read: import it into a newer wallet first"
    )]
    Version(u64),
    /// Sealed in another way.
    #[error("this keystore is sealed with {0}, which is not supported: aes-128-ctr with scrypt or pbkdf2 is")]
    Method(String),
    /// More work than any wallet asks for.
    #[error("this keystore asks for more memory or time than any wallet does: is it yours?")]
    Work,
    /// The checksum does not fit.
    #[error("the password is wrong (or the keystore is damaged)")]
    Password,
    /// What was sealed is no key.
    #[error("what this keystore holds is no private key")]
    Key,
}

/// A keystore, still closed.
#[derive(Debug)]
pub struct Keystore {
    account: Option<Account>,
    sealed: Sealed,
}

#[derive(Deserialize)]
struct File {
    version: u64,
    address: Option<String>,
    #[serde(alias = "Crypto")]
    crypto: Option<Sealed>,
    keyring: Option<Keyring>,
}

/// Kaia: keys by role, the first role signs transactions; or the keys of the one role.
#[derive(Deserialize)]
#[serde(untagged)]
enum Keyring {
    Roles(Vec<Vec<Sealed>>),
    Keys(Vec<Sealed>),
}

#[derive(Debug, Deserialize)]
struct Sealed {
    cipher: String,
    ciphertext: String,
    cipherparams: CipherParameters,
    kdf: String,
    kdfparams: KdfParameters,
    mac: String,
}

#[derive(Debug, Deserialize)]
struct CipherParameters {
    iv: String,
}

#[derive(Debug, Deserialize)]
struct KdfParameters {
    dklen: u64,
    salt: String,
    n: Option<u64>,
    r: Option<u32>,
    p: Option<u32>,
    c: Option<u32>,
    prf: Option<String>,
}

impl Keystore {
    /// Reads a keystore; of several keys the first.
    ///
    /// # Errors
    /// When it is none, or of another version.
    pub fn parse(text: &str) -> Result<Self, KeystoreFault> {
        let file: File = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        let sealed = match (file.version, file.crypto, file.keyring) {
            (3, Some(sealed), _) => Some(sealed),
            (4, _, Some(Keyring::Roles(roles))) => {
                roles.into_iter().next().and_then(|r| r.into_iter().next())
            }
            (4, _, Some(Keyring::Keys(keys))) => keys.into_iter().next(),
            (3 | 4, ..) => None,
            (other, ..) => return Err(KeystoreFault::Version(other)),
        };
        let account = file.address.map(|address| {
            let address = address.to_ascii_lowercase();
            let digits = address.strip_prefix("0x").unwrap_or(&address);
            Account::typed(&format!("0x{digits}")).map_err(|_| form("its address is none"))
        });
        Ok(Self { account: account.transpose()?, sealed: sealed.ok_or_else(|| form("it holds no key"))? })
    }

    /// The account that it says it is for.
    pub fn account(&self) -> Option<Account> {
        self.account
    }

    /// The key in it.
    ///
    /// # Errors
    /// When the password is wrong or the method is not known.
    pub fn open(&self, password: &str) -> Result<SecretKey, KeystoreFault> {
        let sealed = &self.sealed;
        if sealed.cipher != "aes-128-ctr" {
            return Err(KeystoreFault::Method(shown(&sealed.cipher)));
        }
        let mut text = bytes("ciphertext", &sealed.ciphertext)?;
        let iv: [u8; 16] = exactly("iv", &sealed.cipherparams.iv)?;
        let mac: [u8; 32] = exactly("mac", &sealed.mac)?;
        let derived = sealed.derive(password)?;
        if keccak256([&derived[16..], &text].concat()) != mac {
            return Err(KeystoreFault::Password);
        }
        let mut cipher = Ctr128BE::<Aes128>::new_from_slices(&derived[..16], &iv)
            .expect("halves of 32 bytes are a key and 16 bytes a counter");
        cipher.apply_keystream(&mut text);
        let key = text.try_into().map_err(|_| KeystoreFault::Key)?;
        SecretKey::from_byte_array(key).map_err(|_| KeystoreFault::Key)
    }
}

impl Sealed {
    /// The 32 bytes that follow from the password: half for the cipher, half for the checksum.
    fn derive(&self, password: &str) -> Result<[u8; 32], KeystoreFault> {
        let parameters = &self.kdfparams;
        let salt = bytes("salt", &parameters.salt)?;
        if parameters.dklen != 32 {
            return Err(KeystoreFault::Method(format!("a derived key of {} bytes", parameters.dklen)));
        }
        let mut derived = [0; 32];
        match self.kdf.as_str() {
            "scrypt" => {
                let parameters = parameters.scrypt()?;
                scrypt::scrypt(password.as_bytes(), &salt, &parameters, &mut derived)
                    .map_err(|_| form("kdfparams"))?;
            }
            "pbkdf2" => {
                let rounds = parameters.rounds()?;
                pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, rounds, &mut derived);
            }
            other => return Err(KeystoreFault::Method(shown(other))),
        }
        Ok(derived)
    }
}

impl KdfParameters {
    fn scrypt(&self) -> Result<scrypt::Params, KeystoreFault> {
        let (Some(n), Some(r), Some(p)) = (self.n, self.r, self.p) else {
            return Err(form("kdfparams of scrypt are n, r and p"));
        };
        let each = n.saturating_mul(u64::from(r));
        if each.saturating_mul(128) > MOST_MEMORY || each.saturating_mul(u64::from(p)) > MOST_WORK {
            return Err(KeystoreFault::Work);
        }
        if !n.is_power_of_two() {
            return Err(form("n is no power of two"));
        }
        scrypt::Params::new(n.ilog2() as u8, r, p, 32).map_err(|_| form("kdfparams of scrypt"))
    }

    fn rounds(&self) -> Result<u32, KeystoreFault> {
        let prf = self.prf.as_deref().unwrap_or("no prf");
        if prf != "hmac-sha256" {
            return Err(KeystoreFault::Method(format!("pbkdf2 and {}", shown(prf))));
        }
        match self.c {
            Some(c) if c > MOST_ROUNDS => Err(KeystoreFault::Work),
            Some(c) if c > 0 => Ok(c),
            _ => Err(form("kdfparams of pbkdf2 are c and prf")),
        }
    }
}

/// Where it fails and not what is there: it may be a key, given in place of a keystore.
fn not_json(error: &serde_json::Error) -> KeystoreFault {
    form(&format!("line {}, column {}", error.line(), error.column()))
}

fn form(why: &str) -> KeystoreFault {
    KeystoreFault::Form(shown(why))
}

/// What a file says, short and printable.
fn shown(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~')).take(80).collect()
}

fn bytes(field: &str, digits: &str) -> Result<Vec<u8>, KeystoreFault> {
    hex::decode(digits.strip_prefix("0x").unwrap_or(digits)).map_err(|_| form(field))
}

fn exactly<const N: usize>(field: &str, digits: &str) -> Result<[u8; N], KeystoreFault> {
    bytes(field, digits)?.try_into().map_err(|_| form(field))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::account::signature::account_of;

    const KEY: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    const PASSWORD: &str = "correct horse";
    /// By eth-keyfile 0.8.1 (Python): `create_keyfile_json(KEY, b"correct horse", kdf="scrypt",
    /// iterations=4096)`, and with `kdf="pbkdf2", iterations=1024`.
    const SCRYPT: &str = r#"{"address": "2c7536E3605D9C16a7a3D7b1898e529396a65c23", "crypto": {"cipher": "aes-128-ctr", "cipherparams": {"iv": "4bb876745c1a192144eb2c49506e501c"}, "ciphertext": "a4d4285a2ddb520ac5284f5af4489d795395572498f7d4b605524b49369f63af", "kdf": "scrypt", "kdfparams": {"dklen": 32, "n": 4096, "r": 8, "p": 1, "salt": "75d6deed7082846615c122fbc27e48b9"}, "mac": "80b4851b434e30a8b9393f8314ed38e69cab2467fc532ca97f9486a5f3d0c87b"}, "id": "86ffe817-2061-45cf-8e54-f00d5ba4ecac", "version": 3}"#;
    const PBKDF2: &str = r#"{"address": "2c7536E3605D9C16a7a3D7b1898e529396a65c23", "crypto": {"cipher": "aes-128-ctr", "cipherparams": {"iv": "ad74b4b329fc88bbf9a90b0418df89b1"}, "ciphertext": "75672a76431555355e9001d1c432061b5b297db99a6572398bc57cd149d43d49", "kdf": "pbkdf2", "kdfparams": {"c": 1024, "dklen": 32, "prf": "hmac-sha256", "salt": "0586661b3bdd6f34693a0a89ac5ac1cc"}, "mac": "64986ade7d47469dab663e0607107b82957661e59edea59f55c4b82041d3a2ea"}, "id": "9dd6a478-3890-488a-801d-a0ca56fa864a", "version": 3}"#;

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn open(file: &Value, password: &str) -> Result<SecretKey, KeystoreFault> {
        Keystore::parse(&file.to_string())?.open(password)
    }

    /// The sealed key of a version 3 file as a version 4 file holds it.
    fn version_4(keyring: &Value) -> Value {
        json!({ "version": 4, "address": "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23", "keyring": keyring })
    }

    #[test]
    fn files_of_another_program_are_opened() {
        for text in [SCRYPT, PBKDF2] {
            let store = Keystore::parse(text).unwrap();
            let key = store.open(PASSWORD).unwrap();
            assert_eq!(key, KEY.parse().unwrap());
            assert_eq!(store.account(), Some(account_of(&key)));
            for wrong in ["", "correct horse ", "Correct horse"] {
                assert_eq!(store.open(wrong), Err(KeystoreFault::Password));
            }
        }
    }

    #[test]
    fn of_kaias_lists_the_first_key_is_taken() {
        let (first, second) = (&json(SCRYPT)["crypto"], &json(PBKDF2)["crypto"]);
        let broken = json!({ "cipher": "none" });
        for keyring in [json!([first, second]), json!([[first, second], [second]]), json!([[first], []])] {
            assert_eq!(open(&version_4(&keyring), PASSWORD), Ok(KEY.parse().unwrap()));
        }
        for keyring in [json!([]), json!([[]]), json!([[], [first]]), json!([broken]), json!({}), json!(null)]
        {
            let fault = open(&version_4(&keyring), PASSWORD).unwrap_err();
            assert!(matches!(fault, KeystoreFault::Form(_)), "{keyring}: {fault}");
        }
    }

    #[test]
    fn what_is_changed_is_refused() {
        let changed = |path: &str, value: Value| {
            let mut file = json(SCRYPT);
            *file.pointer_mut(path).unwrap() = value;
            open(&file, PASSWORD).unwrap_err()
        };
        let form = |fault: KeystoreFault| matches!(fault, KeystoreFault::Form(_));
        assert_eq!(changed("/version", json!(1)), KeystoreFault::Version(1));
        assert_eq!(
            changed("/crypto/cipher", json!("aes-128-cbc")),
            KeystoreFault::Method("aes-128-cbc".into())
        );
        assert_eq!(changed("/crypto/kdf", json!("argon2\u{1b}")), KeystoreFault::Method("argon2".into()));
        assert_eq!(changed("/crypto/ciphertext", json!("00".repeat(32))), KeystoreFault::Password);
        assert_eq!(changed("/crypto/mac", json!("00".repeat(32))), KeystoreFault::Password);
        assert!(form(changed("/crypto/mac", json!("00"))));
        assert!(form(changed("/crypto/cipherparams/iv", json!("zz"))));
        assert!(form(changed("/crypto/kdfparams/salt", json!(5))));
        assert!(form(changed("/crypto/kdfparams/n", json!(4095))));
        assert!(form(changed("/crypto/kdfparams/r", json!(0))));
        assert!(form(changed("/address", json!("0x12"))));
        assert!(matches!(changed("/crypto/kdfparams/dklen", json!(16)), KeystoreFault::Method(_)));
        for odd in ["", "{}", "[]", "73550", "0x73550", "\"73550\"", "{\"version\":3}"] {
            let fault = Keystore::parse(odd).unwrap_err();
            assert!(matches!(fault, KeystoreFault::Form(_)), "{odd}");
            assert!(!fault.to_string().contains("73"), "what may be a key is not said again: {fault}");
        }
    }

    #[test]
    fn a_file_cannot_ask_for_all_memory() {
        for (path, value) in [("n", 1_u64 << 40), ("n", 1 << 63), ("r", 1 << 20), ("p", 1 << 30)] {
            let mut file = json(SCRYPT);
            file["crypto"]["kdfparams"][path] = json!(value);
            assert_eq!(open(&file, PASSWORD), Err(KeystoreFault::Work), "{path}");
        }
        let mut file = json(PBKDF2);
        file["crypto"]["kdfparams"]["c"] = json!(u32::MAX);
        assert_eq!(open(&file, PASSWORD), Err(KeystoreFault::Work));
        file["crypto"]["kdfparams"]["c"] = json!(0);
        assert!(matches!(open(&file, PASSWORD), Err(KeystoreFault::Form(_))));
    }
}
