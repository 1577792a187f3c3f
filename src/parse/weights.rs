//! The table that tells the roles of lines apart. A positive number speaks for the role; nothing else decides.
//!
//! The unit is a good reason: a headline's form is worth about five as a title. What is out of the question is
//! [`NEVER`].

use super::facts::Fact::{self, *};

/// Out of the question.
pub(super) const NEVER: i32 = -1000;

/// The date of publication is refused where the best page with another date, or without one, is worse by less.
pub(super) const SURE_OF_DATE: i32 = 3;

/// A title is told to be in doubt where the best page with another title is worse by less.
pub(super) const SURE_OF_TITLE: i32 = 3;

/// A page without a title is refused; a page that ends in its head has no text.
pub(super) const WITHOUT_TITLE: i32 = -12;
pub(super) const WITHOUT_TEXT: i32 = -5;

/// A line that is not the title known from front matter, or from the head of the page, is worth so much less as one.
pub(super) const NOT_THE_GIVEN_TITLE: [i32; 2] = [-8, -4];

/// What a line is to its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Role {
    /// Printed by the site: menus, tools, counters, sections. Dropped.
    Boilerplate,
    /// The same, below the byline.
    Footer,
    Title,
    /// The second line of a title.
    TitleMore,
    /// The date of publication.
    Date,
    /// The page's clock, an update, a date that is not the article's. Dropped.
    OtherDate,
    /// Title and date on one line.
    TitleAndDate,
    /// Who wrote it, above the text.
    Byline,
    /// Who wrote it or where it was taken from, below the text.
    Credit,
    /// The title or the first paragraph once more. Dropped.
    Repeat,
    /// The text: paragraphs, sub-headings, captions, lists, tables.
    Text,
    /// What may stand below a byline and is kept: captions, addresses.
    BelowByline,
    /// The heading of other news.
    End,
    /// Everything below that heading.
    OtherNews,
}

impl Role {
    pub(super) const COUNT: usize = Self::OtherNews as usize + 1;
}

/// A weight for each fact of a line.
type Weights = &'static [(Fact, i32)];

