//! Reads a file for the second time and takes its articles in.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::block_in_place;

use super::super::client::Client;
use super::super::dates::{DateHabits, Verdict, judge, month_pattern};
use super::super::identity::{article_link, is_settled, key_of_id, own_id};
use super::super::images::copy_images;
use super::super::options::PullOptions;
use super::dates;
use super::files::OldFiles;
use super::pieces::{Piece, Pieces};
use super::plan::{FileImport, FileKind, JsonFault, WordPressPlan, json_items, left_out};
use super::report::{FileImportReport, ImportFinding, LeftOut};
use super::submit::{ReadyArticle, Submitter, conditions, has_article, held_by_another, old_addresses};
use crate::fetch::AllowedAddresses;
use crate::message::Message;
use crate::model::{ArticleId, Slug};
use crate::parse::{
    DateDoubt, Gallery, PostHtml, Repairs, SourceImage, SourceItem, WordPressItem, article_of, read_feed,
    read_wordpress_item, wordpress_html,
};
use crate::store::{CollectedItem, Source, Store, StoreError, Submission};
use crate::text::hex;
use crate::time::{PublishedAt, Timestamp};

/// Items per batch.
const BATCH_ITEMS: usize = 128;
/// Soft limit of a batch, in bytes of the file.
const BATCH_BYTES: usize = 16 << 20;
/// Missing images of one article that are named.
const NAMED_IMAGES: usize = 5;

/// An item as the file has it.
enum RawItem {
    Xml(Vec<u8>),
    Json(Box<SourceItem>),
}

/// Items that are taken in together.
#[derive(Default)]
struct Batch {
    items: Vec<(usize, RawItem)>,
    findings: Vec<ImportFinding>,
    bytes: usize,
}

/// An item as an article, before its images are there.
struct NewArticle {
    line: usize,
    item: SourceItem,
    collected: CollectedItem,
    published: PublishedAt,
    stem: Option<String>,
    channels: BTreeMap<Slug, Option<String>>,
    old: Vec<String>,
    removed: BTreeMap<String, u64>,
}

impl FileImport {
    /// Takes the articles in. After each batch, `on_batch` receives what was done so far and the new findings. An import that
    /// was interrupted is simply repeated.
    ///
    /// # Errors
    /// If the store fails. What was taken in before stays.
    pub async fn run(
        self,
        store: &Store,
        options: &PullOptions,
        mut on_batch: impl FnMut(&FileImportReport, Vec<ImportFinding>),
    ) -> Result<FileImportReport, StoreError> {
        let import = Arc::new(self);
        let client = Client::new(&options.user_agent);
        let (sender, mut batches) = mpsc::channel(1);
        let reading = Arc::clone(&import);
        // The next batch is read while one is being stored.
        let reader = tokio::task::spawn_blocking(move || reading.read_batches(&sender));
        let dry_run = import.options.dry_run;
        let mut run = FileRun {
            import: &import,
            options,
            submitter: Submitter::new(store, &options.addresses, &import.channels.known, dry_run),
            files: OldFiles {
                client: &client,
                addresses: match import.options.allow_private {
                    true => AllowedAddresses::All,
                    false => AllowedAddresses::Public,
                },
                folder: import.options.files.as_deref(),
                dry_run,
                failures: HashMap::new(),
                missing: Vec::new(),
                not_asked: BTreeMap::new(),
            },
            habits: import.habits(options),
            seen: HashMap::new(),
            now: store.clock().now(),
        };
        while let Some(batch) = batches.recv().await {
            let findings = run.take(batch).await?;
            on_batch(&run.submitter.report, findings);
        }
        if let Err(failure) = reader.await {
            std::panic::resume_unwind(failure.into_panic());
        }
        let not_asked = run.not_asked();
        on_batch(&run.submitter.report, not_asked);
        Ok(run.submitter.report)
    }

    /// What all dates of a feed show.
    fn habits(&self, options: &PullOptions) -> DateHabits {
        let items: Vec<SourceItem> = self
            .dates
            .iter()
            .map(|date| SourceItem { date: date.clone(), ..SourceItem::default() })
            .collect();
        let (_, certain) = month_pattern(&items, options.parse.zone);
        DateHabits { month_as_minutes: certain, ..DateHabits::default() }
    }

