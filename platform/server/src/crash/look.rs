//! What was acknowledged, looked at again: through the API after each kill, in the store at the end.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use model::SeasonId;
use store::{OperatorRecord, Store};

use super::memory::{Decided, Entry, Memory, Operator};
use super::writer::Writer;

/// So many that were not written of late are looked at after each kill.
const SAMPLE: usize = 10;
/// Rows of the trail that are read at a time.
const PAGE: u32 = 500;

impl Writer {
    /// Looks at what was written since the last look and at a sample of the rest, or at everything.
    pub(super) async fn look(&mut self, everything: bool) -> anyhow::Result<()> {
        let mut entries = std::mem::take(&mut self.memory.touched);
        let mut tokens = std::mem::take(&mut self.memory.touched_tokens);
        let people = 1..self.memory.people.len();
        if everything {
            entries = (0..self.memory.entries.len()).collect();
            let of = |person: usize| (0..self.memory.people[person].tokens.len()).map(move |n| (person, n));
            tokens = people.clone().flat_map(of).collect();
        } else {
            self.sample(&mut entries, &mut tokens)?;
        }
        for number in entries {
            self.look_at_entry(number).await?;
        }
        for (person, number) in tokens {
            self.look_at_token(person, number).await?;
        }
        let spent = if everything { people.collect() } else { vec![self.anybody()?] };
        for person in spent {
            self.try_spent(person).await?;
        }
        let ended = self.seasons.ended().to_vec();
        for season in if everything { &ended[..] } else { &ended[ended.len().saturating_sub(1)..] } {
            self.look_at_decisions(season).await?;
            let stage = self.stage(season).await?;
            if stage != "published" {
                self.memory.lost.push(format!("{season} was published, and is in {stage}"));
            }
        }
        Ok(())
    }

    fn sample(
        &mut self,
        entries: &mut BTreeSet<usize>,
        tokens: &mut BTreeSet<(usize, usize)>,
    ) -> anyhow::Result<()> {
        for _ in 0..SAMPLE {
            entries.extend(self.pick(self.memory.entries.len()));
            let person = self.anybody()?;
            tokens.extend(self.pick(self.memory.people[person].tokens.len()).map(|number| (person, number)));
        }
        Ok(())
    }
}

/// Holds the store itself against everything that was acknowledged, and the trail against what was done.
pub(super) async fn look_in_store(store: &Store, memory: &mut Memory) -> anyhow::Result<()> {
    let mut lost = Vec::new();
    for entry in &memory.entries {
        let season: SeasonId = entry.season.parse()?;
        let seen = operator(store, &season, entry).await?;
        if entry.state.value() != &seen {
            let known = entry.state.value();
            lost.push(format!(
                "{}/{} is {seen:?} in the store, acknowledged was {known:?}",
                entry.season, entry.id
            ));
        }
    }
    for (season, known) in &memory.decisions {
        let records = store.decisions(&season.parse()?).await?;
        let seen: Vec<Decided> = records.into_iter().map(|record| decided(record.decision)).collect();
        if seen != *known {
            lost.push(format!(
                "the decisions of {season} are {seen:?} in the store, acknowledged were {known:?}"
            ));
        }
    }
    for person in &memory.people {
        let account = person.account.to_string().parse().context("an account")?;
        let tokens = store.tokens(&account).await?;
        for token in &person.tokens {
            let seen = tokens.iter().find(|seen| seen.id.to_string() == token.id);
            if seen.map(|seen| seen.revoked.is_none()) != Some(*token.good.value()) {
                lost.push(format!(
                    "{} of {} is not in the store as acknowledged",
                    token.name, person.account
                ));
            }
        }
    }
    memory.lost.append(&mut lost);
    look_at_trail(store, memory).await
}

async fn operator(store: &Store, season: &SeasonId, entry: &Entry) -> anyhow::Result<Option<Operator>> {
    let id = entry.id.parse()?;
    let record = match store.operator(season, &id).await {
        Ok(record) => record,
        Err(store::Error::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let node = store.node(season, &id).await?;
    let OperatorRecord { name, contact, standing, .. } = record;
    let standing = if standing == model::Standing::Competing { model::Standing::Verified } else { standing };
    Ok(Some(Operator {
        name,
        contact: contact.unwrap_or_default(),
        standing: standing.to_string(),
        region: node.and_then(|node| node.node.region),
    }))
}

fn decided(decision: store::NewDecision) -> Decided {
    Decided {
        operator: decision.operator.to_string(),
        verdict: decision.verdict.to_string(),
        reason: decision.reason,
        replaces: decision.replaces,
    }
}

/// What was done stands in the trail as often as it was done: what does not was done by half.
async fn look_at_trail(store: &Store, memory: &mut Memory) -> anyhow::Result<()> {
    let mut seen: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    let mut before = None;
    loop {
        let page = store.audit(None, before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        for record in page {
            let audit = record.audit;
            *seen.entry((audit.actor, audit.action, audit.subject)).or_default() += 1;
        }
    }
    for ((account, action, subject), times) in &memory.trail {
        let key = (account.clone(), (*action).to_owned(), subject.clone());
        let count = seen.get(&key).copied().unwrap_or_default();
        if !(times.known..=times.known + times.perhaps).contains(&count) {
            let known = times.known;
            memory.torn.push(format!(
                "{action} on {subject} by {account} was done {known} times, and stands in the trail {count} times"
            ));
        }
    }
    Ok(())
}
