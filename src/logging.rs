//! Log lines and messages: to stderr, in English, one line each.
//!
//! Log an event once, where it is handled, with its identifier as a field. Never log a secret or the text of an
//! article. A request that is answered from memory logs nothing, unless the access log is on.
//!
//! Logging never blocks. A separate thread writes to stderr; if stderr is closed, full or not read, lines are lost
//! and the work goes on.
//!
//! The journal of systemd gets the level of each line, for `journalctl --priority`, and no second time.
//!
//! SECURITY: a file name, a URL or an error may contain anything. Each field is escaped and truncated here, so that
//! it cannot forge a log line or control a terminal.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{Format, Full, Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, format};
use tracing_subscriber::registry::LookupSpan;

/// Maximum length of a field, in bytes; longer ones are truncated.
const MAX_FIELD: usize = 2048;
/// Maximum length of a message, in bytes.
const MAX_MESSAGE: usize = 32 << 10;
/// Maximum number of lines that wait to be written.
const MAX_QUEUED: usize = 1024;
/// How long a caller waits for a full queue, once. After that, lines are lost until the queue has space again.
const QUEUE_TIMEOUT: Duration = Duration::from_millis(200);
/// How long [`flush`] waits.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Only errors.
    Quiet,
    /// Events that the operator should know.
    Normal,
    /// Every step.
    Verbose,
}

/// From now on, all lines and messages are JSON objects, or text.
pub fn set_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// Sends log lines to stderr, as text until [`set_json`]. The variable `RUST_LOG` overrides `verbosity`. Call it once, at
/// the start.
pub fn init(verbosity: Verbosity) {
    let default = match verbosity {
        Verbosity::Quiet => "error",
        Verbosity::Normal => "warn,bantin=info",
        Verbosity::Verbose => "info,bantin=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let fields = debug_fn(|writer, field, value| {
        let value = format!("{value:?}");
        match field.name() {
            "message" => writer.write_str(&printable(&value, MAX_FIELD)),
            name => write!(writer, "{name}={}", printable(&value, MAX_FIELD)),
        }
    });
    let subscriber = tracing_subscriber::fmt()
        .fmt_fields(fields.delimited(" "))
        .with_env_filter(filter)
        .with_writer(|| Queued)
        .with_ansi(io::stderr().is_terminal())
        .event_format(Lines {
            text: format().with_target(false),
            journal: format().with_target(false).without_time(),
        });
    // A second call changes nothing: the first subscriber stays.
    let _ = tracing::subscriber::set_global_default(subscriber.finish());
    log_panics();
}

/// Makes a panic, of which some are caught, a line of the log like any other. `RUST_BACKTRACE` also asks for what Rust
/// prints.
fn log_panics() {
    let with_backtrace = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        let cause = without_quoted_text(message);
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        error!(location, cause, "a panic");
        if with_backtrace {
            former(panic);
        }
    }));
}

/// The message of a panic without the text that was sliced.
///
/// SECURITY: at an index that does not fit, Rust quotes the text, which may be of an article.
fn without_quoted_text(message: &str) -> &str {
    let quote = [" of `", " slicing `"].iter().filter_map(|before| message.find(before)).min();
    &message[..quote.unwrap_or(message.len())]
}

/// Formats an event on one line: as text, or as a JSON object with time, level, message, and the fields under `fields`.
struct Lines {
    text: Format,
    /// The journal has the time.
    journal: Format<Full, ()>,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        writer.write_str(journal_prefix(level))?;
        if !JSON.load(Ordering::Relaxed) {
            return match *JOURNAL {
                true => self.journal.format_event(context, writer, event),
                false => self.text.format_event(context, writer, event),
            };
        }
        let mut fields = JsonFields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_default();
        writer.write_str(&json_line(level, &message, fields.0))
    }
}

#[derive(Default)]
struct JsonFields(Map<String, Value>);

impl Visit for JsonFields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), cut(value, MAX_FIELD).0.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

fn json_line(level: Level, message: &Value, fields: Map<String, Value>) -> String {
    let time = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let mut line = json!({ "timestamp": time, "level": level.as_str(), "message": message });
    if !fields.is_empty() {
        line["fields"] = fields.into();
    }
    let mut shown = String::new();
    for letter in line.to_string().chars() {
        if is_control(letter) {
            letter
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        } else {
            shown.push(letter);
        }
    }
    shown.push('\n');
    shown
}

/// Prints a message to the terminal. Line breaks are kept, other control characters are escaped.
pub(crate) fn say_arguments(message: fmt::Arguments<'_>) {
    say_at(Level::INFO, &message.to_string());
}

/// The same for the error that ends the process: as JSON it has the level of an error, for those who are alerted by it.
pub(crate) fn say_fatal(message: &str) {
    say_at(Level::ERROR, message);
}

fn say_at(level: Level, message: &str) {
    let (message, cut) = cut(message, MAX_MESSAGE);
    let prefix = journal_prefix(level);
    if JSON.load(Ordering::Relaxed) {
        let line = json_line(level, &message.into(), Map::new());
        return enqueue(Queue::Line(format!("{prefix}{line}").into_bytes()));
    }
    let lines: Vec<_> =
        message.split('\n').map(|line| format!("{prefix}{}", printable(line, MAX_MESSAGE))).collect();
    enqueue(Queue::Line(format!("{}{}\n", lines.join("\n"), if cut { "…" } else { "" }).into_bytes()));
}

