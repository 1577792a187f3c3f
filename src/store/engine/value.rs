//! Values of statements and rows of results.

use crate::store::error::StoreError;

/// A value of a statement or of a result. Ordered as SQLite orders values of different types.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl From<String> for Value {
    /// PostgreSQL cannot store U+0000. It is replaced for all engines.
    fn from(value: String) -> Self {
        Self::Text(if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value })
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_owned())
    }
}

/// The values of the placeholders of a statement, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::engine::value::Value::from($value)),*] };
}
pub(crate) use values;

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of a result. Columns are read by position.
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    pub(crate) fn get_i64(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Integer(value)) => Ok(*value),
            other => Err(unexpected(column, "a number", other)),
        }
    }

    pub(crate) fn get_optional_i64(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.get_i64(column).map(Some),
        }
    }

    pub(crate) fn get_u64(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.get_i64(column)?)
            .map_err(|_| StoreError::Corrupt(format!("column {column} is negative")))
    }

    pub(crate) fn get_bool(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.get_i64(column)? != 0)
    }

    pub(crate) fn get_text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(value),
            other => Err(unexpected(column, "text", other)),
        }
    }

    /// The same, for rows of which there are many: the text is moved out of the row.
    pub(crate) fn take_text(&mut self, column: usize) -> Result<String, StoreError> {
        match self.0.get_mut(column) {
            Some(Value::Text(value)) => Ok(std::mem::take(value)),
            other => Err(unexpected(column, "text", other.as_deref())),
        }
    }

    pub(crate) fn get_bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(value),
            other => Err(unexpected(column, "bytes", other)),
        }
    }

    pub(crate) fn get_optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.get_text(column).map(Some),
        }
    }
}

fn unexpected(column: usize, wanted: &str, found: Option<&Value>) -> StoreError {
    let found = match found {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Integer(_)) => "a number",
        Some(Value::Text(_)) => "text",
        Some(Value::Bytes(_)) => "bytes",
    };
    StoreError::Corrupt(format!("column {column} should contain {wanted} but contains {found}"))
}
