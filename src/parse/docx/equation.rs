//! EQ fields, the formulas of old documents, on one line: `\f(a;b)` is `a/b`.

use std::iter::Peekable;
use std::str::Chars;

use super::super::safe_html::ScriptPosition;

/// A part of a formula and its position.
pub(super) type Part = (String, Option<ScriptPosition>);

const MAX_DEPTH: usize = 32;

/// The parts of the formula of an EQ instruction, without `EQ`.
pub(super) fn parts(formula: &str) -> Vec<Part> {
    let mut reader = Reader { rest: formula.chars().peekable() };
    reader.arguments(0).concat()
}

struct Reader<'t> {
    rest: Peekable<Chars<'t>>,
}

/// What precedes the arguments of a command.
#[derive(Default)]
struct Command {
    /// `f`, `r`, `s` …
    name: char,
    position: Option<ScriptPosition>,
    /// The brackets of `\b`.
    brackets: [Option<char>; 2],
    sign: Option<&'static str>,
}

impl Reader<'_> {
    /// Reads up to the closing bracket. Arguments are separated by semicolons, or by commas if there is none:
    /// Vietnamese decimals have commas.
    fn arguments(&mut self, depth: usize) -> Vec<Vec<Part>> {
        let (mut by_semicolon, mut by_comma) = (vec![Vec::new()], vec![Vec::new()]);
        let mut brackets = 0_usize;
        while let Some(next) = self.rest.next() {
            let parts = match next {
                ')' if brackets == 0 && depth > 0 => break,
                ';' if depth > 0 && brackets == 0 => {
                    by_semicolon.push(Vec::new());
                    continue;
                }
                ',' if depth > 0 && brackets == 0 => {
                    push(&mut by_semicolon, vec![(",".to_owned(), None)]);
                    by_comma.push(Vec::new());
                    continue;
                }
                '\\' => self.command(depth),
                other => {
                    match other {
                        '(' => brackets += 1,
                        ')' => brackets = brackets.saturating_sub(1),
                        _ => {}
                    }
                    vec![(other.to_string(), None)]
                }
            };
            push(&mut by_semicolon, parts.clone());
            push(&mut by_comma, parts);
        }
        if by_semicolon.len() > 1 { by_semicolon } else { by_comma }
    }

    fn command(&mut self, depth: usize) -> Vec<Part> {
        let mut command = Command::default();
        loop {
            let mut name = String::new();
            while let Some(letter) = self.rest.next_if(char::is_ascii_alphabetic) {
                name.extend(letter.to_lowercase());
            }
            match name.as_str() {
                // An escaped sign.
                "" => return self.rest.next().map(|sign| (sign.to_string(), None)).into_iter().collect(),
                "up" => command.position = Some(ScriptPosition::Sup),
                "do" => command.position = Some(ScriptPosition::Sub),
                "su" => command.sign = Some("∑"),
                "pr" => command.sign = Some("∏"),
                "lc" | "rc" | "bc" => {
                    let sign = self.rest.next_if_eq(&'\\').and_then(|_| self.rest.next());
                    let closing = match sign {
                        Some('{') => Some('}'),
                        Some('[') => Some(']'),
                        Some('<') => Some('>'),
                        other => other,
                    };
                    let [left, right] = command.brackets;
                    command.brackets = match name.as_str() {
                        "lc" => [sign, right],
                        "rc" => [left, sign],
                        _ => [sign, closing],
                    };
                }
                _ if name.len() == 1 => command.name = name.chars().next().unwrap_or_default(),
                _ => {}
            }
            while self.rest.next_if(|c| c.is_ascii_digit() || c.is_whitespace()).is_some() {}
            match self.rest.peek() {
                Some('\\') => {
                    self.rest.next();
                }
                Some('(') if depth < MAX_DEPTH => {
                    self.rest.next();
                    return written(&command, self.arguments(depth + 1));
                }
                _ => return Vec::new(),
            }
        }
    }
}

fn push(arguments: &mut [Vec<Part>], parts: Vec<Part>) {
    for (text, position) in parts {
        let Some(last) = arguments.last_mut() else { return };
        match last.last_mut() {
            Some((before, same)) if *same == position => before.push_str(&text),
            _ => last.push((text, position)),
        }
    }
}

