//! Operators of a season: who applies, with which account, and how far they have come.

use std::fmt;
use std::str::FromStr;

use model::{OperatorId, Role, SeasonId, Standing};

use crate::act::alone;
use crate::column::{filled, optional, parsed, read_word, word};
use crate::database::on;
use crate::error::{Error, Result, is_taken, names_nothing};
use crate::row::row;
use crate::{Act, Store, UnixMs};

/// A chain account: `0x` and 40 hexadecimal digits, in lower case whatever it was given in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account(String);

/// The text is no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an account is 0x and 40 hexadecimal digits")]
pub struct NotAnAccount;

impl Account {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Account {
    type Err = NotAnAccount;

    fn from_str(text: &str) -> std::result::Result<Self, NotAnAccount> {
        let digits = text.strip_prefix("0x").ok_or(NotAnAccount)?;
        let good = digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if good { Ok(Self(text.to_ascii_lowercase())) } else { Err(NotAnAccount) }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Somebody who applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOperator {
    /// The identifier it will have.
    pub id: OperatorId,
    /// The account it signs in with; none for those that the foundation enters.
    pub account: Option<Account>,
    /// Its name on pages.
    pub name: String,
    /// Candidate or control.
    pub role: Role,
    /// How to reach it; never published.
    pub contact: Option<String>,
}

/// An operator as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRecord {
    /// Its identifier.
    pub id: OperatorId,
    /// The account it signs in with.
    pub account: Option<Account>,
    /// Its name on pages.
    pub name: String,
    /// Candidate or control.
    pub role: Role,
    /// How far it has come.
    pub standing: Standing,
    /// How to reach it; never published.
    pub contact: Option<String>,
    /// When it applied.
    pub created: UnixMs,
    /// When it last changed.
    pub changed: UnixMs,
}

row! {
    struct Row {
        id: String,
        account: Option<String>,
        name: String,
        role: String,
        standing: String,
        contact: Option<String>,
        created_ms: UnixMs,
        changed_ms: UnixMs,
    }
}

impl Row {
    fn record(self) -> Result<OperatorRecord> {
        Ok(OperatorRecord {
            id: parsed("operator.id", &self.id)?,
            account: self.account.map(|account| parsed("operator.account", &account)).transpose()?,
            name: self.name,
            role: read_word("operator.role", &self.role)?,
            standing: read_word("operator.standing", &self.standing)?,
            contact: self.contact,
            created: self.created_ms,
            changed: self.changed_ms,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, name, role, standing, contact, created_ms, changed_ms FROM operator ",
            $rest
        )
    };
}

impl Store {
    /// Enters an operator, with the standing `applied`.
    ///
    /// # Errors
    /// `Conflict` when the season has this identifier or account already; `NotFound` without the
    /// season.
    pub async fn apply(&self, season: &SeasonId, operator: &NewOperator, now: UnixMs) -> Result<()> {
        alone!(self, apply(season, operator, now))
    }

    /// An operator.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn operator(&self, season: &SeasonId, id: &OperatorId) -> Result<OperatorRecord> {
        let row: Option<Row> =
            on!(self.pools.reader(), |database| sqlx::query_as(select!("WHERE season = $1 AND id = $2"))
                .bind(season.as_str())
                .bind(id.as_str())
                .fetch_optional(database)
                .await)?;
        row.ok_or_else(|| Error::NotFound(format!("operator {id} in season {season}")))?.record()
    }

    /// The operator of this account; none when it did not apply.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn operator_of(&self, season: &SeasonId, account: &Account) -> Result<Option<OperatorRecord>> {
        let row: Option<Row> = on!(self.pools.reader(), |database| sqlx::query_as(select!(
            "WHERE season = $1 AND account = $2"
        ))
        .bind(season.as_str())
        .bind(account.as_str())
        .fetch_optional(database)
        .await)?;
        row.map(Row::record).transpose()
    }

    /// All operators of a season, by identifier.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn operators(&self, season: &SeasonId) -> Result<Vec<OperatorRecord>> {
        let rows: Vec<Row> =
            on!(self.pools.reader(), |database| sqlx::query_as(select!("WHERE season = $1"))
                .bind(season.as_str())
                .fetch_all(database)
                .await)?;
        let mut operators = rows.into_iter().map(Row::record).collect::<Result<Vec<_>>>()?;
        operators.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(operators)
    }

