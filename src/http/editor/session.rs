//! Sessions of the editing pages: an encrypted cookie that holds the token and when the session ends.
//!
//! The server keeps no state but the sessions that somebody has ended, so a session survives a restart and is valid on every
//! replica.
//!
//! SECURITY: the token is looked up for each request, so that revoking it ends its sessions at once. The key is in the
//! store, the token only in the cookie: who steals the database cannot make a session, and who steals a cookie does
//! not learn the token.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::COOKIE;
use hyper::http::request::Parts;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};

use super::super::api::actions;
use super::super::api::problem::Problem;
use super::super::state::AppState;
use crate::store::Token;
use crate::text::hex;
use crate::urls::editor_path;

/// How long a session lasts, in seconds: a working day.
const LIFETIME: i64 = 8 * 3600;

/// Somebody who has logged in.
pub(super) struct Session {
    /// Whose rights apply.
    pub(super) token: Token,
    /// What each form must contain. It depends on the cookie, which no other site can read.
    pub(super) csrf: String,
}

/// The session of a request; none if there is none, it has ended, or its token was revoked.
///
/// # Errors
/// If the store is unavailable. This says nothing about the session.
pub(super) async fn current(state: &Arc<AppState>, request: &Parts) -> Result<Option<Session>, Problem> {
    let Some(cookie) = cookie_of(&request.headers, cookie_name(state)) else { return Ok(None) };
    let key = key(state).await?;
    let Some(secret) = unseal(&key, &cookie, state.clock.now().timestamp()) else { return Ok(None) };
    let session = name_of(&cookie);
    let found = state
        .run_with_store(async move |state| match state.store.is_session_ended(&session).await? {
            true => Ok(None),
            false => state.store.authenticate(&secret).await,
        })
        .await;
    let token = found.ok_or_else(Problem::overloaded)?;
    Ok(token.map(|token| Session { token, csrf: csrf_of(&cookie) }))
}

/// Begins a session. Returns it with the value of `Set-Cookie`.
///
/// # Errors
/// If there is no such token, the client guesses too often, or the store is unavailable.
pub(super) async fn begin(
    state: &Arc<AppState>,
    request: &Parts,
    secret: &str,
) -> Result<(Session, String), Problem> {
    let token = actions::authenticate(state, request, secret).await?;
    let key = key(state).await?;
    let expires = state.clock.now().timestamp() + LIFETIME;
    let cookie = seal(&key, secret, expires).ok_or_else(Problem::unavailable)?;
    let set = set_cookie(state, &cookie, LIFETIME);
    Ok((Session { token, csrf: csrf_of(&cookie) }, set))
}

/// Ends the session of a request, also for somebody who has copied its cookie. Returns the value of `Set-Cookie`.
///
/// # Errors
/// If the store is unavailable. The session goes on then.
pub(super) async fn end(state: &Arc<AppState>, request: &Parts) -> Result<String, Problem> {
    if let Some(cookie) = cookie_of(&request.headers, cookie_name(state)) {
        let until = state.clock.now() + chrono::TimeDelta::seconds(LIFETIME);
        let session = name_of(&cookie);
        let ended =
            state.run_with_store(async move |state| state.store.end_session(&session, until).await).await;
        ended.ok_or_else(Problem::unavailable)?;
    }
    Ok(set_cookie(state, "", 0))
}

fn cookie_name(state: &AppState) -> &'static str {
    if is_https(state) { "__Secure-bantin" } else { "bantin" }
}

fn is_https(state: &AppState) -> bool {
    state.urls.site_url().starts_with("https:")
}

fn set_cookie(state: &AppState, value: &str, seconds: i64) -> String {
    let path = state.urls.path(&editor_path(""));
    let secure = if is_https(state) { "; Secure" } else { "" };
    let name = cookie_name(state);
    format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, value)| *found == name && !value.is_empty()).map(|(_, value)| value.to_owned())
}

fn csrf_of(cookie: &str) -> String {
    hash_of("csrf", cookie)
}

/// By what the store knows a session that was ended.
fn name_of(cookie: &str) -> String {
    hash_of("ended", cookie)
}

fn hash_of(purpose: &str, cookie: &str) -> String {
    let hash = Sha256::new().chain_update(purpose).chain_update("\0").chain_update(cookie);
    hex(&hash.finalize()[..16])
}

async fn key(state: &Arc<AppState>) -> Result<LessSafeKey, Problem> {
    let stored = state.run_with_store(async move |state| state.store.session_key().await).await;
    let bytes = unhex(&stored.ok_or_else(Problem::overloaded)?).unwrap_or_default();
    let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| Problem::overloaded())?;
    Ok(LessSafeKey::new(key))
}

/// Nonce and encrypted text in hexadecimal; none if there are no random bytes.
fn seal(key: &LessSafeKey, secret: &str, expires: i64) -> Option<String> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).ok()?;
    let mut text = format!("{expires}:{secret}").into_bytes();
    let unique = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(unique, Aad::empty(), &mut text).ok()?;
    Some(hex(&nonce) + &hex(&text))
}

/// The secret in a cookie; none if it was not sealed with this key, or the session has ended.
fn unseal(key: &LessSafeKey, cookie: &str, now: i64) -> Option<String> {
    let mut bytes = unhex(cookie)?;
    let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let text = key.open_in_place(nonce, Aad::empty(), text).ok()?;
    let (expires, secret) = std::str::from_utf8(text).ok()?.split_once(':')?;
    (expires.parse::<i64>().ok()? > now).then(|| secret.to_owned())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_key(byte: u8) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[byte; 32]).unwrap())
    }

    #[test]
    fn a_session_ends_and_nobody_can_make_or_prolong_one() {
        let cookie = seal(&test_key(1), "bantin_abc", 100).unwrap();
        assert!(!cookie.contains(&hex(b"bantin_abc")));
        assert_eq!(unseal(&test_key(1), &cookie, 99).as_deref(), Some("bantin_abc"));
        assert_eq!(unseal(&test_key(1), &cookie, 100), None, "it has ended");
        assert_eq!(unseal(&test_key(2), &cookie, 99), None, "another key");
        for index in 0..cookie.len() {
            let mut forged = cookie.clone().into_bytes();
            forged[index] = if forged[index] == b'0' { b'1' } else { b'0' };
            assert_eq!(unseal(&test_key(1), std::str::from_utf8(&forged).unwrap(), 99), None, "{index}");
        }
        for odd in ["", "0", "zz", "é", &cookie[..20], &cookie[1..]] {
            assert_eq!(unseal(&test_key(1), odd, 99), None, "{odd}");
        }
    }
}