/// A row for each role: what it is worth by itself; facts of which it needs one, the best of which counts; and what
/// each other fact adds.
#[rustfmt::skip]
pub(super) const EMISSIONS: &[(Role, i32, Weights, Weights)] = &[
    (Role::Boilerplate, -2, &[], &[(Prose, -6), (Stop, -2), (Headline, -3), (Long, -3), (Short, 1),
        (OneWord, 1), (English, 1), (Columns, 3), (Dots, 5), (Item, 2), (Table, -3), (Caption, -3),
        (HeadingOne, -6), (Heading, -2), (GivenTitle, -6), (End, 3), (Box, 3), (Tool, 5), (Site, 4),
        (Section, 3), (Letterhead, 5), (Signature, 5), (File, 5), (Macro, 9), (Symbols, 4), (Document, -2),
        (Tags, 2), (Name, -1), (LabelledAuthor, -6), (Source, -3), (Relative, 1), (Cell, 1), (Clock, 4),
        (DateBelow, 1), (Dated, NEVER), (Published, NEVER), (Updated, NEVER), (Glued, -4)]),
    (Role::Footer, -6, &[], &[(Prose, -2), (Stop, -1), (Tool, 9), (Site, 7), (Section, 6), (Symbols, 8),
        (File, 7), (Macro, 9), (Tags, 7), (Signature, 4), (Letterhead, 5), (Box, 5), (End, 5),
        (DatedHeadline, 2), (SignatureBlock, 9), (LabelledAuthor, -4), (Source, -4), (Initials, -4),
        (Name, -4), (Caption, -2), (Contact, -3), (Table, -4), (Relative, 2), (Published, NEVER)]),
    (Role::Title, 0, &[], &[(Headline, 5), (Short, 1), (OneWord, -1), (Long, -1), (Prose, -4), (Stop, -3),
        (Capitals, 1), (English, -3), (Columns, -6), (Dots, -4), (HeadingOne, 8), (Heading, 3),
        (GivenTitle, 9), (CleanTitle, 14), (First, 1), (Document, 5), (Subject, 1), (Recital, -4),
        (Item, -4), (Table, NEVER), (Media, 3), (LongProse, -25), (Verse, -4), (BelowProse, -14),
        (Number, -6), (Cell, -6), (Caption, -7), (End, -7), (Box, -6), (Tool, -12), (Site, -12),
        (Section, -4), (Letterhead, -6), (Signature, -8), (File, -9), (Macro, NEVER), (Symbols, NEVER),
        (Contact, -6), (Tags, -8), (Name, -3), (Names, -6), (Initials, -3), (LabelledAuthor, -9),
        (Source, -6), (Repeats, -1), (GoesOn, -4), (DatedHeadline, -3), (Far, -25), (Clock, -9),
        (Glued, -5), (Dated, NEVER), (Published, NEVER), (Updated, NEVER)]),
    (Role::TitleMore, 0, &[(GoesOn, 5), (CapitalsBelowCapitals, 5), (PartOfSeries, 5), (Subject, 5)], &[
        (Prose, -4), (Recital, -12), (Letterhead, -14), (Signature, -14), (Section, -6), (Name, -6),
        (LabelledAuthor, NEVER), (Document, -9), (Heading, -4), (HeadingOne, -6), (Repeats, -12),
        (Dated, NEVER), (Published, NEVER), (Updated, NEVER), (Table, NEVER), (Item, NEVER), (Glued, NEVER)]),
    (Role::Date, 0, &[(Dated, 6), (Published, 14), (Updated, 8)], &[(Refused, -1), (Relative, -8),
        (InMenu, -5), (ClockBelow, -6), (Agrees, 1), (Cell, NEVER), (Table, NEVER), (Item, -1)]),
    (Role::OtherDate, 0, &[(Dated, -4), (Updated, 0), (Published, -8)], &[(InMenu, 2), (Relative, 3),
        (Agrees, 2), (Item, 1), (Cell, NEVER)]),
    (Role::TitleAndDate, 0, &[(Glued, 10)], &[(Time, 2), (Far, -4)]),
    (Role::Byline, 0, &[(LabelledAuthor, 5), (Initials, 2), (Name, 1), (Source, 1)], &[(Announced, -9),
        (Department, -5), (Dated, NEVER)]),
    (Role::Credit, 0, &[(LabelledAuthor, 7), (Source, 5), (Initials, 5), (Name, 3)], &[(Announced, -8),
        (SignatureBlock, -9), (BelowTags, -9), (Heading, -8), (HeadingOne, -8), (Item, -6), (Dated, NEVER), (Published, NEVER),
        (Updated, NEVER)]),
    (Role::Repeat, 0, &[(Repeats, 1), (Twice, 1)], &[(Dated, NEVER), (Section, -3)]),
    (Role::Text, 0, &[], &[(Cell, 3), (End, -4), (Box, -3), (Tool, -4), (Site, -3), (Section, -1),
        (Letterhead, -3), (File, -4), (Macro, -8), (Symbols, -2), (Tags, -2), (BelowTags, -2),
        (LabelledAuthor, -3), (DatedHeadline, -1), (Twice, -2), (Columns, -1), (Dots, -2),
        (SignatureBlock, -2), (DateBelow, -5), (Dated, -6), (Published, -9), (Updated, -6), (Relative, 1),
        (Document, -1), (Subject, -1), (Glued, -2)]),
    (Role::BelowByline, -3, &[], &[(Prose, -5), (Caption, 4), (Contact, 4), (Headline, -2), (Table, -2),
        (Item, -1), (Heading, -4), (HeadingOne, -8), (End, -6), (Box, -6), (Tool, -6), (Site, -6),
        (Section, -4), (Signature, -1), (Symbols, -4), (File, -3), (Tags, -6), (BelowTags, -3),
        (SignatureBlock, -4), (Name, -3), (LabelledAuthor, -4), (Source, -4), (Initials, -4),
        (DatedHeadline, -4), (Published, NEVER)]),
    (Role::End, 0, &[(End, 7), (Box, 4), (DatedHeadline, 0), (BelowTags, 4), (Tags, -5)], &[
        (ProseBelow, -2), (MuchProseBelow, -3), (SignedBelow, -5), (Heading, 2), (CleanForm, -3),
        (Dated, NEVER)]),
    (Role::OtherNews, 0, &[], &[]),
];

