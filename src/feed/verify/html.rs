//! Extracts the text of an entry's HTML and rejects active content.

/// The visible content of a fragment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ParsedHtml {
    /// The text with character references resolved.
    pub text: String,
    /// The number of images.
    pub images: usize,
}

/// Parses a fragment.
///
/// # Errors
/// An unclosed tag, or active content.
pub(super) fn parse(fragment: &str) -> Result<ParsedHtml, String> {
    let mut page = ParsedHtml::default();
    let mut rest = fragment;
    while let Some(start) = rest.find('<') {
        page.text.push_str(&unescape(&rest[..start])?);
        let tag = Tag::parse(&rest[start..]).ok_or("the HTML contains an unclosed tag")?;
        tag.check()?;
        page.images += usize::from(tag.name == "img");
        rest = &rest[start + tag.length..];
    }
    page.text.push_str(&unescape(rest)?);
    Ok(page)
}

/// Resolves character references. Named references other than the five of XML are unchanged.
///
/// # Errors
/// The text contains a tag.
pub(super) fn unescape(text: &str) -> Result<String, String> {
    if text.contains('<') {
        return Err("unexpected tag in plain text".to_owned());
    }
    const MAX_REFERENCE: usize = "&#x0010FFFF;".len();
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        // Bounded, so that a text of many `&` does not take quadratic time.
        let end = rest.bytes().take(MAX_REFERENCE).position(|byte| byte == b';');
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
    /// Names in lower case, values with references resolved.
    attributes: Vec<(String, String)>,
    /// In bytes, including brackets.
    length: usize,
}

impl Tag {
    /// Parses the tag at the start of `text`; none if it is not closed.
    fn parse(text: &str) -> Option<Self> {
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

    /// SECURITY: defence in depth behind the sanitiser. A document with active content is not published.
    fn check(&self) -> Result<(), String> {
        const FORBIDDEN: [&str; 20] = [
            "script", "style", "iframe", "frame", "frameset", "object", "embed", "applet", "form", "input",
            "button", "textarea", "select", "link", "meta", "base", "svg", "math", "template", "noscript",
        ];
        if FORBIDDEN.contains(&self.name.as_str()) || self.name.starts_with(['!', '?']) {
            return Err(format!("the HTML contains `<{}>`", self.name));
        }
        for (name, value) in &self.attributes {
            let url: String = value.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
            let url = url.to_ascii_lowercase();
            let is_active = name.starts_with("on")
                || matches!(name.as_str(), "srcdoc" | "formaction" | "style")
                || ["javascript:", "vbscript:", "data:"].iter().any(|scheme| url.starts_with(scheme));
            // `alt` and `title` are plain text that may start like a URL.
            if is_active && !matches!(name.as_str(), "alt" | "title") {
                return Err(format!("the HTML contains the attribute `{name}`"));
            }
        }
        Ok(())
    }
}

/// The attribute at the start of `text`, and the rest.
fn attribute(text: &str) -> Option<((String, String), &str)> {
    let is_end = |c: char| c.is_ascii_whitespace() || "=/>".contains(c);
    // The first character of an attribute name may be `=`.
    let first = text.chars().next()?.len_utf8();
    let end = first + text[first..].find(is_end)?;
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
