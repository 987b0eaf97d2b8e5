//! A season about validators that is served: who applies shows its validator, and is measured by it.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use libtest_mimic::Failed;
use localnet::{CometOptions, Network};
use model::trial::Path as LoadPath;
use model::{RunState, SeasonId, Stage};
use server::config::Config;
use server::season::records::Holder;
use server::serve::app::App;
use server::serve::operator::{Declaration, Profile, apply, declare};
use server::serve::service::Service;
use server::serve::stage::advance;
use server::serve::who::SignedIn;
use store::{Account, Store};

use crate::stage::{BINARY, reference, run};

/// A window of thirty seconds and what is around it, with room for runs that are drawn again.
const PATIENCE: Duration = Duration::from_secs(280);

/// Duty for so long that each of four validators has several turns.
const DUTY: &str = "
[[trial]]
challenge = \"duty\"
schedule = \"together\"

[trial.duty]
watch_ms = 30000
probe_ms = 3000
calm_rate = 5
horizon_blocks = 20
least_turns = 3
halt_ms = 30000
";

fn file(network: &Network) -> String {
    let mut text = format!(
        "name = \"served\"\nwindows = 1\nseats = 1\n\n[network]\nfamily = \"cometbft\"\nchain_id = 0\ngenesis = \"{}\"\n\
         reference = \"{}\"\n",
        network.genesis_hash(),
        reference(network).rpc_url()
    );
    for (node, number) in network.nodes[network.nodes.len() - 2..].iter().zip(1..) {
        let (rpc, validator) = (node.rpc_url(), node.address().unwrap_or_default());
        let _ = write!(
            text,
            "\n[[operator]]\nid = \"control-{number}\"\nrole = \"control\"\nrpc = \"{rpc}\"\nvalidator = \"{validator}\"\n"
        );
    }
    text + DUTY
}

/// Validator and proof, out of the node's own key file.
fn signed(network: &Network, account: &Account, key_file: &Path) -> anyhow::Result<(String, String)> {
    std::fs::set_permissions(key_file, std::fs::Permissions::from_mode(0o600))?;
    let mut command = Command::new(BINARY);
    command.args([
        "validator",
        "sign",
        "--family",
        "cometbft",
        "--season",
        "spring",
        "--account",
        account.as_str(),
    ]);
    let said = command.args(["--genesis", network.genesis_hash(), "--key-file"]).arg(key_file).output()?;
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let out = String::from_utf8(said.stdout)?;
    let line = |name: &str| out.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    Ok((line("validator ").context("a validator")?, line("validator_proof ").context("a proof")?))
}

pub(crate) fn duty() -> Result<(), Failed> {
    run(async |here| {
        let chain = here.join("chain");
        let network =
            CometOptions { validators: 4, seed: Some(1), ..CometOptions::new(&chain) }.start().await?;
        std::fs::write(here.join("season.toml"), file(&network))?;
        let text = "[[season]]\nid = \"spring\"\nfile = \"season.toml\"\n";
        let config = Config::parse(text, &here, |_| None)?;
        let holder = Holder::alone(&config.data)?;
        let store = Arc::new(Store::open(&server::serve::place(&config)).await?);
        let service = Arc::new(Service::new(config.clone(), store, holder, Path::new(BINARY).to_owned()));
        service.open_all().await?;
        let id: SeasonId = "spring".parse()?;
        let conducting = tokio::spawn(Arc::clone(&service).conduct(id.clone()));
        let app = App::new(config, service)?;

        let account: Account = format!("0x{}", "11".repeat(20)).parse()?;
        let who = SignedIn { account, terms: None, session: None };
        let profile = Profile { id: "north".into(), name: "North".into(), contact: None };
        apply(&app, &app.season("spring").await?, &who, &profile).await?;
        let key_file = chain.join("node-0/config/priv_validator_key.json");
        let (validator, proof) = signed(&network, &who.account, &key_file)?;
        ensure!(network.nodes[0].address() == Some(&validator), "{validator} is not node 0");
        let mut node = Declaration::of(&network.nodes[0].rpc_url(), LoadPath::Direct);
        let refused = declare(&app, &app.season("spring").await?, &who, &node).await.err();
        ensure!(
            refused.is_some_and(|why| why.to_string().contains("validator")),
            "taken without a validator"
        );
        (node.validator, node.validator_proof) = (Some(validator.clone()), Some(proof));
        let own = declare(&app, &app.season("spring").await?, &who, &node).await?;
        let seat = own.node.and_then(|node| node.seat);
        ensure!(seat.is_some_and(|seat| seat.seated && seat.height > 0), "{seat:?}");
        advance(&app, &app.season("spring").await?, &who, Stage::Trials).await?;
        let begun = Instant::now();
        while app.season("spring").await?.stage != Stage::Review {
            if begun.elapsed() > PATIENCE {
                bail!("it does not come to its review: {:?}", app.store.jobs("conduct").await?);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        conducting.abort();
        let publication = app.latest(&id).await?.context("a publication")?;
        let of_north = |name: &&String| name.contains(".north.");
        let name = publication.runs.keys().rfind(of_north).context("a run of north")?;
        let entry = &publication.runs[name];
        let score = entry.score.as_ref().with_context(|| format!("{name} is {}", entry.state))?;
        let points = score.points;
        println!("{name} {}: {:.1} points as {validator}", entry.state, points as f64 / 1_000.0);
        ensure!(entry.state == RunState::Measured && points > 90_000, "{name}: {} {points}", entry.state);
        let evidence = app.store.evidence(&id).await?;
        ensure!(evidence[name].validator.as_deref() == Some(&validator), "measured by another validator");
        Ok(())
    })
}