/// How much of a page was seen once a line is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Title,
    Date,
    /// Both, and no text yet.
    Head,
    /// Both, and the text has begun.
    Text,
    /// The title, and the text has begun without a date.
    TitleInText,
}

macro_rules! states {
    ($($seen:ident { $($state:ident: $role:ident),* })*) => {
        /// Where in the page a line stands, and its role there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum State { $($($state,)*)* }

        /// All states with their roles.
        pub(super) const STATES: &[(State, Role, Seen)] = &[$($((State::$state, Role::$role, Seen::$seen),)*)*];
    };
}

states! {
    // Above everything.
    Nothing { Top: Boilerplate, TopClock: OtherDate }
    // The title, the date to come below it.
    Title { TitleFirst: Title, TitleFirstMore: TitleMore, UnderTitle: Boilerplate,
        UnderTitleByline: Byline, UnderTitleDate: OtherDate, Lead: Text, LeadByline: Byline }
    // The date, the title to come below it.
    Date { DateFirst: Date, UnderDate: Boilerplate, UnderDateByline: Byline, UnderDateDate: OtherDate }
    // Both, and no text yet.
    Head { TitleSecond: Title, TitleSecondMore: TitleMore, DateSecond: Date, Both: TitleAndDate,
        Head: Boilerplate, HeadByline: Byline, HeadDate: OtherDate, HeadRepeat: Repeat }
    // Both, and the text has begun.
    Text { DateInText: Date, Opening: Text, Text: Text, TextBoilerplate: Boilerplate, TextRepeat: Repeat, Foot: Footer,
        Signing: Footer, FootCredit: Credit, FootKept: BelowByline, FootDate: OtherDate, End: End, OtherNews: OtherNews,
        DateLast: Date }
    // The title, and the text has begun without a date.
    TitleInText { Early: Text, EarlyBoilerplate: Boilerplate, EarlyRepeat: Repeat, LateFoot: Footer,
        LateCredit: Credit, LateKept: BelowByline, LateEnd: End, LateNews: OtherNews }
}

use State as S;

/// What a fact adds in one state beyond its role.
#[rustfmt::skip]
pub(super) const BY_STATE: &[(State, Weights)] = &[
    // Above the title an unlabelled date is often the page's clock.
    (S::DateFirst, &[(Dated, -2), (Updated, -1)]),
    (S::TopClock, &[(Dated, 2)]),
    (S::UnderTitleDate, &[(CleanDate, -4)]),
    // Between a date and its title stand counters; sections and menus stand between a clock and the page.
    (S::UnderDate, &[(Site, -5), (Section, -4), (Headline, -3), (Short, -2), (Number, 3)]),
    (S::UnderTitle, &[(Contact, 7), (Headline, -2), (Cell, -3)]),
    (S::UnderTitleByline, &[(Headline, -2), (OneWord, -3), (Initials, 3)]),
    (S::Head, &[(Prose, -12), (Contact, 9), (Headline, -2), (Short, -3), (OneWord, -3), (Item, -3), (Number, 9), (Signature, 3)]),
    (S::UnderDateByline, &[(Name, -4), (Initials, -4)]),
    (S::Top, &[(Cell, -4)]),
    (S::Opening, &[(Headline, -3), (Verse, 4), (CleanForm, 3)]),
    (S::Lead, &[(Headline, -5), (Short, -3), (OneWord, -3), (Item, -3)]),
    (S::DateSecond, &[(CleanDate, 4), (BelowProse, -3), (Far, -30)]),
    // Below paragraphs a date needs a time or a label; at the end it must look printed by the site.
    (S::DateInText, &[(Dated, -5), (Place, -6), (Time, 4), (Far, -30)]),
    (S::DateLast, &[(Dated, -13), (Time, 2), (Dressed, 5), (Agrees, 9), (Refused, -6), (Relative, -9)]),
    // In the clean form nothing between the lead and the byline falls, but for what no author writes.
    (S::TextBoilerplate, &[(CleanForm, -9), (Macro, 9), (Signature, -2), (Document, -4), (Section, -3),
        (OneWord, -3), (Short, -3), (Item, -3)]),
    (S::EarlyBoilerplate, &[(CleanForm, -9), (Macro, 9), (Item, -3), (Short, -3), (OneWord, -3)]),
    (S::Signing, &[(SignatureBlock, 8)]),
    (S::HeadByline, &[(Repeats, -2), (OneWord, -3), (Initials, 3)]),
    (S::TextRepeat, &[(Repeats, -30)]),
    (S::EarlyRepeat, &[(Repeats, -30)]),
];

