//! Assigns a role to every line of a page at once: the best path through the states of `weights`.
//!
//! One pass down and one up (Viterbi, max-marginals) give for every line the score of the best page in which that
//! line is the title, or the date. The margin to the second best shows how certain the result is. Takes linear time.

use std::sync::LazyLock;

use super::facts::Fact;
use super::features::{Dated, LineFeatures, MAX_LINES};
use super::weights::{
    BY_STATE, EMISSIONS, NEVER, NOT_THE_GIVEN_TITLE, Role, STARTS, STATES, Seen, State, TRANSITIONS,
    WITHOUT_TEXT, WITHOUT_TITLE,
};

/// What is known before the page is analysed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given {
    /// The title, from the front matter or, less reliably, from the head of a page.
    pub title: Option<Source>,
    /// The date, from front matter.
    pub date: bool,
}

/// Where a title comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    FrontMatter,
    PageHead,
}

/// The roles of a page.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub states: Vec<State>,
    /// The first line of the title.
    pub title: Option<usize>,
    /// The score of this page above that of the best page with another title.
    pub title_margin: i32,
    /// The line of the date, if the best page has one.
    pub date: Option<usize>,
    /// The score of this page above that of the best page with another day, or without one.
    pub date_margin: i32,
    /// The date of that page.
    pub other_date: Option<usize>,
}

const COUNT: usize = STATES.len();
const WORST: i32 = i32::MIN / 4;

type Scores = [i32; COUNT];

struct Edge {
    from: usize,
    to: usize,
    worth: i32,
}

/// The weights, indexed by feature.
struct Table {
    base: [i32; Role::COUNT],
    /// The roles that require one of their features.
    needy: [bool; Role::COUNT],
    needs: Vec<Vec<(usize, i32)>>,
    roles: Vec<Vec<(usize, i32)>>,
    states: Vec<Vec<(usize, i32)>>,
    /// All edges, and, below the head of a page, those within the text.
    edges: [Vec<Edge>; 2],
}

/// Maximum lines of a head.
const HEAD: usize = 200;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let (mut base, mut needy) = ([0; Role::COUNT], [false; Role::COUNT]);
    let by_fact = || vec![Vec::new(); Fact::ALL.len()];
    let (mut needs, mut roles, mut states) = (by_fact(), by_fact(), by_fact());
    let turn = |weights: &[(Fact, i32)], to: usize, table: &mut Vec<Vec<(usize, i32)>>| {
        weights.iter().for_each(|(fact, weight)| table[*fact as usize].push((to, *weight)));
    };
    for (role, worth, needed, weights) in EMISSIONS {
        (base[*role as usize], needy[*role as usize]) = (*worth, !needed.is_empty());
        turn(needed, *role as usize, &mut needs);
        turn(weights, *role as usize, &mut roles);
    }
    BY_STATE.iter().for_each(|(state, weights)| turn(weights, *state as usize, &mut states));
    let edges = |within_text: bool| {
        let pairs = TRANSITIONS.iter().flat_map(|(from, to, worth)| {
            from.iter().flat_map(move |from| to.iter().map(move |to| (*from as usize, *to as usize, *worth)))
        });
        let in_text = |state: usize| matches!(STATES[state].2, Seen::Text | Seen::TitleInText);
        pairs
            .filter(|(from, to, _)| !within_text || in_text(*from) && in_text(*to))
            .map(|(from, to, worth)| Edge { from, to, worth })
            .collect()
    };
    Table { base, needy, needs, roles, states, edges: [edges(false), edges(true)] }
});

impl Table {
    /// The edges into line `index`.
    fn edges(&self, index: usize) -> &[Edge] {
        &self.edges[usize::from(index > HEAD)]
    }
}

/// Assigns roles to all lines.
pub(super) fn layout(lines: &[LineFeatures], given: Given) -> Layout {
    let (lines, beyond) = lines.split_at(lines.len().min(MAX_LINES));
    let Some(last) = lines.len().checked_sub(1) else { return Layout::default() };
    let emitted: Vec<Scores> = lines.iter().map(|line| emissions(line, given)).collect();
    let down = downwards(&emitted, given);
    let up = upwards(&emitted, given);
    let states = best_path(&down, &up, &emitted);
    let page = Worths { down: &down, up: &up };
    let total = page.best(last, |_| true);

    let is_title = |state: usize| matches!(STATES[state].1, Role::Title | Role::TitleAndDate);
    let is_date = |state: usize| matches!(STATES[state].1, Role::Date | Role::TitleAndDate);
    let chosen =
        |is_chosen: &dyn Fn(usize) -> bool| states.iter().position(|state| is_chosen(*state as usize));
    let (title, date) = (chosen(&is_title), chosen(&is_date));
    let has_same_text = |index: usize| title.is_some_and(|title| lines[title].key == lines[index].key);
    let other_titles =
        (0..lines.len().min(HEAD)).filter(|index| Some(*index) != title && !has_same_text(*index));
    let other_title = other_titles.map(|index| page.best(index, is_title)).max().unwrap_or(WORST);
    let day = |index: usize| {
        lines[index].date.as_ref().and_then(Dated::stamp).map(|stamp| stamp.instant.date_naive())
    };
    let same_day = |index: usize| date.is_some_and(|date| day(date).is_some() && day(date) == day(index));
    let others = (0..lines.len()).filter(|index| lines[*index].date.is_some() && Some(*index) != date);
    let other =
        others.filter(|index| !same_day(*index)).map(|index| (page.best(index, is_date), index)).max();
    let undated =
        page.best(last, |state| matches!(STATES[state].2, Seen::Nothing | Seen::Title | Seen::TitleInText));
    let continues = match STATES[states[last] as usize].1 {
        Role::End | Role::OtherNews => State::OtherNews,
        Role::Footer | Role::Credit | Role::BelowByline => State::FootKept,
        _ => State::Text,
    };
    let without = if date.is_some() { undated } else { WORST };
    Layout {
        title,
        title_margin: total - other_title,
        date,
        date_margin: total - other.map_or(WORST, |(worth, _)| worth).max(without),
        other_date: other.filter(|(worth, _)| *worth > undated.max(WORST / 2)).map(|(_, index)| index),
        states: states
            .iter()
            .map(|state| STATES[*state as usize].0)
            .chain(beyond.iter().map(|_| continues))
            .collect(),
    }
}

