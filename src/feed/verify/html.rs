//! The HTML of an entry, read far enough to know its words, and that nothing in it runs.

/// What a reader sees of a fragment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ParsedHtml {
    /// The text, character references resolved.
    pub text: String,
    /// How many pictures it shows.
    pub images: usize,
}

/// Reads a fragment.
///
/// # Errors
/// Where a tag does not end, or something could run.
pub(super) fn read(fragment: &str) -> Result<ParsedHtml, String> {
    let mut page = ParsedHtml::default();
    let mut rest = fragment;
    while let Some(start) = rest.find('<') {
        page.text.push_str(&unescape(&rest[..start])?);
        let tag = Tag::read(&rest[start..]).ok_or("the HTML of the text has a tag without end")?;
        tag.check()?;
        page.images += usize::from(tag.name == "img");
        rest = &rest[start + tag.length..];
    }
    page.text.push_str(&unescape(rest)?);
    Ok(page)
}

/// Text with its character references resolved. Named ones beyond the five of XML stay as they are.
///
/// # Errors
/// Where a tag stands in it.
pub(super) fn unescape(text: &str) -> Result<String, String> {
    if text.contains('<') {
        return Err("a tag stands where only text may stand".to_owned());
    }
    const LONGEST: usize = "&#x0010FFFF;".len();
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        // Near by: a text of `&` alone must not be searched to its end for each of them.
        let end = rest.bytes().take(LONGEST).position(|byte| byte == b';');
        let reference = end.and_then(|end| Some((resolve(&rest[1..end])?, end + 1)));
        let (character, length) = reference.unwrap_or(('&', 1));
        plain.push(character);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    Ok(plain)
}

fn resolve(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(number)
        }
    }
}

/// A start or end tag, or a comment.
struct Tag {
    /// In lower case.
    name: String,
    /// Names in lower case, values with their references resolved.
    attributes: Vec<(String, String)>,
    /// In bytes, brackets included.
    length: usize,
}

impl Tag {
    /// Reads the tag at the start of `text`; nothing where it does not end.
    fn read(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('<')?;
        let inner = inner.strip_prefix('/').unwrap_or(inner);
        let name: String =
            inner.chars().take_while(|c| !c.is_ascii_whitespace() && !"/>".contains(*c)).collect();
        let mut rest = &inner[name.len()..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if let Some(after) = rest.strip_prefix('>') {
                let length = text.len() - after.len();
                return Some(Self { name: name.to_ascii_lowercase(), attributes, length });
            }
            let (attribute, after) = attribute(rest)?;
            attributes.push(attribute);
            rest = after;
        }
    }

    /// SECURITY: the sanitiser is the guard; this is the second lock. One breach and the document stays in.
    fn check(&self) -> Result<(), String> {
        const RUNNING: [&str; 20] = [
            "script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "form", "input",
            "button", "textarea", "select", "link", "meta", "base", "svg", "math", "template", "noscript",
        ];
        if RUNNING.contains(&self.name.as_str()) || self.name.starts_with(['!', '?']) {
            return Err(format!("the HTML of the text holds `<{}>`", self.name));
        }
        for (name, value) in &self.attributes {
            let address: String = value.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
            let address = address.to_ascii_lowercase();
            let runs = name.starts_with("on")
                || matches!(name.as_str(), "srcdoc" | "formaction" | "style")
                || ["javascript:", "vbscript:", "data:"].iter().any(|scheme| address.starts_with(scheme));
            // The words of a caption may begin like an address; only an address can be followed.
            if runs && !matches!(name.as_str(), "alt" | "title") {
                return Err(format!("the HTML of the text holds the attribute `{name}`"));
            }
        }
        Ok(())
    }
}

/// The attribute at the start of `text`, and what follows it.
fn attribute(text: &str) -> Option<((String, String), &str)> {
    let ends = |c: char| c.is_ascii_whitespace() || "=/>".contains(c);
    // An attribute's name may begin with `=`, so the first character is taken whatever it is.
    let first = text.chars().next()?.len_utf8();
    let end = first + text[first..].find(ends)?;
    let name = text[..end].to_ascii_lowercase();
    let rest = text[end..].trim_start_matches(|c: char| c.is_ascii_whitespace());
    let Some(value) = rest.strip_prefix('=') else { return Some(((name, String::new()), rest)) };
    let value = value.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let (value, rest) = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split_once(quote)?,
        _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace() || c == '>')?),
    };
    Some(((name, unescape(&value.replace('<', "&lt;")).ok()?), rest))
}
