//! Which request is sent next. Hosts take turns, and slow hosts have a lane of their own, so that nobody waits for them.
//!
//! A request begins in the fast lane unless its host was slow last time. One that takes longer than [`PROMPT`] gives its place
//! in its lane to the next one and is held apart until it ends. The time is an argument.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

/// A request that takes longer is slow.
pub(super) const PROMPT: Duration = Duration::from_millis(250);
/// Requests in the fast lane and in the slow one.
const LANES: [usize; 2] = [64, 32];
/// Requests that are held apart.
const MAX_HELD: usize = 256;
/// The place of those among the counts.
const HELD: usize = 2;
/// Requests to one host, in the fast lane and in the slow one.
const PER_HOST: [usize; 2] = [8, 2];
/// After this many slow hosts, those without requests are forgotten.
const MAX_REMEMBERED: usize = 10_000;

/// The requests that wait and run. `J` is what to send.
pub(super) struct Lanes<J> {
    hosts: HashMap<String, Host<J>>,
    slow: HashSet<String>,
    /// The hosts with waiting requests, in the order of their turns: fast ones and slow ones.
    turns: [VecDeque<String>; 2],
    running: HashMap<u64, Running>,
    /// Requests that run in each lane, and those that are held apart.
    counts: [usize; 3],
    /// The requests in the lanes, in the order in which they began.
    begun: VecDeque<(Instant, u64)>,
    last: u64,
}

struct Host<J> {
    waiting: VecDeque<J>,
    running: usize,
    /// It is in `turns`.
    has_turn: bool,
}

struct Running {
    host: String,
    lane: usize,
    since: Instant,
}

impl<J> Default for Lanes<J> {
    fn default() -> Self {
        Self {
            hosts: HashMap::new(),
            slow: HashSet::new(),
            turns: Default::default(),
            running: HashMap::new(),
            counts: [0; 3],
            begun: VecDeque::new(),
            last: 0,
        }
    }
}

impl<J> Lanes<J> {
    /// Adds a request to a host.
    pub(super) fn push(&mut self, host: &str, job: J) {
        let entry = self.hosts.entry(host.to_owned()).or_insert_with(|| Host {
            waiting: VecDeque::new(),
            running: 0,
            has_turn: false,
        });
        entry.waiting.push_back(job);
        self.queue(host);
    }

    /// The next request to send, with the number under which it runs; none if nothing may begin now.
    pub(super) fn next(&mut self, now: Instant) -> Option<(u64, J)> {
        // A host that is not slow any more has left the slow lane.
        self.begin(0, now).or_else(|| self.begin(1, now)).or_else(|| self.begin(0, now))
    }

    fn begin(&mut self, lane: usize, now: Instant) -> Option<(u64, J)> {
        // A slow request may end up among those that are held apart.
        let has_room = lane == 0 || self.counts[HELD] < MAX_HELD;
        if self.counts[lane] >= LANES[lane] || !has_room {
            return None;
        }
        while let Some(name) = self.turns[lane].pop_front() {
            let Some(host) = self.hosts.get_mut(&name) else { continue };
            host.has_turn = false;
            if usize::from(self.slow.contains(&name)) != lane {
                self.queue(&name);
                continue;
            }
            // It gets its turn when one of its requests ends.
            if host.running >= PER_HOST[lane] {
                continue;
            }
            let Some(job) = host.waiting.pop_front() else { continue };
            host.running += 1;
            self.last += 1;
            self.queue(&name);
            self.counts[lane] += 1;
            self.begun.push_back((now, self.last));
            self.running.insert(self.last, Running { host: name, lane, since: now });
            return Some((self.last, job));
        }
        None
    }

    /// Holds the requests apart that take too long. Returns when to call this again.
    pub(super) fn move_slow(&mut self, now: Instant) -> Option<Instant> {
        while let Some((since, number)) = self.begun.front().copied() {
            if now < since + PROMPT {
                return Some(since + PROMPT);
            }
            if self.counts[HELD] >= MAX_HELD {
                return Some(now + PROMPT);
            }
            self.begun.pop_front();
            if let Some(running) = self.running.get_mut(&number) {
                self.counts[running.lane] -= 1;
                self.counts[HELD] += 1;
                running.lane = HELD;
                let host = running.host.clone();
                self.remember_slow(host);
            }
        }
        None
    }

