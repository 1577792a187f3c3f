//! Brings the articles folder, and archives of old articles, into the log.
//!
//! A scan compares the folder with what the store remembers of it, and submits every difference. File events only
//! say where to look first. A file counts once it has been unchanged for a while and nobody writes it, and is gone
//! once it has been missing for the grace period. Nothing here prints, and no scan reads anything outside the folder.
//!
//! | module | what it does |
//! |---|---|
//! | `run`, `watch` | decides when to scan, from file events and time |
//! | `scan` | one scan, from the listing to the report |
//! | `listing`, `names` | which files are there, and what their names say |
//! | `plan` | compares the listing with the store's records (no I/O) |
//! | `reading`, `writers`, `open` | reads what has changed, once it is complete |
//! | `aside` | what a large scan has parsed and not submitted yet |
//! | `pictures` | the images of an article, beside it and in it |
//! | `copies` | the smaller copies of images, at once or in the background |
//! | `submission`, `report`, `diagnostic` | what is submitted, and what is reported |
//! | `error_file` | lists the problems of a channel folder in a file for the office |
//! | `mark` | the marker that ties a folder to a log |
//! | `check` | the same checks without a store |
//! | `import`, `import_source` | imports folders and archives once |

mod article_file;
mod aside;
mod check;
mod copies;
mod diagnostic;
mod error_file;
mod import;
mod import_source;
mod listing;
mod mark;
mod names;
mod options;
mod parallel;
mod pictures;
mod plan;
mod reading;
mod report;
mod run;
mod scan;
mod submission;
mod watch;
mod writers;

pub use article_file::{ParsedFile, diagnostics_of, parse_file};
pub use check::{CheckedFile, check_files, check_folder};
pub use copies::{CopiesAtOnce, make_all_copies, make_copies, put_images};
pub use diagnostic::FileDiagnostic;
pub use import::{Import, ImportError, ImportReport, ImportRequest};
pub use mark::mark_of;
pub use options::{IngestOptions, Marking, WatchMode};
pub use pictures::{add_images, uploaded_images};
pub use report::ScanReport;
pub use run::{Counters, run};
pub use scan::Scanner;
