//! The genesis of a Kaia chain, or of one as Klaytn made them until 2021.

use alloy_primitives::Address;
use alloy_rlp::{EMPTY_LIST_CODE, Encodable as _, Header, encode_list};
use serde_json::{Map, Value, json};

use crate::keys::{FUNDED, Validator};

/// 10^30 kei.
const BALANCE: &str = "0xc9f2c9cd04674edea40000000";
/// Forks active from block 0. Randao needs a registry of BLS keys at genesis and is left out.
const FORKS: [&str; 8] = ["istanbul", "london", "ethTxType", "magma", "kore", "shanghai", "cancun", "kaia"];
/// Lowest base fee, and the unit price before there was one: kei a unit of gas.
const PRICE: u64 = 25_000_000_000;

/// A chain with round robin among the council, one block a second. Fields are those of kaia v2.0.3's
/// `blockchain/genesis.go` and `params/config.go`; with `klaytn` those that releases from v1.7 on know.
/// `seconds` is the genesis block's time, Unix seconds.
pub(crate) fn genesis(council: &[Validator], chain_id: u64, klaytn: bool, seconds: u64) -> Value {
    let addresses: Vec<Address> = council.iter().map(|validator| validator.address).collect();
    let alloc: Map<String, Value> = addresses
        .iter()
        .map(hex::encode)
        .chain([FUNDED.to_owned()])
        .map(|account| (account, json!({"balance": BALANCE})))
        .collect();
    json!({
        "config": config(addresses.first().copied().unwrap_or_default(), chain_id, klaytn),
        "timestamp": format!("{seconds:#x}"),
        "extraData": format!("0x{}{}", "00".repeat(32), hex::encode(istanbul_extra(&addresses))),
        "governanceData": null,
        "blockScore": "0x1",
        "number": "0x0",
        "gasUsed": "0x0",
        "parentHash": format!("0x{}", "00".repeat(32)),
        "alloc": alloc,
    })
}

fn config(governing: Address, chain_id: u64, klaytn: bool) -> Value {
    let mut governance = json!({
        "governingNode": governing.to_string().to_lowercase(),
        "governanceMode": "none",
        "reward": {
            "mintingAmount": 9_600_000_000_000_000_000_u64, "ratio": "100/0/0", "useGiniCoeff": false,
            "deferredTxFee": true, "stakingUpdateInterval": 60, "proposerUpdateInterval": 30,
            "minimumStake": 5_000_000,
        },
    });
    let mut config = json!({
        "chainId": chain_id,
        "istanbul": {"epoch": 30, "policy": 0, "sub": 13},
        "unitPrice": PRICE,
        "deriveShaImpl": 2,
    });
    if !klaytn {
        for fork in FORKS {
            config[format!("{fork}CompatibleBlock")] = json!(0);
        }
        governance["govParamContract"] = json!(Address::ZERO.to_string());
        governance["reward"]["kip82ratio"] = json!("20/80");
        governance["kip71"] = json!({
            "lowerboundbasefee": PRICE, "upperboundbasefee": 30 * PRICE, "gastarget": 30_000_000,
            "maxblockgasusedforbasefee": 60_000_000, "basefeedenominator": 20,
        });
    }
    config["governance"] = governance;
    config
}

/// What follows the vanity in the genesis block: `rlp([council, proposer's seal, committed seals])`, unsealed.
fn istanbul_extra(council: &[Address]) -> Vec<u8> {
    let mut fields = Vec::new();
    encode_list::<Address, Address>(council, &mut fields);
    [0_u8; 65].as_slice().encode(&mut fields);
    fields.push(EMPTY_LIST_CODE);
    let mut extra = Vec::new();
    Header { list: true, payload_length: fields.len() }.encode(&mut extra);
    extra.extend(fields);
    extra
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;

    use super::*;
    use crate::keys::validators;

    #[test]
    fn the_balance_is_right() {
        assert_eq!(u128::from_str_radix(&BALANCE[2..], 16).unwrap(), 10_u128.pow(30));
    }

    #[test]
    fn the_council_stands_in_the_extra_data() {
        let council = validators(4, B256::repeat_byte(1)).unwrap();
        let addresses: Vec<Address> = council.iter().map(|validator| validator.address).collect();
        let extra = istanbul_extra(&addresses);
        // A list of 4 * 21 bytes of addresses with its head of 2, a seal of 65 with its head of 2, an empty list.
        assert_eq!(extra[..4], [0xf8, 2 + 84 + 2 + 65 + 1, 0xf8, 84]);
        assert_eq!(extra[4], 0x94);
        assert_eq!(extra[5..25], addresses[0][..]);
        assert_eq!(extra.len(), 2 + 2 + 84 + 2 + 65 + 1);
        assert_eq!(extra.last(), Some(&0xc0));
    }

    #[test]
    fn an_old_release_gets_no_field_that_it_does_not_know() {
        let council = validators(1, B256::repeat_byte(1)).unwrap();
        let [new, old] = [false, true].map(|klaytn| genesis(&council, 9_999, klaytn, 1).to_string());
        for field in ["CompatibleBlock", "kip71", "kip82ratio", "govParamContract"] {
            assert!(new.contains(field) && !old.contains(field), "{field}");
        }
    }
}
