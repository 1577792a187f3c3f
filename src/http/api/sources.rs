//! The sources whose articles are collected, and how they are.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::super::response::{self, HttpResponse};
use super::super::state::AppState;
use super::problem::Problem;
use super::query::QueryParams;
use super::write;
use crate::pull;

/// Answers with all sources, in the order of the configuration.
///
/// SECURITY: only for holders of a token. The URL of a source and its errors may tell of internal networks.
pub(super) async fn answer(state: &Arc<AppState>, request: &Parts) -> Result<HttpResponse, Problem> {
    write::authenticate(state, request).await?;
    QueryParams::parse(request.uri.query(), &[])?;
    let loaded = state.run_with_store(async move |state| pull::health(&state.store, &state.sources).await);
    let loaded = loaded.await.ok_or_else(Problem::overloaded)?;
    let (zone, now) = (state.render_options.site.time_zone, state.clock.now());
    let sources: Vec<Value> = loaded.iter().map(|health| health.to_json(zone, now)).collect();
    Ok(response::json(StatusCode::OK, json!({ "sources": sources }).to_string(), None, None))
}
