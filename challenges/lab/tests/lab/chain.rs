//! The rules of the chain, without clocks and sockets.

use alloy_primitives::{Address, B256, U256, address};
use lab::{Chain, Genesis, Refusal};

use crate::wallet::{CHAIN_ID, GWEI, Transfer, Wallet};

fn genesis(fund: &[&Wallet]) -> Genesis {
    Genesis {
        chain_id: CHAIN_ID,
        gas_limit: 30_000_000,
        base_fee: GWEI,
        fund: fund.iter().map(|wallet| wallet.address).collect(),
        queued_per_sender: 64,
    }
}

/// A chain on which the first wallet is rich.
fn rich() -> (Chain, Wallet) {
    let wallet = Wallet::new(1);
    (Chain::new(&genesis(&[&wallet])), wallet)
}

fn send(chain: &mut Chain, wallet: &Wallet, transfer: &Transfer) -> Result<B256, String> {
    chain.submit(&wallet.sign(transfer)).map_err(|refusal| refusal.to_string())
}

fn refusal(transfer: Transfer) -> String {
    let (mut chain, wallet) = rich();
    send(&mut chain, &wallet, &transfer).unwrap_err()
}

#[test]
fn genesis_depends_on_chain_id_and_funding_only() {
    let (a, b) = (Wallet::new(1), Wallet::new(2));
    let hash = |genesis: &Genesis| Chain::new(genesis).head().hash;
    let base = hash(&genesis(&[&a, &b]));
    assert_eq!(base, hash(&genesis(&[&b, &a, &a])));
    assert_eq!(base, hash(&Genesis { base_fee: 5, ..genesis(&[&a, &b]) }));
    assert_ne!(base, hash(&genesis(&[&a])));
    assert_ne!(base, hash(&Genesis { chain_id: 1, ..genesis(&[&a, &b]) }));
}

#[test]
fn blocks_are_linked_and_time_never_goes_back() {
    let (mut chain, _) = rich();
    let genesis = chain.head();
    let first = chain.seal(100);
    let second = chain.seal(90);
    assert_eq!([first.number, second.number], [1, 2]);
    assert_eq!([first.parent_hash, second.parent_hash], [genesis.hash, first.hash]);
    assert_eq!([first.timestamp, second.timestamp], [100, 100]);
    assert_ne!(first.hash, second.hash);
    assert_eq!(chain.block_by_hash(&first.hash), Some(first));
    assert_eq!(chain.block(3), None);
}

#[test]
fn a_transfer_moves_value_and_burns_its_fee() {
    let (mut chain, wallet) = rich();
    let to = Address::repeat_byte(0xbb);
    let transfer = Transfer { value: U256::from(700), ..Transfer::default() };
    let hash = send(&mut chain, &wallet, &transfer).unwrap();
    assert_eq!(chain.pending_nonce(&wallet.address), 1);
    assert_eq!(chain.account(&wallet.address).nonce, 0);
    let block = chain.seal(1);
    let receipt = &block.receipts[0];
    assert_eq!((receipt.transaction, receipt.success), (hash, true));
    assert_eq!((receipt.gas_used, block.gas_used), (21_000, 21_000));
    assert_eq!(receipt.price, U256::from(2 * GWEI));
    let fee = U256::from(21_000 * 2 * GWEI);
    let sender = chain.account(&wallet.address);
    assert_eq!(sender.balance, Genesis::grant() - fee - U256::from(700));
    assert_eq!((sender.nonce, chain.account(&to).balance), (1, U256::from(700)));
    assert_eq!(chain.pool_size(), (0, 0));
}

#[test]
fn a_transfer_to_oneself_costs_the_fee() {
    let (mut chain, wallet) = rich();
    let transfer = Transfer { to: Some(wallet.address), value: U256::from(5), ..Transfer::default() };
    send(&mut chain, &wallet, &transfer).unwrap();
    chain.seal(1);
    let fee = U256::from(21_000 * 2 * GWEI);
    assert_eq!(chain.account(&wallet.address).balance, Genesis::grant() - fee);
}

#[test]
fn the_tip_gives_way_to_the_cap() {
    let (mut chain, wallet) = rich();
    let transfer = Transfer { cap: U256::from(GWEI + 7), tip: U256::from(GWEI), ..Transfer::default() };
    send(&mut chain, &wallet, &transfer).unwrap();
    assert_eq!(chain.seal(1).receipts[0].price, U256::from(GWEI + 7));
}

