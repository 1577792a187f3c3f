//! The weights that determine the roles of lines. A positive number supports the role; nothing else decides.
//!
//! For scale: the form of a headline is worth about five as a title. Combinations that must not occur have the weight
//! [`NEVER`].

use super::facts::Fact::{self, *};

/// Must not occur.
pub(super) const NEVER: i32 = -1000;

/// The date is rejected if the best page with another date, or without one, is worse by less than this.
pub(super) const SURE_OF_DATE: i32 = 3;

/// A warning about the title is given if the best page with another title is worse by less than this.
pub(super) const SURE_OF_TITLE: i32 = 3;

/// For a page without a title, which is rejected; for a page without text.
pub(super) const WITHOUT_TITLE: i32 = -12;
pub(super) const WITHOUT_TEXT: i32 = -5;

/// For a line that is not the title from the front matter, or from the head of the page.
pub(super) const NOT_THE_GIVEN_TITLE: [i32; 2] = [-8, -4];

/// The role of a line in its page.
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
    /// The clock of the page, an update, or another date that is not the article's. Dropped.
    OtherDate,
    /// Title and date on one line.
    TitleAndDate,
    /// The author, above the text.
    Byline,
    /// The author or source, below the text.
    Credit,
    /// A repetition of the title or the first paragraph. Dropped.
    Repeat,
    /// The text: paragraphs, sub-headings, captions, lists, tables.
    Text,
    /// Below a byline and kept: captions, addresses.
    BelowByline,
    /// The heading of other news.
    End,
    /// Everything below that heading.
    OtherNews,
}

impl Role {
    pub(super) const COUNT: usize = Self::OtherNews as usize + 1;
}

/// A weight for each feature of a line.
type Weights = &'static [(Fact, i32)];