/// The level of a line for the journal, as in sd-daemon(3); empty if nothing but text is wanted.
///
/// SECURITY: every line for the journal has one, so that no text can begin with a level of its own.
fn journal_prefix(level: Level) -> &'static str {
    match level {
        _ if !*JOURNAL => "",
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

/// `JOURNAL_STREAM` names the device and inode of the journal's stream (systemd.exec(5)). The variable is also there when
/// stderr was redirected.
fn is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    rustix::fs::fstat(io::stderr())
        .is_ok_and(|stderr| stream == format!("{}:{}", stderr.st_dev, stderr.st_ino))
}

/// [`say_arguments`] with the arguments of [`format!`].
macro_rules! say {
    ($($argument:tt)*) => { $crate::logging::say_arguments(format_args!($($argument)*)) };
}
pub(crate) use say;

/// Waits until queued lines are written, for at most a second. Call it at the end of the process.
pub fn flush() {
    let (done, is_done) = sync_channel(1);
    enqueue(Queue::Flush(done));
    let _ = is_done.recv_timeout(FLUSH_TIMEOUT);
}

/// A text on one line. Characters that control a terminal or the writing direction are escaped as in Rust. The text
/// is truncated to `longest` bytes.
pub fn printable(text: &str, longest: usize) -> Cow<'_, str> {
    let length = text.len();
    let (text, cut) = cut(text, longest);
    if !cut && !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_control(letter) { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    if cut {
        let _ = write!(shown, "… ({length} bytes)");
    }
    Cow::Owned(shown)
}

fn cut(text: &str, longest: usize) -> (&str, bool) {
    let end = text.floor_char_boundary(longest);
    (&text[..end], end < text.len())
}

/// Control characters, line separators, direction marks and overrides, annotations, tags.
fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

enum Queue {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The queue of the thread that writes to stderr.
static QUEUE: LazyLock<SyncSender<Queue>> = LazyLock::new(|| {
    let (sender, queued) = sync_channel(MAX_QUEUED);
    // If the thread cannot start, lines are lost.
    let _ = std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&queued));
    sender
});
/// True if stderr is the journal of systemd.
static JOURNAL: LazyLock<bool> = LazyLock::new(is_journal);
/// True if lines are JSON objects.
static JSON: AtomicBool = AtomicBool::new(false);
/// True while lines are lost because stderr is not read.
static STALLED: AtomicBool = AtomicBool::new(false);

fn write_all(queued: &Receiver<Queue>) {
    for next in queued {
        match next {
            Queue::Line(line) => {
                let _ = io::stderr().write_all(&line);
            }
            Queue::Flush(done) => {
                let _ = done.try_send(());
            }
        }
    }
}

fn enqueue(mut next: Queue) {
    let began = Instant::now();
    loop {
        match QUEUE.try_send(next) {
            Ok(()) => return STALLED.store(false, Ordering::Relaxed),
            Err(TrySendError::Disconnected(_)) => return,
            Err(TrySendError::Full(_)) if STALLED.load(Ordering::Relaxed) => return,
            Err(TrySendError::Full(same)) => next = same,
        }
        if began.elapsed() >= QUEUE_TIMEOUT {
            return STALLED.store(true, Ordering::Relaxed);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Receives one complete line per write from the subscriber.
struct Queued;

impl Write for Queued {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        enqueue(Queue::Line(line.to_owned()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn characters_that_could_forge_a_line_or_reverse_it_are_escaped() {
        let name = "a\n2026-01-01 ERROR\r\u{1b}[2J\u{9b}K\u{2028}b\u{202e}txt.exe\u{85}\u{feff}";
        assert_eq!(
            printable(name, 1000),
            "a\\n2026-01-01 ERROR\\r\\u{1b}[2J\\u{9b}K\\u{2028}b\\u{202e}txt.exe\\u{85}\\u{feff}"
        );
        assert_eq!(printable("Huyện Đăk Tô.txt", 1000), "Huyện Đăk Tô.txt");
        assert_eq!(printable(&"ư".repeat(40_000), 9), "ưưưư… (80000 bytes)");
    }

    #[test]
    fn a_json_line_is_one_object_without_control_characters() {
        let text = "a\n\u{1b}[2J\u{9b}K\u{202e}\u{e0001}\"";
        let line = json_line(Level::WARN, &text.into(), Map::from_iter([("path".to_owned(), text.into())]));
        assert!(!line.trim_end().contains(is_control), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&read["level"], &read["message"], &read["fields"]["path"]),
            (&"WARN".into(), &text.into(), &text.into())
        );
    }

    #[test]
    fn the_message_of_a_panic_does_not_quote_a_text() {
        let text = std::hint::black_box("ữ bí mật".to_owned());
        for (start, end) in [(1, 4), (0, 99), (4, 1), (99, 99)].map(std::hint::black_box) {
            let panic = std::panic::catch_unwind(|| text[start..end].len()).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            assert!(message.contains("bí mật"), "{message}");
            let cause = without_quoted_text(message);
            assert!(!cause.is_empty() && !cause.contains("bí mật"), "{cause}");
        }
    }

    proptest! {
        #[test]
        fn every_message_is_one_line_of_bounded_length(text in any::<String>(), longest in 0usize..64) {
            let shown = printable(&text, longest);
            prop_assert!(!shown.contains(is_control));
            prop_assert!(shown.len() <= longest * 10 + 32);
        }
    }
}
