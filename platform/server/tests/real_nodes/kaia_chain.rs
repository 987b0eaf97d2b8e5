//! The Kaia driver against real consensus nodes: what it signs, and what it reads from seals.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use challenges::driver::{Block, Context, Driver, Payment, Reply, Request, SignedTransaction, of_family};
use challenges::http::{BLOCK_BODY, Target};
use challenges::kaia::{Account, AccountKey, Body, Change, Fee, KeyChange, Signed, Transaction};
use libtest_mimic::Failed;
use localnet::{FUNDED_KEY, KaiaOptions, Network, Node, call};
use model::{Seed, Vector};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::stage::{Pace, run, spam};

const DEADLINE: Duration = Duration::from_secs(10);
/// Longest wait for transactions to land.
const PATIENCE: Duration = Duration::from_secs(30);
/// 1 KAIA.
const POCKET_MONEY: u128 = 10_u128.pow(18);

/// Four validators, and the driver that talks to one of them.
struct Chain {
    network: Network,
    driver: &'static dyn Driver,
    target: Target,
    context: Context,
    /// Payments so far.
    paid: AtomicU64,
}

impl Chain {
    async fn start(directory: &Path, klaytn: bool) -> anyhow::Result<Self> {
        let options = KaiaOptions { seed: Some(1), klaytn, ..KaiaOptions::new(directory.join("chain")) };
        let network = options.start().await?;
        let driver = of_family("kaia").map_err(|why| anyhow!(why))?;
        let target = Target::new(network.nodes[3].rpc_addr(), None);
        let context = driver.context(&post(&target, &driver.context_request()).await?)?;
        let identity = driver.identity(&post(&target, &driver.identity_request()).await?)?;
        ensure!(identity.chain_id == network.chain_id, "{identity:?}");
        ensure!(identity.genesis == network.genesis_hash(), "{identity:?}");
        ensure!(identity.client.contains("/v2.0.3/"), "{identity:?}");
        ensure!(context.fixed == klaytn, "{context:?}");
        Ok(Self { network, driver, target, context, paid: AtomicU64::new(0) })
    }

    fn node(&self) -> &Node {
        &self.network.nodes[3]
    }

    /// What a transaction offers for gas.
    fn price(&self) -> u128 {
        if self.context.fixed { self.context.price } else { self.context.price * 2 }
    }

    async fn head(&self) -> anyhow::Result<u64> {
        Ok(self.driver.head(&post(&self.target, &self.driver.head_request()).await?)?)
    }

    async fn block_reply(&self, height: u64) -> anyhow::Result<Reply> {
        post(&self.target, &self.driver.block_request(height, self.context)).await
    }