    /// Moves an operator from one standing to another.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is not in `from`, or the step is not one
    /// ([`Standing::may_become`]).
    pub async fn move_operator(
        &self,
        season: &SeasonId,
        id: &OperatorId,
        from: Standing,
        to: Standing,
        now: UnixMs,
    ) -> Result<()> {
        alone!(self, move_operator(season, id, from, to, now))
    }

    /// Replaces an operator's name, and how it is reached.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for an empty name.
    pub async fn set_profile(
        &self,
        season: &SeasonId,
        id: &OperatorId,
        name: &str,
        contact: Option<&str>,
        now: UnixMs,
    ) -> Result<()> {
        alone!(self, set_profile(season, id, name, contact, now))
    }
}

impl Act<'_> {
    /// Enters an operator, with the standing `applied`.
    ///
    /// # Errors
    /// `Conflict` when the season has this identifier or account already; `NotFound` without the
    /// season.
    pub async fn apply(&mut self, season: &SeasonId, operator: &NewOperator, now: UnixMs) -> Result<()> {
        let entered = on!(self.tx.connection(), |database| {
            sqlx::query(
            "INSERT INTO operator (season, id, account, name, role, standing, contact, created_ms, changed_ms) \
             VALUES ($1, $2, $3, $4, $5, 'applied', $6, $7, $7)",
        )
        .bind(season.as_str())
        .bind(operator.id.as_str())
        .bind(operator.account.as_ref().map(Account::as_str))
        .bind(filled("operator's name", &operator.name)?)
        .bind(word(operator.role))
        .bind(optional("contact", operator.contact.as_deref())?)
        .bind(now)
        .execute(database)
        .await
        .map(drop)
        });
        entered.map_err(|error| {
            if is_taken(&error) {
                Error::Conflict(format!(
                    "season {season} has an operator {} or one of the same account: choose another identifier, \
                     or go on as that operator",
                    operator.id
                ))
            } else if names_nothing(&error) {
                Error::NotFound(format!("season {season}"))
            } else {
                error.into()
            }
        })
    }

    /// Moves an operator from one standing to another.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is not in `from`, or the step is not one
    /// ([`Standing::may_become`]).
    pub async fn move_operator(
        &mut self,
        season: &SeasonId,
        id: &OperatorId,
        from: Standing,
        to: Standing,
        now: UnixMs,
    ) -> Result<()> {
        if !from.may_become(to) {
            return Err(Error::Conflict(format!("operator {id} is {from}: it cannot become {to}")));
        }
        let done = on!(self.tx.connection(), |database| {
            sqlx::query(
            "UPDATE operator SET standing = $4, changed_ms = $5 WHERE season = $1 AND id = $2 AND standing = $3",
        )
        .bind(season.as_str())
        .bind(id.as_str())
        .bind(word(from))
        .bind(word(to))
        .bind(now)
        .execute(database)
        .await
        .map(|done| done.rows_affected())
        })?;
        if done == 0 {
            let there = self.store.operator(season, id).await?;
            return Err(Error::Conflict(format!(
                "operator {id} is {}, not {from}: look at it again",
                there.standing
            )));
        }
        Ok(())
    }

    /// Replaces an operator's name, and how it is reached.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for an empty name.
    pub async fn set_profile(
        &mut self,
        season: &SeasonId,
        id: &OperatorId,
        name: &str,
        contact: Option<&str>,
        now: UnixMs,
    ) -> Result<()> {
        let done = on!(self.tx.connection(), |database| sqlx::query(
            "UPDATE operator SET name = $3, contact = $4, changed_ms = $5 WHERE season = $1 AND id = $2",
        )
        .bind(season.as_str())
        .bind(id.as_str())
        .bind(filled("operator's name", name)?)
        .bind(optional("contact", contact)?)
        .bind(now)
        .execute(database)
        .await
        .map(|done| done.rows_affected()))?;
        if done == 0 { Err(Error::NotFound(format!("operator {id} in season {season}"))) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_one_spelling() {
        let mixed = "0xAbCdEf0123456789aBcDeF0123456789abcdef01";
        assert_eq!(mixed.parse::<Account>().unwrap().as_str(), mixed.to_lowercase());
        for bad in ["", "0x", "abcdef0123456789abcdef0123456789abcdef01", &mixed[..41], "0xg", "0x가나다"]
        {
            assert_eq!(bad.parse::<Account>(), Err(NotAnAccount), "{bad}");
        }
    }
}
