//! Keys of validators: ed25519, each known by the first 20 bytes of its public key's SHA-256.
//!
//! An address does not give back its key, as a secp256k1 signature does: a proof is the public key followed by the
//! signature over the text's bytes. A vote has, after its length, the tag of its first field where the text has a
//! letter: no proof is a vote.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{SECRET_KEY_LENGTH, Signature, Signer as _, SigningKey, VerifyingKey};
use serde::Deserialize;

use super::reply::written;
use super::wire::sha256;
use crate::claim::{NameForm, ProofFault, ValidatorKeys};

/// What CometBFT calls the kind of key in its file.
const ED25519: &str = "tendermint/PrivKeyEd25519";

/// Consensus keys of CometBFT's validators.
pub(super) struct ConsensusKeys;

/// `priv_validator_key.json`.
#[derive(Deserialize)]
struct KeyFile {
    priv_key: Sealed,
}

#[derive(Deserialize)]
struct Sealed {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl ValidatorKeys for ConsensusKeys {
    fn named(&self, text: &str) -> Option<String> {
        let good = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        good.then(|| text.to_ascii_uppercase())
    }

    fn form(&self) -> NameForm {
        NameForm::ConsensusAddress
    }

    fn are_accounts(&self) -> bool {
        false
    }

    fn of(&self, key: &str) -> Result<String, String> {
        Ok(address(&parsed(key)?.verifying_key()))
    }

    fn sign(&self, key: &str, text: &str) -> Result<String, String> {
        let key = parsed(key)?;
        let signature = key.sign(text.as_bytes());
        Ok(hex::encode(key.verifying_key().as_bytes()) + &hex::encode(signature.to_bytes()))
    }

    fn check(&self, validator: &str, text: &str, proof: &str) -> Result<(), ProofFault> {
        let mut bytes = [0; 96];
        let digits = proof.strip_prefix("0x").unwrap_or(proof);
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| ProofFault::Form)?;
        let (key, signature) = bytes.split_at(32);
        let key = key.try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
        let key = key.ok_or(ProofFault::NoKey)?;
        let by = address(&key);
        if !by.eq_ignore_ascii_case(validator) {
            return Err(ProofFault::Another { by, validator: validator.to_owned() });
        }
        let signature = Signature::from_slice(signature).map_err(|_| ProofFault::Form)?;
        // Strict: a text has no second signature, and no weak key signs for everybody.
        key.verify_strict(text.as_bytes(), &signature).map_err(|_| ProofFault::Text(text.to_owned()))
    }
}

fn address(key: &VerifyingKey) -> String {
    let mut hash = written(&sha256(key.as_bytes()));
    hash.truncate(40);
    hash
}

