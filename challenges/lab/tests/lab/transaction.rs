//! Transactions known from elsewhere, and bytes that are none.

use alloy_primitives::{Address, B256, U256, address, b256, hex};
use lab::{Refusal, Transaction};

use crate::wallet::{CHAIN_ID, Transfer, Wallet, order};

/// The example in the text of EIP-155.
const EIP_155: &[u8] = &hex!(
    "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe53"
    "7567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
);

fn decode(raw: &[u8]) -> Result<Transaction, Refusal> {
    Transaction::decode(raw, CHAIN_ID)
}

fn text(raw: &[u8]) -> String {
    decode(raw).unwrap_err().to_string()
}

#[test]
fn the_example_of_eip_155_is_read() {
    let tx = Transaction::decode(EIP_155, 1).unwrap();
    assert_eq!(tx.sender, address!("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"));
    assert_eq!(tx.hash, b256!("33469b22e9f636356c4160a87eb19df52b7412e8eac32a4a55ffe88ea8350788"));
    assert_eq!((tx.nonce, tx.gas, tx.intrinsic_gas), (9, 21_000, 21_000));
    assert_eq!(tx.fee_cap, U256::from(20_000_000_000_u64));
    assert_eq!(tx.to, Some(Address::repeat_byte(0x35)));
    assert_eq!(tx.value, U256::from(10_u64.pow(18)));
}

/// A transaction of the Ethereum main chain.
#[test]
fn a_type_2_transaction_of_the_main_chain_is_read() {
    let transfer = Transfer {
        chain_id: 1,
        nonce: 0x42,
        tip: U256::from(0x3b9a_ca00),
        cap: U256::from(0x4_a817_c800_u64),
        gas: 44_386,
        to: Some(address!("6069a6c32cf691f5982febae4faf8a6f3ab2f0f6")),
        value: U256::ZERO,
        data: hex!(
            "a22cb4650000000000000000000000005eee75727d804a2b13038928d36f8b188945a57a00000000000000000000000000000000"
            "00000000000000000000000000000000"
        )
        .to_vec(),
        access: Vec::new(),
    };
    let r = b256!("840cfc572845f5786e702984c2a582528cad4b49b2a10b9db1be7fca90058565");
    let s = b256!("25e7109ceb98168d95b09b18bbf6b685130e0562f233877d492b94eee0c5b6d1");
    let tx = Transaction::decode(&transfer.with_signature(0, r.into(), s.into()), 1).unwrap();
    assert_eq!(tx.hash, b256!("0ec0b6a2df4d87424e5f6ad2a654e27aaeb7dac20ae9e8385cc09087ad532ee0"));
    assert_eq!(tx.sender, address!("dd6b8b3dc6b7ad97db52f08a275ff4483e024cea"));
    // 24 bytes of data are not zero, 44 are.
    assert_eq!(tx.intrinsic_gas, 21_000 + 24 * 16 + 44 * 4);
}

#[test]
fn own_signatures_give_their_address() {
    for seed in 1..=20 {
        let wallet = Wallet::new(seed);
        let tx = decode(&wallet.sign(&Transfer::nonce(seed.into()))).unwrap();
        assert_eq!((tx.sender, tx.nonce), (wallet.address, u64::from(seed)));
    }
}

#[test]
fn an_access_list_costs_by_address_and_key() {
    let access = vec![(Address::ZERO, vec![B256::ZERO; 3]), (Address::ZERO, vec![])];
    let raw = Wallet::new(1).sign(&Transfer { access, ..Transfer::default() });
    assert_eq!(decode(&raw).unwrap().intrinsic_gas, 21_000 + 2 * 2_400 + 3 * 1_900);
}

#[test]
fn another_chain_is_refused_in_both_forms() {
    let raw = Wallet::new(1).sign(&Transfer { chain_id: 5, ..Transfer::default() });
    assert_eq!(text(&raw), "invalid sender: invalid chain id for signer: have 5 want 9999");
    assert_eq!(text(EIP_155), "invalid sender: invalid chain id for signer: have 1 want 9999");
}

#[test]
fn signature_values_out_of_range_are_refused() {
    let transfer = Transfer::default();
    let (parity, r, s) = Wallet::new(1).signature(&transfer);
    assert!(decode(&transfer.with_signature(parity, r, s)).is_ok());
    let bad = [
        (1 - parity, r, order() - s),
        (parity, U256::ZERO, s),
        (parity, r, U256::ZERO),
        (parity, order(), s),
        (parity, U256::MAX, s),
        (2, r, s),
        (27, r, s),
        (u64::MAX, r, s),
    ];
    for (parity, r, s) in bad {
        assert_eq!(
            text(&transfer.with_signature(parity, r, s)),
            "invalid sender: invalid transaction v, r, s values"
        );
    }
}

#[test]
fn a_changed_byte_changes_the_sender() {
    let wallet = Wallet::new(1);
    let transfer = Transfer::default();
    let (parity, r, s) = wallet.signature(&transfer);
    let other = Transfer { value: U256::from(2), ..transfer };
    let sender = decode(&other.with_signature(parity, r, s)).map(|tx| tx.sender);
    assert_ne!(sender, Ok(wallet.address));
}

#[test]
fn a_legacy_transaction_must_name_its_chain() {
    let mut raw = EIP_155.to_vec();
    let v = raw.iter().position(|byte| *byte == 0x25).unwrap();
    for unprotected in [27, 28, 1, 0x80] {
        raw[v] = unprotected;
        assert_eq!(text(&raw), "only replay-protected (EIP-155) transactions allowed over RPC");
    }
    raw[v] = 30;
    assert_eq!(text(&raw), "invalid sender: invalid transaction v, r, s values");
}

#[test]
fn what_is_no_transaction_is_refused_as_geth_does() {
    assert_eq!(text(&[]), "typed transaction too short");
    assert_eq!(text(&[2]), "typed transaction too short");
    assert_eq!(text(&[3, 0xc0]), "transaction type not supported");
    assert_eq!(text(&[1, 0xc0]), "transaction type not supported");
    for raw in [&[0xc0_u8][..], &[2, 0xc0], &[0x80], &[0xff; 40], &[0xf8], &[2, 0xbf, 0xff]] {
        assert!(text(raw).starts_with("rlp: "), "{raw:?}");
    }
}

#[test]
fn truncated_and_extended_bytes_are_refused() {
    let raw = Wallet::new(1).sign(&Transfer::default());
    for length in 0..raw.len() {
        assert!(decode(&raw[..length]).is_err(), "{length}");
    }
    let longer = [raw.as_slice(), &[0]].concat();
    assert!(text(&longer).starts_with("rlp: "));
}

/// No single wrong byte may bring the decoder down, whatever it makes of it.
#[test]
fn no_byte_panics() {
    let access = vec![(Address::ZERO, vec![B256::ZERO])];
    let signed = Wallet::new(1).sign(&Transfer { access, ..Transfer::default() });
    for raw in [signed.as_slice(), EIP_155] {
        for place in 0..raw.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xa0, 0xb8, 0xbf, 0xc0, 0xf7, 0xf8, 0xff] {
                let mut changed = raw.to_vec();
                changed[place] = byte;
                let _ = decode(&changed);
            }
        }
    }
}

#[test]
fn too_many_bytes_are_refused() {
    let data = vec![0; 128 * 1024];
    let raw = Wallet::new(1).sign(&Transfer { data, ..Transfer::default() });
    let expected = format!("oversized data: transaction size {}, limit 131072", raw.len());
    assert_eq!(text(&raw), expected);
}
