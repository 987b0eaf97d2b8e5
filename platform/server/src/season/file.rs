//! The season file, read and checked: what a foundation writes to have nodes measured.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, anyhow};
use challenges::driver::{as_carried, not_carried, of_family, with_halt};
use challenges::engine::ceiling::ceiling_for;
use model::season::Operator;
use model::trial::Hazard;
use model::{Network, Parameters, Role, Schedule, Seed, Trial, TrialId};
use scoreboard::{Rulebook, season_faults};

use super::OpenSeason;
use super::faults::Faults;
use super::members::{network, operators};
use super::tables::{SeasonFile, TrialTable};

/// A season file that shows every key.
const EXAMPLE: &str = "platform/server/examples/season.toml";

/// A season file that is possible, taken apart: what is published, and what is not.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Name on pages.
    pub name: String,
    /// Windows.
    pub windows: u32,
    /// Seats.
    pub seats: u32,
    /// Attempts at a run.
    pub attempts: u32,
    /// The chain.
    pub network: Network,
    /// Operators with the RPC of their node.
    pub operators: Vec<(Operator, String)>,
    /// Trials.
    pub trials: Vec<Trial>,
    /// The rulebook.
    pub book: Rulebook,
    /// RPC of the reference.
    pub reference: String,
    /// Validator of the reference, where it has one.
    pub reference_validator: Option<String>,
    /// Requests per second to any node.
    pub ceiling: u32,
}

/// Reads a season file that names its candidates.
///
/// # Errors
/// Every fault found, with line and remedy.
pub fn read(path: &Path) -> anyhow::Result<Declared> {
    in_file(path, parse)
}

/// Reads a season file to which candidates apply.
///
/// # Errors
/// Every fault found, with line and remedy.
pub fn read_open(path: &Path) -> anyhow::Result<Declared> {
    in_file(path, parse_open)
}

fn in_file(path: &Path, parse: fn(&str) -> anyhow::Result<Declared>) -> anyhow::Result<Declared> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} cannot be used", path.display()))
}

/// Takes a season file apart that names its candidates.
///
/// # Errors
/// Every fault found, with line and remedy.
pub fn parse(text: &str) -> anyhow::Result<Declared> {
    take_apart(text, true)
}

/// Takes a season file apart to which candidates apply.
///
/// # Errors
/// Every fault found, with line and remedy.
pub fn parse_open(text: &str) -> anyhow::Result<Declared> {
    take_apart(text, false)
}

fn take_apart(text: &str, needs_candidates: bool) -> anyhow::Result<Declared> {
    let file: SeasonFile = toml::from_str(text)
        .map_err(|e| anyhow!("{}\na complete example: {EXAMPLE}", e.to_string().trim_end()))?;
    let mut faults = Faults::of(text);
    let operators = operators(&file.operators, &mut faults);
    let trials = trials(&file, &mut faults);
    let network = network(&file.network, &file.operators, &mut faults);
    let book = rulebook(&file, &mut faults);
    let ceiling = ceiling(&file, &trials, &mut faults);
    if needs_candidates && !operators.iter().any(|(operator, _)| operator.role == Role::Candidate) {
        faults.at_end("no candidate: add [[operator]] tables with id and rpc");
    }
    counts(&file, &operators, &trials, ceiling, &mut faults);
    let declared = Declared {
        name: file.name.get_ref().clone(),
        windows: *file.windows.get_ref(),
        seats: *file.seats.get_ref(),
        attempts: *file.attempts.get_ref(),
        network,
        operators,
        trials,
        book,
        reference: file.network.reference.get_ref().clone(),
        reference_validator: file.network.validator.as_ref().map(|validator| validator.get_ref().clone()),
        ceiling,
    };
    frozen(&file, &declared, &mut faults);
    faults.none()?;
    Ok(declared)
}

fn identifier(trial: &TrialTable) -> String {
    trial.id.as_ref().map_or_else(|| trial.challenge.to_string(), |id| id.get_ref().clone())
}

fn trials(file: &SeasonFile, faults: &mut Faults<'_>) -> Vec<Trial> {
    // A family that there is not is told where it stands.
    let family = file.network.family.get_ref();
    let driver = of_family(family).ok();
    let mut ids = BTreeSet::new();
    let mut trials = Vec::new();
    for table in &file.trials {
        let trial = table.get_ref();
        let id = identifier(trial);
        let Some(parameters) = trial.parameters() else {
            let other = "[trial.traffic] belongs to traffic-throughput, [trial.spam] to spam-defense, [trial.duty] to duty, \
                         [trial.key-change] to key-change: keep the one";
            faults.at(table, other);
            continue;
        };
        let parameters = match driver {
            Some(driver) if trial.has_usual() => as_carried(driver, parameters),
            Some(driver) => with_halt(driver, parameters),
            None => parameters,
        };
        if let Some(why) = driver.and_then(|driver| not_carried(driver, family, &parameters)) {
            faults.at(table, why);
        }
        if parameters.challenge().hazard() == Hazard::Chain && trial.schedule != Schedule::Alone {
            let what = trial.challenge;
            let why = format!("{what} can stop a chain: one operator at a time (schedule = \"alone\")");
            faults.at(table, why);
        }
        match id.parse::<TrialId>() {
            Ok(id) if ids.insert(id.clone()) => trials.push(Trial {
                id,
                version: 1,
                path: trial.path,
                schedule: trial.schedule,
                weight: trial.weight,
                parameters,
            }),
            Ok(id) => faults.at(table, format!("two trials are called {id}: give one of them another id")),
            Err(error) => faults.at(table, error),
        }
    }
    trials
}

