//! The validator that an operator says it runs, with its key's own word for it.

use challenges::claim::{self, ProofFault, ValidatorKeys};
use challenges::driver::of_family;
use model::{SeasonId, Trial};
use store::{Account, Claim};

use super::fault::{Fault, Field, FieldFault};
use super::operator::Declaration;
use super::text::optional_line;
use crate::season::file::Declared;

/// Whether trials need to know the validator behind each node.
pub fn is_needed(trials: &[Trial]) -> bool {
    trials.iter().any(|trial| trial.parameters.challenge().needs_validator())
}

/// The command that signs the claim of an account, but for the file of the validator's key.
pub fn command(family: &str, genesis: &str, season: &SeasonId, account: &Account) -> String {
    format!(
        "touchstone validator sign --family {family} --season {season} --account {account} --genesis {genesis} \
         --key-file FILE"
    )
}

/// What a declaration says of the validator, proven; none when nothing is said and nothing is needed.
///
/// # Errors
/// When it is needed and missing, is no validator's name, is one of the file's own, or its key did not sign.
pub(super) fn claimed(
    plan: &Declared,
    season: &SeasonId,
    account: &Account,
    declaration: &Declaration,
) -> Result<Option<Claim>, Fault> {
    let Declaration { validator, validator_proof, .. } = declaration;
    let validator = optional_line(Field::Validator, validator.as_deref())?;
    let proof = optional_line(Field::ValidatorProof, validator_proof.as_deref())?;
    let (validator, proof) = match (validator, proof) {
        (None, None) if !is_needed(&plan.trials) => return Ok(None),
        (None, _) => return Err(Fault::field(Field::Validator, FieldFault::Empty)),
        (_, None) => return Err(Fault::field(Field::ValidatorProof, FieldFault::Empty)),
        (Some(validator), Some(proof)) => (validator, proof),
    };
    let Some(keys) = keys(plan)? else {
        return Err(Fault::field(Field::Validator, FieldFault::NoValidators(plan.network.family.clone())));
    };
    let Some(validator) = keys.named(&validator) else {
        return Err(Fault::field(Field::Validator, FieldFault::NotAValidator(keys.form())));
    };
    let operators = plan.operators.iter().filter_map(|(operator, _)| operator.validator.as_ref());
    let mut known = operators.chain(&plan.reference_validator);
    if known.any(|known| known.eq_ignore_ascii_case(&validator)) {
        return Err(Fault::field(Field::Validator, FieldFault::Taken));
    }
    let claim = Claim { validator, proof };
    match proven(keys, plan, season, account, &claim) {
        Ok(()) => Ok(Some(claim)),
        Err(why) => Err(Fault::field(Field::ValidatorProof, FieldFault::Unproven(why))),
    }
}

/// Whether what was declared still does: the season's file may have been changed since, and another chain or trial
/// asks for another word of the key.
///
/// # Errors
/// In words, when it does not.
pub(super) fn still_does(
    plan: &Declared,
    season: &SeasonId,
    account: Option<&Account>,
    claim: Option<&Claim>,
) -> Result<(), String> {
    let again = "the season's file was changed since, and the node must be declared anew";
    match (claim, account, keys(plan).ok().flatten()) {
        (None, ..) if is_needed(&plan.trials) => Err(format!("its validator is not known: {again}")),
        (None, ..) => Ok(()),
        (Some(claim), Some(account), Some(keys)) => proven(keys, plan, season, account, claim)
            .map_err(|_| format!("its validator's proof is of another chain: {again}")),
        (Some(_), ..) => Err(format!("it names a validator that nobody can prove: {again}")),
    }
}

fn keys(plan: &Declared) -> Result<Option<&'static dyn ValidatorKeys>, Fault> {
    Ok(of_family(&plan.network.family).map_err(Fault::internal)?.validator_keys())
}

fn proven(
    keys: &dyn ValidatorKeys,
    plan: &Declared,
    season: &SeasonId,
    account: &Account,
    claim: &Claim,
) -> Result<(), ProofFault> {
    let Claim { validator, proof } = claim;
    let (account, genesis, season) = (account.as_str(), plan.network.genesis.as_str(), season.as_str());
    let text = claim::Claim { account, validator, genesis, season }.to_string();
    keys.check(validator, &text, proof)
}
