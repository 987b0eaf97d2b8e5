//! Kaia's typed transactions: encoding, signing, hashes (chains.md 1.3).
//!
//! Such a transaction names its sender, may carry several signatures, and its fee may be another's to pay, in whole or
//! in part. Its hash is of all its bytes; that of a transaction whose fee another pays is therefore known only when
//! the payer has signed, and the sender knows it by another hash until then.

use alloy_primitives::{Address, B256, Bytes, keccak256};

use super::account_key::AccountKey;
use crate::account::{Account, Flaw, Signature};
use crate::rlp::{encoded, list};

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Money moves.
    ValueTransfer {
        /// To whom.
        to: Address,
        /// kei.
        value: u128,
    },
    /// Money moves, with some bytes beside it.
    ValueTransferMemo {
        /// To whom.
        to: Address,
        /// kei.
        value: u128,
        /// The bytes.
        memo: Vec<u8>,
    },
    /// The sender's key changes.
    AccountUpdate {
        /// The key from now on.
        key: AccountKey,
    },
}

/// Who pays the fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fee {
    /// The sender.
    Own,
    /// Another.
    Delegated(Address),
    /// Another pays this many percent of it, 1 to 99.
    Shared(Address, u8),
}

/// A typed transaction before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Chain id.
    pub chain_id: u64,
    /// Sequence number of the sender.
    pub nonce: u64,
    /// Offered for a unit of gas, kei.
    pub price: u128,
    /// Most gas.
    pub gas: u64,
    /// The sender.
    pub from: Address,
    /// What it does.
    pub body: Body,
    /// Who pays.
    pub fee: Fee,
}

/// A signed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// As it is sent.
    pub raw: Vec<u8>,
    /// By which the chain shows it.
    pub hash: B256,
    /// The hash without what the payer of the fee adds; the same where there is none.
    pub sender_hash: B256,
}

impl Transaction {
    /// Signed by `senders`, as many as the sender's key asks for, and by `payers` for the payer of the fee.
    pub fn sign(&self, senders: &[&Account], payers: &[&Account]) -> Signed {
        self.sign_with(senders, payers, None)
    }

    /// The same; `flaw` spoils the senders' signatures.
    pub(crate) fn sign_with(&self, senders: &[&Account], payers: &[&Account], flaw: Option<Flaw>) -> Signed {
        let mut fields = self.fields();
        let content = encoded(&Bytes::from(self.signed_content(&fields)));
        let sign = |digest, account: &Account, flaw: Option<Flaw>| {
            let signature = account.sign(digest);
            flaw.map_or(signature, |flaw| signature.spoiled(flaw))
        };
        let digest = self.digest(vec![content.clone()]);
        let signatures: Vec<_> = senders.iter().map(|one| sign(digest, one, flaw)).collect();
        fields.push(self.signatures(&signatures));
        let sender_hash = keccak256(self.envelope(&fields));
        if let Fee::Delegated(payer) | Fee::Shared(payer, _) = self.fee {
            let digest = self.digest(vec![content, encoded(&payer)]);
            let signatures: Vec<_> = payers.iter().map(|one| sign(digest, one, None)).collect();
            fields.extend([encoded(&payer), self.signatures(&signatures)]);
        }
        let raw = self.envelope(&fields);
        Signed { hash: keccak256(&raw), raw, sender_hash }
    }

    /// First byte of the transaction.
    pub fn kind(&self) -> u8 {
        let base = match self.body {
            Body::ValueTransfer { .. } => 0x08,
            Body::ValueTransferMemo { .. } => 0x10,
            Body::AccountUpdate { .. } => 0x20,
        };
        match self.fee {
            Fee::Own => base,
            Fee::Delegated(_) => base + 1,
            Fee::Shared(..) => base + 2,
        }
    }

    /// The fields before the signatures, encoded one by one.
    fn fields(&self) -> Vec<Vec<u8>> {
        let mut fields = vec![encoded(&self.nonce), encoded(&self.price), encoded(&self.gas)];
        let from = encoded(&self.from);
        match &self.body {
            Body::ValueTransfer { to, value } => fields.extend([encoded(to), encoded(value), from]),
            Body::ValueTransferMemo { to, value, memo } => {
                fields.extend([encoded(to), encoded(value), from, encoded(&memo.as_slice())]);
            }
            Body::AccountUpdate { key } => fields.extend([from, encoded(&key.encode().as_slice())]),
        }
        if let Fee::Shared(_, percent) = self.fee {
            fields.push(encoded(&percent));
        }
        fields
    }

