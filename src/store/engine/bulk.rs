//! Inserting many rows: with SQLite a prepared statement that runs for each, with PostgreSQL one message for all of them.

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Text,
    Bytes,
}

/// How rows are inserted into a table.
pub(crate) struct Insert {
    pub(crate) table: &'static str,
    pub(crate) columns: &'static [(&'static str, Kind)],
    /// What is done if the row is there already: the end of the statement.
    pub(crate) on_conflict: &'static str,
}

impl Insert {
    fn head(&self) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        format!("INSERT INTO {} ({})", self.table, columns.join(", "))
    }

    /// The statement for one row: a value for each column.
    pub(super) fn of_one(&self) -> String {
        let values: Vec<String> = (1..=self.columns.len()).map(|place| format!("${place}")).collect();
        format!("{} VALUES ({}) {}", self.head(), values.join(", "), self.on_conflict)
    }

    /// The statement of PostgreSQL for many rows: an array for each column.
    pub(super) fn of_many(&self) -> String {
        let array = |(place, (_, kind)): (usize, &(&str, Kind))| {
            let kind = match kind {
                Kind::Integer => "BIGINT",
                Kind::Text => "TEXT",
                Kind::Bytes => "BYTEA",
            };
            format!("${}::{kind}[]", place + 1)
        };
        let arrays: Vec<String> = self.columns.iter().enumerate().map(array).collect();
        format!("{} SELECT * FROM UNNEST({}) {}", self.head(), arrays.join(", "), self.on_conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_the_columns_and_a_value_or_an_array_for_each() {
        let columns = &[("number", Kind::Integer), ("article", Kind::Text), ("content", Kind::Bytes)];
        let insert = Insert { table: "revision", columns, on_conflict: "ON CONFLICT DO NOTHING" };
        assert_eq!(
            insert.of_one(),
            "INSERT INTO revision (number, article, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            insert.of_many(),
            "INSERT INTO revision (number, article, content) SELECT * FROM \
             UNNEST($1::BIGINT[], $2::TEXT[], $3::BYTEA[]) ON CONFLICT DO NOTHING"
        );
    }
}