fn written(command: &Command, arguments: Vec<Vec<Part>>) -> Vec<Part> {
    let plain = |text: &str| vec![(text.to_owned(), None)];
    let count = arguments.len();
    let raised = |parts: Vec<Part>, position| {
        parts.into_iter().map(|(text, inner)| (text, inner.or(Some(position)))).collect::<Vec<Part>>()
    };
    let mut parts = arguments.into_iter();
    let mut next = || parts.next().unwrap_or_default();
    match command.name {
        'f' => [operand(next()), plain("/"), operand(next())].concat(),
        'r' if count > 1 => [next(), plain("√"), operand(next())].concat(),
        'r' => [plain("√"), operand(next())].concat(),
        's' => raised(next(), command.position.unwrap_or(ScriptPosition::Sup)),
        'i' => {
            let (below, above) = (raised(next(), ScriptPosition::Sub), raised(next(), ScriptPosition::Sup));
            [plain(command.sign.unwrap_or("∫")), below, above, next()].concat()
        }
        'b' => {
            let [left, right] = match command.brackets {
                [None, None] => [Some('('), Some(')')],
                given => given,
            };
            let bracket = |sign: Option<char>| sign.map(|sign| (sign.to_string(), None));
            bracket(left).into_iter().chain(next()).chain(bracket(right)).collect()
        }
        // Signs printed over each other.
        'o' => parts.flatten().collect(),
        // A displacement.
        'd' => Vec::new(),
        _ => {
            let mut listed = Vec::new();
            for (index, part) in parts.enumerate() {
                if index > 0 {
                    listed.extend(plain("; "));
                }
                listed.extend(part);
            }
            listed
        }
    }
}

/// An operand, in brackets if it has more than one number or word.
fn operand(parts: Vec<Part>) -> Vec<Part> {
    let is_simple = parts.len() < 2
        && parts.iter().all(|(text, _)| text.trim().chars().all(|c| c.is_alphanumeric() || ",.".contains(c)));
    if is_simple {
        return parts;
    }
    let bracket = |sign: &str| vec![(sign.to_owned(), None)];
    [bracket("("), parts, bracket(")")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(formula: &str) -> String {
        let show = |(text, position): &Part| match position {
            Some(ScriptPosition::Sup) => format!("^{text}"),
            Some(ScriptPosition::Sub) => format!("_{text}"),
            None => text.clone(),
        };
        parts(formula).iter().map(show).collect()
    }

    #[test]
    fn formulas_are_written_on_one_line() {
        for (formula, wanted) in [
            (r"\f(1;2)", "1/2"),
            (r"\f(1,2)", "1/2"),
            (r"\f(3,5;a+b)", "3,5/(a+b)"),
            (r"S = \f(1;2) a\s\up8(2)", "S = 1/2 a^2"),
            (r"\r(3;x)", "3√x"),
            (r"\r(x+1)", "√(x+1)"),
            (r"x\s\do5(1)", "x_1"),
            (r"\b\bc\[(\f(a;b))", "[a/b]"),
            (r"\b(x)", "(x)"),
            (r"\i\su(1;n;x)", "∑_1^nx"),
            (r"\a\al\co2(1;2;3;4)", "1; 2; 3; 4"),
            (r"\o(a;\s\up5(¯))", "a^¯"),
            (r"\x(khung)", "khung"),
            (r"\f(f(x);2\;3)", "(f(x))/(2;3)"),
            (r"\f(1;2", "1/2"),
            (r"a)b", "a)b"),
            (r"\", ""),
        ] {
            assert_eq!(line(formula), wanted, "{formula}");
        }
    }

    proptest! {
        #[test]
        fn any_formula_is_read(formula in r"(\\[fsroabix]|\\up5|\\bc\\|\(|\)|;|,|[a-z0-9]|\PC){0,40}") {
            parts(&formula);
        }
    }

    #[test]
    fn nested_formulas_are_read_in_time() {
        parts(&r"\f(".repeat(100_000));
        parts(&r"\b(1;2)".repeat(100_000));
    }
}