/// The address is the one that every Ethereum chain gives: a known pair.
#[test]
fn a_created_contract_has_its_address_and_reverts_every_call() {
    let (mut chain, wallet) = rich();
    let create = Transfer { to: None, data: vec![1; 10], value: U256::ZERO, ..Transfer::default() };
    send(&mut chain, &wallet, &create).unwrap();
    let block = chain.seal(1);
    let contract = block.receipts[0].contract.unwrap();
    assert!(block.receipts[0].success);
    assert_eq!(block.receipts[0].gas_used, 53_000 + 160);
    assert!(chain.is_contract(&contract));

    let before = chain.account(&wallet.address).balance;
    let call = Transfer { to: Some(contract), value: U256::from(9), ..Transfer::nonce(1) };
    send(&mut chain, &wallet, &call).unwrap();
    send(&mut chain, &wallet, &Transfer::nonce(2)).unwrap();
    let block = chain.seal(2);
    let outcomes: Vec<_> = block.receipts.iter().map(|r| (r.success, r.gas_used)).collect();
    assert_eq!(outcomes, [(false, 21_000), (true, 21_000)]);
    let spent = U256::from(2 * 21_000 * 2 * GWEI + 1);
    assert_eq!(chain.account(&wallet.address).balance, before - spent);
    assert_eq!(chain.account(&contract).balance, U256::ZERO);
    assert_eq!(chain.account(&wallet.address).nonce, 3);
}

/// The first contract of the first well-known development account, as hardhat and anvil deploy it.
#[test]
fn the_contract_address_is_ethereum_s() {
    let key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    let wallet = Wallet::from_hex(key);
    assert_eq!(wallet.address, address!("f39fd6e51aad88f6f4ce6ab8827279cfffb92266"));
    let mut chain = Chain::new(&genesis(&[&wallet]));
    send(&mut chain, &wallet, &Transfer { to: None, ..Transfer::default() }).unwrap();
    let contract = chain.seal(1).receipts[0].contract;
    assert_eq!(contract, Some(address!("5fbdb2315678afecb367f032d93f642f64180aa3")));
}

#[test]
fn nonces_are_strict() {
    let (mut chain, wallet) = rich();
    for nonce in [3, 1, 0] {
        send(&mut chain, &wallet, &Transfer::nonce(nonce)).unwrap();
    }
    assert_eq!(chain.pool_size(), (2, 1));
    assert_eq!(chain.pending_nonce(&wallet.address), 2);
    assert_eq!(chain.seal(1).receipts.len(), 2);
    let low = send(&mut chain, &wallet, &Transfer { gas: 30_000, ..Transfer::nonce(1) });
    assert_eq!(low.unwrap_err(), "nonce too low: next nonce 2, tx nonce 1");
    assert_eq!(chain.seal(2).receipts.len(), 0);
    send(&mut chain, &wallet, &Transfer::nonce(2)).unwrap();
    assert_eq!(chain.pool_size(), (2, 0));
    assert_eq!(chain.seal(3).receipts.len(), 2);
    assert_eq!(chain.account(&wallet.address).nonce, 4);
    assert_eq!(refusal(Transfer::nonce(u64::MAX)), "nonce has max value");
    send(&mut chain, &wallet, &Transfer::nonce(u64::MAX - 1)).unwrap();
}

#[test]
fn what_waits_is_known_and_what_is_mined_is_old() {
    let (mut chain, wallet) = rich();
    let transfer = Transfer::default();
    send(&mut chain, &wallet, &transfer).unwrap();
    assert_eq!(send(&mut chain, &wallet, &transfer).unwrap_err(), "already known");
    chain.seal(1);
    let again = send(&mut chain, &wallet, &transfer).unwrap_err();
    assert_eq!(again, "nonce too low: next nonce 1, tx nonce 0");
}

#[test]
fn a_replacement_needs_ten_per_cent_in_both_fees() {
    for nonce in [0, 4] {
        let (mut chain, wallet) = rich();
        let bid = |tip: u64, cap: u64| Transfer {
            tip: U256::from(tip),
            cap: U256::from(cap),
            ..Transfer::nonce(nonce)
        };
        send(&mut chain, &wallet, &bid(GWEI, 3 * GWEI)).unwrap();
        let size = chain.pool_size();
        let tenth = GWEI / 10;
        for low in [
            bid(GWEI + tenth - 1, 4 * GWEI),
            bid(GWEI + tenth, 3 * GWEI + 3 * tenth - 1),
            bid(GWEI, 4 * GWEI),
        ] {
            let answer = send(&mut chain, &wallet, &low).unwrap_err();
            assert_eq!(answer, "replacement transaction underpriced");
        }
        let better = send(&mut chain, &wallet, &bid(GWEI + tenth, 3 * GWEI + 3 * tenth)).unwrap();
        assert_eq!(chain.pool_size(), size);
        // The one replaced is forgotten, so it is underpriced now and not known.
        let old = send(&mut chain, &wallet, &bid(GWEI, 3 * GWEI)).unwrap_err();
        assert_eq!(old, "replacement transaction underpriced");
        for filler in 0..nonce {
            send(&mut chain, &wallet, &Transfer::nonce(filler)).unwrap();
        }
        let block = chain.seal(1);
        assert_eq!(block.receipts.last().map(|r| r.transaction), Some(better));
        assert_eq!(block.receipts.len() as u64, nonce + 1);
    }
}

