//! Boolean features of a line. `weights` gives the weight of each for each role.

macro_rules! facts {
    ($($fact:ident)*) => {
        /// A feature that a line has or lacks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Fact { $($fact,)* }

        impl Fact {
            pub(super) const ALL: &[Self] = &[$(Self::$fact,)*];
        }
    };
}

facts! {
    // A sentence of some length; one that is too long for a title; a sentence-like end of any length.
    Prose LongProse Stop
    // Without a final stop: one word, two or three, four to forty (typical of headlines), more.
    OneWord Short Headline Long
    // No lower-case letters; only English letters; a row of dots; only a number; a time without a day.
    Capitals English Dots Number Clock
    // `[Ảnh]`, `[Video]`: the line is a title that names the kind of report.
    Media
    // Continues the line above: in lower case, in capitals like it, or as a part of its series.
    Continuation CapitalsBelowCapitals PartOfSeries
    // From the markup; and a cell of a table whose cells are on separate lines.
    HeadingOne Heading Item Table Columns Caption Cell
    // The first line; no empty line above; one of several short lines in a block, such as verses.
    First Close Verse

    // By its words (see `boilerplate`): a heading below which the article does not continue (comments, older news),
    // or one that may also be within the text; a button or counter; a menu or site name; a section name.
    End Box Tool Site Section
    // A few words between two entries of a menu.
    BetweenEntries
    // A file or icon name; a macro of the site's software (`[links()]`); no letter or digit.
    File Macro Symbols
    // Parts of an official document: office and motto, signatory, type (`QUYẾT ĐỊNH`), subject, legal basis (`Căn cứ
    // …`).
    Letterhead Signature Document Subject Recital
    // Contact details; `Tags:`, and a line directly below that heading; other news with a date in brackets.
    Contact Tags BelowTags DatedHeadline

    // Credits: by a label, a source, initials, the form of a name; several names; an office; a name that the text
    // announces.
    LabelledAuthor Source Initials Name Names Department Announced

    // A date with a label, or without one.
    Published Updated Dated
    // With a time; with a weekday, zone or section; a place and a day; between the entries of a menu.
    Time Extras Place InMenu
    // An invalid date; a relative one (`2 giờ trước`); one glued to a title; one whose time is on the next line.
    Refused Relative Glued ClockBelow
    // With the label of another day: `Hạn nộp hồ sơ: 12/05/2024`.
    OtherDay
    // Another line has the same day; a headline with a date directly below it, above the text.
    Agrees DateBelow

    // The title from the front matter or the head of the page.
    GivenTitle
    // A headline that repeats one above it; a paragraph printed twice, or the title in place of an image name.
    Repeats Twice
    // Paragraphs above: at least one, more than two. Below: at least one, at least three. Credits below.
    BelowProse Far ProseBelow MuchProseBelow SignedBelow
    // The page has an official letterhead; office, recipients and seal below its text.
    Official SignatureBlock
    // The page begins with a title and its date; these are the two lines.
    CleanForm CleanTitle CleanDate
}

/// The features of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts(u128);

impl Facts {
    pub(super) fn add(&mut self, fact: Fact) {
        self.set(fact, true);
    }

    /// Adds a feature if `is_so`.
    pub(super) fn set(&mut self, fact: Fact, is_so: bool) {
        self.0 |= u128::from(is_so) << fact as u8;
    }

    pub(super) fn remove(&mut self, fact: Fact) {
        self.0 &= !(1 << fact as u8);
    }

    pub(super) fn has(self, fact: Fact) -> bool {
        self.0 >> fact as u8 & 1 == 1
    }

    pub(super) fn any(self, facts: &[Fact]) -> bool {
        facts.iter().any(|fact| self.has(*fact))
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Fact> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let next = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(Fact::ALL[next])
        })
    }
}
