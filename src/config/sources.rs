//! The layers of the configuration, one over the other, each value knowing where it came from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::schema::{self, partial};
use super::{ConfigError, DEFAULT, EffectiveValue};

/// Variables of the environment that may be ours.
const PREFIX: &str = "BANTIN_";
/// Where a path of keys is written as a variable.
const SEPARATOR: &str = "__";
/// So many letters may be wrong in a name that is still taken for a slip.
const SLIPS: usize = 2;

/// All layers merged, and the origin of each key.
pub(super) struct ConfigSources {
    table: Table,
    origins: BTreeMap<String, String>,
}

impl ConfigSources {
    /// Reads all layers; each is checked on its own, so that an error names its file or variable.
    pub(super) fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self { table: Table::new(), origins: BTreeMap::new() };
        layers.push(defaults(), "default");
        if let Some(path) = file {
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|cause| ConfigError::Unreadable { path: shown.clone(), cause })?;
            layers.push(read_file(&text, &shown)?, &shown);
        }
        let mut variables: Vec<_> = variables.into_iter().collect();
        variables.sort();
        for (name, value) in variables {
            match owner_of(&name) {
                Owner::Ours => {}
                Owner::Others => continue,
                Owner::Slip(meant) => {
                    let reason = format!("is no key of the configuration; write {meant}, or remove it");
                    return Err(ConfigError::Variable {
                        value: shown(&name, &value),
                        variable: name,
                        reason,
                    });
                }
            }
            let table = read_variable(&name, &value)?;
            layers.push(table, &name);
        }
        Ok(layers)
    }

    /// The value that is in force for every key.
    pub(super) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        let merged = Value::Table(self.table.clone());
        merged.try_into().map_err(|cause: toml::de::Error| ConfigError::Value {
            key: "configuration".to_owned(),
            reason: cause.message().to_owned(),
        })
    }

    pub(super) fn effective_values(&self) -> Vec<EffectiveValue> {
        let mut explained = Vec::new();
        for (key, value) in leaves(&self.table) {
            let origin = self.origins.get(&key).cloned().unwrap_or_default();
            let value = match value.as_str() {
                Some(url) if key == "store.url" => Value::String(redact_password(url)).to_string(),
                _ => value.to_string(),
            };
            explained.push(EffectiveValue { key, value, origin });
        }
        explained
    }

    /// The default of a key that holds a text.
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

/// The shipped file without its channels, which are samples and not everybody's.
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
    let refuse = |reason: String| ConfigError::Variable {
        variable: name.to_owned(),
        value: shown(name, value),
        reason,
    };
    let path: Vec<String> = name[PREFIX.len()..].split(SEPARATOR).map(str::to_lowercase).collect();
    // A text needs no quotation marks here: what is no TOML value is a text.
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
    Err(refuse(last.unwrap_or_default()))
}

/// Whose a variable is.
enum Owner {
    Ours,
    /// Of somebody else, such as Kubernetes: for a service of the name `bantin` it sets `BANTIN_PORT` and others.
    Others,
    /// Nobody's; the name of ours that was probably meant.
    Slip(String),
}

fn owner_of(name: &str) -> Owner {
    let Some(path) = name.strip_prefix(PREFIX) else { return Owner::Others };
    if is_of_kubernetes(path) {
        return Owner::Others;
    }
    let keys = schema::keys();
    let sections = keys.iter().filter_map(|key| key.split_once('.')).map(|(section, _)| section);
    let is_section = |word: &str| sections.clone().chain(["channel"]).any(|section| section == word);
    // A section as a whole is a table on one line.
    if path.contains(SEPARATOR) && !path.starts_with('_') || is_section(&path.to_lowercase()) {
        return Owner::Ours;
    }
    let flat = |key: &str| key.replace(['.', '_'], "").to_uppercase();
    let given = flat(path);
    let near = keys.iter().map(|key| (strsim::damerau_levenshtein(&flat(key), &given), key)).min();
    match near {
        Some((slips, key)) if slips <= SLIPS => {
            Owner::Slip(format!("{PREFIX}{}", key.replace('.', SEPARATOR).to_uppercase()))
        }
        _ => Owner::Others,
    }
}

/// `SERVICE_HOST`, `WEB_SERVICE_PORT_HTTP`, `PORT`, `PORT_8080_TCP_ADDR`.
fn is_of_kubernetes(path: &str) -> bool {
    let ends = |part: &str| path == part || path.ends_with(&format!("_{part}"));
    let has = |part: &str| path.starts_with(&format!("{part}_")) || path.contains(&format!("_{part}_"));
    let port_of_container = path.split("PORT_").skip(1).any(|rest| {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        digits.len() < rest.len() && ["_TCP", "_UDP", "_SCTP"].iter().any(|kind| digits.starts_with(kind))
    });
    ends("SERVICE_HOST") || ends("SERVICE_PORT") || has("SERVICE_PORT") || ends("PORT") || port_of_container
}

/// The value of a variable as it may be told.
fn shown(name: &str, value: &str) -> String {
    // A slip in the name keeps the password no less.
    if value.contains("://") || name.contains("URL") { redact_password(value) } else { value.to_owned() }
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

/// Every key with a value of its own, as `section.key`.
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

/// A store's URL without its password, wherever in it that stands.
pub(super) fn redact_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        // What cannot be taken apart may hold one anywhere.
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
    let (is_in_front, is_behind) = (url.password().is_some(), hidden.iter().any(|(name, _)| is_secret(name)));
    if is_in_front {
        let _ = url.set_password(Some("***"));
    }
    if is_behind {
        url.query_pairs_mut().clear().extend_pairs(hidden);
    }
    if is_in_front || is_behind { url.to_string() } else { text.to_owned() }
}
