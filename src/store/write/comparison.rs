//! Whether two versions of an article are the same to readers.

use unicode_normalization::UnicodeNormalization as _;

use crate::model::Article;
use crate::store::error::StoreError;
use crate::store::rows::{from_json, to_json};
use crate::store::write::current::CurrentArticle;

/// The published text, if it can be read.
pub(crate) fn text_of(current: &CurrentArticle) -> Option<Article> {
    from_json(current.content.as_deref()?).ok()
}

/// The same title, ignoring spaces: a title with a missing space names the same article.
pub(crate) fn same_title(current: &CurrentArticle, article: &Article) -> bool {
    text_of(current).is_some_and(|before| equal_without_spaces(&before.title, &article.title))
}

/// The same text, ignoring spaces and images. This identifies the article even if its spaces were corrected;
/// [`equal_ignoring_formatting`] tells whether it is a correction.
pub(crate) fn same_text_ignoring_spaces(current: &CurrentArticle, article: &Article) -> bool {
    let visible_content = current.visible_content().and_then(|content| from_json::<Article>(content).ok());
    let before = visible_content.map(|before| without_images(&before));
    matches!((before, without_images(article)), (Some(Ok(a)), Ok(b)) if equal_without_spaces(&a, &b))
}

fn equal_without_spaces(a: &str, b: &str) -> bool {
    fn visible(text: &str) -> impl Iterator<Item = char> {
        text.nfc().filter(|c| !c.is_whitespace())
    }
    visible(a).eq(visible(b))
}

/// Equal to readers, ignoring images.
pub(crate) fn same_content(current: &CurrentArticle, article: &Article) -> bool {
    let before = text_of(current).map(|before| without_images(&before));
    matches!((before, without_images(article)), (Some(Ok(before)), Ok(after)) if equal_ignoring_formatting(&before, &after))
}

/// The stored form of the article without its images.
fn without_images(article: &Article) -> Result<String, StoreError> {
    to_json(&Article { images: Vec::new(), ..article.clone() })
}

/// Equal except for the Unicode form and the amount of white space between words. A space that appears or
/// disappears between two letters is a correction.
pub(crate) fn equal_ignoring_formatting(before: &str, after: &str) -> bool {
    use serde_json::Value;
    fn folded(value: Value) -> Value {
        match value {
            Value::String(text) => {
                let text: String = text.nfc().collect();
                Value::String(text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Value::Array(values) => Value::Array(values.into_iter().map(folded).collect()),
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (name, folded(value))).collect())
            }
            other => other,
        }
    }
    let read = |text: &str| serde_json::from_str::<Value>(text).map(folded);
    before == after || matches!((read(before), read(after)), (Ok(before), Ok(after)) if before == after)
}
