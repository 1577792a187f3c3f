//! Facts about this process, from `/proc/self`: the `process_*` metrics of Prometheus.

use std::fs;

use rustix::param::{clock_ticks_per_second, page_size};

/// A gauge or counter of the process.
pub(super) struct ProcessValue {
    /// Without `_total`.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) is_counter: bool,
    pub(super) value: f64,
}

/// The values that the kernel tells; fewer where `/proc` is restricted.
pub(super) fn values() -> Vec<ProcessValue> {
    let gauge = |name, help, value| ProcessValue { name, help, is_counter: false, value };
    let mut values = Vec::new();
    if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().and_then(|stat| Stat::parse(&stat)) {
        let ticks = clock_ticks_per_second() as f64;
        values.push(ProcessValue {
            name: "cpu_seconds",
            help: "User and system CPU time",
            is_counter: true,
            value: stat.cpu_ticks as f64 / ticks,
        });
        values.push(gauge("threads", "Threads", stat.threads as f64));
        values.push(gauge("virtual_memory_bytes", "Virtual memory", stat.virtual_bytes as f64));
        let resident = stat.resident_pages as f64 * page_size() as f64;
        values.push(gauge("resident_memory_bytes", "Memory in RAM", resident));
        if let Some(boot) = boot_time() {
            let start = boot + stat.start_ticks as f64 / ticks;
            values.push(gauge("start_time_seconds", "Start of the process in Unix time", start));
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        values.push(gauge("open_fds", "Open file descriptors", open.count() as f64));
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    if let Some(limit) = limit {
        values.push(gauge("max_fds", "Limit of open file descriptors", limit as f64));
    }
    values
}

/// Fields of proc_pid_stat(5).
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn parse(line: &str) -> Option<Self> {
        // The name of the program is in parentheses and may contain anything. The first field after it is the third.
        let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// When the machine started, in Unix time.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_program_name() {
        let line =
            "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 30 12 0 0 20 0 5 0 999 4096000 250 18446744073709551615";
        let expected = Stat {
            cpu_ticks: 42,
            threads: 5,
            start_ticks: 999,
            virtual_bytes: 4_096_000,
            resident_pages: 250,
        };
        assert_eq!(Stat::parse(line), Some(expected));
        assert_eq!(Stat::parse("7 (a) S 1"), None);
    }
}
