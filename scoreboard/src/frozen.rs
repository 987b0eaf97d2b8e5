//! Whether a season, as frozen, can be scored at all.

use std::collections::BTreeSet;

use model::Season;

/// What cannot be: one sentence for each impossible value. A season with faults is neither opened
/// nor verified.
pub fn season_faults(season: &Season) -> Vec<String> {
    let mut faults = Vec::new();
    let mut need = |good: bool, fault: String| {
        if !good {
            faults.push(fault);
        }
    };
    need(season.schema == Season::SCHEMA, format!("schema {} is not 1", season.schema));
    need(is_text(&season.name), "name: give 1 to 200 bytes of text".into());
    need((1..=1_000).contains(&season.windows), "windows: choose 1 to 1000".into());
    need((1..=20).contains(&season.attempts), "attempts: choose 1 to 20".into());
    need((1..=5_000).contains(&season.operators.len()), "operators: give 1 to 5000".into());
    need((1..=20).contains(&season.trials.len()), "trials: give 1 to 20".into());
    need(season.network.family.len() <= 40, "network.family is too long".into());
    need(
        is_plain(&season.network.family) && is_plain(&season.network.genesis),
        "network: plain ASCII".into(),
    );
    let operators: BTreeSet<_> = season.operators.iter().map(|operator| &operator.id).collect();
    need(operators.len() == season.operators.len(), "operators: one identifier stands twice".into());
    let trials: BTreeSet<_> = season.trials.iter().map(|trial| &trial.id).collect();
    need(trials.len() == season.trials.len(), "trials: one identifier stands twice".into());
    for operator in &season.operators {
        need(is_text(&operator.name), format!("operator {}: give a name of 1 to 200 bytes", operator.id));
    }
    validators(season, &mut need);
    reference(season, &mut need);
    for trial in &season.trials {
        let (id, weight) = (&trial.id, trial.weight);
        need((1..=1_000_000).contains(&weight), format!("trial {id}: weight: choose 1 to 1000000"));
        faults_of(trial, &mut need);
    }
    faults
}

/// The reference's validator is nobody's who is measured.
fn reference(season: &Season, need: &mut impl FnMut(bool, String)) {
    let Some(validator) = &season.reference_validator else { return };
    need(is_validator(validator), "reference: validator is no address or key of the chain".into());
    let mut theirs = season.operators.iter().filter_map(|operator| operator.validator.as_deref());
    let shared = theirs.any(|other| other.eq_ignore_ascii_case(validator));
    need(!shared, "reference: its validator is an operator's, and nobody may be measured on it".into());
}

fn is_validator(text: &str) -> bool {
    (1..=100).contains(&text.len()) && is_plain(text) && !text.contains(' ')
}

/// A trial about validators needs to know everybody's, each its own.
fn validators(season: &Season, need: &mut impl FnMut(bool, String)) {
    let about = season.trials.iter().find(|trial| trial.parameters.challenge().needs_validator());
    let mut known = BTreeSet::new();
    for operator in &season.operators {
        let Some(validator) = &operator.validator else {
            let trial = about.map_or(String::new(), |trial| trial.id.to_string());
            let fault = format!("operator {}: trial {trial} needs its validator: add validator", operator.id);
            need(about.is_none(), fault);
            continue;
        };
        need(
            is_validator(validator),
            format!("operator {}: validator is no address or key of the chain", operator.id),
        );
        let new = known.insert(validator.to_ascii_lowercase());
        need(new, format!("operator {}: another operator has the same validator", operator.id));
    }
}

fn faults_of(trial: &model::Trial, need: &mut impl FnMut(bool, String)) {
    for fault in trial.parameters.faults() {
        need(false, format!("trial {}: {fault}", trial.id));
    }
    if let model::Parameters::SpamDefense(p) = &trial.parameters {
        let rates: BTreeSet<_> = p.intensities.iter().collect();
        need(rates.len() == p.intensities.len(), format!("trial {}: one intensity stands twice", trial.id));
        need(rates.len() <= 100, format!("trial {}: give at most 100 intensities", trial.id));
    }
}

fn is_text(text: &str) -> bool {
    (1..=200).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_plain(text: &str) -> bool {
    text.len() <= 200 && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}
