//! Forms: of other sites they change nothing, bad ones lose nothing, and who is not signed in is led there and back.

use anyhow::ensure;
use hyper::Method;

use crate::visitor::{House, REVIEWER};

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_sites_change_nothing() -> anyhow::Result<()> {
    let house = House::open().await?;
    let me = house.guest(1).await?;
    let profile = [("id", "alpha"), ("name", "Alpha")];
    for site in ["cross-site", "same-site"] {
        for path in ["/en/sign-out", "/en/seasons/spring/operator/profile"] {
            let answer = me.post_from(site, path, &profile).await?;
            ensure!(answer.status == 403, "{site}, {path}: {}", answer.status);
        }
    }
    // Browsers that say nothing of the site say where they come from.
    let kind = ("content-type", "application/x-www-form-urlencoded");
    for origin in ["http://evil.example", "null"] {
        let headers = [kind, ("origin", origin)];
        let answer = me.ask(Method::POST, "/en/sign-out", &headers, String::new()).await?;
        ensure!(answer.status == 403, "{origin}: {}", answer.status);
        let json = [("content-type", "application/json"), ("origin", origin)];
        let body = r#"{"id":"alpha","name":"Alpha"}"#.to_owned();
        let answer = me.ask(Method::PUT, "/api/v1/seasons/spring/operator", &json, body).await?;
        ensure!(answer.status == 403, "{origin}: {}", answer.status);
        let answer = me.ask(Method::DELETE, "/api/v1/session", &[("origin", origin)], String::new()).await?;
        ensure!(answer.status == 403, "{origin}: {}", answer.status);
    }
    ensure!(me.get("/en/home").await?.status == 200, "still signed in");
    ensure!(me.get("/api/v1/seasons/spring/operator").await?.status == 404, "and not applied");
    ensure!(me.post("/en/sign-out", &[]).await?.status == 303);
    let out = me.get("/en/home").await?;
    ensure!(out.status == 303 && out.header("location") == "/en/sign-in?next=%2Fen%2Fhome", "{out:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_is_led_there_and_back() -> anyhow::Result<()> {
    let house = House::open().await?;
    let stranger = house.stranger();
    for path in ["home", "seasons/spring/operator", "seasons/spring/review", "seasons/spring/review/a/runs/b"]
    {
        let answer = stranger.get(&format!("/ko/{path}")).await?;
        let there = format!("/ko/sign-in?next=%2Fko%2F{}", path.replace('/', "%2F"));
        ensure!(answer.status == 303 && answer.header("location") == there, "{path}: {answer:?}");
        let shown = stranger.get(&there).await?;
        let hidden = format!("<input type=\"hidden\" name=\"next\" value=\"/ko/{path}\">");
        let plain = shown.body.replace("&#x2F;", "/").replace("&#47;", "/");
        ensure!(shown.status == 200 && plain.contains(&hidden), "{path}: {}", shown.body);
    }
    let late = stranger.post("/ko/seasons/spring/operator/profile", &[("id", "a"), ("name", "b")]).await?;
    ensure!(late.status == 401 && late.body.contains("이전 화면으로 돌아가"), "{late:?}");
    let me = house.guest(1).await?;
    for path in ["seasons/spring/review", "seasons/spring/review/alpha"] {
        let answer = me.get(&format!("/ko/{path}")).await?;
        ensure!(answer.status == 403 && answer.body.contains("심사위원"), "{path}: {answer:?}");
    }
    let answer = me.post("/en/seasons/spring/stage", &[("to", "trials"), ("confirm", "yes")]).await?;
    ensure!(answer.status == 403, "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_stays_and_the_fault_stands_beside_its_field() -> anyhow::Result<()> {
    let house = House::open().await?;
    let me = house.guest(1).await?;
    let profile = "/en/seasons/spring/operator/profile";
    let bad =
        me.post(profile, &[("id", "Al pha"), ("name", "Alpha & Söhne"), ("contact", "x@y.example")]).await?;
    ensure!(bad.status == 422, "{bad:?}");
    for kept in
        ["value=\"Al pha\"", "value=\"Alpha &amp; Söhne\"", "value=\"x@y.example\"", "Use 1 to 40 of a-z"]
    {
        ensure!(bad.body.contains(kept), "{kept} is not in {}", bad.body);
    }
    ensure!(bad.body.matches("aria-invalid").count() == 1);
    ensure!(me.post(profile, &[("id", "alpha"), ("name", "Alpha")]).await?.status == 303);
    let node = "/ko/seasons/spring/operator/node";
    let control = house.lab.ingresses[3].rpc();
    for (rpc, why) in [
        ("http://10.0.0.1:8545", "루프백"),
        ("http://127.0.0.1:1", "응답하지 않았습니다"),
        ("nowhere", "형식"),
        (control.as_str(), "대조 노드의 주소"),
    ] {
        let bad = me.post(node, &[("rpc", rpc), ("path", "direct"), ("region", "부산")]).await?;
        ensure!(bad.status == 422 && bad.body.contains(why), "{rpc}: {} {}", bad.status, bad.body);
        ensure!(bad.body.contains("value=\"부산\""), "{rpc}: the region is lost");
    }
    let good = house.lab.ingresses[0].rpc();
    ensure!(me.post(node, &[("rpc", &good), ("path", "direct")]).await?.status == 303);
    let bad = me.post(node, &[("rpc", "http://10.0.0.1:8545"), ("path", "direct")]).await?;
    ensure!(bad.body.contains(&format!("<code>{good}</code>")), "the declared node is another: {}", bad.body);
    let taken = house.guest(2).await?;
    let bad = taken.post(profile, &[("id", "alpha"), ("name", "Beta")]).await?;
    ensure!(bad.status == 409 && bad.body.matches("aria-invalid").count() == 1, "{bad:?}");
    ensure!(taken.post(profile, &[("id", "beta"), ("name", "Beta")]).await?.status == 303);
    let bad = taken.post(node, &[("rpc", &good), ("path", "direct")]).await?;
    ensure!(bad.status == 409 && bad.body.contains("다른 운영자가 등록"), "{bad:?}");
    for path in ["", "sideways", "fronted"] {
        let bad = me.post(node, &[("rpc", &good), ("path", path)]).await?;
        ensure!(bad.status == 422, "{path:?}: {}", bad.status);
    }
    let kim = house.guest(REVIEWER).await?;
    for fields in [&[("to", "trials")][..], &[("to", "moon"), ("confirm", "yes")], &[("confirm", "yes")]] {
        let bad = kim.post("/en/seasons/spring/stage", fields).await?;
        ensure!(bad.status == 422 && bad.body.contains("role=\"alert\""), "{fields:?}: {}", bad.status);
    }
    let none = me.post("/en/seasons/spring/operator/withdrawal", &[]).await?;
    ensure!(none.status == 422 && none.body.contains("Tick the box"), "{none:?}");
    ensure!(me.post("/en/seasons/spring/operator/withdrawal", &[("confirm", "yes")]).await?.status == 303);
    let left = me.get("/en/seasons/spring/operator").await?.body;
    ensure!(left.contains("Apply again") && !left.contains("Declare the node"), "{left}");
    let kind = [("content-type", "text/plain"), ("sec-fetch-site", "same-origin")];
    let odd = me.ask(Method::POST, profile, &kind, "id=alpha".into()).await?;
    ensure!(odd.status == 415, "{odd:?}");
    Ok(())
}
