//! Signatures of texts by account keys, under the two prefixes that wallets put before a text.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::{Address, B256, Keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SecretKey};

use crate::account::{address_of_key, context, signer};

/// Half of the order of the secp256k1 group: a larger s has a twin below, which says the same (EIP-2).
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d,
    0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// What a wallet puts before a text, so that a signed text is never a signed transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// `\x19Ethereum Signed Message:\n` (EIP-191): almost every wallet.
    Ethereum,
    /// `\x19Klaytn Signed Message:\n` (KIP-97): wallets made for Kaia.
    Klaytn,
}

impl Prefix {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ethereum, Self::Klaytn];
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ethereum => "ethereum",
            Self::Klaytn => "klaytn",
        })
    }
}

impl FromStr for Prefix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|prefix| prefix.to_string() == text);
        named.ok_or("choose ethereum or klaytn")
    }
}

/// A signature from which the signer follows: r, s, and the parity of the nonce point's y. Both
/// numbers are in range and s is the lower of its two twins, so that a text has one signature a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 65]);

/// Why a signature is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// Not 65 bytes in hexadecimal.
    #[error("a signature is 130 hexadecimal digits, with or without 0x: copy it whole")]
    Form,
    /// The last byte tells no parity.
    #[error("the signature's last byte is {0}, and must be 27, 28, 0 or 1: sign a text, not a transaction")]
    Parity(u8),
    /// r or s is zero or not below the order of the group, or no point belongs to r.
    #[error("the signature's numbers are out of range: no wallet makes such a signature; sign again")]
    Range,
    /// The upper of two twins.
    #[error(
        "the signature's s is in the upper half, as no wallet has made it since 2016 (EIP-2): sign again"
    )]
    HighS,
    /// Somebody else signed, or another text was signed.
    #[error(
        "the signature is not by {account} over this very text: sign the text unchanged, with that account's key \
         (it would be by {ethereum} if signed as Ethereum wallets do, by {klaytn} as Kaia's do)"
    )]
    Stranger {
        /// Who should have signed.
        account: Address,
        /// The signer under the Ethereum prefix.
        ethereum: Address,
        /// The signer under the Klaytn prefix.
        klaytn: Address,
    },
}

/// What is signed: Keccak-256 of the prefix, the text's length in bytes, and the text.
pub fn digest(prefix: Prefix, text: &str) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(match prefix {
        Prefix::Ethereum => b"\x19Ethereum Signed Message:\n".as_slice(),
        Prefix::Klaytn => b"\x19Klaytn Signed Message:\n".as_slice(),
    });
    hasher.update(text.len().to_string());
    hasher.update(text);
    hasher.finalize()
}

/// Signs a text as a wallet does.
pub fn sign(key: &SecretKey, prefix: Prefix, text: &str) -> Signature {
    let digest = Message::from_digest(digest(prefix, text).0);
    let (recovery, compact) = context().sign_ecdsa_recoverable(digest, key).serialize_compact();
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&compact);
    bytes[64] = i32::from(recovery) as u8 & 1;
    Signature(bytes)
}

/// The address of a private key's account.
pub fn address_of(key: &SecretKey) -> Address {
    address_of_key(&PublicKey::from_secret_key(context(), key))
}

/// Checks that `account` signed `text`, and tells under which prefix.
///
/// It tells of the key that the address was made from. A Kaia account may have been given another key
/// since (its account update); what the chain says of that is not asked here.
///
/// # Errors
/// [`SignatureFault::Stranger`], or [`SignatureFault::Range`] if the signature is nobody's.
pub fn verify(text: &str, signature: &Signature, account: Address) -> Result<Prefix, SignatureFault> {
    let ethereum = signature.signer(Prefix::Ethereum, text)?;
    let klaytn = signature.signer(Prefix::Klaytn, text)?;
    if ethereum == account {
        Ok(Prefix::Ethereum)
    } else if klaytn == account {
        Ok(Prefix::Klaytn)
    } else {
        Err(SignatureFault::Stranger { account, ethereum, klaytn })
    }
}

impl Signature {
    /// Who signed `text`, if it was signed under `prefix`; under the other it would be somebody else.
    ///
    /// # Errors
    /// [`SignatureFault::Range`] when the signature is nobody's.
    pub fn signer(&self, prefix: Prefix, text: &str) -> Result<Address, SignatureFault> {
        signer(digest(prefix, text), &self.0).ok_or(SignatureFault::Range)
    }
}

/// `0x`, r, s, and 27 or 28.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [compact @ .., parity] = &self.0;
        write!(f, "0x{}{:02x}", hex::encode(compact), 27 + parity)
    }
}

impl FromStr for Signature {
    type Err = SignatureFault;

