//! How long an input takes, in processor time: other processes of the machine do not count.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// An input that takes longer is a finding.
const LIMIT: Duration = Duration::from_secs(1);
/// An input that takes longer is kept, for somebody to look at.
const REMARKABLE: Duration = Duration::from_millis(100);

/// The longest time so far, in nanoseconds.
static SLOWEST: AtomicU64 = AtomicU64::new(0);

/// Runs `read` on this thread.
///
/// # Panics
/// If it takes more than a second.
pub fn timed<T>(input: &[u8], read: impl FnOnce() -> T) -> T {
    measured(ClockId::ThreadCPUTime, input, read)
}

/// Runs `ask`, which other threads of this process answer.
///
/// # Panics
/// If all threads together take more than a second.
pub fn timed_on_all_threads<T>(input: &[u8], ask: impl FnOnce() -> T) -> T {
    measured(ClockId::ProcessCPUTime, input, ask)
}

fn measured<T>(clock: ClockId, input: &[u8], work: impl FnOnce() -> T) -> T {
    let before = now(clock);
    let result = work();
    let taken = now(clock).saturating_sub(before);
    let nanoseconds = u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX);
    if SLOWEST.fetch_max(nanoseconds, Ordering::Relaxed) < nanoseconds && taken > REMARKABLE {
        keep(input, taken);
    }
    assert!(taken < LIMIT, "an input of {} bytes takes {taken:?}", input.len());
    result
}

fn now(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Writes the input into the folder that `tests/fuzz` names, if it does.
fn keep(input: &[u8], taken: Duration) {
    let Some(folder) = std::env::var_os("BANTIN_FUZZ_SLOW").map(PathBuf::from) else { return };
    let name = format!("slow-{:05}ms-{:08x}", taken.as_millis(), crc32fast::hash(input));
    if let Err(cause) = std::fs::write(folder.join(&name), input) {
        eprintln!("cannot keep {name}: {cause}");
    }
}
