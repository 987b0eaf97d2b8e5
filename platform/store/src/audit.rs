//! The audit trail: who did what, appended.

use serde::de::IgnoredAny;

use crate::act::alone;
use crate::column::{count, filled, optional, text};
use crate::database::on;
use crate::error::{Error, Result};
use crate::row::row;
use crate::{Act, Store, UnixMs};

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudit {
    /// Who: an account, a reviewer, `system`.
    pub actor: String,
    /// What: a verb of the server's.
    pub action: String,
    /// On what: `season spring`, `operator spring/alpha`.
    pub subject: String,
    /// What else there is to know, as JSON; no secrets.
    pub detail: String,
}

/// What somebody did, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number, from 1.
    pub number: u64,
    /// When.
    pub at: UnixMs,
    /// What.
    pub audit: NewAudit,
}

row! {
    struct Row {
        number: i64,
        at_ms: UnixMs,
        actor: String,
        action: String,
        subject: String,
        detail: String,
    }
}

impl Row {
    fn record(self) -> Result<AuditRecord> {
        let audit =
            NewAudit { actor: self.actor, action: self.action, subject: self.subject, detail: self.detail };
        Ok(AuditRecord { number: count("audit.number", self.number)?, at: self.at_ms, audit })
    }
}

impl Store {
    /// Appends to the trail; the number of the new row.
    ///
    /// # Errors
    /// `Invalid` when the detail is no JSON, or something else is empty.
    pub async fn note(&self, audit: &NewAudit, now: UnixMs) -> Result<u64> {
        alone!(self, note(audit, now))
    }

    /// Rows before number `before` (none: from the newest), newest first, at most `limit`; of one
    /// subject if given.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn audit(
        &self,
        subject: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>> {
        let before = before.and_then(|number| i64::try_from(number).ok()).unwrap_or(i64::MAX);
        let rows: Vec<Row> = on!(self.pools.reader(), |database| sqlx::query_as(
            "SELECT number, at_ms, actor, action, subject, detail FROM audit \
             WHERE number < $1 AND (subject = $2 OR $2 IS NULL) ORDER BY number DESC LIMIT $3",
        )
        .bind(before)
        .bind(optional("subject", subject)?)
        .bind(i64::from(limit))
        .fetch_all(database)
        .await)?;
        rows.into_iter().map(Row::record).collect()
    }
}

impl Act<'_> {
    /// Appends to the trail; the number of the new row.
    ///
    /// # Errors
    /// `Invalid` when the detail is no JSON, or something else is empty.
    pub async fn note(&mut self, audit: &NewAudit, now: UnixMs) -> Result<u64> {
        filled("actor", &audit.actor)?;
        filled("action", &audit.action)?;
        filled("subject", &audit.subject)?;
        text("detail", &audit.detail)?;
        serde_json::from_str::<IgnoredAny>(&audit.detail)
            .map_err(|error| Error::Invalid(format!("the detail is no JSON: {error}")))?;
        loop {
            // None: somebody else was faster. The next number then, once their act has ended.
            if let Some(number) = self.append(audit, now).await? {
                return count("audit.number", number);
            }
        }
    }
    async fn append(&mut self, audit: &NewAudit, now: UnixMs) -> Result<Option<i64>> {
        Ok(on!(self.tx.connection(), |database| {
            sqlx::query_scalar(
            "INSERT INTO audit (number, at_ms, actor, action, subject, detail) \
             SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5 FROM audit WHERE true ON CONFLICT DO NOTHING \
             RETURNING number",
        )
        .bind(now)
        .bind(audit.actor.as_str())
        .bind(audit.action.as_str())
        .bind(audit.subject.as_str())
        .bind(audit.detail.as_str())
        .fetch_optional(database)
        .await
        })?)
    }
}
