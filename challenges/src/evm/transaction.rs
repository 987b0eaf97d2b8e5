//! Legacy (EIP-155) and EIP-1559 transactions: encoding, signing, hash.

use alloy_primitives::{Address, B256, keccak256};
use alloy_rlp::{BufMut, Encodable, Header};

use crate::account::{Account, Flaw, Signature};

/// The two encodings that every EVM chain takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// EIP-155.
    Legacy,
    /// EIP-1559, type 2.
    DynamicFee,
}

/// A transaction before it is signed. Money in wei.
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub(crate) form: Form,
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) fee_cap: u128,
    pub(crate) tip: u128,
    pub(crate) gas: u64,
    /// None: a contract is created.
    pub(crate) to: Option<Address>,
    pub(crate) value: u128,
    pub(crate) data: Vec<u8>,
}

impl Transaction {
    /// The raw bytes and hash, signed by `account`, its signature spoiled by `flaw`.
    pub(crate) fn sign(&self, account: &Account, flaw: Option<Flaw>) -> (Vec<u8>, B256) {
        let signature = account.sign(self.digest());
        self.seal(flaw.map_or(signature, |flaw| signature.spoiled(flaw)))
    }

    /// What is signed.
    fn digest(&self) -> B256 {
        let mut fields = self.fields();
        if self.form == Form::Legacy {
            self.chain_id.encode(&mut fields);
            0u8.encode(&mut fields);
            0u8.encode(&mut fields);
        }
        keccak256(self.envelope(&fields))
    }

    fn seal(&self, signature: Signature) -> (Vec<u8>, B256) {
        let mut fields = self.fields();
        let parity = u64::from(signature.odd);
        match self.form {
            Form::Legacy => (self.chain_id * 2 + 35 + parity).encode(&mut fields),
            Form::DynamicFee => parity.encode(&mut fields),
        }
        signature.r.encode(&mut fields);
        signature.s.encode(&mut fields);
        let raw = self.envelope(&fields);
        let hash = keccak256(&raw);
        (raw, hash)
    }

    fn fields(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        if self.form == Form::DynamicFee {
            self.chain_id.encode(&mut out);
        }
        self.nonce.encode(&mut out);
        if self.form == Form::DynamicFee {
            self.tip.encode(&mut out);
        }
        self.fee_cap.encode(&mut out);
        self.gas.encode(&mut out);
        match &self.to {
            Some(address) => address.encode(&mut out),
            None => out.put_u8(alloy_rlp::EMPTY_STRING_CODE),
        }
        self.value.encode(&mut out);
        self.data.as_slice().encode(&mut out);
        if self.form == Form::DynamicFee {
            out.put_u8(alloy_rlp::EMPTY_LIST_CODE);
        }
        out
    }

    fn envelope(&self, fields: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(fields.len() + 8);
        if self.form == Form::DynamicFee {
            out.put_u8(2);
        }
        Header { list: true, payload_length: fields.len() }.encode(&mut out);
        out.extend_from_slice(fields);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of EIP-155.
    #[test]
    fn the_example_of_eip_155_comes_out_byte_for_byte() {
        let transaction = Transaction {
            form: Form::Legacy,
            chain_id: 1,
            nonce: 9,
            fee_cap: 20_000_000_000,
            tip: 0,
            gas: 21_000,
            to: Some(Address::repeat_byte(0x35)),
            value: 1_000_000_000_000_000_000,
            data: vec![],
        };
        let (raw, _) = transaction.sign(&Account::parse(&"46".repeat(32)).unwrap(), None);
        let known = "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
        assert_eq!(hex::encode(raw), known);
    }

    #[test]
    fn flaws_change_the_signature_and_nothing_else() {
        let account = Account::parse(&"46".repeat(32)).unwrap();
        let transaction = Transaction {
            form: Form::DynamicFee,
            chain_id: 9,
            nonce: 0,
            fee_cap: 7,
            tip: 1,
            gas: 21_000,
            to: None,
            value: 0,
            data: vec![1, 2],
        };
        let (good, _) = transaction.sign(&account, None);
        for flaw in [Flaw::HighS, Flaw::OutOfRange, Flaw::FlippedBit] {
            let (bad, _) = transaction.sign(&account, Some(flaw));
            assert_ne!(good, bad);
            assert_eq!(good[..14], bad[..14], "the fields before the signature");
        }
    }
}