#[test]
fn a_replacement_after_blocks_hits_the_right_one() {
    let (mut chain, wallet) = rich();
    let other = Wallet::new(2);
    let gift = Transfer { to: Some(other.address), value: U256::from(10_u64.pow(18)), ..Transfer::default() };
    send(&mut chain, &wallet, &gift).unwrap();
    chain.seal(1);
    send(&mut chain, &wallet, &Transfer::nonce(1)).unwrap();
    send(&mut chain, &other, &Transfer::nonce(0)).unwrap();
    send(&mut chain, &wallet, &Transfer::nonce(2)).unwrap();
    let better = Transfer { tip: U256::from(2 * GWEI), cap: U256::from(9 * GWEI), ..Transfer::nonce(0) };
    let hash = send(&mut chain, &other, &better).unwrap();
    let block = chain.seal(2);
    let order: Vec<_> = block.receipts.iter().map(|r| r.from).collect();
    assert_eq!(order, [wallet.address, other.address, wallet.address]);
    assert_eq!(block.receipts[1].transaction, hash);
}

#[test]
fn a_replacement_in_a_half_drained_pool_hits_the_right_one() {
    let (a, b) = (Wallet::new(1), Wallet::new(2));
    let mut chain = Chain::new(&Genesis { gas_limit: 42_000, ..genesis(&[&a, &b]) });
    let plain = |nonce| Transfer { gas: 21_000, ..Transfer::nonce(nonce) };
    for (wallet, nonce) in [(&a, 0), (&a, 1), (&a, 2), (&b, 0), (&b, 1)] {
        send(&mut chain, wallet, &plain(nonce)).unwrap();
    }
    assert_eq!(chain.seal(1).receipts.len(), 2);
    let better = Transfer { tip: U256::from(2 * GWEI), cap: U256::from(9 * GWEI), ..plain(0) };
    let replaced = send(&mut chain, &b, &better).unwrap();
    let last = send(&mut chain, &a, &plain(3)).unwrap();
    assert_eq!(chain.pool_size(), (4, 0));
    assert_eq!(chain.seal(2).receipts[1].transaction, replaced);
    let block = chain.seal(3);
    let order: Vec<_> = block.receipts.iter().map(|r| r.from).collect();
    assert_eq!(order, [b.address, a.address]);
    assert_eq!(block.receipts[1].transaction, last);
}

#[test]
fn funds_must_cover_all_that_waits() {
    let (mut chain, wallet) = rich();
    let poor = Wallet::new(2);
    assert_eq!(
        send(&mut chain, &poor, &Transfer::default()).unwrap_err(),
        "insufficient funds for gas * price + value: balance 0, tx cost 300000000000001, overshot 300000000000001"
    );
    let purse = U256::from(600_000_000_000_001_u64);
    let gift = Transfer { to: Some(poor.address), value: purse, ..Transfer::default() };
    send(&mut chain, &wallet, &gift).unwrap();
    chain.seal(1);
    send(&mut chain, &poor, &Transfer::nonce(0)).unwrap();
    for nonce in [1, 2] {
        assert_eq!(
            send(&mut chain, &poor, &Transfer::nonce(nonce)).unwrap_err(),
            "insufficient funds for gas * price + value: balance 600000000000001, queued cost 300000000000001, \
             tx cost 300000000000001, overshot 1"
        );
    }
    let free = Transfer { value: U256::ZERO, ..Transfer::nonce(1) };
    send(&mut chain, &poor, &free).unwrap();
    assert_eq!(chain.seal(2).receipts.len(), 2);
    // What was reserved and not used is there again.
    send(&mut chain, &poor, &Transfer::nonce(2)).unwrap();
}

#[test]
fn a_replacement_frees_what_it_replaces() {
    let (mut chain, wallet) = rich();
    let most = Genesis::grant() - U256::from(10_u64.pow(16));
    let big = Transfer { value: most, ..Transfer::default() };
    send(&mut chain, &wallet, &big).unwrap();
    assert!(send(&mut chain, &wallet, &Transfer { value: most, ..Transfer::nonce(1) }).is_err());
    let small = Transfer { tip: U256::from(2 * GWEI), cap: U256::from(6 * GWEI), ..Transfer::default() };
    send(&mut chain, &wallet, &small).unwrap();
    send(&mut chain, &wallet, &Transfer { value: most, ..Transfer::nonce(1) }).unwrap();
}

