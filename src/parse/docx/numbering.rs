//! The numbers that Word shows before paragraphs.

use std::collections::{HashMap, HashSet};

use roxmltree::Node;

use super::super::safe_html::NumberStyle;
use super::package::{attribute, child, parse, switch, value};
use super::styles::Styles;

/// Maximum levels of a list.
const LEVELS: usize = 9;

#[derive(Debug, Default)]
pub(super) struct Numbering {
    lists: HashMap<String, List>,
    /// Counters, shared by lists with the same abstract list.
    counters: HashMap<String, [Option<i32>; LEVELS]>,
    /// Lists that already have a paragraph.
    begun: HashSet<String>,
}

#[derive(Clone, Debug)]
struct List {
    family: String,
    levels: [Level; LEVELS],
    /// Start overrides of the list.
    starts: [Option<i32>; LEVELS],
}

#[derive(Clone, Debug, Default)]
struct Level {
    start: i32,
    format: String,
    text: String,
    /// Whether all levels are shown in decimal digits.
    legal: bool,
    /// The level after which numbering restarts.
    continues: bool,
    /// The paragraph style of this level.
    style: Option<String>,
}

/// The label of a paragraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub level: usize,
    /// Lists with the same family share their counters.
    pub family: String,
    pub mark: ListMark,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListMark {
    Bullet,
    /// A number with at most a full stop or bracket, as written.
    Number {
        number: i32,
        style: NumberStyle,
        written: String,
    },
    /// Words, or numbers of several levels.
    Written(String),
}

impl Numbering {
    pub(super) fn read(xml: &str, styles: &Styles) -> Self {
        let Ok(tree) = parse(xml) else { return Self::default() };
        let named = |name: &'static str| {
            tree.root_element().children().filter(move |node| node.tag_name().name() == name)
        };
        let families: HashMap<&str, Node<'_, '_>> =
            named("abstractNum").filter_map(|node| Some((attribute(node, "abstractNumId")?, node))).collect();
        let family_of: HashMap<&str, &str> = named("num")
            .filter_map(|num| Some((attribute(num, "numId")?, value(num, "abstractNumId")?)))
            .collect();
        let mut lists = HashMap::new();
        for num in named("num") {
            let Some(id) = attribute(num, "numId") else { continue };
            let Some(family) = family_of.get(id) else { continue };
            // An abstract list can refer to a list style.
            let of_style = families
                .get(family)
                .and_then(|node| value(*node, "numStyleLink"))
                .and_then(|style| styles.get(style)?.number.0.as_deref())
                .and_then(|id| family_of.get(id));
            let family = of_style.unwrap_or(family);
            let mut levels: [Level; LEVELS] = Default::default();
            if let Some(node) = families.get(family) {
                levels_of(*node, &mut levels);
            }
            let mut starts = [None; LEVELS];
            for change in num.children().filter(|node| node.tag_name().name() == "lvlOverride") {
                let level = attribute(change, "ilvl").and_then(|level| level.parse::<usize>().ok());
                let Some(level) = level.filter(|level| *level < LEVELS) else { continue };
                levels_of(change, &mut levels);
                starts[level] = value(change, "startOverride").and_then(|start| start.parse().ok());
            }
            lists.insert(id.to_owned(), List { family: (*family).to_owned(), levels, starts });
        }
        Self { lists, ..Self::default() }
    }

    /// The list level whose paragraphs have this style.
    pub(super) fn level_of_style(&self, list: &str, style: &str) -> Option<usize> {
        self.lists.get(list)?.levels.iter().position(|level| level.style.as_deref() == Some(style))
    }

    pub(super) fn has(&self, list: &str) -> bool {
        self.lists.contains_key(list)
    }

    /// Counts a paragraph.
    pub(super) fn next(&mut self, list: &str, level: usize) -> Option<Label> {
        let level = level.min(LEVELS - 1);
        let (id, list) = (list, self.lists.get(list)?);
        let counters = self.counters.entry(list.family.clone()).or_default();
        if self.begun.insert(id.to_owned()) {
            for (counter, start) in counters.iter_mut().zip(list.starts) {
                if start.is_some() {
                    *counter = None;
                }
            }
        }
        let start_of = |level: usize| list.starts[level].unwrap_or(list.levels[level].start);
        counters[level] = Some(counters[level].map_or(start_of(level), |number| number.saturating_add(1)));
        for (deeper, counter) in counters.iter_mut().enumerate().skip(level + 1) {
            if !list.levels[deeper].continues {
                *counter = None;
            }
        }
        let own = &list.levels[level];
        let number = counters[level].unwrap_or(1);
        let mark = match own.format.as_str() {
            "bullet" => ListMark::Bullet,
            _ => {
                let number_of = |level: usize| counters[level].unwrap_or_else(|| start_of(level));
                let written = written(list, own, number_of);
                match simple_style(own, level) {
                    Some(style) => ListMark::Number { number, style, written },
                    None => ListMark::Written(written),
                }
            }
        };
        Some(Label { level, family: list.family.clone(), mark })
    }
}

fn levels_of(parent: Node<'_, '_>, levels: &mut [Level; LEVELS]) {
    for node in parent.children().filter(|node| node.tag_name().name() == "lvl") {
        let place = attribute(node, "ilvl").and_then(|level| level.parse::<usize>().ok());
        let Some(place) = place.filter(|place| *place < LEVELS) else { continue };
        let level = &mut levels[place];
        *level = Level {
            start: value(node, "start").and_then(|start| start.parse().ok()).unwrap_or(0),
            format: child(node, "numFmt")
                .and_then(|format| attribute(format, "val"))
                .unwrap_or("decimal")
                .to_owned(),
            text: value(node, "lvlText").map_or_else(|| format!("%{}.", place + 1), str::to_owned),
            legal: switch(node, "isLgl").unwrap_or_default(),
            continues: value(node, "lvlRestart") == Some("0"),
            style: value(node, "pStyle").map(str::to_owned),
        };
        if child(node, "start").is_none() {
            level.start = 1;
        }
    }
}

