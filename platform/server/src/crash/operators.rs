//! Operators: they apply, are edited again and again, declare nodes, leave and come back.

use hyper::Method;
use serde_json::{Value, json};

use super::api::As;
use super::memory::{Entry, Found, Known, Operator};
use super::scene::CANDIDATES;
use super::writer::{Said, Writer};

/// What somebody does with an operator.
struct Act {
    method: Method,
    path: String,
    body: Value,
    /// What the operator is then.
    then: Operator,
    /// What it is called in the audit trail.
    action: &'static str,
}

impl Writer {
    /// Somebody applies to a season that is open and that they are not in yet.
    pub(super) async fn apply_anew(&mut self) -> anyhow::Result<()> {
        let person = self.anybody()?;
        let Some(season) = self.open_season() else { return Ok(()) };
        let is_in = self.memory.entries.iter().any(|entry| entry.season == season && entry.person == person);
        // The candidates apply to each season in its turn, with a node.
        if is_in || person <= CANDIDATES {
            return Ok(());
        }
        self.apply(&season, person).await.map(drop)
    }

    /// Somebody applies to a season; the number of the entry.
    pub(super) async fn apply(&mut self, season: &str, person: usize) -> anyhow::Result<usize> {
        let known =
            self.memory.entries.iter().position(|entry| entry.season == season && entry.person == person);
        let number = known.unwrap_or_else(|| {
            let id = format!("operator-{person}");
            let entry = Entry { season: season.into(), id, person, edit: 0, state: Known::new(None) };
            self.memory.entries.push(entry);
            self.memory.entries.len() - 1
        });
        self.edit_entry(number).await?;
        Ok(number)
    }

    pub(super) async fn edit(&mut self) -> anyhow::Result<()> {
        let Some(number) = self.pick_entry(|standing| standing != "withdrawn") else { return Ok(()) };
        self.edit_entry(number).await
    }

    pub(super) async fn come_back(&mut self) -> anyhow::Result<()> {
        let Some(number) = self.pick_entry(|standing| standing == "withdrawn") else { return Ok(()) };
        self.edit_entry(number).await
    }

    /// The next edit of name and contact, which are always of the same one.
    async fn edit_entry(&mut self, number: usize) -> anyhow::Result<()> {
        let entry = &mut self.memory.entries[number];
        entry.edit += 1;
        let (season, id, edit) = (entry.season.clone(), entry.id.clone(), entry.edit);
        let (name, contact) = (format!("{id} {edit}"), format!("edit-{edit}@{id}.example"));
        let before = entry.state.value().clone();
        let body = json!({ "id": id, "name": name, "contact": contact });
        let standing = match before.as_ref().map(|before| before.standing.as_str()) {
            None | Some("withdrawn") => "applied",
            Some(same) => same,
        };
        let region = before.as_ref().and_then(|before| before.region.clone());
        let then = Operator { name, contact, standing: standing.into(), region };
        let path = format!("/api/v1/seasons/{season}/operator");
        self.act(number, Act { method: Method::PUT, path, body, then, action: "apply" }).await
    }

    /// An operator that has a node declares it anew, as of another region.
    pub(super) async fn declare_again(&mut self) -> anyhow::Result<()> {
        let Some(number) = self.pick_entry(|standing| standing == "verified") else { return Ok(()) };
        let node = self.memory.entries[number].person - 1;
        if node < CANDIDATES { self.declare(number, node).await } else { Ok(()) }
    }

    /// Declares a node of the lab.
    pub(super) async fn declare(&mut self, number: usize, node: usize) -> anyhow::Result<()> {
        let region = format!("region {}", self.draw.below(1_000_000));
        let entry = &self.memory.entries[number];
        let Some(before) = entry.state.value().clone() else { return Ok(()) };
        let body = json!({ "rpc": self.seasons.nodes[node], "path": "direct", "region": region });
        let then = Operator { standing: "verified".into(), region: Some(region), ..before };
        let path = format!("/api/v1/seasons/{}/operator/node", entry.season);
        self.act(number, Act { method: Method::PUT, path, body, then, action: "declare-node" }).await
    }