    /// A request has ended. `failed`: there was no answer.
    pub(super) fn end(&mut self, number: u64, failed: bool, now: Instant) {
        let Some(Running { host: name, lane, since }) = self.running.remove(&number) else { return };
        self.counts[lane] -= 1;
        // Requests that have ended are at the front, except behind one that still runs.
        while self.begun.front().is_some_and(|(_, begun)| !self.running.contains_key(begun)) {
            self.begun.pop_front();
        }
        match failed || now >= since + PROMPT {
            true => self.remember_slow(name.clone()),
            false => drop(self.slow.remove(&name)),
        }
        if let Some(host) = self.hosts.get_mut(&name) {
            host.running -= 1;
            if host.running == 0 && host.waiting.is_empty() {
                self.hosts.remove(&name);
            }
        }
        self.queue(&name);
    }

    /// The number of requests that run.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    fn remember_slow(&mut self, host: String) {
        if self.slow.len() >= MAX_REMEMBERED {
            self.slow.retain(|host| self.hosts.contains_key(host));
        }
        self.slow.insert(host);
    }

    fn queue(&mut self, name: &str) {
        let lane = usize::from(self.slow.contains(name));
        if let Some(host) = self.hosts.get_mut(name)
            && !host.has_turn
            && !host.waiting.is_empty()
        {
            host.has_turn = true;
            self.turns[lane].push_back(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All requests that may begin at `now`.
    fn begun(lanes: &mut Lanes<&'static str>, now: Instant) -> Vec<(u64, &'static str)> {
        std::iter::from_fn(|| lanes.next(now)).collect()
    }

    #[test]
    fn hosts_take_turns_and_have_at_most_eight_requests_each() {
        let mut lanes = Lanes::default();
        (0..20).for_each(|_| lanes.push("a", "a"));
        (0..2).for_each(|_| lanes.push("b", "b"));
        let now = Instant::now();
        let first = begun(&mut lanes, now);
        let names: Vec<_> = first.iter().map(|(_, name)| *name).collect();
        assert_eq!(names[..5], ["a", "b", "a", "b", "a"]);
        assert_eq!(names.iter().filter(|name| **name == "a").count(), 8);
        lanes.end(first[0].0, false, now);
        assert_eq!(begun(&mut lanes, now).len(), 1, "the next one begins when one has ended");
    }

    #[test]
    fn slow_requests_make_room_and_their_host_waits_in_the_slow_lane() {
        let mut lanes = Lanes::default();
        let hosts: Vec<String> = (0..LANES[0]).map(|number| format!("slow{number}")).collect();
        hosts.iter().for_each(|host| (0..5).for_each(|_| lanes.push(host, "slow")));
        let now = Instant::now();
        let running = begun(&mut lanes, now);
        assert_eq!(running.len(), LANES[0]);
        lanes.push("prompt", "prompt");
        assert_eq!(begun(&mut lanes, now), [], "the lane is full");
        assert_eq!(lanes.move_slow(now), Some(now + PROMPT));
        let later = now + PROMPT;
        assert_eq!(lanes.move_slow(later), None);
        let second = begun(&mut lanes, later);
        assert_eq!((second[0].1, second.len()), ("prompt", 1 + LANES[1]), "slow hosts have their own lane");
        lanes.push("prompt2", "prompt");
        assert_eq!(begun(&mut lanes, later).len(), 1);
        // A prompt host among the slow ones does not wait for them either.
        let still_later = later + PROMPT;
        assert_eq!(lanes.move_slow(still_later), None);
        assert_eq!(begun(&mut lanes, still_later).len(), LANES[1]);
    }

    #[test]
    fn however_many_are_silent_the_number_of_requests_is_limited() {
        let mut lanes = Lanes::default();
        let hosts: Vec<String> = (0..2000).map(|number| format!("silent{number}")).collect();
        hosts.iter().for_each(|host| lanes.push(host, "silent"));
        let mut now = Instant::now();
        for _ in 0..20 {
            begun(&mut lanes, now);
            now += PROMPT;
            lanes.move_slow(now);
        }
        assert_eq!(lanes.running(), MAX_HELD + LANES[0]);
        assert_eq!(lanes.move_slow(now), Some(now + PROMPT));
    }

    #[test]
    fn a_host_that_answers_promptly_again_returns_to_the_fast_lane() {
        let mut lanes = Lanes::default();
        (0..20).for_each(|_| lanes.push("a", "a"));
        let now = Instant::now();
        for (number, _) in begun(&mut lanes, now) {
            lanes.end(number, true, now);
        }
        let slowly = begun(&mut lanes, now);
        assert_eq!(slowly.len(), 2);
        slowly.iter().for_each(|(number, _)| lanes.end(*number, false, now));
        assert_eq!(begun(&mut lanes, now).len(), 8);
        assert_eq!(lanes.running(), 8);
    }
}
