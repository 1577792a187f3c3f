//! The sources of the configuration: defaults, file, environment. Each value keeps its origin.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::error::ConfigError;
use super::schema::{self, partial};
use crate::files::read_named_text;

/// The largest config file, in bytes.
const MAX_CONFIG_BYTES: u64 = 4 << 20;

/// The shipped configuration, which holds the defaults.
pub const DEFAULT: &str = include_str!("../../config.toml");
/// Prefix of our environment variables.
const PREFIX: &str = "BANTIN_";
/// Separates the parts of a key in a variable name.
const SEPARATOR: &str = "__";
/// Maximum edit distance at which an unknown variable counts as a typo.
const MAX_TYPOS: usize = 2;

/// A key with its effective value.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveValue {
    /// `section.key`.
    pub key: String,
    /// The value; of the store's URL without its password.
    pub value: Value,
    /// `default`, the file's path, or the variable's name.
    pub origin: String,
}

/// All sources merged, and the origin of each key.
pub(super) struct ConfigSources {
    table: Table,
    origins: BTreeMap<String, String>,
}

impl ConfigSources {
    /// Reads all sources. Each is checked separately, so that an error names its file or variable.
    pub(super) fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut sources = Self { table: Table::new(), origins: BTreeMap::new() };
        sources.push(defaults(), "default");
        if let Some(path) = file {
            let shown = path.display().to_string();
            let text = read_named_text(path, MAX_CONFIG_BYTES)
                .map_err(|cause| ConfigError::Unreadable { path: shown.clone(), cause })?;
            sources.push(read_file(&text, &shown)?, &shown);
        }
        let mut variables: Vec<_> = variables.into_iter().collect();
        variables.sort();
        for (name, value) in variables {
            match owner_of(&name) {
                Owner::Ours => {}
                Owner::Others => continue,
                Owner::Typo(meant) => {
                    let reason = format!("is not a configuration key; write {meant} or remove it");
                    return Err(ConfigError::Variable {
                        value: redacted(&name, &value),
                        variable: name,
                        reason,
                    });
                }
            }
            let table = read_variable(&name, &value)?;
            sources.push(table, &name);
        }
        Ok(sources)
    }

    /// The merged values.
    pub(super) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let merged = Value::Table(self.table.clone());
        merged.try_into().map_err(|cause: toml::de::Error| ConfigError::Value {
            key: "configuration".to_owned(),
            reason: cause.message().to_owned(),
        })
    }

    pub(super) fn effective_values(&self) -> Vec<EffectiveValue> {
        let mut values = Vec::new();
        for (key, value) in leaves(&self.table) {
            let origin = self.origins.get(&key).cloned().unwrap_or_default();
            let value = match value.as_str() {
                Some(url) if key == "store.url" => Value::String(redact_password(url)),
                None if key == "webhook" => without_secrets(value),
                _ => value,
            };
            values.push(EffectiveValue { key, value, origin });
        }
        values
    }

    /// The default of a text key.
    pub(super) fn default_text(key: &str) -> String {
        let defaults = leaves(&defaults());
        let found = defaults.into_iter().find(|(name, _)| name == key);
        found.and_then(|(_, value)| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    fn push(&mut self, layer: Table, origin: &str) {
        for (key, _) in leaves(&layer) {
            self.origins.insert(key, origin.to_owned());
        }
        merge(&mut self.table, layer);
    }
}

/// The shipped file without its sample channels.
fn defaults() -> Table {
    let mut table: Table = DEFAULT.parse().expect("the shipped config.toml is TOML; a test reads it");
    table.remove("channel");
    table
}

/// Reads the file twice: for its values, and for its keys and types. Both errors carry line and caret.
fn read_file(text: &str, path: &str) -> Result<Table, ConfigError> {
    let error = |cause| ConfigError::File { path: path.to_owned(), cause };
    let table: Table = toml::from_str(text).map_err(error)?;
    toml::from_str::<partial::Settings>(text).map_err(error)?;
    Ok(table)
}

/// A variable as a table of one key: `BANTIN_SERVER__LISTEN` is `server.listen`.
fn read_variable(name: &str, value: &str) -> Result<Table, ConfigError> {
    let invalid = |reason: String| ConfigError::Variable {
        variable: name.to_owned(),
        value: redacted(name, value),
        reason,
    };
    let path: Vec<String> = name[PREFIX.len()..].split(SEPARATOR).map(str::to_lowercase).collect();
    // Texts need no quotation marks here: anything that is not a TOML value is a text.
    let parsed = format!("value = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    let text = Value::String(value.to_owned());
    let mut last = None;
    for candidate in parsed.into_iter().chain([text]) {
        let table = nested_table(&path, candidate);
        let checked: Result<partial::Settings, toml::de::Error> = Value::Table(table.clone()).try_into();
        match checked {
            Ok(_) => return Ok(table),
            Err(cause) => last = Some(cause.message().to_owned()),
        }
    }
    Err(invalid(last.unwrap_or_default()))
}

/// Who a variable belongs to.
enum Owner {
    Ours,
    /// Another program, such as Kubernetes: for a service named `bantin` it sets `BANTIN_PORT` and others.
    Others,
    /// Nobody: a typo of this name of ours.
    Typo(String),
}

fn owner_of(name: &str) -> Owner {
    let Some(path) = name.strip_prefix(PREFIX) else { return Owner::Others };
    if is_kubernetes_variable(path) {
        return Owner::Others;
    }
    let keys = schema::keys();
    let sections = keys.iter().filter_map(|key| key.split_once('.')).map(|(section, _)| section);
    let is_section =
        |word: &str| sections.clone().chain(["channel", "source", "webhook"]).any(|section| section == word);
    // A whole section as an inline table.
    if path.contains(SEPARATOR) && !path.starts_with('_') || is_section(&path.to_lowercase()) {
        return Owner::Ours;
    }
    let flat = |key: &str| key.replace(['.', '_'], "").to_uppercase();
    let given = flat(path);
    let near = keys.iter().map(|key| (strsim::damerau_levenshtein(&flat(key), &given), key)).min();
    match near {
        Some((distance, key)) if distance <= MAX_TYPOS => {
            Owner::Typo(format!("{PREFIX}{}", key.replace('.', SEPARATOR).to_uppercase()))
        }
        _ => Owner::Others,
    }
}

/// `SERVICE_HOST`, `WEB_SERVICE_PORT_HTTP`, `PORT`, `PORT_8080_TCP_ADDR`.
fn is_kubernetes_variable(path: &str) -> bool {
    let ends = |part: &str| path == part || path.ends_with(&format!("_{part}"));
    let has = |part: &str| path.starts_with(&format!("{part}_")) || path.contains(&format!("_{part}_"));
    let port_of_container = path.split("PORT_").skip(1).any(|rest| {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        digits.len() < rest.len() && ["_TCP", "_UDP", "_SCTP"].iter().any(|kind| digits.starts_with(kind))
    });
    ends("SERVICE_HOST") || ends("SERVICE_PORT") || has("SERVICE_PORT") || ends("PORT") || port_of_container
}

/// The value of a variable without a password.
fn redacted(name: &str, value: &str) -> String {
    // The name may be mistyped and the value still a URL with a password.
    match value.contains("://") || name.contains("URL") || name.contains("WEBHOOK") {
        true => redact_password(value),
        false => value.to_owned(),
    }
}

fn nested_table(path: &[String], value: Value) -> Table {
    let mut table = Table::new();
    match path {
        [] => {}
        [key] => {
            table.insert(key.clone(), value);
        }
        [section, rest @ ..] => {
            table.insert(section.clone(), Value::Table(nested_table(rest, value)));
        }
    }
    table
}

fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Every key that is not a table, as `section.key`.
fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                found.extend(leaves(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => found.push((key.clone(), value.clone())),
        }
    }
    found
}

/// A list of tables without their secrets.
fn without_secrets(mut list: Value) -> Value {
    let tables = list.as_array_mut().into_iter().flatten().filter_map(Value::as_table_mut);
    for secret in tables.filter_map(|table| table.get_mut("secret")) {
        *secret = Value::String("***".to_owned());
    }
    list
}

/// A store URL without its password, in user info or query.
pub(super) fn redact_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        // An invalid URL may contain a password anywhere.
        let scheme = text.split_inclusive(':').next().unwrap_or_default();
        return if text.contains('@') { format!("{scheme}***") } else { text.to_owned() };
    };
    let is_secret = |name: &str| name.to_lowercase().contains("password");
    let hidden: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let value = if is_secret(&name) { "***".to_owned() } else { value.into_owned() };
            (name.into_owned(), value)
        })
        .collect();
    let (in_user_info, in_query) = (url.password().is_some(), hidden.iter().any(|(name, _)| is_secret(name)));
    if in_user_info {
        let _ = url.set_password(Some("***"));
    }
    if in_query {
        url.query_pairs_mut().clear().extend_pairs(hidden);
    }
    if in_user_info || in_query { url.to_string() } else { text.to_owned() }
}
/// The environment variables of the process that are valid UTF-8.
pub fn process_environment() -> impl Iterator<Item = (String, String)> {
    let text = |value: OsString| value.into_string().ok();
    std::env::vars_os().filter_map(move |(name, value)| Some((text(name)?, text(value)?)))
}