/// The role of a state.
pub(super) fn role(state: State) -> Role {
    STATES[state as usize].1
}

struct Worths<'w> {
    down: &'w [Scores],
    up: &'w [Scores],
}

impl Worths<'_> {
    /// The score of the best page in which line `index` has such a state.
    fn best(&self, index: usize, is_such: impl Fn(usize) -> bool) -> i32 {
        let worth = |state: usize| self.down[index][state] + self.up[index][state];
        (0..COUNT).filter(|state| is_such(*state)).map(worth).max().unwrap_or(WORST).max(WORST)
    }
}

fn emissions(line: &LineFeatures, given: Given) -> Scores {
    let table = &*TABLE;
    let mut roles = table.base;
    let mut needed: [i32; Role::COUNT] = table.needy.map(|needy| if needy { NEVER } else { 0 });
    let mut scores = [0; COUNT];
    for fact in line.facts.iter() {
        table.needs[fact as usize]
            .iter()
            .for_each(|(role, weight)| needed[*role] = needed[*role].max(*weight));
        table.roles[fact as usize].iter().for_each(|(role, weight)| roles[*role] += weight);
        table.states[fact as usize].iter().for_each(|(state, weight)| scores[*state] += weight);
    }
    if let Some(source) = given.title
        && !line.facts.has(Fact::GivenTitle)
    {
        roles[Role::Title as usize] += NOT_THE_GIVEN_TITLE[usize::from(source == Source::PageHead)];
    }
    let worth = |role: Role| roles[role as usize] + needed[role as usize];
    scores.iter_mut().zip(STATES).for_each(|(score, (_, role, _))| *score += worth(*role));
    scores
}

/// The states allowed above the first line, with their scores.
fn above(given: Given) -> Vec<(State, i32)> {
    match (given.title, given.date) {
        (Some(Source::FrontMatter), true) => vec![(State::Head, 0), (State::TitleFirst, 0)],
        (Some(Source::PageHead), true) => vec![(State::Head, -2), (State::DateFirst, 0)],
        (Some(Source::FrontMatter), false) => vec![(State::TitleFirst, 0)],
        (Some(Source::PageHead), false) => vec![(State::TitleFirst, -2)],
        (None, true) => vec![(State::DateFirst, 0)],
        (None, false) => Vec::new(),
    }
}

/// For each line and state, the score of the best page down to it.
fn downwards(emitted: &[Scores], given: Given) -> Vec<Scores> {
    let mut first = [WORST; COUNT];
    STARTS.iter().for_each(|state| first[*state as usize] = 0);
    for (start, worth) in above(given) {
        for edge in TABLE.edges(0).iter().filter(|edge| edge.from == start as usize) {
            first[edge.to] = first[edge.to].max(worth + edge.worth);
        }
    }
    let mut down: Vec<Scores> = Vec::with_capacity(emitted.len());
    for (index, worth) in emitted.iter().enumerate() {
        let mut scores = first;
        if let Some(above) = down.last() {
            scores = [WORST; COUNT];
            for edge in TABLE.edges(index) {
                scores[edge.to] = scores[edge.to].max(above[edge.from] + edge.worth);
            }
        }
        scores.iter_mut().zip(worth).for_each(|(score, worth)| *score = (*score + worth).max(WORST));
        down.push(scores);
    }
    down
}

/// For each line and state, the score of the best rest of the page below it.
fn upwards(emitted: &[Scores], given: Given) -> Vec<Scores> {
    let end = |(_, _, seen): &(State, Role, Seen)| match seen {
        Seen::Nothing | Seen::Date if given.title.is_none() => WITHOUT_TITLE,
        Seen::Head => WITHOUT_TEXT,
        _ => 0,
    };
    let mut rest: Scores = std::array::from_fn(|state| end(&STATES[state]));
    let mut up = vec![rest; emitted.len()];
    for index in (1..emitted.len()).rev() {
        let below: Scores = std::array::from_fn(|state| rest[state] + emitted[index][state]);
        rest = [WORST; COUNT];
        for edge in TABLE.edges(index) {
            rest[edge.from] = rest[edge.from].max(below[edge.to] + edge.worth);
        }
        up[index - 1] = rest;
    }
    up
}

/// The states of the best page, from its first line down.
fn best_path(down: &[Scores], up: &[Scores], emitted: &[Scores]) -> Vec<u8> {
    let best =
        |worth: &dyn Fn(usize) -> i32| (0..COUNT).rev().max_by_key(|state| worth(*state)).unwrap_or_default();
    let mut path = vec![best(&|state| down[0][state] + up[0][state])];
    for index in 1..down.len() {
        let from = path[index - 1];
        let edges = TABLE.edges(index).iter().filter(|edge| edge.from == from);
        let next = edges.max_by_key(|edge| edge.worth + emitted[index][edge.to] + up[index][edge.to]);
        path.push(next.map_or(from, |edge| edge.to));
    }
    path.into_iter().map(|state| state as u8).collect()
}
