//! Whose a validator is: the validator's own key signs one line that names who runs it, and in which season of which
//! chain, so that nobody claims somebody else's turns.

use std::fmt;

use alloy_primitives::Address;

use crate::account::Account;
use crate::personal_sign::{Prefix, Signature, SignatureFault, verify};

/// That an account runs a validator. Its text is what the validator's key signs.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Who runs it.
    pub account: &'a str,
    /// The validator, in its chain's spelling.
    pub validator: &'a str,
    /// Genesis of its chain.
    pub genesis: &'a str,
    /// The season: what is signed for one is good in no other.
    pub season: &'a str,
}

impl fmt::Display for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, validator, genesis, season } = self;
        let account = account.to_ascii_lowercase();
        write!(
            f,
            "Touchstone: account {account} runs validator {validator} of chain {genesis} in season {season}"
        )
    }
}

/// The form of a validator's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameForm {
    /// The address of a secp256k1 key.
    #[error("0x and 40 hexadecimal digits, the address of the key that signs its blocks")]
    Address,
    /// The address of a consensus key of CometBFT's.
    #[error("40 hexadecimal digits, the address in the node's priv_validator_key.json")]
    ConsensusAddress,
}

/// Why a proof does not prove.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// What should have signed is no validator.
    #[error("a validator is {0}")]
    Validator(NameForm),
    /// A signature from which its signer follows, and why it is not taken.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
    /// Not a public key and a signature in hexadecimal.
    #[error("a proof is 192 hexadecimal digits, public key and signature: copy it whole")]
    Form,
    /// The public key is none.
    #[error("the first 64 digits of the proof are no public key: sign again")]
    NoKey,
    /// The public key is another validator's.
    #[error("the proof is by the key of validator {by}, not of {validator}: sign with that one's key")]
    Another {
        /// Whose it is.
        by: String,
        /// Whose it should be.
        validator: String,
    },
    /// The key is the validator's, and the signature is over another text, or is none.
    #[error("the proof is not over this very text: sign `{0}`, unchanged")]
    Text(String),
}

/// The keys by which a chain family knows its validators.
pub trait ValidatorKeys: Sync {
    /// The one spelling of a validator's name, as blocks have it; none when the text is no such name.
    fn named(&self, text: &str) -> Option<String>;

    /// The form of such a name.
    fn form(&self) -> NameForm;

    /// Whether they are keys of accounts, which may be kept in keystores.
    fn are_accounts(&self) -> bool;

    /// The validator of a private key, which is as the family's nodes keep it in a file.
    ///
    /// # Errors
    /// In words, without the key, when it is none.
    fn of(&self, key: &str) -> Result<String, String>;

    /// The proof that the key's validator signed `text`.
    ///
    /// # Errors
    /// As [`Self::of`].
    fn sign(&self, key: &str, text: &str) -> Result<String, String>;

    /// Holds a proof against the `validator` who should have signed `text`.
    ///
    /// # Errors
    /// When it is no proof of that.
    fn check(&self, validator: &str, text: &str, proof: &str) -> Result<(), ProofFault>;
}

/// Validators that are addresses of secp256k1 keys: they sign texts as accounts do, under either prefix.
pub struct AddressKeys;

impl ValidatorKeys for AddressKeys {
    fn named(&self, text: &str) -> Option<String> {
        Some(format!("{:#x}", address(text)?))
    }

    fn form(&self) -> NameForm {
        NameForm::Address
    }

    fn are_accounts(&self) -> bool {
        true
    }

    fn of(&self, key: &str) -> Result<String, String> {
        Ok(format!("{:#x}", Account::parse(key)?.address()))
    }

    fn sign(&self, key: &str, text: &str) -> Result<String, String> {
        Ok(Account::parse(key)?.sign_text(Prefix::Ethereum, text).to_string())
    }

    fn check(&self, validator: &str, text: &str, proof: &str) -> Result<(), ProofFault> {
        let validator = address(validator).ok_or(ProofFault::Validator(self.form()))?;
        let signature: Signature = proof.parse()?;
        verify(text, &signature, validator)?;
        Ok(())
    }
}

