//! No target: writes the inputs to begin with into the folder that `BANTIN_FUZZ_CORPUS` names, and ends. It is built like
//! a target because everything here is linked with libFuzzer.

#![no_main]

use std::path::{Path, PathBuf};

libfuzzer_sys::fuzz_target!(init: write(), |_data: &[u8]| {});

fn write() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus = std::env::var_os("BANTIN_FUZZ_CORPUS").map(PathBuf::from);
    let corpus = corpus.expect("BANTIN_FUZZ_CORPUS names a folder");
    bantin_fuzz::seeds::write_all(&root, &corpus).expect("the samples are read and the inputs written");
    std::process::exit(0);
}
