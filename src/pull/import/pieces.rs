//! Cuts a feed into its items while it is read, so that a file of any size needs the memory of one item.
//!
//! Only tags, CDATA sections and comments are told apart; what an item means is up to [`crate::parse`].

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use crate::files::open_named;

/// Maximum size of one item, and of what is before the first one, in bytes.
const MAX_ITEM: usize = 32 << 20;
/// Bytes that are read at once if no tag ends.
const STEP: u64 = 1 << 20;

/// What a feed consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `item` in `channel` in `rss`.
    Rss,
    /// `item` beside `channel` in `rdf:RDF`.
    Rdf,
    /// `entry` in `feed`.
    Atom,
}

impl Form {
    fn item(self) -> &'static [u8] {
        if self == Self::Atom { b"entry" } else { b"item" }
    }

    fn root(self) -> &'static [u8] {
        match self {
            Self::Rss => b"rss",
            Self::Rdf => b"rdf:RDF",
            Self::Atom => b"feed",
        }
    }

    /// What closes a document after an item.
    fn end(self) -> &'static [u8] {
        match self {
            Self::Rss => b"</channel></rss>",
            Self::Rdf => b"</rdf:RDF>",
            Self::Atom => b"</feed>",
        }
    }
}

/// An item, or why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A feed with only this item, and the line on which the item begins.
    Item(usize, Vec<u8>),
    /// The item that begins on this line is too large.
    TooLarge(usize),
    /// The file ends too early; the last item, which begins on this line, may be cut off.
    CutOff(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Markup,
    CData,
    Comment,
}

/// Reads a feed piece by piece.
pub(super) struct Pieces<R> {
    reader: R,
    /// What was read and is not cut off yet.
    read: Vec<u8>,
    /// Up to where tags were looked for in `read`.
    scanned: usize,
    within: Within,
    /// The line of `read[scanned]`, counted from 1.
    line: usize,
    form: Form,
    /// What is before the first item.
    head: Vec<u8>,
    /// What is put before each item: all of the head, or only its tags if it is long.
    before_item: Vec<u8>,
    /// The end tag of the document was met.
    has_ended: bool,
    /// Bytes of the file that were read.
    bytes: u64,
}

/// A tag that was met.
struct Met {
    start: usize,
    name: Vec<u8>,
    closes: bool,
    /// `<item/>`
    is_empty: bool,
    line: usize,
}

impl Pieces<BufReader<File>> {
    /// Opens a file. `None` if it is no feed in XML.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        Self::new(BufReader::with_capacity(1 << 18, open_named(path)?))
    }
}

impl<R: BufRead> Pieces<R> {
    /// Reads up to the first item.
    pub(super) fn new(reader: R) -> io::Result<Option<Self>> {
        let mut pieces = Self {
            reader,
            read: Vec::new(),
            scanned: 0,
            within: Within::Markup,
            line: 1,
            form: Form::Rss,
            head: Vec::new(),
            before_item: Vec::new(),
            has_ended: false,
            bytes: 0,
        };
        let mut tags = Vec::new();
        while let Some(met) = pieces.next_tag()? {
            if pieces.read.len() > MAX_ITEM {
                return Ok(None);
            }
            if tags.is_empty() {
                let forms = [Form::Rss, Form::Rdf, Form::Atom];
                let form = forms.into_iter().find(|form| form.root() == met.name);
                // A declaration or a document type is before the root.
                match form {
                    Some(form) => pieces.form = form,
                    None if met.name.is_empty()
                        || met.name.starts_with(b"!")
                        || met.name.starts_with(b"?") =>
                    {
                        continue;
                    }
                    None => return Ok(None),
                }
            }
            let is_first_item = met.name == pieces.form.item() && !met.closes;
            pieces.has_ended |= met.closes && met.name == pieces.form.root();
            if is_first_item || pieces.has_ended {
                let rest = pieces.read.split_off(met.start);
                pieces.head = std::mem::replace(&mut pieces.read, rest);
                pieces.scanned = 0;
                pieces.line = met.line;
                pieces.before_item = before_item(&pieces.head, &tags);
                return Ok(Some(pieces));
            }
            // The tags that enclose every item.
            let encloses = pieces.form == Form::Rss && met.name == b"channel";
            if tags.is_empty() || encloses && !met.closes {
                tags.push(met.start..pieces.scanned);
            }
        }
        Ok(None)
    }

    /// The feed without its items.
    pub(super) fn head(&self) -> Vec<u8> {
        match self.has_ended {
            // There is no item: only the end of the document is missing.
            true => [&self.head[..], b"</", self.form.root(), b">"].concat(),
            false => [&self.head, self.form.end()].concat(),
        }
    }