    /// Reads the file in batches. Blocking; ends early if the receiver is gone.
    fn read_batches(&self, sender: &mpsc::Sender<Batch>) {
        let mut batch = Batch::default();
        let send = |batch: &mut Batch, at_end: bool| {
            let is_full = batch.items.len() >= BATCH_ITEMS || batch.bytes >= BATCH_BYTES;
            !(is_full || at_end) || sender.blocking_send(std::mem::take(batch)).is_ok()
        };
        let unreadable = |cause: &io::Error| {
            ImportFinding::error(
                1,
                format!("Không đọc tiếp được tệp ({cause}). Các bài trước đó đã được nhập; hãy chạy lại."),
                format!("cannot be read any further ({cause}); what was before is imported; run it again"),
            )
        };
        match self.kind {
            FileKind::Json => match json_items(&self.path) {
                Ok(items) => {
                    for item in items {
                        batch.items.push((1, RawItem::Json(Box::new(item))));
                        if !send(&mut batch, false) {
                            return;
                        }
                    }
                }
                Err(JsonFault::Unreadable(cause)) => batch.findings.push(unreadable(&cause)),
                Err(JsonFault::NotAFeed(reason)) => {
                    batch.findings.push(ImportFinding::error(1, reason.clone(), reason))
                }
            },
            FileKind::WordPress(_) | FileKind::Feed => match Pieces::open(&self.path) {
                Ok(Some(mut pieces)) => loop {
                    match pieces.next() {
                        Ok(Some(piece)) => batch.add(piece),
                        Ok(None) => break,
                        Err(cause) => {
                            batch.findings.push(unreadable(&cause));
                            break;
                        }
                    }
                    if !send(&mut batch, false) {
                        return;
                    }
                },
                Ok(None) => batch.findings.push(unreadable(&io::ErrorKind::InvalidData.into())),
                Err(cause) => batch.findings.push(unreadable(&cause)),
            },
        }
        send(&mut batch, true);
    }
}

impl Batch {
    fn add(&mut self, piece: Piece) {
        match piece {
            Piece::Item(line, bytes) => {
                self.bytes += bytes.len();
                self.items.push((line, RawItem::Xml(bytes)));
            }
            Piece::TooLarge(line) => self.findings.push(ImportFinding::error(
                line,
                "Bài quá lớn nên không được nhập.",
                "the item is too large and is not imported",
            )),
            Piece::CutOff(line) => self.findings.push(ImportFinding::error(
                line,
                "Tệp bị cụt ở đây: phần sau bị thiếu. Hãy xuất lại từ trang cũ rồi nhập lại; bài đã nhập không bị trùng.",
                "the file is cut off here and the rest is missing; export it again and repeat the import (what is imported \
                 is not doubled)",
            )),
        }
    }
}

/// A running import of a file.
struct FileRun<'a> {
    import: &'a FileImport,
    options: &'a PullOptions,
    submitter: Submitter<'a>,
    files: OldFiles<'a>,
    habits: DateHabits,
    /// The keys of the items so far, with their lines.
    seen: HashMap<String, usize>,
    now: Timestamp,
}

