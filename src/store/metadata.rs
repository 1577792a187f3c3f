//! What a revision says besides its text, with a checksum: a flipped bit often makes another valid time, name or reason,
//! which would be published.

use crate::model::{ArticleId, Slug};
use crate::store::engine::{Database, Row, Transaction, Value, values};
use crate::store::error::StoreError;
use crate::store::queries::ChangeKind;
use crate::store::rows::{from_json, to_json};
use crate::store::sql::metadata;

/// Revisions that get their checksum with one commit.
const BATCH: i64 = 4096;

/// What a revision says besides its text. Times are in Unix seconds.
#[derive(Debug)]
pub(crate) struct Metadata<'a> {
    pub(crate) number: u64,
    pub(crate) article: &'a str,
    pub(crate) kind: ChangeKind,
    pub(crate) at: i64,
    pub(crate) updated: i64,
    pub(crate) channels: Vec<Slug>,
    pub(crate) reason: Option<String>,
    pub(crate) author: &'a str,
}

/// CRC-32 of stored values. NOTE: it must never change: all revisions would count as damaged.
pub(crate) fn checksum(values: &[Value]) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    for value in values {
        let (number, (form, bytes));
        (form, bytes) = match value {
            Value::Null => (0, &[][..]),
            Value::Integer(integer) => {
                number = integer.to_le_bytes();
                (1, &number[..])
            }
            Value::Text(text) => (2, text.as_bytes()),
            Value::Bytes(bytes) => (3, &bytes[..]),
        };
        hasher.update(&[form]);
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    i64::from(hasher.finalize())
}

/// False if the last value is the checksum of other values than those before it. Without one nothing is compared.
pub(crate) fn fits(values: &[Value]) -> bool {
    match values.split_last() {
        Some((Value::Integer(stored), values)) => checksum(values) == *stored,
        Some((Value::Null, _)) => true,
        _ => false,
    }
}

impl Row {
    /// Reads the columns that `metadata!` selects, from the column `first` on.
    ///
    /// # Errors
    /// If they are damaged, or belong to no revision.
    pub(crate) fn get_metadata(&self, first: usize) -> Result<Metadata<'_>, StoreError> {
        let values = self.0.get(first..first + 9).unwrap_or_default();
        if !fits(values) {
            let number = self.get_i64(first).unwrap_or_default();
            return Err(StoreError::Corrupt(format!("the revision {number} is damaged")));
        }
        let kind = self.get_text(first + 2)?;
        Ok(Metadata {
            number: self.get_u64(first)?,
            article: self.get_text(first + 1)?,
            kind: ChangeKind::parse(kind)
                .ok_or_else(|| StoreError::Corrupt(format!("unknown kind of change `{kind}`")))?,
            at: self.get_i64(first + 3)?,
            updated: self.get_i64(first + 4)?,
            channels: from_json(self.get_text(first + 5)?)?,
            reason: self.get_optional_text(first + 6)?.map(str::to_owned),
            author: self.get_text(first + 7)?,
        })
    }

    /// The same for the newest revision of the article `id`.
    ///
    /// # Errors
    /// If they are damaged, or belong to another article.
    pub(crate) fn get_newest_metadata(
        &self,
        first: usize,
        id: &ArticleId,
    ) -> Result<Metadata<'_>, StoreError> {
        let newest = self.get_metadata(first)?;
        if newest.article == id.as_str() {
            return Ok(newest);
        }
        Err(StoreError::Corrupt(format!("the newest revision of {id} is that of another article")))
    }
}

/// Gives a checksum to the revisions that an older version stored without one.
pub(crate) async fn backfill(database: &Database) -> Result<(), StoreError> {
    loop {
        let mut writing = database.begin_write().await?;
        writing.disable_timeouts().await?;
        if add_checksums(&mut writing).await? == 0 {
            return Ok(());
        }
        writing.commit().await?;
    }
}

/// Gives a checksum to some of the revisions that have none. Returns their number; 0 if all have one.
pub(crate) async fn add_checksums(writing: &mut Transaction) -> Result<usize, StoreError> {
    let sql = concat!(
        "SELECT ",
        metadata!(),
        " FROM revision r WHERE r.checksum IS NULL ORDER BY r.number LIMIT $1"
    );
    let rows = writing.rows(sql, values![BATCH]).await?;
    let sums = rows.iter().map(|row| {
        let values = row.0.split_last().map_or(&[][..], |(_, values)| values);
        Ok((row.get_u64(0)?, checksum(values)))
    });
    let sums = sums.collect::<Result<Vec<_>, StoreError>>()?;
    if !sums.is_empty() {
        let sql = "UPDATE revision SET checksum = CAST(q.value ->> 1 AS BIGINT) FROM {rows} \
             WHERE number = CAST(q.value ->> 0 AS BIGINT)";
        writing.rows_for(sql, to_json(&sums)?).await?;
    }
    Ok(sums.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_checksum_stays_what_it_was() {
        // NOTE: if this fails, all stored revisions count as damaged.
        let values =
            values![7_i64, "tag:x", "published", 5_i64, 5_i64, "[\"xa-hoi\"]", Value::Null, "folder"];
        assert_eq!(checksum(values), 485_698_546);
    }

    #[test]
    fn values_that_moved_to_the_next_column_do_not_fit() {
        assert_ne!(checksum(values!["ab", "c"]), checksum(values!["a", "bc"]));
        assert_ne!(checksum(values![Value::Null, "a"]), checksum(values!["a", Value::Null]));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_of_a_value_does_not_fit(at in any::<i64>(), reason in "[a-zà-ỹ ]{1,80}", bit in 0_u32..63, place in any::<prop::sample::Index>()) {
            let sum = checksum(values![at, reason.as_str()]);
            prop_assert!(fits(values![at, reason.as_str(), sum]));
            prop_assert!(!fits(values![at ^ (1 << bit), reason.as_str(), sum]));
            prop_assert!(!fits(values![at, reason.as_str(), sum ^ (1 << bit)]));
            let mut bytes = reason.into_bytes();
            let place = place.index(bytes.len());
            bytes[place] ^= 1;
            // What is no text any more is read as bytes.
            let flipped = String::from_utf8(bytes).map_or_else(|bytes| Value::Bytes(bytes.into_bytes()), Value::from);
            prop_assert!(!fits(values![at, flipped, sum]));
        }
    }
}