    /// How much of the file was read, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        let mut began: Option<Met> = None;
        let mut is_too_large = false;
        while let Some(met) = self.next_tag()? {
            let is_item = met.name == self.form.item();
            is_too_large |= began.is_some() && self.read.len() > MAX_ITEM;
            match &began {
                None if is_item && !met.closes && !met.is_empty => {
                    self.read.drain(..met.start);
                    self.scanned -= met.start;
                    began = Some(met);
                }
                None => {
                    self.has_ended |= met.closes && met.name == self.form.root();
                    self.read.drain(..self.scanned);
                    self.scanned = 0;
                }
                Some(begin) if is_item && met.closes => {
                    let line = begin.line;
                    let item: Vec<u8> = self.read.drain(..self.scanned).collect();
                    self.scanned = 0;
                    return Ok(Some(match is_too_large {
                        true => Piece::TooLarge(line),
                        false => Piece::Item(line, [&self.before_item, &item[..], self.form.end()].concat()),
                    }));
                }
                Some(_) if is_too_large => {
                    self.read.drain(..self.scanned);
                    self.scanned = 0;
                }
                Some(_) => {}
            }
        }
        let is_cut_off = began.is_some() || !self.has_ended;
        self.has_ended = true;
        Ok(is_cut_off.then(|| Piece::CutOff(began.map_or(self.line, |begin| begin.line))))
    }

    /// Reads up to the next tag outside of comments and CDATA sections. `scanned` is behind it then.
    fn next_tag(&mut self) -> io::Result<Option<Met>> {
        loop {
            match self.within {
                Within::Markup => match find(&self.read[self.scanned..], b"<") {
                    Some(at) => {
                        self.advance(self.scanned + at);
                        if let Some(met) = self.tag()? {
                            return Ok(Some(met));
                        }
                    }
                    None => {
                        self.advance(self.read.len());
                        if !self.fill()? {
                            return Ok(None);
                        }
                    }
                },
                Within::CData => self.pass(b"]]>")?,
                Within::Comment => self.pass(b"-->")?,
            }
            if self.within != Within::Markup
                && self.reader.fill_buf()?.is_empty()
                && self.scanned == self.read.len()
            {
                return Ok(None);
            }
        }
    }

    /// The tag that begins at `scanned`; `None` for the beginning of a comment or a CDATA section, and at the end.
    fn tag(&mut self) -> io::Result<Option<Met>> {
        const CDATA: &[u8] = b"<![CDATA[";
        const COMMENT: &[u8] = b"<!--";
        while self.read.len() < self.scanned + CDATA.len() && self.fill()? {}
        let rest = &self.read[self.scanned..];
        for (mark, within) in [(CDATA, Within::CData), (COMMENT, Within::Comment)] {
            if rest.starts_with(mark) {
                self.within = within;
                self.advance(self.scanned + mark.len());
                return Ok(None);
            }
        }
        let (start, line) = (self.scanned, self.line);
        let mut looked = start;
        let end = loop {
            match find(&self.read[looked..], b">") {
                Some(at) => break looked + at + 1,
                None => looked = self.read.len(),
            }
            if !self.fill()? {
                self.advance(self.read.len());
                return Ok(None);
            }
        };
        self.advance(end);
        let tag = &self.read[start + 1..end - 1];
        let (closes, tag) = tag.strip_prefix(b"/").map_or((false, tag), |tag| (true, tag));
        let length = tag.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'/');
        let name = tag[..length.unwrap_or(tag.len())].to_owned();
        let is_empty = tag.ends_with(b"/");
        Ok(Some(Met { start, name, closes, is_empty, line }))
    }

    /// Goes behind the end of a comment or a CDATA section, or as far as there is something.
    fn pass(&mut self, end: &[u8]) -> io::Result<()> {
        loop {
            match find(&self.read[self.scanned..], end) {
                Some(at) => {
                    self.within = Within::Markup;
                    self.advance(self.scanned + at + end.len());
                    return Ok(());
                }
                None => {
                    // The end may be only half there.
                    let kept = end.len() - 1;
                    self.advance(self.read.len().saturating_sub(kept).max(self.scanned));
                    if self.read.len() > 2 * MAX_ITEM {
                        // The item is too large already; its text is not needed.
                        self.read.drain(MAX_ITEM..self.scanned);
                        self.scanned = MAX_ITEM;
                    }
                    if !self.fill()? {
                        self.advance(self.read.len());
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads up to the end of a tag. False at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        let read = self.reader.by_ref().take(STEP).read_until(b'>', &mut self.read)?;
        self.bytes += read as u64;
        Ok(read > 0)
    }

    fn advance(&mut self, to: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.read[self.scanned..to]).count();
        self.scanned = to;
    }
}

/// What is put before each item. The head of a feed tells its language and its address; that of a large export has all
/// its authors and keywords, so only the tags that enclose the items are repeated.
fn before_item(head: &[u8], tags: &[std::ops::Range<usize>]) -> Vec<u8> {
    const SHORT: usize = 16 << 10;
    if head.len() <= SHORT {
        return head.to_owned();
    }
    let declaration = find(head, b"?>").filter(|_| head.starts_with(b"<?xml")).map_or(0, |end| end + 2);
    let tags: Vec<&[u8]> = tags.iter().map(|tag| &head[tag.clone()]).collect();
    [&head[..declaration], &tags.concat()].concat()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece> {
        let mut pieces = Pieces::new(text.as_bytes()).unwrap().unwrap();
        std::iter::from_fn(|| pieces.next().unwrap()).collect()
    }

    fn item(line: usize, text: &str) -> Piece {
        Piece::Item(line, text.as_bytes().to_owned())
    }

    #[test]
    fn a_feed_is_cut_into_its_items() {
        let text = "<?xml version=\"1.0\"?>\n<rss><channel>\n<title>a</title><!-- <item> -->\n<item>1</item>\n\n<item a='b'>\
                    <![CDATA[</item> > <item>]]><!-- </item> --></item><item/></channel></rss>\n";
        let head = "<?xml version=\"1.0\"?>\n<rss><channel>\n<title>a</title><!-- <item> -->\n";
        let end = "</channel></rss>";
        assert_eq!(
            pieces(text),
            [
                item(4, &format!("{head}<item>1</item>{end}")),
                item(
                    6,
                    &format!("{head}<item a='b'><![CDATA[</item> > <item>]]><!-- </item> --></item>{end}")
                ),
            ]
        );
        assert_eq!(
            pieces("<feed x='y'><entry>1</entry></feed>"),
            [item(1, "<feed x='y'><entry>1</entry></feed>")]
        );
        let rdf = "<rdf:RDF><channel>x</channel><item>1</item></rdf:RDF>";
        assert_eq!(pieces(rdf), [item(1, rdf)]);
        let empty = "<rss><channel></channel></rss>";
        assert_eq!(pieces(empty), []);
        assert_eq!(Pieces::new(empty.as_bytes()).unwrap().unwrap().head(), empty.as_bytes());
    }

    #[test]
    fn a_file_that_ends_too_early_says_so_once() {
        let whole = "<rss><channel><item>1</item>\n<item><![CDATA[a]]></item></channel></rss>";
        let second = whole.find("\n<item>").unwrap() + 3;
        for length in second..whole.len() {
            let found = pieces(&whole[..length]);
            assert_eq!(found.last(), Some(&Piece::CutOff(2)), "{length}");
            assert!(found.iter().filter(|piece| matches!(piece, Piece::CutOff(_))).count() == 1);
        }
    }

    #[test]
    fn an_item_that_is_too_large_is_passed_over() {
        let large = "x".repeat(2 * MAX_ITEM + 5 * (1 << 20));
        let elements = format!("<b>{}</b>", "x".repeat(1 << 20)).repeat(70);
        for text in [format!("<![CDATA[{large}]]>"), elements] {
            let text = format!("<rss><channel><item>{text}</item>\n<item>2</item></channel></rss>");
            let found = pieces(&text);
            assert_eq!(found[0], Piece::TooLarge(1));
            assert_eq!(found[1..], [item(2, "<rss><channel><item>2</item></channel></rss>")]);
        }
    }

    #[test]
    fn only_the_tags_of_a_long_head_are_repeated() {
        let authors = "<author/>".repeat(4000);
        let text =
            format!("<?xml version=\"1.0\"?><rss a='b'><channel>{authors}<item>1</item></channel></rss>");
        let expected = "<?xml version=\"1.0\"?><rss a='b'><channel><item>1</item></channel></rss>";
        assert_eq!(pieces(&text), [item(1, expected)]);
    }

    #[test]
    fn other_documents_are_no_feeds() {
        for text in ["", "a", "<html><item></item></html>", "<?xml version='1.0'?><opml></opml>", "<rss>"] {
            assert!(Pieces::new(text.as_bytes()).unwrap().is_none(), "{text}");
        }
    }
}
