//! Keeps the layers of `src/lib.rs` and forbids import circles between files.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;

const MAP: &str = include_str!("../src/lib.rs");

/// The modules of the lowest layer may import each other; above it a module imports only from lower layers.
const LOWEST: u8 = 0;

#[test]
fn a_module_imports_only_from_lower_layers() {
    let layers = layers();
    let layer_of = |file: &str| layers[module_of(file)];
    let mut wrong = Vec::new();
    for (file, imported) in imports(&sources()) {
        let here = layer_of(&file);
        for (other, names) in imported.iter().filter(|(other, _)| module_of(other) != module_of(&file)) {
            let there = layer_of(other);
            if there >= here && !(here == LOWEST && there == LOWEST) {
                wrong.push(format!("{file} (layer {here}) imports {names:?} from {other} (layer {there})"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_two_files_import_each_other() {
    let imports = imports(&sources());
    let circles: Vec<String> = circles(&imports).iter().map(|circle| shown(circle, &imports)).collect();
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn the_map_in_lib_lists_every_module() {
    let declared = MAP.lines().filter_map(|line| line.strip_prefix("pub mod "));
    let declared: BTreeSet<&str> = declared.map(|line| line.trim_end_matches(';')).collect();
    assert_eq!(declared, layers().into_keys().collect());
}

#[test]
fn an_import_leads_to_the_file_that_defines_the_name() {
    let files = [
        ("lib", "pub mod a; pub mod b;"),
        // A parent that only re-exports does not import its children.
        ("a", "mod x; mod y; pub use x::X; pub use y::{Y, make as build}; // crate::b::B"),
        ("a/x", "use super::Y; pub struct X(Y); #[cfg(test)] mod tests { use crate::b::B; }"),
        ("a/y", "pub struct Y; pub fn make() -> Y { let text = \"crate::b::B\"; Y }"),
        (
            "b",
            "use crate::a::{self, X}; pub struct B(X); fn f() { a::build(); inner::g() } mod inner { use super::*; pub fn g(_: B) {} }",
        ),
        ("b/c", "use super::super::a; fn f<'a>(c: char) -> bool { c == '\"' && a::Y::new() }"),
    ];
    let files: Files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    let found = imports(&files);
    let of = |file: &str| found[file].keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("a"), [""; 0]);
    assert_eq!(of("a/x"), ["a/y"]);
    assert_eq!(of("b"), ["a/x", "a/y"]);
    assert_eq!(of("b/c"), ["a/y"]);
    assert!(circles(&found).is_empty());
}

#[test]
fn a_circle_is_found_and_shown() {
    let files = [
        ("lib", "mod a; mod b; mod c;"),
        ("a", "use crate::b::B; pub struct A;"),
        ("b", "mod d; pub struct B; fn f() { d::g() }"),
        ("b/d", "use super::*; pub fn g() { crate::c::h(B) }"),
        ("c", "pub use super::a::A; pub fn h(_: A) {}"),
    ];
    let files: Files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    assert_eq!(
        circles(&imports(&files)),
        [
            ["b", "b/d", "b"].map(str::to_owned).to_vec(),
            ["a", "b", "b/d", "c", "a"].map(str::to_owned).to_vec()
        ]
    );
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

/// Each module with its layer, from the table in `src/lib.rs`.
fn layers() -> BTreeMap<&'static str, u8> {
    let mut layers = BTreeMap::new();
    for row in MAP.lines().filter_map(|line| line.strip_prefix("//! | ")) {
        let Ok(layer) = row.split(' ').next().unwrap_or_default().parse() else { continue };
        let modules = row.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2);
        layers.extend(modules.map(|module| (module, layer)));
    }
    layers
}

/// The text of each source file, by its path below `src` without extension (`mod.rs` counts as its directory).
type Files = BTreeMap<String, String>;

/// For each file, the other files that define what it names, with these names.
type Imports = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn sources() -> Files {
    fn add(directory: &Path, below: &str, files: &mut Files) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let name = if stem == "mod" { below.to_owned() } else { format!("{below}/{stem}") };
            if path.is_dir() {
                add(&path, &name, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") && name != "/main" {
                files.insert(name.trim_start_matches('/').to_owned(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut files = Files::new();
    add(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), "", &mut files);
    assert!(files.len() > 30, "only {} files were found", files.len());
    files
}

/// One shortest circle for each file that starts one, each set of files once.
fn circles(imports: &Imports) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut seen = HashSet::new();
    for start in imports.keys() {
        // Breadth first: the first path back to the start is a shortest one.
        let mut paths = std::collections::VecDeque::from([vec![start.clone()]]);
        let mut visited = HashSet::new();
        while let Some(path) = paths.pop_front() {
            let next = imports.get(path.last().unwrap()).into_iter().flat_map(BTreeMap::keys);
            let closed = next.clone().any(|file| file == start);
            if closed {
                if seen.insert(path.iter().cloned().collect::<BTreeSet<_>>()) {
                    found.push(path.into_iter().chain([start.clone()]).collect());
                }
                break;
            }
            paths.extend(next.filter(|file| visited.insert((*file).clone())).map(|file| {
                let mut longer = path.clone();
                longer.push(file.clone());
                longer
            }));
        }
    }
    found.sort_by_key(Vec::len);
    found
}

fn shown(circle: &[String], imports: &Imports) -> String {
    let steps = circle.windows(2).map(|pair| {
        let names: Vec<&str> = imports[&pair[0]][&pair[1]].iter().map(String::as_str).collect();
        format!(" -[{}]-> {}", names.join(" "), pair[1])
    });
    format!("{}{}", circle[0], steps.collect::<String>())
}

fn imports(files: &Files) -> Imports {
    let mut modules = Modules::new();
    let mut test_only = BTreeSet::new();
    for (file, text) in files {
        let path = if file == "lib" { String::new() } else { file.clone() };
        let parsed = without_tests(tokens(text), &path, &mut test_only);
        Module::parse(&parsed, &path, file, &mut modules);
    }
    let is_test =
        |file: &str| test_only.iter().any(|test| file == test || file.starts_with(&format!("{test}/")));
    let mut imports = Imports::new();
    for (path, module) in modules.iter().filter(|(_, module)| module.file != "lib" && !is_test(&module.file))
    {
        let imported = imports.entry(module.file.clone()).or_default();
        let private = module.uses.iter().filter(|import| !import.public).map(|import| &import.path);
        for named in private.chain(&module.paths) {
            if let Some(Target::Item(file)) = resolve(&modules, path, named, false, 0) {
                imported.entry(file).or_default().insert(named.last().unwrap().clone());
            }
        }
        imported.remove(&module.file);
    }
    imports
}

/// Modules by their path, `/` between the names; the crate root is the empty path.
type Modules = BTreeMap<String, Module>;

#[derive(Default)]
struct Module {
    file: String,
    items: BTreeSet<String>,
    uses: Vec<Use>,
    globs: Vec<Vec<String>>,
    /// Every path in the code outside of `use`, single names included.
    paths: BTreeSet<Vec<String>>,
}

struct Use {
    name: String,
    path: Vec<String>,
    public: bool,
}

enum Target {
    Module(String),
    /// The file that defines the item.
    Item(String),
}

fn parent(path: &str) -> String {
    path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned()
}

fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// What `named` means within the module `at`; `None` for a name of another crate or a local one. A module and a
/// function may share a name: `as_module` says which is meant by the last part.
fn resolve(modules: &Modules, at: &str, named: &[String], as_module: bool, depth: u8) -> Option<Target> {
    let mut here = at.to_owned();
    for (index, name) in named.iter().enumerate() {
        here = match name.as_str() {
            "crate" => String::new(),
            "self" => here,
            "super" => parent(&here),
            name => match lookup(modules, &here, name, as_module || index + 1 < named.len(), depth)? {
                Target::Module(path) => path,
                item => return Some(item),
            },
        };
    }
    Some(Target::Module(here))
}

fn lookup(modules: &Modules, at: &str, name: &str, as_module: bool, depth: u8) -> Option<Target> {
    // Two modules may import each other's names with `*`.
    if depth > 8 {
        return None;
    }
    let module = modules.get(at)?;
    let path = child(at, name);
    let is_item = module.items.contains(name);
    if modules.contains_key(&path) && (as_module || !is_item) {
        return Some(Target::Module(path));
    }
    if is_item {
        return Some(Target::Item(module.file.clone()));
    }
    let named = module.uses.iter().filter(|import| import.name == name);
    named
        .filter(|import| import.path.first().is_none_or(|first| first != name))
        .find_map(|import| resolve(modules, at, &import.path, as_module, depth + 1))
        .or_else(|| {
            module.globs.iter().find_map(|glob| match resolve(modules, at, glob, true, depth + 1)? {
                Target::Module(from) if from != at => lookup(modules, &from, name, as_module, depth + 1),
                _ => None,
            })
        })
}

impl Module {
    /// Adds the module at `path` and the modules written inside of it.
    fn parse(tokens: &[String], path: &str, file: &str, modules: &mut Modules) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        let (mut index, mut depth) = (0, 0_usize);
        let at = |index: usize| tokens.get(index).map_or("", String::as_str);
        while index < tokens.len() {
            let previous = if index == 0 { "" } else { at(index - 1) };
            match at(index) {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                "mod" if at(index + 2) == "{" => {
                    let end = group_end(tokens, index + 2);
                    Module::parse(&tokens[index + 3..end], &child(path, at(index + 1)), file, modules);
                    index = end;
                }
                "use" => {
                    let public = previous == "pub" || previous == ")";
                    index = module.parse_use(tokens, index + 1, &[], public);
                }
                "macro_rules" => drop(module.items.insert(at(index + 2).to_owned())),
                "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static"
                    if depth == 0 && is_name(at(index + 1)) && at(index + 1) != "fn" =>
                {
                    module.items.insert(at(index + 1).to_owned());
                    index += 1;
                }
                name if is_name(name) && !matches!(previous, "." | "::" | "mod") => {
                    let mut named = vec![name.to_owned()];
                    while at(index + 1) == "::" && is_name(at(index + 2)) {
                        named.push(at(index + 2).to_owned());
                        index += 2;
                    }
                    // A single name before a colon is a field or a parameter.
                    if named.len() > 1 || at(index + 1) != ":" {
                        module.paths.insert(named);
                    }
                }
                _ => {}
            }
            index += 1;
        }
        modules.insert(path.to_owned(), module);
    }

    /// Parses one tree of a `use`; returns the index of the token that ends it.
    fn parse_use(&mut self, tokens: &[String], mut index: usize, before: &[String], public: bool) -> usize {
        let mut path = before.to_vec();
        loop {
            match tokens.get(index).map_or(";", String::as_str) {
                "::" => {}
                "*" => {
                    self.globs.push(path);
                    return index + 1;
                }
                "{" => {
                    index += 1;
                    while tokens[index] != "}" {
                        index = self.parse_use(tokens, index, &path, public);
                        index += usize::from(tokens[index] == ",");
                    }
                    return index + 1;
                }
                "as" => {
                    self.uses.push(Use { name: tokens[index + 1].clone(), path, public });
                    return index + 2;
                }
                name if is_name(name) => path.push(name.to_owned()),
                _ => {
                    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                        path.pop();
                    }
                    let name = path.last().cloned().unwrap_or_default();
                    self.uses.push(Use { name, path, public });
                    return index;
                }
            }
            index += 1;
        }
    }
}

/// The index of the bracket that closes the one at `open`.
fn group_end(tokens: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len()
}

/// Removes each item under `#[cfg(test)]`; records modules in separate files in `test_only`.
fn without_tests(tokens: Vec<String>, path: &str, test_only: &mut BTreeSet<String>) -> Vec<String> {
    let (mut kept, mut index) = (Vec::new(), 0);
    while index < tokens.len() {
        if !tokens[index..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"].map(str::to_owned)) {
            kept.push(tokens[index].clone());
            index += 1;
            continue;
        }
        index += 7;
        while index < tokens.len() {
            match tokens[index].as_str() {
                "mod" if tokens[index + 2] == ";" => drop(test_only.insert(child(path, &tokens[index + 1]))),
                "(" | "[" => index = group_end(&tokens, index),
                "{" => {
                    index = group_end(&tokens, index);
                    break;
                }
                ";" | "," => break,
                _ => {}
            }
            index += 1;
        }
        index += 1;
    }
    kept
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The names and punctuation of a source text, without comments, literals and lifetimes.
fn tokens(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            found.push("\"".to_owned());
            length
        } else if in_word(first) {
            let end = rest.find(|c: char| !in_word(c)).unwrap_or(rest.len());
            found.push(rest[..end].to_owned());
            end
        } else if rest.starts_with("::") {
            found.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                found.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

/// The length of the string, character or lifetime that the text begins with.
fn literal(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            rest.trim_start_matches('#').starts_with('"') && (prefix.ends_with('r') || !rest.starts_with('#'))
        })
    });
    if let Some(prefix) = prefix {
        let rest = &text[prefix.len()..];
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let start = prefix.len() + hashes + 1;
        if prefix.ends_with('r') {
            let close = format!("\"{}", "#".repeat(hashes));
            return Some(text[start..].find(&close).map_or(text.len(), |end| start + end + close.len()));
        }
        return Some(start + closing(&text[start..], '"'));
    }
    let quote = if text.starts_with("b'") { 2 } else { usize::from(text.starts_with('\'')) };
    if quote == 0 {
        return None;
    }
    let rest = &text[quote..];
    let second = rest.chars().nth(1);
    if rest.starts_with('\\') || second == Some('\'') {
        return Some(quote + closing(rest, '\''));
    }
    // A lifetime.
    Some(quote + rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len()))
}

/// The offset after the quote that ends a literal.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return index + 1,
            _ => {}
        }
    }
    text.len()
}