#[test]
fn refusals_speak_as_geth_does() {
    let of = Transfer::default;
    let fee = |tip: u64, cap: u64| Transfer { tip: U256::from(tip), cap: U256::from(cap), ..of() };
    assert_eq!(
        refusal(Transfer { gas: 20_999, ..of() }),
        "intrinsic gas too low: needed 21000, allowed 20999"
    );
    assert_eq!(
        refusal(Transfer { to: None, gas: 52_999, ..of() }),
        "intrinsic gas too low: needed 53000, allowed 52999"
    );
    assert_eq!(refusal(Transfer { gas: 30_000_001, ..of() }), "exceeds block gas limit");
    assert_eq!(
        refusal(fee(1, GWEI - 1)),
        format!(
            "max fee per gas less than block base fee: address {}, maxFeePerGas: 999999999, baseFee: 1000000000",
            Wallet::new(1).address
        )
    );
    assert_eq!(refusal(fee(0, GWEI)), "transaction underpriced: tip needed 1, tip permitted 0");
    let above = refusal(fee(2 * GWEI, GWEI));
    assert!(above.starts_with("max priority fee per gas higher than max fee per gas"));
    let most = Transfer { value: U256::MAX, tip: U256::MAX, cap: U256::MAX, ..of() };
    assert!(refusal(most).starts_with("insufficient funds for gas * price + value: balance"));
}

#[test]
fn what_waits_behind_gaps_is_bounded() {
    let wallets: Vec<Wallet> = (1..=17).map(Wallet::new).collect();
    let mut chain = Chain::new(&genesis(&wallets.iter().collect::<Vec<_>>()));
    for wallet in &wallets[..16] {
        for nonce in 1..=64 {
            send(&mut chain, wallet, &Transfer::nonce(nonce)).unwrap();
        }
        if chain.pool_size().1 < 1_024 {
            let over = send(&mut chain, wallet, &Transfer::nonce(65));
            assert_eq!(over.unwrap_err(), "account limit exceeded");
        }
    }
    assert_eq!(chain.pool_size(), (0, 1_024));
    let over = send(&mut chain, &wallets[16], &Transfer::nonce(1)).unwrap_err();
    assert_eq!(over, "future transaction tries to replace pending");
    // Honest senders go on, and a filled gap makes room.
    send(&mut chain, &wallets[16], &Transfer::nonce(0)).unwrap();
    send(&mut chain, &wallets[0], &Transfer::nonce(0)).unwrap();
    assert_eq!(chain.pool_size(), (66, 960));
    send(&mut chain, &wallets[16], &Transfer::nonce(2)).unwrap();
    assert_eq!(chain.seal(1).receipts.len(), 66);
}

#[test]
fn what_is_executable_is_bounded() {
    let (mut chain, wallet) = rich();
    let raw = wallet.sign(&Transfer::default());
    let tx = lab::Transaction::decode(&raw, CHAIN_ID).unwrap();
    let numbered = |nonce: u64| lab::Transaction { nonce, hash: B256::from(U256::from(nonce)), ..tx.clone() };
    for nonce in 0..20_000 {
        chain.admit(numbered(nonce)).unwrap();
    }
    assert_eq!(chain.admit(numbered(20_000)), Err(Refusal::PoolFull));
    assert_eq!(chain.pool_size(), (20_000, 0));
    let included = chain.seal(1).receipts.len();
    chain.admit(numbered(20_000)).unwrap();
    assert_eq!(chain.pool_size().0, 20_001 - included);
}

#[test]
fn a_block_is_bounded_by_gas_and_filled_in_order_of_arrival() {
    let (a, b) = (Wallet::new(1), Wallet::new(2));
    let limit = 100_000;
    let mut chain = Chain::new(&Genesis { gas_limit: limit, ..genesis(&[&a, &b]) });
    let gas = |gas, nonce| Transfer { gas, ..Transfer::nonce(nonce) };
    let arrivals = [(&a, gas(21_000, 0)), (&b, gas(90_000, 0)), (&a, gas(21_000, 1)), (&b, gas(79_000, 1))];
    for (wallet, transfer) in &arrivals {
        send(&mut chain, wallet, transfer).unwrap();
    }
    let mut senders = |now| {
        let block = chain.seal(now);
        assert!(block.gas_used <= limit);
        block.receipts.iter().map(|r| r.from).collect::<Vec<_>>()
    };
    // The second asks for more than is left, and nothing overtakes it.
    assert_eq!(senders(1), [a.address]);
    // 21,000 of its 90,000 are used, so the third fits; then 58,000 are left.
    assert_eq!(senders(2), [b.address, a.address]);
    assert_eq!(senders(3), [b.address]);
    assert!(senders(4).is_empty());
}

#[test]
fn the_same_input_gives_the_same_blocks() {
    let run = || {
        let (mut chain, wallet) = rich();
        for nonce in 0..10 {
            send(&mut chain, &wallet, &Transfer::nonce(nonce)).unwrap();
        }
        chain.seal(7).hash
    };
    assert_eq!(run(), run());
}