impl FileRun<'_> {
    /// Takes in a batch, and returns what the operator should know.
    async fn take(&mut self, batch: Batch) -> Result<Vec<ImportFinding>, StoreError> {
        let mut findings = batch.findings;
        self.submitter.report.rejected += findings.len() as u64;
        let items = batch.items;
        let articles = block_in_place(|| self.articles(items, &mut findings));
        let collected: Vec<CollectedItem> =
            articles.iter().map(|article| article.collected.clone()).collect();
        let records = self.submitter.store.collected(&collected).await?;
        let mut ready = Vec::with_capacity(articles.len());
        for (article, record) in articles.into_iter().zip(records) {
            if is_settled(record.as_ref(), &article.collected) {
                self.submitter.report.unchanged += 1;
                continue;
            }
            // Also an id that this import would not keep: the article came with it another way.
            let id = article.item.id.as_deref().map(ArticleId::new).filter(|_| record.is_none());
            if let Some(id) = id
                && has_article(self.submitter.store, &id).await?
            {
                self.submitter.report.rejected += 1;
                findings.push(held_by_another(article.line, &id));
                continue;
            }
            ready.extend(self.ready(article, &mut findings).await);
        }
        findings.extend(self.submitter.submit(ready).await?);
        findings.sort_by_key(|finding| finding.line);
        Ok(findings)
    }

    fn articles(
        &mut self,
        items: Vec<(usize, RawItem)>,
        findings: &mut Vec<ImportFinding>,
    ) -> Vec<NewArticle> {
        let mut articles = Vec::with_capacity(items.len());
        for (line, raw) in items {
            match self.article(line, raw) {
                Ok(Some(article)) => {
                    self.submitter.report.articles += 1;
                    articles.push(article);
                }
                Ok(None) => {}
                Err(Aside::LeftOut(reason, title)) => {
                    if reason.is_listed() {
                        let message = reason.message(&title);
                        findings.push(ImportFinding::warning(line, message.vietnamese, message.english));
                    }
                    *self.submitter.report.left_out.entry(reason).or_default() += 1;
                }
                Err(Aside::Rejected(finding)) => {
                    self.submitter.report.articles += 1;
                    self.submitter.report.rejected += 1;
                    findings.push(finding);
                }
            }
        }
        articles
    }

    fn article(&mut self, line: usize, raw: RawItem) -> Result<Option<NewArticle>, Aside> {
        let broken = |reason: String| {
            Aside::Rejected(ImportFinding::error(
                line,
                format!("Không đọc được bài này ({reason}). Các bài khác vẫn được nhập."),
                format!("this item cannot be read ({reason}); the others are imported"),
            ))
        };
        match (&self.import.kind, raw) {
            (FileKind::WordPress(plan), RawItem::Xml(bytes)) => {
                match read_wordpress_item(&bytes, &self.import.site) {
                    Ok(Some(item)) => self.post(line, item, plan).map(Some),
                    Ok(None) => Ok(None),
                    Err(fault) => Err(broken(fault.to_string())),
                }
            }
            (_, RawItem::Xml(bytes)) => match read_feed(&bytes, None, &self.import.site) {
                Ok(feed) => match feed.items.into_iter().next() {
                    Some(item) => self.feed_item(line, item).map(Some),
                    None => Err(broken("it has neither title nor text".to_owned())),
                },
                Err(fault) => Err(broken(fault.to_string())),
            },
            (_, RawItem::Json(item)) => self.feed_item(line, *item).map(Some),
        }
    }

    /// An article of WordPress.
    fn post(&mut self, line: usize, item: WordPressItem, plan: &WordPressPlan) -> Result<NewArticle, Aside> {
        if let Some(reason) = left_out(&item) {
            return Err(Aside::LeftOut(reason, title_of(&item.item)));
        }
        let zone = self.options.parse.zone;
        let published = dates::published(&item, &plan.offsets, zone, self.now)
            .map_err(|doubt| Aside::doubtful(line, &title_of(&item.item), doubt))?;
        let number = item.number;
        let images_of = |gallery: &Gallery| -> Vec<SourceImage> {
            let all = number.and_then(|number| plan.images_of.get(&number));
            let numbers = match gallery {
                Gallery::Of(numbers) => numbers.as_slice(),
                Gallery::All => all.map(Vec::as_slice).unwrap_or_default(),
            };
            numbers.iter().filter_map(|number| plan.image(*number)).collect()
        };
        let PostHtml { html, removed } = wordpress_html(&item.item.html, images_of);
        let names = &plan.head.authors;
        let name_of = |login: &String| names.get(login).cloned().unwrap_or_else(|| login.clone());
        let by_number = number.map(|number| format!("{}?p={number}", self.front_page()));
        let read = SourceItem {
            html,
            authors: item.item.authors.iter().map(name_of).collect(),
            images: item.thumbnail.and_then(|number| plan.image(number)).into_iter().collect(),
            ..item.item
        };
        let article = self.new_article(line, read, published, (item.slug, by_number))?;
        Ok(NewArticle { removed, ..article })
    }

    fn front_page(&self) -> String {
        self.import.site.as_str().trim_end_matches('/').to_owned() + "/"
    }

    fn feed_item(&mut self, line: usize, item: SourceItem) -> Result<NewArticle, Aside> {
        let zone = self.options.parse.zone;
        let published = match judge(item.date.as_deref(), self.habits, zone, self.now, &mut Repairs::new()) {
            Ok(Verdict::Date(date)) => date,
            Ok(Verdict::AskPage(question)) => {
                return Err(Aside::doubtful(line, &title_of(&item), question.doubt()));
            }
            Err(doubt) => return Err(Aside::doubtful(line, &title_of(&item), doubt)),
        };
        let stem = item.link.as_deref().and_then(last_segment);
        self.new_article(line, item, published, (stem, None))
    }

    fn new_article(
        &mut self,
        line: usize,
        item: SourceItem,
        published: PublishedAt,
        (stem, by_number): (Option<String>, Option<String>),
    ) -> Result<NewArticle, Aside> {
        if item.title.is_empty() && item.html.trim().is_empty() && item.images.is_empty() {
            let title = title_of(&item);
            return Err(Aside::Rejected(ImportFinding::error(
                line,
                format!("{title}: không có tiêu đề cũng không có nội dung nên không được nhập."),
                format!("{title} has neither title nor text and is not imported"),
            )));
        }
        let addresses = &self.options.addresses;
        let channels = self.import.channels.channels_of(&item.categories, addresses);
        let collected = self.collected(&item, published, &channels);
        if let Some(other) = self.seen.insert(collected.key.clone(), line) {
            self.seen.insert(collected.key, other);
            let title = title_of(&item);
            return Err(Aside::Rejected(ImportFinding::error(
                line,
                format!("«{title}» có cùng mã với bài ở dòng {other}. Hãy xoá một trong hai khỏi tệp."),
                format!(
                    "`{title}` has the same id as the item on line {other}; remove one of them from the file"
                ),
            )));
        }
        let urls = [item.link.as_deref(), item.id.as_deref(), by_number.as_deref()];
        let old = old_addresses(urls.into_iter().flatten(), &self.import.site, addresses);
        Ok(NewArticle { line, item, collected, published, stem, channels, old, removed: BTreeMap::new() })
    }

    /// The identity of an item, and the hash of all that makes its article.
    fn collected(
        &self,
        item: &SourceItem,
        published: PublishedAt,
        channels: &BTreeMap<Slug, Option<String>>,
    ) -> CollectedItem {
        let hash = |text: &str| hex(&Sha256::digest(text)[..16]);
        // A link that several items share names none of them.
        let link =
            article_link(item).filter(|link| self.import.links.get(link).is_none_or(|uses| *uses == 1));
        let key = match (&item.id, &link) {
            (Some(id), _) => key_of_id(id),
            (None, Some(link)) => format!("url:{link}"),
            (None, None) => format!("text:{}", hash(&format!("{}\n{:?}", item.title, item.date))),
        };
        let json = serde_json::to_string(item).unwrap_or_default();
        let channels = Slug::join(channels.keys(), ",");
        let hash = hash(&format!("{json}\n{}\n{channels}", published.instant.timestamp()));
        CollectedItem {
            source: self.import.source.clone(),
            key,
            link,
            hash,
            date: item.date.clone(),
            log: None,
        }
    }

    /// The article with its images; none if its HTML is too complex.
    async fn ready(
        &mut self,
        article: NewArticle,
        findings: &mut Vec<ImportFinding>,
    ) -> Option<ReadyArticle> {
        let NewArticle { line, item, collected, published, stem, channels, old, removed } = article;
        let title = title_of(&item);
        let parsed = block_in_place(|| article_of(&item, published, None, None, &self.options.parse));
        let Some(mut draft) = parsed else {
            self.submitter.report.rejected += 1;
            findings.push(ImportFinding::error(
                line,
                format!("«{title}»: mã HTML quá phức tạp nên bài không được nhập."),
                format!("`{title}`: its HTML is too complex, so it is not imported"),
            ));
            return None;
        };
        if !removed.is_empty() {
            let names = removed.keys().map(|name| format!("[{name}]")).collect::<Vec<_>>().join(", ");
            findings.push(ImportFinding::warning(
                line,
                format!("«{title}»: đã bỏ mã {names} của trình cắm; phần chữ bên trong vẫn còn."),
                format!("`{title}`: the shortcodes {names} of plugins were removed; the text in them stays"),
            ));
        }
        let copied = copy_images(&mut draft, &mut self.files, &mut Repairs::new()).await;
        let missing = std::mem::take(&mut self.files.missing);
        self.submitter.report.missing_images += missing.len() as u64;
        findings.extend(missing_images(line, &title, &missing));
        // What is incomplete is tried again by the next import.
        let hash = match missing.is_empty() && !copied.is_incomplete {
            true => collected.hash,
            false => format!("{} without images", collected.hash),
        };
        // Its address is here from now on.
        draft.article.link = None;
        let submission = Submission {
            channels: channels.keys().cloned().collect(),
            id: own_id(&item, self.import.site.as_str()),
            stem: Slug::from_title(stem.as_deref().unwrap_or(&draft.article.title)),
            article: draft.article,
            source: Source::Collected(CollectedItem { hash, ..collected }),
            conditions: conditions(self.import.options.dry_run),
        };
        Some(ReadyArticle { line, submission, new_channels: channels, images: copied.images, old })
    }

    /// The servers that were not asked any more.
    fn not_asked(&mut self) -> Vec<ImportFinding> {
        let hosts = std::mem::take(&mut self.files.not_asked);
        self.submitter.report.missing_images += hosts.values().sum::<u64>();
        let finding = |(host, count): (String, u64)| {
            ImportFinding::warning(
                1,
                format!(
                    "Máy chủ {host} không trả lời nên {count} ảnh không tải được. Hãy chạy lại khi máy chủ hoạt động, hoặc \
                     dùng --files với bản sao của wp-content/uploads."
                ),
                format!(
                    "{host} does not answer, so {count} images were not requested; run the import again when it does, or name \
                     a copy of wp-content/uploads with --files"
                ),
            )
        };
        hosts.into_iter().map(finding).collect()
    }
}

