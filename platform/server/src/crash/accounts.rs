//! Signing in, and tokens.

use hyper::{Method, StatusCode};
use model::Digest;
use serde_json::{Value, json};

use super::api::As;
use super::memory::{Found, Known, Token};
use super::writer::{Said, Writer};
use crate::account::signature::{Prefix, sign};
use crate::account::wire::{Offer, SIGN_IN, Signed, TOKENS};

/// Looks at what only somebody signed in may see, of any season.
const OWN: &str = "/api/v1/seasons/season-1/operator";
/// Tokens of one person.
const MOST_TOKENS: usize = 200;

impl Writer {
    /// Signs a person in, for as often as it takes.
    pub(super) async fn sign_in(&mut self, person: usize) -> anyhow::Result<()> {
        let account = self.memory.people[person].account;
        for _ in 0..20 {
            let asked = self.read(&format!("{SIGN_IN}?address={account}"), As::Anybody).await?;
            let offer: Offer = match asked {
                Ok(body) => serde_json::from_value(body)?,
                Err(status) => {
                    self.refused("a text to sign in with", status, &Value::Null);
                    continue;
                }
            };
            let signature = sign(&self.memory.people[person].key, Prefix::Ethereum, &offer.message);
            let signed = Signed { message: offer.message, signature: signature.to_string() };
            let body = json!(signed);
            match self.ask(Method::POST, SIGN_IN, As::Anybody, Some(&body)).await? {
                Said::Yes { session: Some(session), .. } => {
                    self.memory.trace(&account, "sign-in", "session".into());
                    let person = &mut self.memory.people[person];
                    (person.session, person.spent) = (Some(session), Some(signed));
                    return Ok(());
                }
                Said::Yes { .. } => self.memory.wrong.push("a sign-in gave no session".into()),
                Said::No(status, body) => self.refused("a sign-in", status, &body),
                Said::Lost => self.memory.perhaps(&account, "sign-in", "session".into()),
            }
        }
        anyhow::bail!("nobody can sign in")
    }

    pub(super) async fn sign_in_again(&mut self) -> anyhow::Result<()> {
        let person = self.anybody()?;
        self.sign_in(person).await
    }

    /// A text that somebody signed in with is good for nothing more.
    pub(super) async fn try_spent(&mut self, person: usize) -> anyhow::Result<()> {
        let Some(signed) = self.memory.people[person].spent.clone() else { return Ok(()) };
        if self.ask(Method::POST, SIGN_IN, As::Anybody, Some(&json!(signed))).await?.is_yes() {
            let account = self.memory.people[person].account;
            self.memory
                .lost
                .push(format!("{account} signed in twice with one text: its nonce was given back"));
        }
        Ok(())
    }

    pub(super) async fn grant(&mut self) -> anyhow::Result<()> {
        let person = self.anybody()?;
        if self.memory.people[person].tokens.len() >= MOST_TOKENS {
            return Ok(());
        }
        let account = self.memory.people[person].account;
        let name = format!("token {}", self.draw.bits());
        let wanted = json!({ "name": name, "scope": "operate", "days": 7 });
        let session = self.session(person)?;
        match self.ask(Method::POST, TOKENS, As::Session(&session), Some(&wanted)).await? {
            Said::Yes { body, .. } => {
                let secret = body.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
                let id = Digest::of_bytes(secret.as_bytes()).to_string();
                self.memory.trace(&account, "token-grant", format!("token {id}"));
                let good = Known::new(true);
                let tokens = &mut self.memory.people[person].tokens;
                tokens.push(Token { name, id, secret, good });
                self.memory.touched_tokens.insert((person, tokens.len() - 1));
            }
            Said::No(status, body) => self.refused("a token", status, &body),
            // Its secret is gone: what can be seen is whether it is there.
            Said::Lost => match self.token_id(person, &name).await? {
                Some(id) => {
                    self.memory.answered(Found::Done);
                    self.memory.trace(&account, "token-grant", format!("token {id}"));
                }
                None => self.memory.answered(Found::Kept),
            },
        }
        Ok(())
    }

    pub(super) async fn revoke(&mut self) -> anyhow::Result<()> {
        let person = self.anybody()?;
        let good: Vec<usize> = (0..self.memory.people[person].tokens.len())
            .filter(|number| *self.memory.people[person].tokens[*number].good.value())
            .collect();
        let Some(number) = self.pick(good.len()).map(|pick| good[pick]) else { return Ok(()) };
        let (account, id) =
            (self.memory.people[person].account, self.memory.people[person].tokens[number].id.clone());
        let session = self.session(person)?;
        let path = format!("{TOKENS}/{id}");
        match self.ask(Method::DELETE, &path, As::Session(&session), None).await? {
            Said::Yes { .. } => {
                self.memory.trace(&account, "token-revoke", format!("token {id}"));
                self.memory.people[person].tokens[number].good.acknowledge(false);
                self.memory.touched_tokens.insert((person, number));
            }
            Said::No(status, body) => self.refused("to revoke a token", status, &body),
            Said::Lost => {
                self.memory.people[person].tokens[number].good.ask(false);
                self.look_at_token(person, number).await?;
            }
        }
        Ok(())
    }

    /// Whether a token is as good as was said.
    pub(super) async fn look_at_token(&mut self, person: usize, number: usize) -> anyhow::Result<()> {
        let token = self.memory.people[person].tokens[number].clone();
        let status = self.read(OWN, As::Token(&token.secret)).await?.err();
        let is_good = status != Some(StatusCode::UNAUTHORIZED);
        let was_open = token.good.is_open();
        let account = self.memory.people[person].account;
        let found = self.memory.people[person].tokens[number].good.settle(&is_good);
        match found {
            Found::Done => {
                self.memory.trace(&account, "token-revoke", format!("token {}", token.id));
            }
            Found::Wrong => self.memory.lost.push(format!(
                "{} of {account} is {}, which is not what was acknowledged",
                token.name,
                if is_good { "good" } else { "void" }
            )),
            Found::Kept => {}
        }
        if was_open {
            self.memory.answered(found);
        }
        Ok(())
    }

    async fn token_id(&mut self, person: usize, name: &str) -> anyhow::Result<Option<String>> {
        let session = self.session(person)?;
        let tokens = self.read(TOKENS, As::Session(&session)).await?.unwrap_or_default();
        let text = |token: &Value, key: &str| token.get(key).and_then(Value::as_str).map(str::to_owned);
        let list = tokens.get("tokens").unwrap_or(&tokens).as_array().cloned().unwrap_or_default();
        Ok(list
            .iter()
            .find(|token| text(token, "name").as_deref() == Some(name))
            .and_then(|token| text(token, "id")))
    }

    /// A number below `count`; none of nothing.
    pub(super) fn pick(&mut self, count: usize) -> Option<usize> {
        let bound = u64::try_from(count).ok().filter(|bound| *bound > 0)?;
        usize::try_from(self.draw.below(bound)).ok()
    }

    /// Anybody but the reviewer.
    pub(super) fn anybody(&mut self) -> anyhow::Result<usize> {
        let others = self.memory.people.len().saturating_sub(1);
        let picked = self.pick(others).map(|picked| picked + 1);
        picked.ok_or_else(|| anyhow::anyhow!("nobody is signed in"))
    }
}