    pub(super) async fn leave(&mut self) -> anyhow::Result<()> {
        let Some(number) = self.pick_entry(|standing| standing != "withdrawn") else { return Ok(()) };
        self.leave_as(number).await
    }

    /// An operator leaves; before the trials its node is free for others then.
    pub(super) async fn leave_as(&mut self, number: usize) -> anyhow::Result<()> {
        let entry = &self.memory.entries[number];
        let Some(before) = entry.state.value().clone() else { return Ok(()) };
        let region = if self.is_open(&entry.season) { None } else { before.region.clone() };
        let then = Operator { standing: "withdrawn".into(), region, ..before };
        let path = format!("/api/v1/seasons/{}/operator/withdrawal", entry.season);
        let act = Act { method: Method::POST, path, body: json!({}), then, action: "withdraw" };
        self.act(number, act).await
    }

    async fn act(&mut self, number: usize, act: Act) -> anyhow::Result<()> {
        let session = self.session(self.memory.entries[number].person)?;
        let said = self.ask(act.method, &act.path, As::Session(&session), Some(&act.body)).await?;
        self.memory.touched.insert(number);
        let state = &mut self.memory.entries[number].state;
        match said {
            Said::Yes { .. } => {
                state.acknowledge(Some(act.then));
                self.trace_entry(number, act.action);
            }
            Said::No(status, body) => self.refused(&format!("{} on {}", act.action, act.path), status, &body),
            Said::Lost => {
                state.ask(Some(act.then));
                if self.look_at_entry(number).await? == Found::Done {
                    self.trace_entry(number, act.action);
                }
            }
        }
        Ok(())
    }

    fn trace_entry(&mut self, number: usize, action: &'static str) {
        let Entry { season, id, person, .. } = &self.memory.entries[number];
        let (account, subject) = (self.memory.people[*person].account, format!("operator {season}/{id}"));
        self.memory.trace(&account, action, subject);
    }

    /// Holds an operator against what was acknowledged.
    pub(super) async fn look_at_entry(&mut self, number: usize) -> anyhow::Result<Found> {
        let entry = &self.memory.entries[number];
        let path = format!("/api/v1/seasons/{}/operator", entry.season);
        let (person, was_open) = (entry.person, entry.state.is_open());
        let session = self.session(person)?;
        let seen = self.read(&path, As::Session(&session)).await?.ok().map(|body| operator(&body));
        let entry = &mut self.memory.entries[number];
        let (known, asked) = (entry.state.value().clone(), entry.state.clone());
        let found = entry.state.settle(&seen);
        if found == Found::Wrong {
            let name = format!("{}/{}", entry.season, entry.id);
            // Seen as it is, it is told once.
            entry.state.acknowledge(seen.clone());
            let text = format!("{name} is {seen:?}: acknowledged was {known:?} ({asked:?})");
            if was_open { self.memory.torn.push(text) } else { self.memory.lost.push(text) }
        }
        if was_open {
            self.memory.answered(found);
        }
        Ok(found)
    }

    /// An operator of an open season in such a standing; the candidates' seasons in hand apart.
    fn pick_entry(&mut self, wanted: fn(&str) -> bool) -> Option<usize> {
        let fit = |entry: &Entry| {
            let standing = entry.state.value().as_ref().map(|state| state.standing.as_str());
            standing.is_some_and(wanted) && self.is_open(&entry.season)
        };
        let found: Vec<usize> =
            (0..self.memory.entries.len()).filter(|number| fit(&self.memory.entries[*number])).collect();
        self.pick(found.len()).map(|pick| found[pick])
    }
}

/// An operator as the server tells about it. Who competes was verified before.
pub(super) fn operator(body: &Value) -> Operator {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let standing = text("/standing").unwrap_or_default();
    Operator {
        name: text("/name").unwrap_or_default(),
        contact: text("/contact").unwrap_or_default(),
        standing: if standing == "competing" { "verified".into() } else { standing },
        region: text("/node/region"),
    }
}