/// Why an item is not taken in.
enum Aside {
    LeftOut(LeftOut, String),
    Rejected(ImportFinding),
}

impl Aside {
    fn doubtful(line: usize, title: &str, doubt: DateDoubt) -> Self {
        let Message { vietnamese, english } = doubt.message();
        Self::Rejected(ImportFinding::error(
            line,
            format!("«{title}» không được nhập: {vietnamese}. Hãy sửa ngày trong tệp."),
            format!("`{title}` is not imported: {english}; correct its date in the file"),
        ))
    }
}

fn title_of(item: &SourceItem) -> String {
    if !item.title.is_empty() {
        return item.title.clone();
    }
    item.link.clone().or_else(|| item.id.clone()).unwrap_or_else(|| "(không có tiêu đề)".to_owned())
}

/// `hop-dan` of `https://xa.vn/2019/05/hop-dan/`, without the ending of a file.
fn last_segment(link: &str) -> Option<String> {
    let url = url::Url::parse(link).ok()?;
    let segment = url.path_segments()?.rfind(|segment| !segment.is_empty())?;
    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
    let stem = decoded.rsplit_once('.').map_or(&*decoded, |(stem, _)| stem);
    // A number names nothing.
    stem.chars().any(char::is_alphabetic).then(|| stem.to_owned())
}

fn missing_images(line: usize, title: &str, missing: &[(String, String)]) -> Option<ImportFinding> {
    if missing.is_empty() {
        return None;
    }
    let named = missing.iter().take(NAMED_IMAGES).map(|(url, reason)| format!("{url} ({reason})"));
    let mut named = named.collect::<Vec<_>>().join(", ");
    if missing.len() > NAMED_IMAGES {
        named.push_str(&format!(" +{}", missing.len() - NAMED_IMAGES));
    }
    Some(ImportFinding::warning(
        line,
        format!("«{title}»: thiếu {} ảnh: {named}. Bài vẫn được nhập.", missing.len()),
        format!("`{title}`: {} images are missing: {named}; the text is imported", missing.len()),
    ))
}
