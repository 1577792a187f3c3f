//! *bản tin* (bulletin): publishes the articles of a Vietnamese district, commune or province, as the office
//! writes them, as RSS, Atom and JSON feeds and HTML pages, with one channel per section.
//!
//! **There is one numbered log of changes, and all output is a function of it.** An article is published,
//! corrected, moved, withdrawn or restored. Each change is a revision with the next number and its time. A channel
//! is a filtered view of the log with its own numbers. Every feed, page and validator is computed from the log, the
//! configuration and the program version, and from nothing else.
//!
//! # Layers
//! A module imports only from lower layers, never from its own; the modules of layer 0 may use each other.
//! `tests/layering.rs` checks this, and that no two files import each other.
//!
//! | layer | modules | responsibility |
//! |---|---|---|
//! | 8 entry | [`cli`] | the command line |
//! | 7 wiring | [`app`] | connects all modules and supervises the tasks |
//! | 6 configuration | [`config`] | reads and checks the settings, builds the options of each module |
//! | 5 output | [`http`], [`export`] | the HTTP server; the static site |
//! | 4 push | [`push`] | tells others of changes: the WebSub hub, webhooks, an outside hub, search engines |
//! | 3 work | [`ingest`], [`pull`], [`render`] | article folder to log; feeds of others to log; log to encoded documents; none knows another |
//! | 2 I/O | [`store`], [`fetch`], [`files`] | the log, in SQLite or PostgreSQL; outgoing HTTP with address checks; files that others may be changing |
//! | 1 formats | [`parse`], [`image`], [`feed`], [`html`] | pure functions: no I/O, no async, no clock |
//! | 0 base | [`model`], [`search_text`], [`message`], [`urls`], [`time`], [`text`], [`content_html`], [`latency`], [`logging`], [`panics`] | shared data types and helpers |
//!
//! # From a file to a 304
//! 1. An editor saves `feeds/xa-hoi/hoi-nghi.txt`. A file event or the periodic rescan wakes [`ingest`]. Only the
//!    scan decides what changed; an event is a hint.
//! 2. [`parse::parse`] turns the bytes into an article and diagnostics with line numbers.
//! 3. [`store::Store::submit`] appends to the log in one transaction.
//! 4. The store notifies this process and the other replicas of the new log position. Polling covers a lost
//!    notification.
//! 5. [`render::Renderer`] renders the articles that changed, verifies them with an independent parser, assembles the
//!    feeds of their channels, hashes them and swaps them into the [`render::SiteCache`].
//! 6. [`http`] routes the request, finds the rendered document in memory, evaluates the preconditions and answers
//!    304. It does not touch the store or copy the document. It compresses a document once for each coding, when a
//!    client first accepts it.
//!
//! # Invariants
//! - A GET for a live feed, for a delta of one or for a channel page never reads the store once the document is
//!   rendered. Other pages (an article, a month, a search) read it within limits, and once while nothing in the log
//!   changes.
//! - On a shared log, a full response waits a bounded time until the renderer has caught up with the announced
//!   position. A 304 never waits, and neither does any response of a log in a file.
//! - Layer 1 does no I/O and reads no clock: the same articles give the same bytes.
//! - Articles enter only through the write queue of the store. A stored revision is never changed, with two
//!   exceptions: a renamed channel gets its new name in it, and the text of an erased article is blanked.
//! - A static site shows one state of the log. A link is written after its target, and only changed files are
//!   written.
//! - Only [`http::response`] writes headers. No link and no id is made from the `Host` header.
//! - SECURITY: untrusted XML is never given to the `rss` or `atom_syndication` parsers, which overflow the stack at
//!   some 28 KB of nesting. `roxmltree` parses it, within limits.
//! - SECURITY: every outgoing request uses a client of [`fetch`], which checks the addresses it connects to.
//! - Only [`app`] spawns long-running tasks. All of them end on shutdown, and if one fails the process ends.

// NOTE: `println!` and its kind panic when the reader is gone; the command line has its own functions for output.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout))]

pub mod app;
pub mod cli;
pub mod config;
pub mod content_html;
pub mod export;
pub mod feed;
pub mod fetch;
pub mod files;
pub mod html;
pub mod http;
pub mod image;
pub mod ingest;
pub mod latency;
pub mod logging;
pub mod message;
pub mod model;
pub mod panics;
pub mod parse;
pub mod pull;
pub mod push;
pub mod render;
pub mod search_text;
pub mod store;
pub mod text;
pub mod time;
pub mod urls;
