//! Where log lines and messages go: to stderr, in English, one line each.
//!
//! What to log where: once, where a thing is handled, with the identifier as a field. Never a secret, never
//! the text of an article; nothing on the path of a request that is answered from memory, unless the operator
//! asks for a line on each.
//!
//! Nobody waits for stderr. A thread of its own writes to it: where it is closed, full or not read, lines are lost
//! and the work goes on.
//!
//! SECURITY: a file name, an address or an error may hold anything that a stranger likes. Each field of a line is
//! escaped and cut here, so that none can forge a line, or say something else on a terminal than in a file.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal as _, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::debug_fn;

/// The longest field of a log line, in bytes; what is longer is cut.
const MAX_FIELD: usize = 2048;
/// The longest message of a command, in bytes.
const MAX_MESSAGE: usize = 32 << 10;
/// So many lines may wait to be written.
const MAX_QUEUED: usize = 1024;
/// A full queue is given so long, once; then lines are lost until there is room again.
const PATIENCE: Duration = Duration::from_millis(200);
/// At the end, what waits is given so long to be written.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// What the operator should know.
    Normal,
    /// Each step.
    Verbose,
}

/// Sends log lines to stderr. The variable `RUST_LOG` beats `verbosity`. Call it once, at the start.
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
        .with_target(false)
        .finish();
    // A second call changes nothing: the first subscriber stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Tells the person at the terminal something, as [`format_args!`] puts it. Lines behind the first are told as they
/// are; other control characters are escaped.
pub(crate) fn say_arguments(message: fmt::Arguments<'_>) {
    let message = message.to_string();
    let (message, cut) = cut(&message, MAX_MESSAGE);
    let lines: Vec<_> = message.split('\n').map(|line| printable(line, MAX_MESSAGE)).collect();
    enqueue(Queue::Line(format!("{}{}\n", lines.join("\n"), if cut { "…" } else { "" }).into_bytes()));
}

/// [`say_arguments`] with the arguments of [`format!`].
macro_rules! say {
    ($($argument:tt)*) => { $crate::logging::say_arguments(format_args!($($argument)*)) };
}
pub(crate) use say;

/// Waits until what was said is written, a second at most: for the end of the process.
pub fn flush() {
    let (done, is_done) = sync_channel(1);
    enqueue(Queue::Flush(done));
    let _ = is_done.recv_timeout(LAST_WORDS);
}

/// A text on one line, without characters that control a terminal or the direction of writing: they are escaped as
/// Rust writes them. Longer than `longest` bytes, it is cut.
pub fn printable(text: &str, longest: usize) -> Cow<'_, str> {
    let whole = text.len();
    let (text, cut) = cut(text, longest);
    if !cut && !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_control(letter) { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    if cut {
        let _ = write!(shown, "… ({whole} bytes)");
    }
    Cow::Owned(shown)
}

fn cut(text: &str, longest: usize) -> (&str, bool) {
    let end = text.floor_char_boundary(longest);
    (&text[..end], end < text.len())
}

/// Controls, separators of lines, marks and overrides of direction, annotations, tags.
fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

enum Queue {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The way to the thread that writes to stderr.
static QUEUE: LazyLock<SyncSender<Queue>> = LazyLock::new(|| {
    let (sender, queued) = sync_channel(MAX_QUEUED);
    // Without a thread, lines are lost.
    let _ = std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&queued));
    sender
});
/// True while lines are lost because nobody reads them.
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
        if began.elapsed() >= PATIENCE {
            return STALLED.store(true, Ordering::Relaxed);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Takes one whole line at a time, as the subscriber writes them.
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
    fn what_could_forge_a_line_or_turn_it_round_is_escaped() {
        let name = "a\n2026-01-01 ERROR\r\u{1b}[2J\u{9b}K\u{2028}b\u{202e}txt.exe\u{85}\u{feff}";
        assert_eq!(
            printable(name, 1000),
            "a\\n2026-01-01 ERROR\\r\\u{1b}[2J\\u{9b}K\\u{2028}b\\u{202e}txt.exe\\u{85}\\u{feff}"
        );
        assert_eq!(printable("Huyện Đăk Tô.txt", 1000), "Huyện Đăk Tô.txt");
        assert_eq!(printable(&"ư".repeat(40_000), 9), "ưưưư… (80000 bytes)");
    }

    proptest! {
        #[test]
        fn whatever_is_told_is_one_line_of_bounded_length(text in any::<String>(), longest in 0usize..64) {
            let shown = printable(&text, longest);
            prop_assert!(!shown.contains(is_control));
            prop_assert!(shown.len() <= longest * 10 + 32);
        }
    }
}
