//! The sources of the configuration: defaults, file, environment. Each value keeps its origin.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::error::ConfigError;
use super::schema::{self, partial};
use crate::files::read_named_text;
use crate::urls::{redact_database_url, redact_url};

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
    /// The value; without secrets, of URLs without what may be secret in them.
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
                Some(url) if key == "store.url" => Value::String(redact_database_url(url)),
                _ => without_secrets("", value),
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
    let error =
        |cause| ConfigError::File { path: path.to_owned(), cause: without_secrets_of_the_line(&cause, text) };
    let table: Table = toml::from_str(text).map_err(error)?;
    toml::from_str::<partial::Settings>(text).map_err(error)?;
    Ok(table)
}

/// The format of log lines that a configuration names, whatever is wrong with the rest of it.
pub(super) fn log_format(
    file: &Path,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Option<String> {
    let variable = variables.into_iter().find(|(name, _)| name == "BANTIN_LOG__FORMAT");
    if let Some((_, value)) = variable {
        return Some(value.trim_matches('"').to_owned());
    }
    let table: Table = read_named_text(file, MAX_CONFIG_BYTES).ok()?.parse().ok()?;
    table.get("log")?.get("format")?.as_str().map(str::to_owned)
}

/// The message of an error in the file, which shows the line.
///
/// SECURITY: it ends in the log. If the line, or the one with its key, may hold a secret, all after the key is hidden.
fn without_secrets_of_the_line(cause: &toml::de::Error, text: &str) -> String {
    let message = cause.to_string();
    let Some(at) = cause.span().map(|span| span.start) else { return message };
    let before = text.get(..at).unwrap_or(text);
    let line = text.lines().nth(before.matches('\n').count()).unwrap_or_default();
    let lines = before.lines().chain([line]);
    let with_key = lines.rev().find(|line| line.contains('=')).unwrap_or_default();
    if ![with_key, line].into_iter().any(may_hold_secret) {
        return message;
    }
    let value = line.split_once('=').map_or(line, |(_, value)| value);
    let hidden =
        |text: &str| text.chars().map(|c| if c.is_whitespace() { c } else { '*' }).collect::<String>();
    // NOTE: what is empty or very short stands everywhere in the message, which would be unreadable without it.
    let message = message
        .replace(&format!("| {line}"), &format!("| {}{}", &line[..line.len() - value.len()], hidden(value)));
    // Some messages quote the value.
    let quoted = value.trim().trim_matches(['"', '\'']);
    let in_quotes = |message: String, mark: char| {
        message.replace(&format!("{mark}{quoted}{mark}"), &format!("{mark}***{mark}"))
    };
    match quoted.trim().len() {
        0 => message,
        1..SHORTEST_SECRET => ['"', '\'', '`'].into_iter().fold(message, in_quotes),
        _ => message.replace(quoted, "***"),
    }
}

/// What has fewer bytes is hidden only where a message quotes it.
const SHORTEST_SECRET: usize = 4;

fn may_hold_secret(line: &str) -> bool {
    let line = line.to_lowercase();
    ["secret", "password", "token", "://"].iter().any(|sign| line.contains(sign))
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
    // What is wrong in a list or table is told of it, and not of its text.
    let is_list = matches!(parsed, Some(Value::Array(_) | Value::Table(_)));
    let text = Value::String(value.to_owned());
    let mut causes = Vec::new();
    for candidate in parsed.into_iter().chain([text]) {
        let table = nested_table(&path, candidate);
        let checked: Result<partial::Settings, toml::de::Error> = Value::Table(table.clone()).try_into();
        match checked {
            Ok(_) => return Ok(table),
            Err(cause) => causes.push(cause.message().to_owned()),
        }
    }
    let cause = if is_list { causes.first() } else { causes.last() };
    Err(invalid(redacted_reason(name, cause.map_or("", String::as_str))))
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

/// The value of a variable without secrets.
fn redacted(name: &str, value: &str) -> String {
    // The name may be mistyped and the value still a URL with a password.
    match value.contains("://") || name.contains("URL") {
        _ if is_secret(name) => "***".to_owned(),
        true => redact_url(value),
        false => value.to_owned(),
    }
}

/// The reason of a refusal. Some quote the value.
fn redacted_reason(name: &str, reason: &str) -> String {
    if !is_secret(name) {
        return reason.to_owned();
    }
    let quoted = reason.find('"').zip(reason.rfind('"'));
    quoted.map_or_else(|| reason.to_owned(), |(from, to)| format!("{}***{}", &reason[..=from], &reason[to..]))
}

/// True if a variable is, or is a list of tables that have, a secret or an address that may contain one.
fn is_secret(name: &str) -> bool {
    ["SOURCE", "WEBHOOK", "SECRET", "PASSWORD", "TOKEN"].iter().any(|sign| name.contains(sign))
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

/// A value without the secrets in it: those of webhooks, and what may be secret in a URL.
fn without_secrets(key: &str, value: Value) -> Value {
    match value {
        Value::String(_) if key == "secret" => Value::String("***".to_owned()),
        Value::String(text) if text.contains("://") => Value::String(redact_url(&text)),
        Value::Array(values) => {
            Value::Array(values.into_iter().map(|value| without_secrets(key, value)).collect())
        }
        Value::Table(table) => {
            let hidden = table.into_iter().map(|(key, value)| {
                let value = without_secrets(&key, value);
                (key, value)
            });
            Value::Table(hidden.collect())
        }
        value => value,
    }
}

/// The environment variables of the process that are valid UTF-8.
pub fn process_environment() -> impl Iterator<Item = (String, String)> {
    let text = |value: OsString| value.into_string().ok();
    std::env::vars_os().filter_map(move |(name, value)| Some((text(name)?, text(value)?)))
}
