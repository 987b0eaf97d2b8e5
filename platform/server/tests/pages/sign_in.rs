//! What is signed is taken once, from here, and now; on the page and over the API.

use anyhow::ensure;
use hyper::Method;
use secp256k1::constants::CURVE_ORDER;
use serde_json::json;
use server::account::signature::Prefix;
use server::account::timestamp::Timestamp;

use crate::visitor::{Answer, House, Visitor, account, signed};

const ME: u8 = 1;

/// Both faces of sign-in.
async fn both(visitor: &Visitor, text: &str, signature: &str) -> anyhow::Result<[Answer; 2]> {
    let page = visitor.post("/en/sign-in", &[("message", text), ("signature", signature)]).await?;
    let body = json!({ "message": text, "signature": signature }).to_string();
    let api =
        visitor.ask(Method::POST, "/api/v1/sign-in", &[("content-type", "application/json")], body).await?;
    Ok([page, api])
}

/// Neither face takes it, both say why, and the text stays in the form.
async fn refused(
    visitor: &Visitor,
    what: &str,
    text: &str,
    signature: &str,
    why: &str,
) -> anyhow::Result<()> {
    for answer in both(visitor, text, signature).await? {
        ensure!(matches!(answer.status, 401 | 422), "{what}: {}: {}", answer.status, answer.body);
        ensure!(answer.header("set-cookie").is_empty(), "{what}: a session was begun");
        if answer.body.starts_with("<!") {
            let nonce = text.lines().find(|line| line.starts_with("Nonce: ")).unwrap_or_default();
            let (_, textarea) = answer.body.split_once("<textarea").unwrap_or_default();
            ensure!(
                textarea.contains(nonce) && !nonce.is_empty(),
                "{what}: the text is lost: {}",
                answer.body
            );
        }
        let said = answer.body.replace("&#39;", "'").replace("&quot;", "\"");
        ensure!(said.contains(why), "{what}: {why:?} is not in {said}");
    }
    Ok(())
}

/// The same signature with the other s, which signs as well and is refused by EIP-2.
fn high_s(signature: &str) -> String {
    let bytes = hex::decode(&signature[2..]).expect("hexadecimal digits");
    let mut borrow = 0i16;
    let mut s: Vec<u8> = CURVE_ORDER
        .iter()
        .zip(&bytes[32..64])
        .rev()
        .map(|(order, low)| {
            let difference = i16::from(*order) - i16::from(*low) - borrow;
            borrow = i16::from(difference < 0);
            u8::try_from(difference.rem_euclid(256)).expect("a byte")
        })
        .collect();
    s.reverse();
    let other = if bytes[64] == 27 { 28 } else { 27 };
    format!("0x{}{}{}", hex::encode(&bytes[..32]), hex::encode(s), hex::encode([other]))
}

fn at(text: &str, issued_ms: u64) -> String {
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some((name @ "Issued At", _)) => format!("{name}: {}", Timestamp::from_ms(issued_ms)),
        Some((name @ "Expiration Time", _)) => format!("{name}: {}", Timestamp::from_ms(issued_ms + 300_000)),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
    u64::try_from(since.as_millis()).expect("before the year 584 million")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_is_taken_once_from_here_and_now() -> anyhow::Result<()> {
    let house = House::open().await?;
    let visitor = house.stranger();
    let text = visitor.text(ME).await?;
    let sign = |text: &str| signed(ME, Prefix::Ethereum, text);
    let here = house.address.to_string();
    let minutes = |count: u64| count * 60_000;
    for (what, changed, why) in [
        ("another domain", text.replacen(&here, "evil.example", 1), "evil.example"),
        (
            "another address",
            text.replace(&format!("URI: http://{here}"), "URI: http://evil.example"),
            "evil.example",
        ),
        ("another chain", text.replace("Chain ID: 1\n", "Chain ID: 8217\n"), "8217"),
        ("the past", at(&text, now_ms() - minutes(10)), "s old"),
        ("the future", at(&text, now_ms() + minutes(10)), "in the future"),
        ("a nonce of another form", text.replace("Nonce: ", "Nonce: 0"), "nonce"),
        ("another version", text.replace("Version: 1", "Version: 2"), "version"),
    ] {
        ensure!(changed != text, "{what}: nothing was changed");
        refused(&visitor, what, &changed, &sign(&changed), why).await?;
    }
    refused(&visitor, "high s", &text, &high_s(&sign(&text)), "upper half").await?;
    refused(&visitor, "a stranger", &text, &signed(2, Prefix::Ethereum, &text), "signature").await?;
    let [page, api] = both(&visitor, &text, &sign(&text)).await?;
    ensure!(page.status == 303, "after all of that it is still good once: {}", page.body);
    ensure!(api.status == 401, "and not twice: {}", api.body);
    refused(&visitor, "a replay", &text, &sign(&text), "used already").await?;
    refused(&visitor, "a replay", &text, &signed(ME, Prefix::Klaytn, &text), "used already").await
}

#[tokio::test(flavor = "multi_thread")]
async fn kaias_own_prefix_is_taken_and_one_account_is_not_another() -> anyhow::Result<()> {
    let house = House::open().await?;
    let visitor = house.stranger();
    let text = visitor.text(ME).await?;
    // A browser sends the lines of a text with CR LF.
    let sent = text.replace('\n', "\r\n");
    let signature = signed(ME, Prefix::Klaytn, &text);
    let answer = visitor.post("/ko/sign-in", &[("message", &sent), ("signature", &signature)]).await?;
    ensure!(answer.status == 303 && answer.header("location") == "/ko/home", "{answer:?}");
    let theirs = visitor.text(2).await?;
    let mine = theirs.replace(&account(2).to_string(), &account(ME).to_string());
    refused(&visitor, "another's nonce", &mine, &signed(ME, Prefix::Ethereum, &mine), "used already").await
}
