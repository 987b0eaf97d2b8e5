//! The store on SQLite and on PostgreSQL: the same tests on both.
//!
//! PostgreSQL is the server at `TOUCHSTONE_TEST_DATABASE_URL`, else one that is started here. Without either its tests are
//! reported as ignored, with the way to get it; with `TOUCHSTONE_REQUIRE_NODES=1` they fail instead.

mod account;
mod append_only;
mod audit;
mod backup;
mod cluster;
mod decision;
mod evidence;
mod fixture;
mod job;
mod kill;
mod lease;
mod migrate;
mod node;
mod operator;
mod publication;
mod race;
mod run;
mod same;
mod season;
mod server;
mod stage;

use std::pin::Pin;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use server::Server;
use stage::Stage;

const NEEDS_POSTGRES: &str = "needs PostgreSQL 15 or later: apt-get install postgresql, or set \
    TOUCHSTONE_TEST_DATABASE_URL to a server where databases may be made";

type Done = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;

/// A test of one store.
type Test = fn(Stage) -> Done;

macro_rules! tests {
    ($($module:ident::$name:ident),* $(,)?) => {
        vec![$((concat!(stringify!($module), "::", stringify!($name)), {
            fn test(stage: Stage) -> Done {
                Box::pin($module::$name(stage))
            }
            test as Test
        })),*]
    };
}

fn main() {
    if let Some(done) = kill::child() {
        return done.expect("the child that is to be killed works");
    }
    let arguments = Arguments::from_args();
    let server = Arc::new(Server::find());
    let missing = server.missing();
    if let Some(why) = &missing {
        eprintln!("not run: {NEEDS_POSTGRES} ({why})");
    }
    let required = std::env::var_os("TOUCHSTONE_REQUIRE_NODES").is_some();
    let mut trials = vec![Trial::test("every migration file is embedded", migrate::every_file_is_embedded)];
    for (name, test) in on_both().into_iter().chain(on_sqlite()) {
        trials.push(Trial::test(format!("sqlite: {name}"), move || run(async || Stage::sqlite(), test)));
    }
    for (name, test) in on_both().into_iter().chain(on_postgres()) {
        let here = server.clone();
        let body = move || run(async || Stage::postgres(&here).await, test);
        trials.push(postgres(format!("postgres: {name}"), missing.is_some(), required, body));
    }
    let here = server.clone();
    let body = move || same::on_both_engines(&here);
    trials.push(postgres("both: the same bytes in the same order".into(), missing.is_some(), required, body));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Stops the server: `exit` would not.
    drop(server);
    conclusion.exit();
}

/// What must be the same on both engines.
fn on_both() -> Vec<(&'static str, Test)> {
    tests![
        account::sessions_begin_expire_and_end,
        account::a_secret_is_stored_nowhere,
        account::tokens_are_used_listed_and_revoked,
        account::nonces_are_for_one_purpose_and_time,
        account::a_raced_nonce_is_taken_once,
        append_only::rows_are_not_changed_by_anybody,
        audit::the_trail_is_read_page_by_page,
        audit::many_append_at_once,
        backup::what_is_damaged_is_found,
        decision::a_decision_rests_on_a_publication,
        decision::a_correction_names_the_one_it_replaces,
        evidence::a_run_is_recorded_once,
        evidence::a_stale_lease_hands_in_nothing,
        evidence::a_failure_in_the_middle_leaves_nothing,
        evidence::files_are_what_their_names_say,
        evidence::orphans_are_listed,
        job::a_job_is_done_by_one_worker,
        job::a_failed_job_is_tried_again_later,
        kill::acknowledged_evidence_outlives_a_kill,
        lease::one_lease_a_run_and_a_target,
        lease::a_lease_is_renewed_while_it_lasts,
        lease::a_lease_that_ran_out_is_taken_over,
        lease::nothing_is_leased_outside_the_trials,
        lease::the_oldest_run_with_a_free_target_is_next,
        migrate::each_earlier_database_is_upgraded,
        migrate::a_newer_database_is_refused,
        migrate::an_edited_migration_is_refused,
        migrate::many_open_a_new_place_at_once,
        node::declaring_anew_supersedes,
        node::a_target_is_declared_by_one_operator,
        node::a_validator_is_declared_by_one_operator,
        operator::an_operator_applies_once,
        operator::standing_changes_step_by_step,
        operator::hostile_names_come_back_and_nul_does_not_go_in,
        publication::publications_are_chained,
        publication::a_publication_rests_on_stored_evidence,
        race::targets_are_never_leased_twice,
        race::a_fleet_measures_every_run_once,
        race::evidence_raced_by_many_is_kept_once,
        race::two_stores_write_to_one_database,
        run::runs_are_queued_once_and_in_order,
        run::a_bad_run_queues_none,
        season::a_season_is_created_once,
        season::a_draft_is_frozen_once,
        season::stages_move_as_they_may,
        season::a_bad_season_leaves_nothing,
        season::windows_open_and_close_in_order,
    ]
}

/// Backups are made in each engine's own way.
fn on_sqlite() -> Vec<(&'static str, Test)> {
    tests![backup::a_backup_comes_back, backup::a_damaged_backup_does_not_come_back]
}

fn on_postgres() -> Vec<(&'static str, Test)> {
    tests![backup::a_dump_comes_back]
}

fn postgres(
    name: String,
    missing: bool,
    required: bool,
    body: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    if !missing {
        return Trial::test(name, body);
    }
    if required {
        return Trial::test(name, || Err(NEEDS_POSTGRES.into()));
    }
    Trial::test(format!("{name} [{NEEDS_POSTGRES}]"), body).with_ignored_flag(true)
}

/// Runs a test on a runtime of its own, on a fresh store.
fn run(stage: impl AsyncFnOnce() -> anyhow::Result<Stage>, test: Test) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
    let done = runtime.block_on(async { test(stage().await?).await });
    done.map_err(|error| Failed::from(format!("{error:#}")))
}