/// Formats the label; `%2` is the number of the second level.
fn written(list: &List, own: &Level, number_of: impl Fn(usize) -> i32) -> String {
    let mut label = String::new();
    let mut rest = own.text.as_str();
    while let Some((before, after)) = rest.split_once('%') {
        label.push_str(before);
        let digit = after.chars().next().and_then(|c| c.to_digit(10)).map(|digit| digit as usize);
        rest = match digit.filter(|digit| (1..=LEVELS).contains(digit)) {
            Some(digit) => {
                let format = if own.legal { "decimal" } else { list.levels[digit - 1].format.as_str() };
                label.push_str(&in_format(number_of(digit - 1), format));
                &after[1..]
            }
            None => {
                label.push('%');
                after
            }
        };
    }
    label.push_str(rest);
    label.trim().to_owned()
}

/// The numbering style in HTML; `None` if the label is more than a number.
fn simple_style(level: &Level, depth: usize) -> Option<NumberStyle> {
    let number = format!("%{}", depth + 1);
    let (before, after) = level.text.split_once(&number)?;
    let is_mark = |c: char| c.is_whitespace() || "().".contains(c);
    if !before.chars().chain(after.chars()).all(is_mark) {
        return None;
    }
    match level.format.as_str() {
        "decimal" => Some(NumberStyle::Decimal),
        "lowerLetter" => Some(NumberStyle::LowerLetter),
        "upperLetter" => Some(NumberStyle::UpperLetter),
        "lowerRoman" => Some(NumberStyle::LowerRoman),
        "upperRoman" => Some(NumberStyle::UpperRoman),
        _ => None,
    }
}

pub(in crate::parse) fn in_format(number: i32, format: &str) -> String {
    match format {
        "none" => String::new(),
        "decimalZero" => format!("{number:02}"),
        "lowerRoman" => roman(number).to_lowercase(),
        "upperRoman" => roman(number),
        "lowerLetter" => letters(number).to_lowercase(),
        "upperLetter" => letters(number),
        _ => number.to_string(),
    }
}

fn roman(number: i32) -> String {
    const SIGNS: [(i32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..4000).contains(&number) {
        return number.to_string();
    }
    let mut rest = number;
    let mut text = String::new();
    for (value, sign) in SIGNS {
        while rest >= value {
            text.push_str(sign);
            rest -= value;
        }
    }
    text
}

/// `A` to `Z`, then `AA`, `BB`.
fn letters(number: i32) -> String {
    const MAX: i32 = 26 * 10;
    if !(1..=MAX).contains(&number) {
        return number.to_string();
    }
    let (times, letter) = ((number - 1) / 26 + 1, (number - 1) % 26);
    let letter = char::from(b'A' + u8::try_from(letter).unwrap_or_default());
    std::iter::repeat_n(letter, usize::try_from(times).unwrap_or(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(numbering: &mut Numbering, list: &str, level: usize) -> String {
        match numbering.next(list, level).unwrap().mark {
            ListMark::Bullet => "•".to_owned(),
            ListMark::Number { written, .. } => written,
            ListMark::Written(written) => format!("[{written}]"),
        }
    }

    #[test]
    fn counts_like_word() {
        let level = |level: usize, format: &str, text: &str, more: &str| {
            format!(
                "<w:lvl w:ilvl='{level}'><w:start w:val='1'/><w:numFmt w:val='{format}'/>{more}<w:lvlText w:val='{text}'/></w:lvl>"
            )
        };
        let xml = format!(
            "<w:numbering xmlns:w='w'><w:abstractNum w:abstractNumId='0'>{}{}{}</w:abstractNum>\
             <w:abstractNum w:abstractNumId='1'>{}{}</w:abstractNum>\
             <w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num>\
             <w:num w:numId='2'><w:abstractNumId w:val='0'/></w:num>\
             <w:num w:numId='3'><w:abstractNumId w:val='0'/><w:lvlOverride w:ilvl='0'><w:startOverride w:val='5'/></w:lvlOverride></w:num>\
             <w:num w:numId='4'><w:abstractNumId w:val='1'/></w:num></w:numbering>",
            level(0, "upperRoman", "%1.", ""),
            level(1, "lowerLetter", "%2)", ""),
            level(2, "decimal", "%1.%3", "<w:isLgl/>"),
            level(0, "decimal", "Điều %1.", ""),
            level(1, "bullet", "", ""),
        );
        let mut numbering = Numbering::read(&xml, &Styles::default());
        let labels: Vec<String> = [
            ("1", 0),
            ("1", 1),
            ("1", 1),
            ("2", 0),
            ("1", 1),
            ("1", 2),
            ("3", 0),
            ("3", 0),
            ("4", 0),
            ("4", 1),
            ("4", 0),
        ]
        .into_iter()
        .map(|(list, level)| label(&mut numbering, list, level))
        .collect();
        assert_eq!(
            labels,
            ["I.", "a)", "b)", "II.", "a)", "[2.1]", "V.", "VI.", "[Điều 1.]", "•", "[Điều 2.]"]
        );
    }

    #[test]
    fn formats_numbers() {
        for (number, format, wanted) in [
            (4, "upperRoman", "IV"),
            (1999, "lowerRoman", "mcmxcix"),
            (28, "upperLetter", "BB"),
            (7, "decimalZero", "07"),
            (0, "upperLetter", "0"),
            (3, "unknown", "3"),
            (3, "none", ""),
        ] {
            assert_eq!(in_format(number, format), wanted);
        }
    }
}