/// For each role: its base weight; features of which it requires at least one, with the highest weight counted; and
/// the weights of other features.
#[rustfmt::skip]
pub(super) const EMISSIONS: &[(Role, i32, Weights, Weights)] = &[
    (Role::Boilerplate, -2, &[], &[(Prose, -6), (Stop, -2), (Headline, -3), (Long, -3), (Short, 1),
        (OneWord, 1), (English, 1), (Columns, 3), (Dots, 5), (Item, 2), (Table, -3), (Caption, -3),
        (HeadingOne, -6), (Heading, -2), (GivenTitle, -6), (End, 3), (Box, 3), (Tool, 5), (Site, 4),
        (Section, 3), (BetweenEntries, 5), (Letterhead, 5), (Signature, 5), (File, 5), (Macro, 9), (Symbols, 4),
        (Document, -2), (Department, 3), (Tags, 2), (Name, -1), (LabelledAuthor, -6), (Source, -3), (Relative, 1), (Cell, 1), (Clock, 4),
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
        (Section, -4), (BetweenEntries, -5), (Department, -2), (Letterhead, -6), (Signature, -8), (File, -9),
        (Macro, NEVER), (Symbols, NEVER), (Contact, -6), (Tags, -8), (Name, -3), (Names, -6), (Initials, -3), (LabelledAuthor, -9),
        (Source, -6), (Repeats, -1), (Continuation, -4), (DatedHeadline, -3), (Far, -25), (Clock, -9),
        (OtherDay, -12), (Glued, -5), (Dated, NEVER), (Published, NEVER), (Updated, NEVER)]),
    (Role::TitleMore, 0, &[(Continuation, 5), (CapitalsBelowCapitals, 5), (PartOfSeries, 5), (Subject, 5)], &[
        (Prose, -4), (Recital, -12), (Letterhead, -14), (Signature, -14), (Section, -6), (Site, -9), (Tool, -9), (Name, -6),
        (LabelledAuthor, NEVER), (Document, -9), (Heading, -4), (HeadingOne, -6), (Repeats, -12),
        (Dated, NEVER), (Published, NEVER), (Updated, NEVER), (Table, NEVER), (Item, NEVER), (Glued, NEVER)]),
    (Role::Date, 0, &[(Dated, 6), (Published, 14), (Updated, 8)], &[(Refused, -1), (Relative, -8),
        (InMenu, -5), (ClockBelow, -6), (Agrees, 1), (Cell, NEVER), (Table, NEVER), (Item, -1)]),
    (Role::OtherDate, 0, &[(Dated, -4), (Updated, 0), (Published, -8)], &[(InMenu, 2), (Relative, 3),
        (Agrees, 2), (Item, 1), (Cell, NEVER)]),
    (Role::TitleAndDate, 0, &[(Glued, 10)], &[(Time, 2), (Far, -4)]),
    (Role::Byline, 0, &[(LabelledAuthor, 5), (Initials, 2), (Name, 1), (Source, 1)], &[(Announced, -9), (BetweenEntries, -5),
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

/// What precedes a line on its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Title,
    Date,
    /// Title and date, but no text yet.
    Head,
    /// Title, date and text.
    Text,
    /// Title and text, but no date.
    TitleInText,
}

macro_rules! states {
    ($($seen:ident { $($state:ident: $role:ident),* })*) => {
        /// The position of a line in its page, combined with its role.
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
    // The title; the date follows.
    Title { TitleFirst: Title, TitleFirstMore: TitleMore, UnderTitle: Boilerplate,
        UnderTitleByline: Byline, UnderTitleDate: OtherDate, Lead: Text, LeadByline: Byline }
    // The date; the title follows.
    Date { DateFirst: Date, UnderDate: Boilerplate, UnderDateByline: Byline, UnderDateDate: OtherDate }
    // Title and date, but no text yet.
    Head { TitleSecond: Title, TitleSecondMore: TitleMore, DateSecond: Date, Both: TitleAndDate,
        Head: Boilerplate, HeadByline: Byline, HeadDate: OtherDate, HeadRepeat: Repeat }
    // Title, date and text.
    Text { DateInText: Date, Opening: Text, Text: Text, TextBoilerplate: Boilerplate, TextRepeat: Repeat, Foot: Footer,
        Signing: Footer, FootCredit: Credit, FootKept: BelowByline, FootDate: OtherDate, End: End, OtherNews: OtherNews,
        DateLast: Date }
    // Title and text, but no date.
    TitleInText { Early: Text, EarlyBoilerplate: Boilerplate, EarlyRepeat: Repeat, LateFoot: Footer,
        LateCredit: Credit, LateKept: BelowByline, LateEnd: End, LateNews: OtherNews }
}

use State as S;

/// The additional weight of a feature in one state.
#[rustfmt::skip]
pub(super) const BY_STATE: &[(State, Weights)] = &[
    // Above the title, an unlabelled date is often the clock of the page.
    (S::DateFirst, &[(Dated, -2), (Updated, -1)]),
    (S::TopClock, &[(Dated, 2)]),
    (S::UnderTitleDate, &[(CleanDate, -4)]),
    // Counters may be between a date and its title; sections and menus are between a clock and the page.
    (S::UnderDate, &[(Site, -5), (Section, -4), (Headline, -3), (Short, -2), (Number, 3)]),
    (S::UnderTitle, &[(Contact, 7), (Headline, -2), (Cell, -3)]),
    (S::UnderTitleByline, &[(Headline, -2), (OneWord, -3), (Initials, 3)]),
    (S::Head, &[(Prose, -12), (Contact, 9), (Headline, -2), (Short, -3), (OneWord, -3), (Item, -3), (Number, 9), (Signature, 3)]),
    (S::UnderDateByline, &[(Name, -4), (Initials, -4)]),
    (S::Top, &[(Cell, -4)]),
    (S::Opening, &[(Headline, -3), (Verse, 4), (CleanForm, 3), (Section, -4)]),
    (S::Lead, &[(Headline, -5), (Short, -3), (OneWord, -3), (Item, -3)]),
    (S::DateSecond, &[(CleanDate, 4), (BelowProse, -3), (Far, -30)]),
    // Below paragraphs, a date needs a time or a label; at the end, it must look as if printed by the site.
    (S::DateInText, &[(Dated, -5), (Place, -6), (Time, 4), (Far, -30)]),
    (S::DateLast, &[(Dated, -13), (Time, 2), (Extras, 5), (Agrees, 9), (Refused, -6), (Relative, -9)]),
    // In the clean form, nothing between the lead and the byline is dropped, except what no author writes.
    (S::TextBoilerplate, &[(CleanForm, -9), (Macro, 9), (Signature, -2), (Document, -4), (Section, -3),
        (OneWord, -3), (Short, -3), (Item, -3)]),
    (S::EarlyBoilerplate, &[(CleanForm, -9), (Macro, 9), (Item, -3), (Short, -3), (OneWord, -3)]),
    (S::Signing, &[(SignatureBlock, 8)]),
    (S::HeadByline, &[(Repeats, -2), (OneWord, -3), (Initials, 3)]),
    (S::TextRepeat, &[(Repeats, -30)]),
    (S::EarlyRepeat, &[(Repeats, -30)]),
];

/// The possible first states of a page.
pub(super) const STARTS: &[State] = &[S::Top, S::TopClock, S::TitleFirst, S::DateFirst, S::Both];

/// The allowed transitions between states, with their weights.
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
        // The date above its title. Without a title the article is rejected; its text still has the role of text.
        (&[DateFirst, UnderDate, UnderDateByline, UnderDateDate], &[UnderDate, UnderDateByline, UnderDateDate], 0),
        (&[DateFirst, UnderDate, UnderDateByline, UnderDateDate], &[TitleSecond], 1),
        (&[DateFirst, UnderDate, UnderDateByline, UnderDateDate], &[Opening], -14),
        (&[TitleSecond, TitleSecondMore], &[TitleSecondMore], 0),
        // The text below both. Lists of names and images may follow without a paragraph.
        (&[TitleSecond, TitleSecondMore, DateSecond, Both, Head, HeadByline, HeadDate, HeadRepeat],
            &[Head, HeadByline, HeadDate, HeadRepeat, Opening], 0),
        (&[DateSecond, TitleSecond, Head, HeadRepeat], &[End, FootCredit], -3),
        (&[Opening, Text, TextBoilerplate, TextRepeat], &[Text, TextBoilerplate, TextRepeat, FootCredit, End], 0),
        (&[Opening, Text, Signing], &[Signing], -9),
        (&[Signing, FootCredit, Foot, FootKept, FootDate, DateLast], &[FootCredit, Foot, FootKept, FootDate], 0),
        (&[FootCredit, Foot, FootKept, FootDate, DateLast], &[End], 3),
        (&[End, OtherNews], &[OtherNews], 0),
        // The text without a date, which may follow it.
        (&[Early, EarlyBoilerplate, EarlyRepeat],
            &[Early, EarlyBoilerplate, EarlyRepeat, DateLast, LateCredit, LateEnd], 0),
        (&[LateCredit, LateFoot, LateKept], &[LateCredit, LateFoot, LateKept, DateLast], 0),
        (&[LateCredit, LateFoot, LateKept], &[LateEnd], 3),
        (&[LateEnd, LateNews], &[LateNews], 0),
    ]
};
