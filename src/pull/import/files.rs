//! The images of imported articles: from a copy of the old site's uploads, or from its server.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use tokio::task::block_in_place;
use url::Url;

use super::super::client::Client;
use super::super::images::{FoundImage, ImageLoader, publishable, request_image};
use crate::fetch::AllowedAddresses;
use crate::files::open_named;
use crate::image;
use crate::parse::{ImageSource, ReferencedImage};

/// A server that failed this often in a row is not asked any more: a site that was switched off would cost half a minute
/// for each image.
const MAX_FAILURES: u32 = 3;

/// Finds the images of imported articles.
pub(super) struct OldFiles<'a> {
    pub(super) client: &'a Client,
    pub(super) addresses: AllowedAddresses,
    /// A copy of `wp-content/uploads`, or of any folder whose files have the same paths as their URLs.
    pub(super) folder: Option<&'a Path>,
    /// Nothing is requested or read; only the folder is looked at.
    pub(super) dry_run: bool,
    /// How often the server of a host failed in a row.
    pub(super) failures: HashMap<String, u32>,
    /// The images that were not found since this was last taken: URL and reason.
    pub(super) missing: Vec<(String, String)>,
    /// Missing images by host, for which the host was not asked.
    pub(super) not_asked: BTreeMap<String, u64>,
}

impl ImageLoader for OldFiles<'_> {
    async fn load(&mut self, image: &ReferencedImage) -> FoundImage {
        let ImageSource::Url(url) = &image.source else {
            return FoundImage::None("it is not a file of its own".to_owned());
        };
        let mut found = self.find(url).await;
        if matches!(found, FoundImage::Private) {
            found = FoundImage::None("its server has a private address; add --allow-private".to_owned());
        }
        match &found {
            FoundImage::None(reason) | FoundImage::Later(reason) if !reason.is_empty() => {
                self.missing.push((url.clone(), reason.clone()));
            }
            _ => {}
        }
        found
    }
}

impl OldFiles<'_> {
    async fn find(&mut self, url: &str) -> FoundImage {
        let Ok(parsed) = Url::parse(url) else {
            return FoundImage::None("its address is invalid".to_owned());
        };
        if let Some(folder) = self.folder
            && let Some(path) = file_of(folder, &parsed)
        {
            return if self.dry_run {
                FoundImage::None(String::new())
            } else {
                block_in_place(|| read(&path))
            };
        }
        if self.dry_run {
            return match self.folder {
                Some(_) => FoundImage::None("it is not in the folder of --files".to_owned()),
                None => FoundImage::None(String::new()),
            };
        }
        let host = parsed.host_str().unwrap_or_default().to_owned();
        if self.failures.get(&host).is_some_and(|failures| *failures >= MAX_FAILURES) {
            *self.not_asked.entry(host).or_default() += 1;
            return FoundImage::Later(String::new());
        }
        let mut found = FoundImage::None(String::new());
        if let Some(original) = without_size(url) {
            found = request_image(self.client, &original, self.addresses).await;
        }
        if matches!(found, FoundImage::None(_)) {
            found = request_image(self.client, url, self.addresses).await;
        }
        match &found {
            FoundImage::Later(_) => *self.failures.entry(host).or_default() += 1,
            FoundImage::Image(_) | FoundImage::None(_) | FoundImage::Private => {
                let _ = self.failures.remove(&host);
            }
        }
        found
    }
}

/// The file of a URL in the copy of the uploads: of the size that the text shows, otherwise of the original.
fn file_of(folder: &Path, url: &Url) -> Option<PathBuf> {
    let path = percent_decode_str(url.path()).decode_utf8().ok()?;
    let below =
        path.split_once("/wp-content/uploads/").map_or(path.trim_start_matches('/'), |(_, below)| below);
    // SECURITY: the path is untrusted and must not lead out of the folder.
    let is_plain =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0']);
    if !below.split('/').all(is_plain) {
        return None;
    }
    let original = without_size(below);
    // The original is what a reader wants to see.
    let names = original.as_deref().into_iter().chain([below]);
    let root = folder.canonicalize().ok()?;
    let found = names.filter_map(|name| folder.join(name).canonicalize().ok());
    found.into_iter().find(|file| file.starts_with(&root) && file.is_file())
}

/// `a-300x200.jpg` is a smaller copy of `a.jpg`.
fn without_size(path: &str) -> Option<String> {
    let (name, extension) = path.rsplit_once('.')?;
    let (base, size) = name.rsplit_once('-')?;
    let (width, height) = size.split_once('x')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(width) && is_number(height)).then(|| format!("{base}.{extension}"))
}

fn read(path: &Path) -> FoundImage {
    let mut bytes = Vec::new();
    let reading =
        open_named(path).and_then(|file| file.take(image::MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
    match reading {
        Ok(_) => publishable(bytes),
        Err(cause) => FoundImage::None(cause.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_finds_its_file_and_never_one_outside_of_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("uploads");
        std::fs::create_dir_all(folder.join("2019/05")).unwrap();
        for file in ["uploads/2019/05/sân.jpg", "uploads/2019/05/b-300x200.jpg", "ngoài.jpg"] {
            std::fs::write(root.path().join(file), "x").unwrap();
        }
        std::os::unix::fs::symlink(root.path().join("ngoài.jpg"), folder.join("link.jpg")).unwrap();
        let find = |path: &str| {
            let url = Url::parse(&format!("https://xa.vn{path}")).unwrap();
            file_of(&folder, &url).map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
        };
        let uploads = "/blog/wp-content/uploads/2019/05";
        assert_eq!(find(&format!("{uploads}/s%C3%A2n.jpg")).as_deref(), Some("sân.jpg"));
        assert_eq!(find(&format!("{uploads}/s%C3%A2n-300x200.jpg")).as_deref(), Some("sân.jpg"));
        assert_eq!(find(&format!("{uploads}/b-300x200.jpg")).as_deref(), Some("b-300x200.jpg"));
        assert_eq!(find("/2019/05/sân.jpg").as_deref(), Some("sân.jpg"));
        for outside in [
            "/wp-content/uploads/%2e%2e/ngo%C3%A0i.jpg",
            "/wp-content/uploads/..%2fngo%C3%A0i.jpg",
            "/link.jpg",
            "/2019/05",
            "/",
        ] {
            assert_eq!(find(outside), None, "{outside}");
        }
    }
}