fn rulebook(file: &SeasonFile, faults: &mut Faults<'_>) -> Rulebook {
    match file.rulebook.get_ref().as_str() {
        "standard" => Rulebook::standard(),
        "quick" => Rulebook::quick(),
        other => {
            faults.at(&file.rulebook, format!("no rulebook `{other}`: choose \"standard\" or \"quick\""));
            Rulebook::quick()
        }
    }
}

/// The ceiling given, or the least one that the trials need.
fn ceiling(file: &SeasonFile, trials: &[Trial], faults: &mut Faults<'_>) -> u32 {
    let possible =
        trials.iter().map(|trial| &trial.parameters).filter(|parameters| parameters.faults().is_empty());
    let peak = possible.map(Parameters::peak_rate).max().unwrap_or(1);
    let least = ceiling_for(peak);
    match &file.ceiling {
        Some(given) if *given.get_ref() < least => {
            faults.at(
                given,
                format!("the trials send up to {peak} requests/s, which needs a ceiling of {least}: raise it or lower the rates"),
            );
            least
        }
        Some(given) => *given.get_ref(),
        None => least,
    }
}

fn counts(
    file: &SeasonFile,
    operators: &[(Operator, String)],
    trials: &[Trial],
    ceiling: u32,
    faults: &mut Faults<'_>,
) {
    if operators.iter().filter(|(operator, _)| operator.role == Role::Control).count() < 2 {
        faults.at_end("fewer than two controls: add [[operator]] tables with role = \"control\"");
    }
    if trials.is_empty() {
        faults.at_end(
            "no trial: add a [[trial]] table with challenge = \"traffic-throughput\", \"spam-defense\", \"duty\" or \
             \"key-change\"",
        );
    }
    if *file.seats.get_ref() == 0 {
        faults.at(&file.seats, "seats = 0 is not possible: choose at least 1");
    }
    if !(1..=10).contains(file.attempts.get_ref()) {
        faults.at(&file.attempts, "attempts must be 1 to 10");
    }
    let together = file.trials.iter().find(|trial| trial.get_ref().schedule == Schedule::Together);
    // A worker may send its ceiling to its own node and as much to the controls.
    let at_once = if together.is_some() { operators.len() as u64 } else { 1 } * u64::from(ceiling) * 2;
    let overall = &file.overall_ceiling;
    if at_once > u64::from(*overall.get_ref()) {
        let what = format!(
            "measured together, the operators could be sent {at_once} requests/s, above overall_ceiling = {}: \
             raise it, lower the rates, or use schedule = \"alone\"",
            overall.get_ref()
        );
        match together.or(file.trials.first()) {
            Some(trial) if overall.span().is_empty() => faults.at(trial, what),
            _ => faults.at(overall, what),
        }
    }
}

/// What the rules of scoring would neither open nor verify: told before anything is measured.
fn frozen(file: &SeasonFile, declared: &Declared, faults: &mut Faults<'_>) {
    let season = OpenSeason::freeze(declared.clone(), Seed::from_number(0), false).season;
    for fault in season_faults(&season) {
        let (subject, _) = fault.split_once(": ").unwrap_or_default();
        let (kind, id) = subject.split_once(' ').unwrap_or((subject, ""));
        let operator = file.operators.iter().find(|o| o.get_ref().id.get_ref() == id);
        let trial = file.trials.iter().find(|trial| identifier(trial.get_ref()) == id);
        match (kind, operator, trial) {
            ("name", ..) => faults.at(&file.name, fault),
            ("windows", ..) => faults.at(&file.windows, fault),
            ("reference", ..) => match &file.network.validator {
                Some(validator) => faults.at(validator, fault),
                None => faults.at_end(&fault),
            },
            ("operator", Some(operator), _) => faults.at(operator, fault),
            ("trial", _, Some(trial)) => faults.at(trial, fault),
            // Told already, more strictly.
            ("attempts", ..) => {}
            ("operators" | "trials", ..) if file.operators.is_empty() || file.trials.is_empty() => {}
            _ => faults.at_end(&fault),
        }
    }
}
