//! Everything that may be true of a line. What each fact is worth for each role stands in `weights`.

macro_rules! facts {
    ($($fact:ident)*) => {
        /// Something that is true of a line or not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Fact { $($fact,)* }

        impl Fact {
            pub(super) const ALL: &[Self] = &[$(Self::$fact,)*];
        }
    };
}

facts! {
    // A sentence of some length; one that is too long for a title; an end like a sentence's, short as it may be.
    Prose LongProse Stop
    // Without a stop: one word, two or three, four to forty (what a headline looks like), more.
    OneWord Short Headline Long
    // No small letter; letters of English alone; a row of dots; a number and nothing else; a time without a day.
    Capitals English Dots Number Clock
    // `[Ảnh]`, `[Video]`: says what kind of article the line is the title of.
    Media
    // Goes on from the line above: in small letters, in capitals like it, as a part of its series.
    GoesOn CapitalsBelowCapitals PartOfSeries
    // What the markup says, and a cell of a table whose cells fell apart.
    HeadingOne Heading Item Table Columns Caption Cell
    // The first line; no empty line above; one of several short lines in a block, such as verses.
    First Close Verse

    // By its words, as `boilerplate` knows them: a heading below which no article goes on (comments, older news), or
    // one that may also stand within the text; a button, a counter; a menu, a site's name; a section's name.
    End Box Tool Site Section
    // The name of a file or an icon; a macro of the site's software (`[links()]`); signs without a letter or a digit.
    File Macro Symbols
    // An official document: its office and motto, who signs, what it is (`QUYẾT ĐỊNH`), what about, why (`Căn cứ …`).
    Letterhead Signature Document Subject Recital
    // Where to write to; `Tags:`, and a line right below that heading; other news with its date in brackets.
    Contact Tags BelowTags DatedHeadline

    // Credits: by a label, a source, letters, the shape of a name; several names; an office; a name that the text
    // announces.
    LabelledAuthor Source Initials Name Names Department Announced

    // A date: by its label, or without one.
    Published Updated Dated
    // With a time; with a weekday, a zone or a section; a place and a day; between the entries of a menu.
    Time Dressed Place InMenu
    // It cannot be taken; it is relative (`2 giờ trước`); it is glued to a title; a clock stands on the next line.
    Refused Relative Glued ClockBelow
    // Another line says the same day; a headline with a date right below it, above the text.
    Agrees DateBelow

    // The title given in front matter or in the head of the page.
    GivenTitle
    // A headline that says the same as one above it; a paragraph printed twice, or the title for a picture's name.
    Repeats Twice
    // Paragraphs above: at least one, more than two. Below: at least one, at least three. Credits below.
    BelowProse Far ProseBelow MuchProseBelow SignedBelow
    // The page has an official letterhead; office, receivers and seal below its text.
    Official SignatureBlock
    // The page opens with a title and its date; these are the two lines.
    CleanForm CleanTitle CleanDate
}

/// Facts of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts(u128);

impl Facts {
    pub(super) fn add(&mut self, fact: Fact) {
        self.set(fact, true);
    }

    /// Adds a fact where it is so.
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