/// How a page may begin.
pub(super) const STARTS: &[State] = &[S::Top, S::TopClock, S::TitleFirst, S::DateFirst, S::Both];

/// How one state follows another. Pairs that are not here do not follow each other.
#[rustfmt::skip]
pub(super) const TRANSITIONS: &[(&[State], &[State], i32)] = {
    use State::*;
    &[
        (&[Top, TopClock], &[Top, TopClock, TitleFirst, DateFirst, Both], 0),
        // The title above its date.
        (&[TitleFirst, TitleFirstMore], &[TitleFirstMore], 0),
        (&[TitleFirst, TitleFirstMore], &[DateSecond], 2),
        (&[TitleFirst, TitleFirstMore, UnderTitle, UnderTitleByline, UnderTitleDate],
            &[UnderTitle, UnderTitleByline, UnderTitleDate, Lead, Early, EarlyRepeat], 0),
        (&[UnderTitle, UnderTitleByline, UnderTitleDate], &[DateSecond], 0),
        (&[Lead], &[Lead, LeadByline], 0),
        (&[Lead, LeadByline], &[DateInText], 0),
        (&[DateInText], &[Text, TextBoilerplate, FootCredit, HeadDate, End], 0),
        // The date above its title. Without a title the article is refused, and its text is text all the same.
        (&[DateFirst, UnderDate, UnderDateByline, UnderDateDate], &[UnderDate, UnderDateByline, UnderDateDate], 0),
        (&[DateFirst, UnderDate, UnderDateByline, UnderDateDate], &[TitleSecond], 1),
        (&[DateFirst, UnderDate, UnderDateByline, UnderDateDate], &[Opening], -14),
        (&[TitleSecond, TitleSecondMore], &[TitleSecondMore], 0),
        // The text below both. Lists of names and pictures may follow without a paragraph.
        (&[TitleSecond, TitleSecondMore, DateSecond, Both, Head, HeadByline, HeadDate, HeadRepeat],
            &[Head, HeadByline, HeadDate, HeadRepeat, Opening], 0),
        (&[DateSecond, TitleSecond, Head, HeadRepeat], &[End, FootCredit], -3),
        (&[Opening, Text, TextBoilerplate, TextRepeat], &[Text, TextBoilerplate, TextRepeat, FootCredit, End], 0),
        (&[Opening, Text, Signing], &[Signing], -9),
        (&[Signing, FootCredit, Foot, FootKept, FootDate, DateLast], &[FootCredit, Foot, FootKept, FootDate], 0),
        (&[FootCredit, Foot, FootKept, FootDate, DateLast], &[End], 3),
        (&[End, OtherNews], &[OtherNews], 0),
        // The text without a date, which may stand below it.
        (&[Early, EarlyBoilerplate, EarlyRepeat],
            &[Early, EarlyBoilerplate, EarlyRepeat, DateLast, LateCredit, LateEnd], 0),
        (&[LateCredit, LateFoot, LateKept], &[LateCredit, LateFoot, LateKept, DateLast], 0),
        (&[LateCredit, LateFoot, LateKept], &[LateEnd], 3),
        (&[LateEnd, LateNews], &[LateNews], 0),
    ]
};