    /// Block `height`, waited for.
    async fn block(&self, height: u64) -> anyhow::Result<Block> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE * 2 {
            if let Some(block) = self.driver.block(&self.block_reply(height).await?)? {
                return Ok(block);
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("block {height} does not come")
    }

    /// Waits for the next block.
    async fn next_block(&self) -> anyhow::Result<()> {
        self.block(self.head().await? + 1).await.map(|_| ())
    }

    /// Fresh accounts with pocket money.
    async fn accounts(&self, name: &str, count: usize) -> anyhow::Result<Vec<Account>> {
        let accounts: Vec<Account> =
            (0..count).map(|i| Account::derive(&Seed::from_number(7), &format!("{name} {i}"))).collect();
        let mut hashes = Vec::new();
        for account in &accounts {
            hashes.push(self.pay(&account.address().to_string(), POCKET_MONEY).await?.id);
        }
        for hash in hashes {
            self.receipt(&hash).await?;
        }
        // The pool comes to know a block after it is shown: by the next one it has.
        let paid = self.node().head().await?;
        while self.node().head().await? <= paid {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(accounts)
    }

    /// Pays from the funded key, which nobody else uses here.
    async fn pay(&self, account: &str, amount: u128) -> anyhow::Result<SignedTransaction> {
        let (chain_id, context) = (self.network.chain_id, self.context);
        let sequence = self.paid.fetch_add(1, Ordering::Relaxed);
        let payment = Payment { chain_id, key: FUNDED_KEY, sequence, account, amount, context };
        let paid = self.driver.pay(&payment).map_err(|why| anyhow!(why))?;
        post(&self.target, &paid.request).await?;
        Ok(paid)
    }

    /// Sends all in one request; the node's hashes must be ours.
    async fn send(&self, all: &[Signed]) -> anyhow::Result<()> {
        let calls: Vec<Value> = all
            .iter()
            .enumerate()
            .map(|(id, one)| {
                let raw = format!("0x{}", hex::encode(&one.raw));
                json!({"jsonrpc": "2.0", "id": id, "method": "klay_sendRawTransaction", "params": [raw]})
            })
            .collect();
        let reply = post(&self.target, &Request(json!(calls).to_string().into())).await?;
        let answers: Vec<Value> = serde_json::from_slice(&reply.body)?;
        for (answer, one) in answers.iter().zip(all) {
            ensure!(answer["result"] == one.hash.to_string(), "type {:#x}: {answer}", one.raw[0]);
        }
        Ok(())
    }

    async fn receipt(&self, hash: &str) -> anyhow::Result<Value> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let receipt = call(self.node().rpc_addr(), "klay_getTransactionReceipt", json!([hash])).await?;
            if !receipt.is_null() {
                ensure!(receipt["status"] == "0x1", "{receipt}");
                return Ok(receipt);
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("{hash} does not land")
    }

    /// Heights at which they landed, each with success; hashes and the blocks that the driver reads agree.
    async fn landed(&self, all: &[Signed]) -> anyhow::Result<Vec<u64>> {
        let mut heights = Vec::new();
        for one in all {
            let receipt = self.receipt(&one.hash.to_string()).await?;
            ensure!(receipt["senderTxHash"] == one.sender_hash.to_string(), "{receipt}");
            let height = number(&receipt["blockNumber"])?;
            let listed = self.block(height).await?.transactions;
            ensure!(listed.contains(&(one.hash.to_string(), true)), "{} is not in {listed:?}", one.hash);
            heights.push(height);
        }
        Ok(heights)
    }
}

async fn post(target: &Target, request: &Request) -> anyhow::Result<Reply> {
    target.post(request, BLOCK_BODY, DEADLINE).await.map_err(|class| anyhow!("{class}"))
}

fn number(value: &Value) -> anyhow::Result<u64> {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).context("a number")?;
    Ok(u64::from_str_radix(digits, 16)?)
}

/// Eight accounts change their keys twice in one block, in every way; then the new keys sign and the old do not.
pub(crate) fn key_changes() -> Result<(), Failed> {
    run(async |directory| {
        let chain = Chain::start(&directory, true).await?;
        for attempt in 0..3 {
            let heights = sixteen_changes(&chain, attempt).await?;
            println!("16 key changes, all with success, in blocks {heights:?}");
            if heights.iter().all(|height| *height == heights[0]) {
                return Ok(());
            }
        }
        bail!("never in one block")
    })
}

async fn sixteen_changes(chain: &Chain, attempt: usize) -> anyhow::Result<Vec<u64>> {
    let accounts = chain.accounts(&format!("changing {attempt}"), 8 * 4).await?;
    let changes: Vec<(Change, KeyChange<'_>)> = accounts
        .chunks_exact(4)
        .zip(Change::ALL.into_iter().cycle())
        .map(|(accounts, kind)| {
            let (chain_id, price) = (chain.network.chain_id, chain.price());
            let (own, others, payer) = (&accounts[0], [&accounts[1], &accounts[2]], &accounts[3]);
            (kind, KeyChange { chain_id, price, own, others, payer })
        })
        .collect();
    let pairs: Vec<Signed> = changes.iter().flat_map(|(kind, change)| change.pair(*kind)).collect();
    chain.next_block().await?;
    chain.send(&pairs).await?;
    let heights = chain.landed(&pairs).await?;
    let later: Vec<Signed> = changes.iter().flat_map(|(kind, change)| change.later(*kind)).collect();
    chain.send(&later).await?;
    chain.landed(&later).await?;
    let (kind, single) = &changes[0];
    let old = single.pair(*kind)[0].raw.clone();
    ensure!(
        chain.send(&[Signed { raw: old, ..single.pair(*kind)[1].clone() }]).await.is_err(),
        "the old key signs"
    );
    Ok(heights)
}

/// Every kind, with who pays and with several signatures, on a chain with a base fee and on one with a unit price.
pub(crate) fn typed_transactions() -> Result<(), Failed> {
    run(async |directory| {
        for klaytn in [false, true] {
            let chain = Chain::start(&directory.join(klaytn.to_string()), klaytn).await?;
            every_kind(&chain).await?;
            several_signatures(&chain).await?;
            several_in_one_call(&chain).await?;
        }
        Ok(())
    })
}

async fn every_kind(chain: &Chain) -> anyhow::Result<()> {
    let accounts = chain.accounts("typed", 2).await?;
    let (own, payer) = (&accounts[0], &accounts[1]);
    let to = payer.address();
    let bodies = [
        Body::ValueTransfer { to, value: 5 },
        Body::ValueTransferMemo { to, value: 6, memo: b"a memo".to_vec() },
        Body::AccountUpdate { key: AccountKey::Legacy },
    ];
    let mut all = Vec::new();
    for body in bodies {
        for fee in [Fee::Own, Fee::Delegated(payer.address()), Fee::Shared(payer.address(), 40)] {
            let transaction = transaction(chain, own, all.len() as u64, body.clone(), fee);
            all.push(transaction.sign(&[own], &[payer]));
        }
    }
    chain.send(&all).await?;
    let heights = chain.landed(&all).await?;
    let kinds: Vec<String> = all.iter().map(|one| format!("{:#04x}", one.raw[0])).collect();
    println!(
        "types {kinds:?}: hashes and senders' hashes are the node's, all with success, in blocks {heights:?}"
    );
    Ok(())
}

/// An account of two keys of which both must sign, then one with a key for each role.
async fn several_signatures(chain: &Chain) -> anyhow::Result<()> {
    let accounts = chain.accounts("several", 3).await?;
    let [own, first, second] = accounts.as_slice() else { bail!("three accounts") };
    let AccountKey::WeightedMultiSig { keys, .. } = AccountKey::any_of(&[first, second]) else {
        bail!("no multisig key");
    };
    let roles = [first, own, second].map(AccountKey::of);
    let update = |nonce, key| transaction(chain, own, nonce, Body::AccountUpdate { key }, Fee::Own);
    let pay = |nonce| {
        let body = Body::ValueTransfer { to: first.address(), value: 1 };
        transaction(chain, own, nonce, body, Fee::Own)
    };
    let steps = [
        update(0, AccountKey::WeightedMultiSig { threshold: 2, keys }).sign(&[own], &[]),
        pay(1).sign(&[first, second], &[]),
        update(2, AccountKey::RoleBased(Box::new(roles))).sign(&[first, second], &[]),
        pay(3).sign(&[first], &[]),
    ];
    for step in steps {
        chain.send(std::slice::from_ref(&step)).await?;
        chain.landed(&[step]).await?;
    }
    Ok(())
}

/// What funds a run goes in the node's own call for several, which refuses typed transactions.
async fn several_in_one_call(chain: &Chain) -> anyhow::Result<()> {
    let parameters = spam(&[Vector::V01], Pace { honest: 5, seconds: 1 }, 5);
    let wallet =
        chain.driver.wallet(chain.network.chain_id, &Seed::from_number(8), &parameters, chain.context);
    let root = chain.pay(wallet.root(), wallet.root_amount()).await?;
    chain.receipt(&root.id).await?;
    let wave = wallet.wave(0);
    let ways = chain.driver.batches(&wave.iter().map(|one| &one.request).collect::<Vec<_>>());
    let asked = String::from_utf8_lossy(&ways[0].0).into_owned();
    ensure!(ways.len() == 2 && asked.contains("_sendRawTransactions\""), "{asked}");
    let reply = post(&chain.target, &ways[0]).await?;
    ensure!(chain.driver.took_batch(&reply), "{}", String::from_utf8_lossy(&reply.body));
    for one in &wave {
        chain.receipt(&one.id).await?;
    }
    println!("{} transactions in one call, all with success", wave.len());

    let again = post(&chain.target, &ways[0]).await?;
    ensure!(
        !chain.driver.took_batch(&again),
        "nonces that are used: {}",
        String::from_utf8_lossy(&again.body)
    );
    let typed = chain.accounts("in one call", 1).await?;
    let body = Body::ValueTransfer { to: typed[0].address(), value: 1 };
    let typed = transaction(chain, &typed[0], 0, body, Fee::Own).sign(&[&typed[0]], &[]);
    let raw = format!("0x{}", hex::encode(&typed.raw));
    let refused = call(chain.node().rpc_addr(), "klay_sendRawTransactions", json!([[raw]])).await;
    let why = refused.err().context("a typed one is taken after all")?;
    ensure!(format!("{why:#}").contains("undefined tx type"), "{why:#}");
    Ok(())
}

fn transaction(chain: &Chain, from: &Account, nonce: u64, body: Body, fee: Fee) -> Transaction {
    let (chain_id, price) = (chain.network.chain_id, chain.price());
    Transaction { chain_id, nonce, price, gas: 400_000, from: from.address(), body, fee }
}

/// Blocks looked at.
const BLOCKS: u64 = 14;

/// Over blocks in some of which a validator has no seat, or stands still: what is worked out is what the node says, the failed turns
/// are that validator's and no other's, and answers that are tampered with are found out. As Klaytn made chains: those
/// with a base fee are where whole runs are recounted.
pub(crate) fn failed_turns() -> Result<(), Failed> {
    run(async |directory| {
        let chain = Chain::start(&directory, true).await?;
        let paused = &chain.network.nodes[1];
        let paused_address = paused.address().context("a validator")?.to_lowercase();
        let (first, mut next) = council_changes(&chain).await?;
        let mut failed = Vec::new();
        for height in first..first + BLOCKS {
            if height == first + 3 {
                paused.pause()?;
            }
            if height == first + 12 {
                paused.resume()?;
            }
            let turn = compared(&chain, height, &mut next).await?;
            failed.extend(turn.into_iter().map(|one| (height, one)));
        }
        println!("failed turns in blocks {first} to {}: {failed:?}", first + BLOCKS - 1);
        ensure!(failed.len() >= 2, "{failed:?}");
        ensure!(failed.iter().all(|(_, one)| *one == paused_address), "{failed:?}, not {paused_address}");
        tampered(&chain, first + 6).await
    })
}

/// The council loses a member, and gets it back, by vote: nobody's turns fail for it, and every block is told with those
/// who were seated at it. The height from which it is as it was, and who is to make that block.
async fn council_changes(chain: &Chain) -> anyhow::Result<(u64, Option<String>)> {
    // The first is the governing node, which is never voted out.
    let leaves = chain.network.nodes[2].address().context("a validator")?;
    let from = chain.head().await? + 1;
    let (mut height, mut next) = (from, None);
    for (vote, seats) in [("removevalidator", 3), ("addvalidator", 4)] {
        let ballot = json!([format!("governance.{vote}"), leaves]);
        let told = call(chain.network.nodes[0].rpc_addr(), "governance_vote", ballot).await?;
        println!("from {height} on: {vote} {leaves}: {told}");
        // It is in the next block of who voted, and holds from the one after; then two rotations.
        let mut left = 10;
        while left > 0 {
            let failed = compared(chain, height, &mut next).await?;
            ensure!(failed.is_empty(), "{height}: {failed:?}");
            let seen = chain.block(height).await?.committee.len();
            ensure!(seen == seats || left == 10, "{height}: {seen} again");
            left -= u32::from(seen == seats);
            height += 1;
            ensure!(height < from + 60, "the council still has {seen}");
        }
    }
    println!("two changes of the council, {} blocks", height - from);
    Ok((height, next))
}

/// The failed turns of a block, which is held against what the node says, and against whose turn it was to be.
async fn compared(chain: &Chain, height: u64, next: &mut Option<String>) -> anyhow::Result<Vec<String>> {
    let block = chain.block(height).await?;
    let method = "klay_getBlockWithConsensusInfoByNumber";
    let told = call(chain.node().rpc_addr(), method, json!([format!("{height:#x}")])).await?;
    let turn = block.turn.context("a turn")?;
    ensure!(told["hash"] == block.hash && told["proposer"] == turn.proposer, "{turn:?}, {told}");
    ensure!(told["round"] == turn.round && told["committee"] == json!(block.committee), "{turn:?}, {told}");
    ensure!(turn.failed.len() == turn.round as usize, "{turn:?}");
    let first = turn.failed.first().unwrap_or(&turn.proposer);
    ensure!(told["originProposer"] == *first, "{turn:?}, {told}");
    ensure!(next.as_ref().is_none_or(|next| next == first), "{turn:?}: the turn of {next:?}");
    *next = block.next;
    let voters = told["committers"].as_array().context("committers")?;
    let voted = |member: &&String| !voters.contains(&json!(member));
    let absent: Vec<&String> = block.committee.iter().filter(voted).collect();
    ensure!(absent == turn.absent.iter().flatten().collect::<Vec<_>>(), "{turn:?}, {told}");
    Ok(turn.failed)
}

/// Each of these changes to an answer makes it none.
async fn tampered(chain: &Chain, height: u64) -> anyhow::Result<()> {
    let reply = chain.block_reply(height).await?;
    ensure!(chain.driver.block(&reply)?.is_some(), "block {height} as it is");
    let whole: Value = serde_json::from_slice(&reply.body)?;
    let place =
        whole.as_array().and_then(|all| all.iter().position(|one| one["id"] == 1)).context("a block")?;
    let [another, yet_another] = [0, 2].map(|node| chain.network.nodes[node].address());
    let another = json!(another.context("a validator")?.to_lowercase());
    let yet_another = json!(yet_another.context("a validator")?.to_lowercase());
    let root = json!(format!("0x{}", "ab".repeat(32)));
    let changes = [
        ("proposer", another.clone()),
        ("proposer", yet_another),
        ("transactionsRoot", root.clone()),
        ("stateRoot", root.clone()),
        ("hash", root.clone()),
        ("parentHash", root),
        ("timestamp", json!("0x1")),
        ("reward", another.clone()),
        ("round", json!(7)),
        ("committee", json!([another])),
        ("committers", json!([another])),
        ("transactions", json!([{"transactionHash": format!("0x{}", "cd".repeat(32)), "status": "0x1"}])),
    ];
    for (field, value) in changes {
        let mut forged = whole.clone();
        if forged[place]["result"][field] == value {
            continue;
        }
        forged[place]["result"][field] = value;
        let told = chain.driver.block(&Reply { status: 200, body: forged.to_string().into() });
        let words = told.err().with_context(|| format!("a changed {field} is not found out"))?;
        println!("{field}: {words}");
    }
    Ok(())
}
