//! Bearer tokens: who may publish over HTTP, and in which channels.
//!
//! SECURITY: only a hash of the secret is stored. The secret has 160 random bits, so a plain SHA-256 cannot
//! be reversed, and the lookup by hash leaks no timing information about the secret.

use sha2::{Digest as _, Sha256};

use crate::model::Slug;
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::random::random_text;
use crate::store::rows::{from_json, to_json};
use crate::text::hex;
use crate::time::{Timestamp, from_unix};

/// Length of a secret, in random characters of five bits each.
const SECRET_LENGTH: usize = 32;

/// A bearer token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The name that the operator chose. It is recorded with each revision.
    pub name: String,
    /// The channels it may publish in; all if none.
    pub channels: Option<Vec<Slug>>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// True if it may publish in each of these channels.
    pub fn allows(&self, channels: &[Slug]) -> bool {
        let Some(own) = &self.channels else { return true };
        channels.iter().all(|channel| own.contains(channel))
    }
}

impl Store {
    /// Creates a token and returns its secret, which cannot be read again. None if the name exists.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn create_token(
        &self,
        name: &str,
        channels: Option<&[Slug]>,
    ) -> Result<Option<String>, StoreError> {
        let secret = format!("bantin_{}", random_text(SECRET_LENGTH)?);
        let channels = channels.map(to_json).transpose()?;
        let now = self.clock().now().timestamp();
        let mut writing = self.core.database.begin_write().await?;
        let made = writing
            .run(
                "INSERT INTO token (name, hash, channels, created_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (name) DO NOTHING",
                values![name, hash(&secret), channels, now],
            )
            .await?;
        writing.commit().await?;
        Ok((made > 0).then_some(secret))
    }

    /// Revokes a token immediately. False if there is no valid token of this name.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        let now = self.clock().now().timestamp();
        let mut writing = self.core.database.begin_write().await?;
        let revoked = writing
            .run(
                "UPDATE token SET revoked_at = $2 WHERE name = $1 AND revoked_at IS NULL",
                values![name, now],
            )
            .await?;
        writing.commit().await?;
        Ok(revoked > 0)
    }

    /// All tokens by name, including revoked ones.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let rows = reading
            .rows("SELECT name, channels, created_at, revoked_at FROM token ORDER BY name", &[])
            .await?;
        rows.iter().map(read_token).collect()
    }

    /// The valid token with this secret. None if there is none or it was revoked.
    ///
    /// # Errors
    /// If the database does not answer. This says nothing about the secret.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<Token>, StoreError> {
        let mut reading: Transaction = self.core.database.begin_quick_read().await?;
        let row = reading
            .first(
                "SELECT name, channels, created_at, revoked_at FROM token \
                 WHERE hash = $1 AND revoked_at IS NULL",
                values![hash(secret)],
            )
            .await?;
        row.map(|row| read_token(&row)).transpose()
    }
}

/// The valid token of this name.
pub(crate) async fn valid_token(
    transaction: &mut Transaction,
    name: &str,
) -> Result<Option<Token>, StoreError> {
    let sql =
        "SELECT name, channels, created_at, revoked_at FROM token WHERE name = $1 AND revoked_at IS NULL";
    let row = transaction.first(sql, values![name]).await?;
    row.map(|row| read_token(&row)).transpose()
}

pub(crate) fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

fn read_token(row: &Row) -> Result<Token, StoreError> {
    Ok(Token {
        name: row.get_text(0)?.to_owned(),
        channels: row.get_optional_text(1)?.map(from_json).transpose()?,
        created_at: from_unix(row.get_i64(2)?),
        revoked_at: row.get_optional_i64(3)?.map(from_unix),
    })
}