fn address(text: &str) -> Option<Address> {
    let digits = text.strip_prefix("0x")?;
    let mut bytes = [0; 20];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of `personal_sign`'s known answers.
    const KEY: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    const VALIDATOR: &str = "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23";
    const CLAIM: Claim<'_> = Claim {
        account: "0xABcdef0000000000000000000000000000000001",
        validator: VALIDATOR,
        genesis: "0x0f",
        season: "spring",
    };
    /// By eth-account 0.13.7 and eth-keys 0.8.0 (Python), as `personal_sign`'s known answers are.
    const ETHEREUM: &str = "7d537527e5e890844d7d8680b0cc98df180451b71db5c06bf8cc77f0f3c90c2d7894e91a06278cec147979d92222d64c50dfd598bb16d54de770546e6337bfa41b";
    const KLAYTN: &str = "ed5f96eab99342272a248c00304ba0b078382e79821e9994b9e18a4b4e9dc64677b96c13d6494c0ae6237d50c31c40044c724b877e24c486a5bedb2d3118e0b41b";

    #[test]
    fn the_text_is_one_line_that_names_everything() {
        assert_eq!(
            CLAIM.to_string(),
            "Touchstone: account 0xabcdef0000000000000000000000000000000001 runs validator \
             0x2c7536e3605d9c16a7a3d7b1898e529396a65c23 of chain 0x0f in season spring"
        );
    }

    #[test]
    fn proofs_of_other_programs_are_taken_and_ours_is_theirs() {
        let text = CLAIM.to_string();
        assert_eq!(AddressKeys.of(KEY).as_deref(), Ok(VALIDATOR));
        assert_eq!(AddressKeys.sign(KEY, &text).unwrap(), format!("0x{ETHEREUM}"));
        for proof in [ETHEREUM, KLAYTN] {
            assert_eq!(AddressKeys.check(VALIDATOR, &text, proof), Ok(()));
            assert_eq!(AddressKeys.check(VALIDATOR, &text, &proof.to_uppercase()), Ok(()));
        }
    }

    #[test]
    fn a_proof_is_of_one_text_by_one_key() {
        let text = CLAIM.to_string();
        let refused =
            |text: &str, proof: &str| AddressKeys.check(VALIDATOR, text, proof).unwrap_err().to_string();
        let of = |key: &str| AddressKeys.sign(key, &text).unwrap();
        assert!(refused(&text, &of(&"46".repeat(32))).contains("not by 0x2c7536E3"));
        for other in [
            Claim { account: "0xabcdef0000000000000000000000000000000002", ..CLAIM },
            Claim { validator: "0x2c7536e3605d9c16a7a3d7b1898e529396a65c24", ..CLAIM },
            Claim { genesis: "0x10", ..CLAIM },
            Claim { season: "autumn", ..CLAIM },
        ] {
            assert!(refused(&other.to_string(), &of(KEY)).contains("over this very text"), "{other}");
        }
        assert!(refused(&format!("{text}\n"), &of(KEY)).contains("over this very text"));
    }

    #[test]
    fn the_upper_twin_and_what_is_no_signature_are_refused() {
        let text = CLAIM.to_string();
        let refused = |proof: &str| AddressKeys.check(VALIDATOR, &text, proof).unwrap_err().to_string();
        // s of the known answer taken from the order of the group, and the parity turned over.
        assert!(refused("7d537527e5e890844d7d8680b0cc98df180451b71db5c06bf8cc77f0f3c90c2d876b16e5f9d87313eb868626dddd29b269cf074df431caedd8620a1e6cfe819d1c").contains("upper half"));
        for odd in ["", "0x", "garbage", &ETHEREUM[2..], &format!("{ETHEREUM}00"), "서명"] {
            assert!(refused(odd).contains("130 hexadecimal digits"), "{odd}");
        }
        assert!(refused(&format!("{}{}", &ETHEREUM[..128], "05")).contains("last byte"));
        assert!(refused(&"00".repeat(65)).contains("out of range"));
        let nobody = AddressKeys.check("0x12", &text, ETHEREUM);
        assert_eq!(nobody, Err(ProofFault::Validator(NameForm::Address)));
    }

    #[test]
    fn a_name_has_one_spelling() {
        let checksummed = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
        assert_eq!(AddressKeys.named(checksummed).as_deref(), Some(VALIDATOR));
        for odd in ["", "0x", &VALIDATOR[2..], &VALIDATOR[..41], &format!("{VALIDATOR}0"), "0xg", "0X00"] {
            assert_eq!(AddressKeys.named(odd), None, "{odd}");
        }
        for odd in ["", "0x12", &"00".repeat(32), &"zz".repeat(32)] {
            let told = AddressKeys.of(odd).unwrap_err();
            assert!(told.contains("private key") && !told.contains("zz"), "{told}");
        }
    }
}