    fn from_str(text: &str) -> Result<Self, SignatureFault> {
        let mut bytes = [0; 65];
        let digits = text.strip_prefix("0x").unwrap_or(text);
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| SignatureFault::Form)?;
        let [compact @ .., v] = bytes;
        bytes[64] = match v {
            0 | 27 => 0,
            1 | 28 => 1,
            _ => return Err(SignatureFault::Parity(v)),
        };
        let (r, s) = compact.split_at(32);
        // The library refuses what is not below the order; zero it refuses only when it recovers.
        let in_range = RecoverableSignature::from_compact(&compact, RecoveryId::Zero).is_ok();
        if !in_range || r == [0; 32] || s == [0; 32] {
            return Err(SignatureFault::Range);
        }
        if s > HALF_ORDER.as_slice() {
            return Err(SignatureFault::HighS);
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key and signature of the example in KIP-97, made by caver-js. The others by eth-account 0.13.7
    /// and eth-keys 0.8.0 (Python), which signs as RFC 6979 says:
    ///
    /// ```text
    /// a = Account.from_key(KEY); a.sign_message(encode_defunct(text=t)).signature.hex()
    /// b = t.encode(); h = keccak(b"\x19Klaytn Signed Message:\n" + str(len(b)).encode() + b)
    /// s = keys.PrivateKey(KEY).sign_msg_hash(h); "%064x%064x%02x" % (s.r, s.s, 27 + s.v)
    /// ```
    const KEY: &str = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    const ACCOUNT: &str = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
    const KNOWN: [(&str, Prefix, &str); 6] = [
        (
            "Some data",
            Prefix::Klaytn,
            "4a57bcff1637346a4323a67acd7a478514d9f00576f42942d50a5ca0e4b0342b5914e19a8ebc10ce1450b00a3b9c1bf0ce01909bca3ffdead1aa3a791a97b5ac1b",
        ),
        (
            "Some data",
            Prefix::Ethereum,
            "b91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c",
        ),
        (
            "",
            Prefix::Ethereum,
            "8a68b4e66cd2b575338e16069d7b65f6f67c7ceae8945dccf8cb7bdb06278d933dd9c888f3444ca4698464079a067ad3cfffe96d493b8ecf56885169d0fdfe7d1b",
        ),
        (
            "",
            Prefix::Klaytn,
            "bbf66c1006d8c575f8b923989b88679445a6a67689197fa88aa946e35d5dd23f45924db2ce6d6b4759d80b9274d60be97f57c31d286dd0269e1faab2a51a84241c",
        ),
        (
            "Grüße ✓",
            Prefix::Ethereum,
            "cc4e8dc9758b03ae5aca804715fabb8f8d5cec58a6f4467332979728836006fc118f15341fc3203cd81d7dc3df89f32db2d2100d489468628690011e7f3982ae1c",
        ),
        (
            "Grüße ✓",
            Prefix::Klaytn,
            "f5853911f87666400e01b6013de5ee8e283a3a8e2d88812f105777c2f5956b4045e0796b8ba867beb722293253bee5bbb99907ac502b88ea3587c8943973ba761b",
        ),
    ];

    fn key() -> SecretKey {
        KEY.parse().unwrap()
    }

    #[test]
    fn the_digest_is_that_of_kip_97() {
        let known = "0x8ed2036502ed7f485b81feaec1c581d236a8b711e55a24077724879c8a263c2a";
        assert_eq!(digest(Prefix::Klaytn, "Some data").to_string(), known);
    }

    #[test]
    fn signatures_of_other_programs_are_taken_and_made() {
        let account = ACCOUNT.parse().unwrap();
        assert_eq!(address_of(&key()), account);
        for (text, prefix, known) in KNOWN {
            let signature: Signature = known.parse().unwrap();
            assert_eq!(verify(text, &signature, account), Ok(prefix), "{text:?} {prefix}");
            assert_eq!(sign(&key(), prefix, text), signature, "{text:?} {prefix}");
            assert_eq!(signature.to_string(), format!("0x{known}"));
        }
    }

    #[test]
    fn a_round_trip_tells_the_prefix_and_a_stranger() {
        for number in 1..=64_u8 {
            let mut bytes = [0; 32];
            bytes[31] = number;
            let (key, text) = (SecretKey::from_byte_array(bytes).unwrap(), format!("text {number}"));
            for prefix in Prefix::ALL {
                let signature = sign(&key, prefix, &text).to_string().parse().unwrap();
                assert_eq!(verify(&text, &signature, address_of(&key)), Ok(prefix));
                let stranger = verify(&text, &signature, ACCOUNT.parse().unwrap()).unwrap_err();
                let SignatureFault::Stranger { ethereum, klaytn, .. } = stranger else {
                    panic!("{stranger}")
                };
                let told = if prefix == Prefix::Ethereum { ethereum } else { klaytn };
                assert_eq!(told, address_of(&key));
                assert_ne!(ethereum, klaytn);
            }
        }
    }

    #[test]
    fn the_last_byte_is_one_of_four() {
        let good: Signature = KNOWN[0].2.parse().unwrap();
        for v in 0..=255_u8 {
            let read = format!("{}{v:02x}", &KNOWN[0].2[..128]).parse::<Signature>();
            match v {
                0 | 27 => assert_eq!(read, Ok(good)),
                1 | 28 => assert!(read.is_ok_and(|other| other != good)),
                _ => assert_eq!(read, Err(SignatureFault::Parity(v))),
            }
        }
    }

    #[test]
    fn the_upper_twin_is_refused() {
        let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        let half = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
        let above = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1";
        let last = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
        let (r, zero) = (&KNOWN[0].2[..64], "0".repeat(64));
        let read = |r: &str, s: &str| format!("0x{r}{s}1b").parse::<Signature>();
        assert!(read(r, half).is_ok());
        for (r, s, fault) in [
            (r, above, SignatureFault::HighS),
            (r, last, SignatureFault::HighS),
            (r, order, SignatureFault::Range),
            (order, half, SignatureFault::Range),
            (r, &zero, SignatureFault::Range),
            (&zero, half, SignatureFault::Range),
        ] {
            assert_eq!(read(r, s), Err(fault), "{r} {s}");
        }
    }

    #[test]
    fn other_text_is_no_signature() {
        let known = KNOWN[0].2;
        let (long, spaced) = (format!("{known}00"), format!(" {known}"));
        for odd in ["", "0x", &known[2..], &known[..129], &long, &spaced, &known.replacen('4', "g", 1)] {
            assert_eq!(odd.parse::<Signature>(), Err(SignatureFault::Form), "{odd}");
        }
    }
}
