//! What is kept of a collected article to find out that another source has published the same. Pure.

use sha2::{Digest as _, Sha256};

use crate::model::Article;
use crate::search_text::{block_texts, folded_words};

/// Hashes that are kept of a text: the smallest ones, which are a random choice of its word pairs.
const KEPT: usize = 64;
/// Pairs of words that two texts must at least be compared by.
const MIN_COMPARED: usize = 5;
/// Two texts with this many of 100 word pairs in common have mostly the same words.
const COMMON: usize = 50;
/// Of a shorter text, for example a summary, this many of 100 must be in the longer one.
const CONTAINED: usize = 80;

/// What is kept of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// A hash of its title, without case, diacritics and punctuation.
    pub(crate) title: i64,
    /// Hashes of its word pairs in ascending order, without duplicates.
    words: Vec<u32>,
}

impl Fingerprint {
    pub(crate) fn of(article: &Article) -> Self {
        let mut text: Vec<String> = Vec::new();
        for block in &article.body {
            block_texts(block).iter().for_each(|part| text.extend(folded_words(part)));
        }
        if text.is_empty() {
            article.summary.iter().for_each(|summary| text.extend(folded_words(summary)));
        }
        let mut words: Vec<u32> = text.windows(2).map(|pair| hash(&pair.join(" ")) as u32).collect();
        words.sort_unstable();
        words.dedup();
        words.truncate(KEPT);
        Self { title: hash(&folded_words(&article.title).join(" ")) as i64, words }
    }

    /// The stored form of the hashes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|hash| hash.to_be_bytes()).collect()
    }

    pub(crate) fn from_stored(title: i64, bytes: &[u8]) -> Self {
        let (hashes, _) = bytes.as_chunks::<4>();
        Self { title, words: hashes.iter().map(|hash| u32::from_be_bytes(*hash)).collect() }
    }

    /// True if both have the same title and mostly the same words.
    pub(crate) fn is_probably_same(&self, other: &Self) -> bool {
        self.title == other.title
            && (self.has_common_words(other) || self.is_contained(other) || other.is_contained(self))
    }

    /// The smallest hashes of both texts together are a random choice of the pairs of either.
    fn has_common_words(&self, other: &Self) -> bool {
        let mut all: Vec<u32> = self.words.iter().chain(&other.words).copied().collect();
        all.sort_unstable();
        all.dedup();
        all.truncate(KEPT);
        let is_common = |hash: &&u32| self.contains(**hash) && other.contains(**hash);
        let common = all.iter().filter(is_common).count();
        all.len() >= MIN_COMPARED && common * 100 >= all.len() * COMMON
    }

    /// True if the pairs of this text that can be looked up in the other are mostly there.
    fn is_contained(&self, other: &Self) -> bool {
        let is_whole = other.words.len() < KEPT;
        let last = other.words.last().copied().unwrap_or_default();
        let compared: Vec<u32> =
            self.words.iter().copied().filter(|hash| is_whole || *hash <= last).collect();
        let common = compared.iter().filter(|hash| other.contains(**hash)).count();
        compared.len() >= MIN_COMPARED && common * 100 >= compared.len() * CONTAINED
    }

    fn contains(&self, hash: u32) -> bool {
        self.words.binary_search(&hash).is_ok()
    }
}

/// The first bytes of a hash that is the same on every machine and in every version.
fn hash(text: &str) -> u64 {
    let digest = Sha256::digest(text);
    digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Block;
    use crate::time::{PublishedAt, from_unix};

    fn print(title: &str, text: &str) -> Fingerprint {
        let body = vec![Block::Paragraph { text: text.to_owned() }];
        let published = PublishedAt::exact(from_unix(0));
        let made = Fingerprint::of(&Article::new(title, published, body));
        assert_eq!(Fingerprint::from_stored(made.title, &made.bytes()), made);
        made
    }

    /// A text of so many different words.
    fn text(words: std::ops::Range<usize>) -> String {
        words.map(|word| format!("từ{word}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_same_title_and_mostly_the_same_words_are_probably_the_same_article() {
        let first = print("Họp dân ở Đăk Tô", &text(0..400));
        for (title, words, is_same) in [
            ("HỌP DÂN, ở đăk tô!", text(0..400), true),
            ("Họp dân ở Đăk Tô", format!("{} thêm một câu ở cuối bài", text(0..380)), true),
            ("Họp dân ở Đăk Tô", format!("{}. {}", text(350..400), text(0..350)), true),
            ("Họp dân ở Đăk Tô", text(0..60), true),
            ("Họp dân ở Đăk Tô", text(400..800), false),
            ("Họp dân ở Đăk Tô", text(300..700), false),
            ("Họp dân ở Đăk Hà", text(0..400), false),
            ("Họp dân ở Đăk Tô", "từ1 từ2".to_owned(), false),
            ("Họp dân ở Đăk Tô", String::new(), false),
        ] {
            let second = print(title, &words);
            assert_eq!(first.is_probably_same(&second), is_same, "{title} {words:.40}");
            assert_eq!(second.is_probably_same(&first), is_same, "{title} {words:.40}");
        }
    }
}
