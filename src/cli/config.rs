//! `bantin config`: shows the effective configuration.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use anyhow::Context as _;
use serde_json::json;

use super::output::{Outcome, OutputOptions};
use crate::app::log_certificate_problem;
use crate::config::{Config, EffectiveValue};
use crate::http::TlsCertificate;
use crate::time::Clock;

/// With `quiet`, checks that `serve` would accept it, and shows nothing unless clients would refuse the certificate.
pub(super) fn show(config: &Config, output: OutputOptions) -> anyhow::Result<Outcome> {
    if output.quiet {
        config.validate_for_serving()?;
        // `ExecReload` asks this before the service is told to reload.
        if let Some(files) = &config.tls {
            let certificate = TlsCertificate::load(files).context("[server.tls]")?;
            log_certificate_problem(certificate.problem_at(Clock::system().now()));
        }
        return Ok(Outcome::Done);
    }
    let mut out = io::stdout().lock();
    let values = config.effective_values();
    if output.json {
        let keys: BTreeMap<&str, _> = (values.iter())
            .map(|key| (key.key.as_str(), json!({ "value": as_json(&key.value), "from": key.origin })))
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&keys)?)?;
    } else {
        let length = |key: &EffectiveValue| key.key.chars().count() + key.value.to_string().chars().count();
        let width = values.iter().map(length).max().unwrap_or(0).min(60);
        for key in &values {
            let pad = width.saturating_sub(length(key));
            writeln!(out, "{} = {}{:pad$}  # {}", key.key, key.value, "", key.origin)?;
        }
    }
    Ok(Outcome::Done)
}

/// A date has no form of its own in JSON and becomes a string.
fn as_json(value: &toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.iter().map(as_json).collect(),
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), as_json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        value => json!(value),
    }
}
