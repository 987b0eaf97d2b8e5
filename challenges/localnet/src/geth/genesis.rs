//! The genesis of a clique chain.

use serde_json::{Map, Value, json};

use crate::keys::{FUNDED, Validator};

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

/// The genesis of a clique chain: a block every `period_s` seconds, 30,000,000 gas a block,
/// 10^26 wei for each sealer and for [`FUNDED_KEY`].
pub(crate) fn genesis(sealers: &[Validator], chain_id: u64, period_s: u64) -> Value {
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
    use alloy_primitives::B256;

    use super::*;
    use crate::keys::validators;

    #[test]
    fn the_balance_is_right() {
        assert_eq!(u128::from_str_radix(&BALANCE[2..], 16).unwrap(), 10_u128.pow(26));
    }

    #[test]
    fn extradata_lists_the_sealers_in_order() {
        let sealers = validators(3, B256::repeat_byte(1)).unwrap();
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
