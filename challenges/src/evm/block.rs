//! Requests for, and replies about, chain state.

use serde_json::Value;

use crate::driver::{Block, Context, Identity, Malformed, Reply, Request, printable};
use crate::jsonrpc::{batch, batch_request, height, quantity, single, text};

/// Finality depth taken for a proof-of-authority chain that does not tell its signers.
pub(crate) const UNKNOWN_SIGNERS_DEPTH: u64 = 12;

pub(super) fn identity_request() -> Request {
    batch_request(&[
        ("eth_chainId", "[]".into()),
        ("eth_getBlockByNumber", r#"["0x0",false]"#.into()),
        ("web3_clientVersion", "[]".into()),
        ("eth_getBlockByNumber", r#"["latest",false]"#.into()),
        ("clique_getSigners", "[]".into()),
    ])
}

pub(super) fn identity(reply: &Reply) -> Result<Identity, Malformed> {
    let parts = batch(reply, 5)?;
    let client = parts[2].result.as_str().map_or("unknown".into(), |text| printable(text, 80));
    let difficulty = parts[3].result.get("difficulty").and_then(|d| quantity(d).ok()).unwrap_or(0);
    let signers = parts[4].result.as_array().map(Vec::len);
    Ok(Identity {
        chain_id: height(&parts[0].result)?,
        genesis: text(&parts[1].result, "hash")?,
        finality_depth: finality_depth(&client, difficulty, signers),
        client,
    })
}

/// Clique: a block N/2+1 deep cannot be left by a majority of signers. Others here: no forks.
fn finality_depth(client: &str, difficulty: u128, signers: Option<usize>) -> u64 {
    match signers {
        Some(signers) => signers as u64 / 2 + 1,
        None if client.starts_with("Geth/") && difficulty > 0 => UNKNOWN_SIGNERS_DEPTH,
        None => 0,
    }
}

pub(super) fn head(reply: &Reply) -> Result<u64, Malformed> {
    height(&single(reply)?)
}

/// The calls that tell a block.
pub(crate) fn calls(height: u64) -> [(&'static str, String); 2] {
    [
        ("eth_getBlockByNumber", format!(r#"["{height:#x}",false]"#)),
        ("eth_getBlockReceipts", format!(r#"["{height:#x}"]"#)),
    ]
}

pub(super) fn block(reply: &Reply) -> Result<Option<Block>, Malformed> {
    let parts = batch(reply, 2)?;
    told(&parts[0].result, &parts[1].result)
}

/// The block that a header and its receipts tell, as they answer [`calls`].
pub(crate) fn told(header: &Value, receipts: &Value) -> Result<Option<Block>, Malformed> {
    if header.is_null() || receipts.is_null() {
        return Ok(None);
    }
    let hash = text(header, "hash")?;
    let receipts = receipts.as_array().ok_or_else(|| Malformed("the receipts are no list".into()))?;
    let listed = header.get("transactions").and_then(Value::as_array).map_or(0, Vec::len);
    if listed != receipts.len() {
        return Err(Malformed(format!("{listed} transactions, {} receipts", receipts.len())));
    }
    let mut transactions = Vec::with_capacity(receipts.len());
    for receipt in receipts {
        if text(receipt, "blockHash")? != hash {
            return Err(Malformed("receipts of another block".into()));
        }
        let success = receipt.get("status").and_then(Value::as_str) == Some("0x1");
        transactions.push((text(receipt, "transactionHash")?.to_ascii_lowercase(), success));
    }
    let number = header.get("number").ok_or_else(|| Malformed("a block without number".into()))?;
    Ok(Some(Block { height: height(number)?, hash, transactions, turn: None, committee: vec![], next: None }))
}

pub(super) fn context(reply: &Reply) -> Result<Context, Malformed> {
    let block = single(reply)?;
    let price = block.get("baseFeePerGas").map_or(Ok(0), quantity)?;
    Ok(Context::floating(price))
}

pub(super) fn account_request(account: &str) -> Request {
    batch_request(&[
        ("eth_getBalance", format!(r#"["{account}","latest"]"#)),
        ("eth_getTransactionCount", format!(r#"["{account}","latest"]"#)),
    ])
}

pub(super) fn account(reply: &Reply) -> Result<(u128, u64), Malformed> {
    let parts = batch(reply, 2)?;
    Ok((quantity(&parts[0].result)?, height(&parts[1].result)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: &str) -> Reply {
        Reply { status: 200, body: body.to_owned().into() }
    }

    #[test]
    fn a_block_and_its_receipts_come_from_one_reply_in_any_order() {
        let body = r#"[{"jsonrpc":"2.0","id":2,"result":[{"blockHash":"0xb","transactionHash":"0xAA","status":"0x0"}]},
            {"jsonrpc":"2.0","id":1,"result":{"number":"0x10","hash":"0xb","transactions":["0xaa"]}}]"#;
        let block = block(&reply(body)).unwrap().unwrap();
        assert_eq!((block.height, block.transactions), (16, vec![("0xaa".to_owned(), false)]));
    }

    #[test]
    fn receipts_of_another_block_or_missing_ones_are_no_block() {
        for receipts in [r#"[{"blockHash":"0xc","transactionHash":"0xaa","status":"0x1"}]"#, "[]"] {
            let body = format!(
                r#"[{{"id":1,"result":{{"number":"0x1","hash":"0xb","transactions":["0xaa"]}}}},{{"id":2,"result":{receipts}}}]"#
            );
            assert!(block(&reply(&body)).is_err());
        }
        assert_eq!(block(&reply(r#"[{"id":1,"result":null},{"id":2,"result":null}]"#)), Ok(None));
    }

    #[test]
    fn clique_is_final_half_its_signers_deep() {
        assert_eq!(finality_depth("Geth/v1.13.15", 2, Some(4)), 3);
        assert_eq!(finality_depth("Geth/v1.13.15", 2, None), UNKNOWN_SIGNERS_DEPTH);
        assert_eq!(finality_depth("anvil/v1.7.1", 0, None), 0);
    }
}
