//! A season moved from stage to stage by reviewers. What follows from measuring (trials to review)
//! the service does itself.

use model::Stage;
use serde_json::json;
use store::SeasonRecord;

use super::app::{App, noted};
use super::decision::unpublished;
use super::fault::Fault;
use super::live::Happened;
use super::who::SignedIn;
use crate::season::held::now;

/// Stages that a reviewer may move a season to from where it is.
pub fn next(season: &SeasonRecord) -> Vec<Stage> {
    use Stage::{Archived, Draft, Open, Published, Review, Suspended, Trials};
    match season.stage {
        Open => vec![Trials, Suspended],
        Trials => vec![Suspended],
        Review => vec![Published, Suspended],
        Published => vec![Published, Archived],
        Suspended => season.resumes.into_iter().collect(),
        Draft | Archived => Vec::new(),
    }
}

/// Moves a season. To [`Stage::Trials`] it is frozen with everybody verified; to
/// [`Stage::Published`] what was decided is published, corrections of a published list too.
///
/// # Errors
/// When it is no step from where the season is, or the season cannot take it yet.
pub async fn advance(app: &App, season: &SeasonRecord, who: &SignedIn, to: Stage) -> Result<(), Fault> {
    let (id, from) = (&season.id, season.stage);
    if !next(season).contains(&to) {
        return Err(Fault::Conflict(format!("season {id} is {from}: it cannot be made {to} now")));
    }
    if (from, to) == (Stage::Published, Stage::Published) && unpublished(app, season).await? == 0 {
        return Err(Fault::Conflict(format!(
            "season {id} has no decision that is not published: decide first"
        )));
    }
    let mut act = None;
    match (from, to) {
        (Stage::Open, Stage::Trials) => app.service.begin_trials(id).await?,
        (Stage::Review | Stage::Published, Stage::Published) => {
            app.service.publish_decisions(id).await?;
        }
        _ => act.insert(app.store.begin().await?).move_season(id, from, to, now()).await?,
    }
    // Freezing and publishing are acts of their own, and may be repeated after a kill.
    let act = match act {
        Some(act) => act,
        None => app.store.begin().await?,
    };
    let detail = json!({ "from": from, "to": to });
    noted(act, who.account.as_str(), "advance-season", &format!("season {id}"), &detail).await?;
    app.service.live.tell(id, Happened::Stage { stage: to });
    Ok(())
}
