//! Whatever people write into their forms, it adds no tag and no attribute to any page of the server.

use std::collections::BTreeSet;

use anyhow::ensure;
use model::Stage;

use crate::hostile_text::{HARMLESS, HOSTILE, shape};
use crate::visitor::{House, REVIEWER, Visitor};

const OPERATOR: &str = "seasons/spring/operator";
const APPLICANT: &str = "seasons/spring/review/alpha";

/// Every page on which an operator's or a reviewer's words stand.
async fn pages(operator: &Visitor, reviewer: &Visitor) -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for language in ["en", "ko"] {
        let paths = [
            (operator, OPERATOR),
            (operator, "home"),
            (reviewer, "seasons/spring/review"),
            (reviewer, APPLICANT),
            (reviewer, "seasons/spring/decisions"),
        ];
        for (visitor, path) in paths {
            let path = format!("/{language}/{path}");
            let answer = visitor.get(&path).await?;
            ensure!(answer.status == 200, "{path}: {}: {}", answer.status, answer.body);
            found.push((path, answer.body));
        }
    }
    Ok(found)
}

fn same_shape(what: &str, plain: &[(String, String)], hostile: &[(String, String)]) -> anyhow::Result<()> {
    for ((path, plain), (_, hostile)) in plain.iter().zip(hostile) {
        ensure!(shape(plain) == shape(hostile), "{path}: {what:?} changed the page: {hostile}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_adds_no_tag_to_any_page() -> anyhow::Result<()> {
    let house = House::open().await?;
    let (me, kim) = (house.guest(1).await?, house.guest(REVIEWER).await?);
    let rpc = house.lab.ingresses[0].rpc();
    let write = async |text: &str| {
        let profile = [("id", "alpha"), ("name", text), ("contact", text)];
        let applied = me.post("/en/seasons/spring/operator/profile", &profile).await?;
        let node = [("rpc", rpc.as_str()), ("path", "direct"), ("region", text), ("client", text)];
        let declared = me.post("/en/seasons/spring/operator/node", &node).await?;
        anyhow::Ok([applied, declared])
    };
    let [applied, declared] = write(HARMLESS).await?;
    ensure!((applied.status, declared.status) == (303, 303), "{applied:?} {declared:?}");
    let plain = pages(&me, &kim).await?;
    let mut taken = 0;
    let mut refusals = Vec::new();
    for text in HOSTILE {
        let answers = write(text).await?;
        ensure!(answers.iter().all(|answer| matches!(answer.status, 303 | 422)), "{text:?}: {answers:?}");
        if answers.iter().all(|answer| answer.status == 303) {
            same_shape(text, &plain, &pages(&me, &kim).await?)?;
            taken += 1;
        }
        // What is refused is shown again, in the form.
        refusals
            .extend(answers.into_iter().filter(|answer| answer.status == 422).map(|answer| (text, answer)));
    }
    ensure!(taken >= 30, "only {taken} were taken: the test looks at little");
    ensure!(refusals.len() >= 6, "{} were refused", refusals.len());
    for (text, answer) in refusals {
        ensure!(answer.body.contains("aria-invalid"), "{text:?}: {}", answer.body);
        ensure!(
            !answer.body.contains("<script>") && !answer.body.contains("<img"),
            "{text:?}: {}",
            answer.body
        );
    }
    decided(&house, &me, &kim).await
}

/// The same once the season was measured: names stand beside runs, and reasons in decisions.
async fn decided(house: &House, me: &Visitor, kim: &Visitor) -> anyhow::Result<()> {
    let hostile = [("id", "alpha"), ("name", "\"><img src=x onerror=alert(1)> &lt;b&gt;")];
    ensure!(me.post("/en/seasons/spring/operator/profile", &hostile).await?.status == 303);
    let other = house.guest(2).await?;
    let harmless = [("id", "beta"), ("name", HARMLESS)];
    ensure!(other.post("/en/seasons/spring/operator/profile", &harmless).await?.status == 303);
    let rpc = house.lab.ingresses[1].rpc();
    let node = [("rpc", rpc.as_str()), ("path", "direct")];
    ensure!(other.post("/en/seasons/spring/operator/node", &node).await?.status == 303);
    let begin = [("to", "trials"), ("confirm", "yes")];
    ensure!(kim.post("/en/seasons/spring/stage", &begin).await?.status == 303);
    house.served.comes_to(Stage::Review).await?;
    let run = async |visitor: &Visitor, id: &str, above: &str| {
        let runs = house.served.app.store.runs(&crate::served::id()).await?;
        let name = runs.iter().rfind(|run| run.run.operator.as_str() == id).expect("a run").run.to_string();
        let page = visitor.get(&format!("/en/seasons/spring/{above}/runs/{name}")).await?;
        ensure!(page.status == 200, "{name}: {page:?}");
        anyhow::Ok(shape(&page.body).into_iter().collect::<BTreeSet<_>>())
    };
    let plain = run(kim, "beta", "review/beta").await?;
    for (visitor, above) in [(kim, "review/alpha"), (me, "operator")] {
        let named = run(visitor, "alpha", above).await?;
        // One of the two may have lost points.
        let more: Vec<_> = named.difference(&plain).filter(|tag| !tag.contains("strong")).collect();
        ensure!(more.is_empty(), "{above}: {more:?}");
    }
    let mut before = 0;
    let mut decide = async |reason: &str| {
        let replaces = if before == 0 { String::new() } else { before.to_string() };
        let fields =
            [("verdict", "admit"), ("publication", "1"), ("reason", reason), ("replaces", &replaces)];
        let answer = kim.post(&format!("/en/{APPLICANT}/decision"), &fields).await?;
        before += u32::from(answer.status == 303);
        anyhow::Ok(answer)
    };
    ensure!(decide(HARMLESS).await?.status == 303);
    let one = pages(me, kim).await?;
    let tags = shape(&one.iter().find(|(path, _)| path.ends_with(APPLICANT)).expect("looked at").1);
    let mut taken = 0;
    for reason in HOSTILE {
        let answer = decide(reason).await?;
        ensure!(matches!(answer.status, 303 | 422), "{reason:?}: {answer:?}");
        taken += usize::from(answer.status == 303);
    }
    ensure!(taken >= 30, "only {taken} were taken");
    let page = kim.get(&format!("/en/{APPLICANT}")).await?.body;
    let all = shape(&page);
    // Each decision is a line of the same tags; those after the first say what they replace.
    let known: BTreeSet<&String> = tags.iter().collect();
    let new: Vec<_> = all.iter().filter(|tag| !known.contains(tag)).collect();
    ensure!(new.iter().all(|tag| *tag == "span class="), "{new:?} in {page}");
    ensure!(page.contains("&lt;script&gt;alert(1)"), "shown as it was written");
    let publish = [("to", "published"), ("confirm", "yes")];
    ensure!(kim.post("/en/seasons/spring/stage", &publish).await?.status == 303);
    let public = house.stranger().get("/ko/seasons/spring/decisions").await?;
    ensure!(
        public.status == 200 && !public.body.contains("<script>") && !public.body.contains("<img"),
        "{public:?}"
    );
    ensure!(public.body.matches("class=\"reason\"").count() == taken + 1);
    Ok(())
}
