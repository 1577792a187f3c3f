//! A zip archive of old articles that is imported.

#![no_main]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use bantin::config::Config;
use bantin::ingest::{Import, ImportRequest, IngestOptions};
use bantin::model::Slug;
use bantin::store::Store;
use bantin_fuzz::{archives, clock, site};
use tokio::runtime::Runtime;

/// A log that nothing is written to.
struct Log {
    runtime: Runtime,
    store: Store,
    options: IngestOptions,
}

impl Log {
    fn get() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let path = site::scratch_file(
                "config.toml",
                b"[store]\nurl = \"sqlite:nhap.db\"\n[folder]\npath = \"bai\"\n",
            );
            let config = Config::load(Some(path.as_ref()), []).expect("a valid configuration");
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime");
            let store = runtime.block_on(Store::open(config.store.clone())).expect("a store");
            Self { runtime, store, options: config.ingest }
        })
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let log = Log::get();
    let path = site::scratch_file("bai-cu.zip", data);
    let known = BTreeSet::from([Slug::from_title("Xã hội")]);
    let channel = data.len().is_multiple_of(2).then(|| Slug::from_title("Xã hội"));
    let request = ImportRequest { paths: vec![path.into()], channel, ..ImportRequest::default() };
    clock::timed_on_all_threads(data, || match Import::plan(&request, &log.options, &known) {
        Ok(import) => {
            let articles = import.articles();
            let mut findings = 0;
            let report = log.runtime.block_on(import.run(&log.store, true, |_, found| {
                for finding in &found {
                    assert!(!finding.message.english.trim().is_empty(), "{finding:?}");
                }
                findings += found.len();
            }));
            let report = report.expect("a store that answers");
            assert!(report.files <= articles, "{} of {articles} files are read", report.files);
            assert!(report.rejected == 0 || findings > 0, "rejected without a reason");
        }
        Err(refused) => assert!(!refused.to_string().trim().is_empty()),
    });
});

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    archives::mutate(data, size, max_size, seed)
});
