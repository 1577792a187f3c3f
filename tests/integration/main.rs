//! Tests through the public interface: of the library, and of the real program over HTTP and on the command line.
//!
//! They are one binary, because each binary links the whole program again. One file's tests run by
//! `cargo test --test integration store::`.

mod support;

mod accessibility;
mod archive_and_delta;
mod atom_grammar;
mod backup;
mod broken_feeds;
mod browser;
mod changes;
mod channels;
mod command_line;
mod composed_pages;
mod configs;
mod documentation;
mod editor;
mod end_to_end;
mod export;
mod fetch;
mod folder;
mod html_pages;
mod http_server;
mod hub;
mod image_copies;
mod images;
mod import;
mod import_files;
mod indexnow;
mod markup;
mod metrics;
mod nginx_source;
mod odt;
mod office;
mod operation;
mod packaging;
mod pages;
mod parse;
mod parse_complexity;
mod parse_mutations;
mod province;
mod proxies;
mod publishing;
mod pull;
mod reload;
mod render;
mod replicas;
mod service_manager;
mod soak;
mod store;
mod tls;
mod word;