/// The key in `priv_validator_key.json`, or in 64 hexadecimal digits. What is no key is not said again: it may be one.
fn parsed(text: &str) -> Result<SigningKey, String> {
    let mut secret = [0; SECRET_KEY_LENGTH];
    if hex::decode_to_slice(text.trim().trim_start_matches("0x"), &mut secret).is_ok() {
        return Ok(SigningKey::from_bytes(&secret));
    }
    let none = "this is neither a priv_validator_key.json of CometBFT nor 64 hexadecimal digits";
    let file: KeyFile = serde_json::from_str(text).map_err(|_| none.to_owned())?;
    if file.priv_key.kind != ED25519 {
        return Err(format!("the key is not of type {ED25519}, the only one whose votes can be checked"));
    }
    let pair = STANDARD.decode(&file.priv_key.value).ok().and_then(|pair| pair.try_into().ok());
    let pair = pair.ok_or("the private key in the file is not 64 bytes in base64")?;
    SigningKey::from_keypair_bytes(&pair)
        .map_err(|_| "the two halves of the key in the file do not belong together".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Claim;

    /// A validator of `cometbft testnet` 0.38.25.
    const FILE: &str = r#"{
  "address": "F3BED3D9FFAD5106CEBAEFA842DBF34424C0FBB1",
  "pub_key": { "type": "tendermint/PubKeyEd25519", "value": "RmUF3H2RKl+BhfFgFRSiMbybftTYZEsYoB+vc80BcdQ=" },
  "priv_key": {
    "type": "tendermint/PrivKeyEd25519",
    "value": "UHeaJWJkBM+0GQcdcIQlba1rd+Od/X9BhoHerAJlhFNGZQXcfZEqX4GF8WAVFKIxvJt+1NhkSxigH69zzQFx1A=="
  }
}"#;
    const VALIDATOR: &str = "F3BED3D9FFAD5106CEBAEFA842DBF34424C0FBB1";
    /// By cryptography 50 (Python, OpenSSL): `key.sign(text)` after the public key.
    const KNOWN: &str = "466505dc7d912a5f8185f1601514a231bc9b7ed4d8644b18a01faf73cd0171d410c747042512720c333ca7055cb7ddb5be17c9fdc1a0bcc236d4c94f3c951770dcf111fcdf827119d90a72ee50955676362e658f81f9bbaf314ad8bfb520b300";

    fn text() -> String {
        let account = "0xabcdef0000000000000000000000000000000001";
        Claim { account, validator: VALIDATOR, genesis: "AB", season: "spring" }.to_string()
    }

    fn refused(text: &str, proof: &str) -> String {
        ConsensusKeys.check(VALIDATOR, text, proof).unwrap_err().to_string()
    }

    #[test]
    fn a_proof_of_another_program_is_taken_and_ours_is_the_same() {
        assert_eq!(ConsensusKeys.of(FILE).as_deref(), Ok(VALIDATOR));
        assert_eq!(ConsensusKeys.sign(FILE, &text()).as_deref(), Ok(KNOWN));
        for proof in [KNOWN.to_owned(), format!("0x{KNOWN}"), KNOWN.to_uppercase()] {
            assert_eq!(ConsensusKeys.check(VALIDATOR, &text(), &proof), Ok(()));
        }
        let seed = "50779a25626404cfb419071d7084256dad6b77e39dfd7f418681deac02658453";
        assert_eq!(ConsensusKeys.sign(seed, &text()).as_deref(), Ok(KNOWN));
    }

    #[test]
    fn a_proof_is_of_one_text_by_one_key() {
        assert!(refused(&text().replace("spring", "autumn"), KNOWN).contains("this very text"));
        assert!(refused(&format!("{} ", text()), KNOWN).contains("this very text"));
        let other = ConsensusKeys.sign(&"11".repeat(32), &text()).unwrap();
        assert!(refused(&text(), &other).contains("not of F3BED3D9"));
        // Somebody else's signature behind the validator's public key.
        assert!(refused(&text(), &format!("{}{}", &KNOWN[..64], &other[64..])).contains("this very text"));
    }

    #[test]
    fn a_second_signature_and_what_is_no_proof_are_refused() {
        // s plus the order of the group: the same signature to whoever does not look.
        assert!(refused(&text(), "466505dc7d912a5f8185f1601514a231bc9b7ed4d8644b18a01faf73cd0171d410c747042512720c333ca7055cb7ddb5be17c9fdc1a0bcc236d4c94f3c951770c9c50759fae58371afa769912f8f358b362e658f81f9bbaf314ad8bfb520b310").contains("this very text"));
        for odd in ["", "0x", "garbage", &KNOWN[2..], &format!("{KNOWN}00"), "서명"] {
            assert!(refused(&text(), odd).contains("192 hexadecimal digits"), "{odd}");
        }
        // The neutral point is everybody's key, with r of the same and s of zero.
        let weak = format!("01{}01{}", "00".repeat(31), "00".repeat(63));
        let of = address(
            &VerifyingKey::from_bytes(&hex::decode(&weak[..64]).unwrap().try_into().unwrap()).unwrap(),
        );
        assert_eq!(ConsensusKeys.check(&of, &text(), &weak), Err(ProofFault::Text(text())));
        let zeros = "02".to_owned() + &"00".repeat(95);
        assert!(!refused(&text(), &zeros).is_empty());
    }

    #[test]
    fn a_name_has_one_spelling() {
        assert_eq!(ConsensusKeys.named(&VALIDATOR.to_lowercase()).as_deref(), Some(VALIDATOR));
        for odd in ["", "0x", &VALIDATOR[1..], &format!("{VALIDATOR}0"), &format!("0x{VALIDATOR}"), "서명"]
        {
            assert_eq!(ConsensusKeys.named(odd), None, "{odd}");
        }
    }

    #[test]
    fn what_is_no_key_is_told_and_not_said_again() {
        let secp = FILE.replace("PrivKeyEd25519", "PrivKeySecp256k1");
        let torn = FILE.replace("UHea", "UHeb");
        let short = FILE.replace("UHea", "");
        for (odd, why) in
            [("", "neither"), ("{}", "neither"), (&secp, "type"), (&torn, "halves"), (&short, "64 bytes")]
        {
            let told = ConsensusKeys.of(odd).unwrap_err();
            assert!(told.contains(why) && !told.contains("UHe"), "{odd}: {told}");
        }
    }
}
