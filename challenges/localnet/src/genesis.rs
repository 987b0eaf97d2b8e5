//! Sealer keys and the clique genesis.

use std::fs::File;
use std::io::Read as _;

use alloy_primitives::{Address, B256, keccak256};
use anyhow::Context as _;
use secp256k1::{PublicKey, Secp256k1, SecretKey};
use serde_json::{Map, Value, json};

/// Private key of the funded account, 10^26 wei at genesis: anvil's account 0,
/// `0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266`. Public knowledge; never fund it elsewhere.
pub const FUNDED_KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// Address of [`FUNDED_KEY`].
const FUNDED: &str = "f39fd6e51aad88f6f4ce6ab8827279cfffb92266";
/// 10^26 wei.
const BALANCE: &str = "0x52b7d2dcc80cd2e4000000";
/// Forks active from block 0. Shanghai and later need proof of stake.
const FORKS: [&str; 10] = [
    "homestead",
    "eip150",
    "eip155",
    "eip158",
    "byzantium",
    "constantinople",
    "petersburg",
    "istanbul",
    "berlin",
    "london",
];

/// A sealer's account. Printing it does not show the key.
#[derive(Debug, Clone)]
pub(crate) struct Sealer {
    pub(crate) secret: SecretKey,
    pub(crate) address: Address,
}

impl Sealer {
    fn new(secret: SecretKey) -> Self {
        let public = PublicKey::from_secret_key(&Secp256k1::signing_only(), &secret).serialize_uncompressed();
        Self { secret, address: Address::from_raw_public_key(&public[1..]) }
    }
}

/// `count` sealers in the order of their addresses, which clique asks for. The same seed gives the
/// same sealers; without one they come from the operating system's randomness.
pub(crate) fn sealers(count: usize, seed: Option<u64>) -> anyhow::Result<Vec<Sealer>> {
    let root = match seed {
        Some(seed) => keccak256(seed.to_be_bytes()),
        None => system_randomness()?,
    };
    let mut sealers = (0..count as u64)
        .map(|index| {
            let secret = keccak256([root.as_slice(), &index.to_be_bytes()].concat());
            SecretKey::from_byte_array(secret.0).map(Sealer::new).context("make a sealer's key")
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    sealers.sort_unstable_by_key(|sealer| sealer.address);
    Ok(sealers)
}

fn system_randomness() -> anyhow::Result<B256> {
    let mut bytes = B256::ZERO;
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(bytes.as_mut_slice()))
        .context("read /dev/urandom; give a seed instead")?;
    Ok(bytes)
}

/// The genesis of a clique chain: a block every `period_s` seconds, 30,000,000 gas a block,
/// 10^26 wei for each sealer and for [`FUNDED_KEY`].
pub(crate) fn genesis(sealers: &[Sealer], chain_id: u64, period_s: u64) -> Value {
    let mut config: Map<String, Value> =
        FORKS.iter().map(|fork| (format!("{fork}Block"), json!(0))).collect();
    config.insert("chainId".into(), json!(chain_id));
    config.insert("clique".into(), json!({"period": period_s, "epoch": 30_000}));
    let addresses: Vec<String> = sealers.iter().map(|sealer| hex::encode(sealer.address)).collect();
    let alloc: Map<String, Value> = addresses
        .iter()
        .map(String::as_str)
        .chain([FUNDED])
        .map(|account| (account.to_owned(), json!({"balance": BALANCE})))
        .collect();
    json!({
        "config": config,
        "difficulty": "1",
        "gasLimit": "30000000",
        "extradata": format!("0x{}{}{}", "00".repeat(32), addresses.concat(), "00".repeat(65)),
        "alloc": alloc,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_funded_address_and_balance_are_right() {
        let key = hex::decode(&FUNDED_KEY[2..]).unwrap();
        let secret = SecretKey::from_byte_array(key.try_into().unwrap()).unwrap();
        assert_eq!(hex::encode(Sealer::new(secret).address), FUNDED);
        assert_eq!(u128::from_str_radix(&BALANCE[2..], 16).unwrap(), 10_u128.pow(26));
    }

    #[test]
    fn a_seed_fixes_the_sealers_and_chance_does_not() {
        let addresses = |seed| -> Vec<Address> {
            sealers(4, seed).unwrap().iter().map(|sealer| sealer.address).collect()
        };
        assert_eq!(addresses(Some(7)), addresses(Some(7)));
        assert_ne!(addresses(Some(7)), addresses(Some(8)));
        assert_ne!(addresses(None), addresses(None));
        assert!(addresses(Some(7)).is_sorted());
    }

    #[test]
    fn extradata_lists_the_sealers_in_order() {
        let sealers = sealers(3, Some(1)).unwrap();
        let genesis = genesis(&sealers, 9998, 1);
        let extra = hex::decode(&genesis["extradata"].as_str().unwrap()[2..]).unwrap();
        assert_eq!(extra.len(), 32 + 3 * 20 + 65);
        for (index, sealer) in sealers.iter().enumerate() {
            assert_eq!(extra[32 + 20 * index..][..20], sealer.address[..]);
        }
        assert_eq!(genesis["alloc"].as_object().unwrap().len(), 4);
        assert_eq!(genesis["config"]["londonBlock"], 0);
    }
}
