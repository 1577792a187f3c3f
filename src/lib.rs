//! *bản tin* (bulletin): takes the articles of a Vietnamese district, commune or province as they are
//! written and publishes them as RSS, Atom and JSON feeds, one channel per section.
//!
//! **One numbered log of changes; everything that leaves the house is a function of it.** An article is
//! published, corrected, moved, withdrawn or restored; each of these is a revision with the next number and
//! its time. A channel is a view of the log with numbers of its own. Every feed, page and validator is
//! computed from the log, the configuration and the program's version, and from nothing else.
//!
//! # The floors
//! A room is one name below. It names rooms on lower floors only, never its own; `tests/layering.rs` keeps it.
//!
//! | floor | rooms | what they do |
//! |---|---|---|
//! | 8 main | [`cli`] | the command line; `main.rs` stands outside |
//! | 7 wiring | [`app`] | builds and runs the whole: all wiring, all spawning |
//! | 6 choices | [`config`] | composes each room's own options; nobody below imports it |
//! | 5 doors | [`http`], [`export`] | route, negotiate, judge preconditions, reply; the whole site as files |
//! | 3 movers | [`ingest`], [`render`] | folder to log; log to documents; neither knows the other |
//! | 2 keeper | [`store`] | the log, one concrete type over a private enum of engines |
//! | 1 makers | [`parse`], [`image`], [`feed`], [`html`] | pure: no I/O, no async, no clock |
//! | 0 words | [`model`], [`search_text`], [`message`], [`urls`], [`time`], [`text`], [`logging`] | what the rooms speak of |
//!
//! # The walk, from a file to a 304
//! 1. Someone saves `feeds/xa-hoi/hoi-nghi.txt`. An event or the slow beat wakes [`ingest`]; the scan is the
//!    truth, the event only a hint.
//! 2. [`parse::read`] turns bytes into a draft plus findings with line numbers.
//! 3. [`store::Store::take_in`] appends to the log in one transaction: published, corrected, unchanged ….
//! 4. The store announces the new number, to other replicas as well; a tick heals a lost notice and hears other
//!    processes.
//! 5. [`render::Renderer`] reprints the channels that changed: build, read back with an independent parser,
//!    compress once, hash, swap into the [`render::SiteCache`].
//! 6. [`http`]: route, edition in memory, preconditions, 304. No store, no compression, no allocation of the
//!    document.
//!
//! # What holds always
//! - A GET for a live feed, for what is new in it, or for a channel's page never touches the store once its
//!   edition is printed. What people ask for beside it (an article, a month, a search)
//!   reads it within bounds, and once while nothing in it changes.
//! - On a log that several processes share, a whole answer waits for the press to print what was heard of, within a
//!   bound; a 304 never does, and a log in a file never.
//! - Makers do no I/O and read no clock: same articles, same bytes.
//! - An article enters only through the store's intake; what a revision says is never rewritten. A channel that
//!   is renamed bears its new name in it, and an erased text is blanked.
//! - A site of files is of one state of the log; nothing in it is named before it is there, and nothing is written
//!   that has not changed.
//! - Only [`http::response`] writes headers. No link or id comes from the `Host` header.
//! - Untrusted XML is never given to the `rss` or `atom_syndication` readers, which overflow the stack on
//!   some 28 KB of nesting; `feed-rs` and `roxmltree` read.
//! - Only [`app`] spawns long tasks; all end on shutdown; one that dies ends the process.

// NOTE: `println!` and its like panic where nobody reads; the command line has words of its own for it.
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::print_stderr, clippy::print_stdout))]

pub mod app;
pub mod cli;
pub mod config;
pub mod export;
pub mod feed;
pub mod html;
pub mod http;
pub mod image;
pub mod ingest;
pub mod logging;
pub mod message;
pub mod model;
pub mod parse;
pub mod render;
pub mod search_text;
pub mod store;
pub mod text;
pub mod time;
pub mod urls;