    /// What everyone signs: kind and fields.
    fn signed_content(&self, fields: &[Vec<u8>]) -> Vec<u8> {
        let kind = encoded(&self.kind());
        list(&[&[kind], fields].concat())
    }

    /// `parts` with the chain's id, hashed.
    fn digest(&self, mut parts: Vec<Vec<u8>>) -> B256 {
        parts.extend([encoded(&self.chain_id), encoded(&0_u8), encoded(&0_u8)]);
        keccak256(list(&parts))
    }

    fn signatures(&self, signatures: &[Signature]) -> Vec<u8> {
        let one = |signature: &Signature| {
            let v = self.chain_id * 2 + 35 + u64::from(signature.odd);
            list(&[encoded(&v), encoded(&signature.r), encoded(&signature.s)])
        };
        list(&signatures.iter().map(one).collect::<Vec<_>>())
    }

    fn envelope(&self, fields: &[Vec<u8>]) -> Vec<u8> {
        [&[self.kind()], list(fields).as_slice()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account::parse("0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8").unwrap()
    }

    fn update(fee: Fee) -> Transaction {
        let key = "033a514176466fa815ed481ffad09110a2d344f6c9b78c1d14afc351c3a51be33d";
        Transaction {
            chain_id: 1,
            nonce: 1234,
            price: 0x19,
            gas: 0xf_4240,
            from: account().address(),
            body: Body::AccountUpdate {
                key: AccountKey::Public(hex::decode(key).unwrap().try_into().unwrap()),
            },
            fee,
        }
    }

    /// Test vector `20_AccountUpdate` of kaia v2.2.1.
    #[test]
    fn the_known_update_comes_out_byte_for_byte() {
        let update = update(Fee::Own);
        let content = encoded(&Bytes::from(update.signed_content(&update.fields())));
        let signed = list(&[content, encoded(&1_u8), encoded(&0_u8), encoded(&0_u8)]);
        assert_eq!(
            hex::encode(signed),
            "f849b844f842208204d219830f424094a94f5374fce5edbc8e2a8697c15331677e6ebf0ba302a1033a514176466fa815ed481ffad09110a2d344f6c9b78c1d14afc351c3a51be33d018080"
        );
        assert_eq!(
            hex::encode(update.sign(&[&account()], &[]).raw),
            "20f8888204d219830f424094a94f5374fce5edbc8e2a8697c15331677e6ebf0ba302a1033a514176466fa815ed481ffad09110a2d344f6c9b78c1d14afc351c3a51be33df845f84325a0f7d479628f05f51320f0842193e3f7ae55a5b49d3645bf55c35bee1e8fd2593aa04de8eab5338fdc86e96f8c49ed516550f793fc2c4007614ce3d2a6b33cf9e451"
        );
    }

    #[test]
    fn who_pays_shows_in_kind_and_hashes() {
        let payer = Account::parse(&"46".repeat(32)).unwrap();
        let own = update(Fee::Own).sign(&[&account()], &[&payer]);
        assert_eq!((own.raw[0], own.hash), (0x20, own.sender_hash), "nobody else signs");
        for (fee, kind) in [(Fee::Delegated(payer.address()), 0x21), (Fee::Shared(payer.address(), 30), 0x22)]
        {
            let signed = update(fee).sign(&[&account()], &[&payer]);
            assert_eq!(signed.raw[0], kind);
            assert_ne!(signed.hash, signed.sender_hash);
        }
    }

    #[test]
    fn several_signatures_stand_in_order() {
        let other = Account::parse(&"46".repeat(32)).unwrap();
        let one = update(Fee::Own).sign(&[&account()], &[]).raw;
        let two = update(Fee::Own).sign(&[&account(), &other], &[]).raw;
        let signature = &one[one.len() - 69..];
        assert_eq!(&two[two.len() - 138..two.len() - 69], signature);
    }
}
