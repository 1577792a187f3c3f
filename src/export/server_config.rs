//! Generates configurations for nginx and Caddy, with which they answer like the service: media types, validators,
//! codings, cache headers, redirects. The values are those of the service.
//!
//! There are two files per server: an include, which each build rewrites, and a server block, which is written once.
//! The server block belongs to the operator, for example to add certificates.
//!
//! The templates are next to this file. A `@NAME@` in them is replaced by one or more lines with the same indentation.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::BuildError;
use super::manifest::META_DIR;
use super::old_addresses::OldAddresses;
use super::output_dir;
use super::plan::GONE_PAGE;
use crate::feed;
use crate::html;
use crate::model::{Channel, Permalink, Slug};
use crate::render::OPML_MEDIA_TYPE;
use crate::urls::{ACCESSIBILITY_PATH, FORMAT_ALIASES, Format, OPML_PATH, SiteUrls, search_path};

const NGINX: &str = include_str!("nginx.include");
const NGINX_SERVER: &str = include_str!("nginx.conf");
const CADDY: &str = include_str!("caddy.include");
const CADDY_SITE: &str = include_str!("Caddyfile");

/// Media types by file extension; feeds have theirs by file name.
const TYPES: [(&str, &str); 11] = [
    ("html", html::MEDIA_TYPE),
    ("xml", html::SITEMAP_MEDIA_TYPE),
    ("txt", "text/plain; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("ico", "image/vnd.microsoft.icon"),
    ("jpg", "image/jpeg"),
    ("png", "image/png"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
];
/// Matches files that are not HTML pages.
const NO_PAGE: &str = r"\.(xml|json|txt|css|js|svg|ico|jpg|png|webp|gif)$";

/// Matches live feeds.
const LIVE_FEED: &str = r"^(/[a-z0-9-]+)?/(rss\.xml|atom\.xml|feed\.json)$";

/// Header values, as the service sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// `Cache-Control` of live feeds and of data.
    pub feeds: String,
    /// `Cache-Control` of HTML and archive pages.
    pub pages: String,
    /// `Cache-Control` of images.
    pub images: String,
    /// `Cache-Control` of files with a hash of their bytes in the name.
    pub assets: String,
    /// Other headers of HTML pages, by name.
    pub html_headers: Vec<(&'static str, String)>,
}

/// A generated server block. It is written once and then belongs to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Path of the server block.
    pub path: PathBuf,
    /// Path of the include, which each build rewrites.
    pub include: PathBuf,
    /// Whether the server block names the include. One of an older version does not.
    pub includes: bool,
}

/// Writes changed includes, and missing server blocks, next to the output directory.
pub(super) fn write(
    root: &Path,
    channels: &[Channel],
    urls: &SiteUrls,
    headers: &Headers,
    old: &[(String, Permalink)],
) -> Result<Vec<Server>, BuildError> {
    let Some(name) = root.file_name() else { return Ok(Vec::new()) };
    let old = OldAddresses::new(root, &urls.path(""), old);
    let config = ServerConfig { old, ..ServerConfig::new(root, channels, urls, headers) };
    let sibling = |extension: &str| {
        let mut name = name.to_owned();
        name.push(extension);
        root.with_file_name(name)
    };
    let (nginx, caddy) = (sibling(".nginx.include"), sibling(".caddy.include"));
    let servers = [
        (sibling(".nginx.conf"), config.nginx_server(&nginx), &nginx),
        (sibling(".Caddyfile"), config.caddy_site(&caddy), &caddy),
    ];
    for (path, text) in [(&nginx, config.nginx()), (&caddy, config.caddy())] {
        if fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        put(path, &text)?;
    }
    let server = |(path, text, include): (PathBuf, String, &PathBuf)| {
        let includes = match fs::read(&path) {
            Ok(there) => includes(&there, include),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => put(&path, &text).map(|()| true)?,
            Err(cause) => return Err(BuildError::File { path, cause }),
        };
        Ok(Server { path, include: include.clone(), includes })
    };
    servers.into_iter().map(server).collect()
}

fn put(path: &Path, text: &str) -> Result<(), BuildError> {
    output_dir::replace(path, text.as_bytes())
        .map_err(|cause| BuildError::File { path: path.to_owned(), cause })
}

/// True if a configuration names the file, by any path.
fn includes(configuration: &[u8], file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    configuration.windows(name.len()).any(|text| text == name)
}

/// The values in a configuration.
struct ServerConfig<'a> {
    root: String,
    host: String,
    port: u16,
    encrypted: bool,
    is_loopback: bool,
    /// The path prefix of the site: empty or `/…`.
    prefix: String,
    /// Former slugs of channels, with the current ones.
    renamed: Vec<(&'a Slug, &'a Slug)>,
    gone: Vec<&'a Slug>,
    headers: &'a Headers,
    /// The URL of the site without a trailing slash, and of the WebSub hub of its live feeds.
    hub: Option<(&'a str, &'a str)>,
    /// Addresses that imported articles had elsewhere.
    old: OldAddresses,
}

impl<'a> ServerConfig<'a> {
    fn new(root: &Path, channels: &'a [Channel], urls: &'a SiteUrls, headers: &'a Headers) -> Self {
        // The configuration has validated it.
        let url = url::Url::parse(urls.site_url()).ok();
        let url = url.as_ref();
        let (gone, served): (Vec<_>, Vec<_>) = channels.iter().partition(|channel| channel.is_gone());
        let renamed =
            served.iter().flat_map(|channel| channel.former_slugs.iter().map(|was| (was, &channel.slug)));
        let gone = gone.iter().flat_map(|channel| channel.former_slugs.iter().chain([&channel.slug]));
        Self {
            root: root.display().to_string(),
            host: url.and_then(url::Url::host_str).unwrap_or("localhost").to_owned(),
            port: url.and_then(url::Url::port_or_known_default).unwrap_or(80),
            encrypted: url.is_some_and(|url| url.scheme() == "https"),
            is_loopback: urls.is_loopback(),
            prefix: urls.path(""),
            renamed: renamed.collect(),
            gone: gone.collect(),
            headers,
            old: OldAddresses::default(),
            hub: urls.hub_url().map(|hub| (urls.site_url(), hub)),
        }
    }

    /// The `Link` header of live feeds (feed rule W1). `path` is how a server writes the path of a request.
    fn hub_link(&self, path: &str) -> Option<String> {
        // NOTE: these servers give a meaning to characters that a query may contain as they are.
        const ENCODED: [(char, &str); 6] =
            [('$', "%24"), ('{', "%7B"), ('}', "%7D"), ('`', "%60"), ('\'', "%27"), ('\\', "%5C")];
        let (site, hub) = self.hub?;
        let plain =
            |text: &str| ENCODED.iter().fold(text.to_owned(), |text, (from, to)| text.replace(*from, to));
        Some(format!("<{}{path}>; rel=\"self\", <{}>; rel=\"hub\"", plain(site), plain(hub)))
    }

    fn nginx(&self) -> String {
        let Self { prefix, headers, gone, renamed, .. } = self;
        let variable = |place: usize| format!("$bantin_of_pages_{place}");
        let html_headers = headers.html_headers.iter().enumerate().flat_map(|(place, (name, value))| {
            let variable = variable(place);
            [
                format!("set {variable} \"{value}\";"),
                format!("if ($uri ~ \"{NO_PAGE}\") {{ set {variable} \"\"; }}"),
                format!("add_header {name} {variable} always;"),
            ]
        });
        let absent =
            headers.html_headers.iter().map(|(name, value)| format!("add_header {name} \"{value}\" always;"));
        let kept = self.cache_rules().map(|(_, pattern, kept)| {
            format!("if ($uri ~ \"{pattern}\") {{ set $bantin_kept \"{kept}\"; }}")
        });
        let link = self.hub_link("$uri").into_iter().flat_map(|link| {
            [
                "set $bantin_link \"\";".to_owned(),
                format!("if ($uri ~ \"{LIVE_FEED}\") {{ set $bantin_link '{link}'; }}"),
                // The old address of a feed redirects, and is none itself.
                "if (!-f $document_root$uri) { set $bantin_link \"\"; }".to_owned(),
                "add_header Link $bantin_link;".to_owned(),
            ]
        });
        let gone = gone.iter().map(|slug| {
            format!(
                "location ~ \"^/{slug}(/|$)\" {{ error_page 410 /{META_DIR}/gone/{GONE_PAGE}; return 410; }}"
            )
        });
        let there = |file: &str, target: &str| {
            format!("    if (-f $document_root{file}) {{ return 301 {prefix}{target}$is_args$args; }}")
        };
        let renamed = renamed.iter().enumerate().flat_map(|(place, (was, slug))| {
            let feeds = aliases().flat_map(|(format, names)| {
                let feed = format!("/{slug}/{}", format.file_name());
                redirect_location(&format!("^/{was}/{names}/?$"), there(&feed, &feed))
            });
            let (page, file) = (format!("bantin_page_{place}"), format!("bantin_file_{place}"));
            let pages = redirect_location(
                &format!("^/{was}(?<{page}>(?:/[a-z0-9/-]*[a-z0-9-])?)(?:/|/index\\.html)?$"),
                there(&format!("/{slug}${page}/index.html"), &format!("/{slug}${page}/")),
            );
            let files = redirect_location(
                &format!("^/{was}(?<{file}>/[a-z0-9/-]+\\.[a-z]+)$"),
                there(&format!("/{slug}${file}"), &format!("/{slug}${file}")),
            );
            feeds.chain(pages).chain(files).collect::<Vec<_>>()
        });
        let aliases = aliases().flat_map(|(format, names)| {
            let scope = format!("bantin_{}", format.name());
            let feed = format!("${scope}/{}", format.file_name());
            redirect_location(&format!("^(?<{scope}>(?:/[a-z0-9-]+)?)/{names}/?$"), there(&feed, &feed))
        });
        let by_name = by_slug().map(|(name, media_type)| {
            format!(
                "location ~ \"/{}$\" {{ types {{ }} default_type \"{media_type}\"; }}",
                escape_regex(name)
            )
        });
        let decoded = escape_regex(&self.decoded_prefix());
        let prefixed = (!prefix.is_empty()).then(|| format!("rewrite \"^{decoded}(?:/(.*))?$\" /$1;\n"));
        fill_template(
            NGINX,
            &[
                ("ROOT", quoted(&self.root)),
                ("API", format!("(?:{})?/(?:api|tim-kiem)(?:[/?]| )", escape_regex(prefix))),
                ("SEARCH", search_path(None, "")),
                ("ACCESSIBILITY", ACCESSIBILITY_PATH.to_owned()),
                ("ALIASES", lines(aliases)),
                (
                    "TYPES",
                    lines(TYPES.iter().map(|(ending, media_type)| format!("\"{media_type}\" {ending};"))),
                ),
                ("PREFIX", prefixed.unwrap_or_default()),
                ("BASE", prefix.clone()),
                ("PAGES", headers.pages.clone()),
                ("KEPT", lines(kept)),
                ("HUB", lines(link)),
                ("OF_PAGES", lines(html_headers)),
                ("ABSENT_PAGE", lines(absent)),
                ("GONE", lines(gone)),
                ("RENAMED", lines(renamed)),
                ("IMPORTED", self.old.nginx()),
                ("BY_NAME", lines(by_name)),
            ],
        )
    }

    /// The prefix as both servers match it, percent-decoded.
    fn decoded_prefix(&self) -> Cow<'_, str> {
        percent_encoding::percent_decode_str(&self.prefix).decode_utf8_lossy()
    }

    fn nginx_server(&self, include: &Path) -> String {
        fill_template(
            NGINX_SERVER,
            &[
                ("LISTEN", self.listen()),
                ("HOST", self.host.clone()),
                ("INCLUDE", quoted(&include.display().to_string())),
            ],
        )
    }

    fn listen(&self) -> String {
        let port = self.port;
        match (self.encrypted, self.is_loopback, self.host.starts_with('[')) {
            (true, ..) => lines(
                [
                    "listen 80;",
                    "# Where nginx speaks TLS itself:",
                    "# listen 443 ssl;",
                    "# ssl_certificate …;",
                    "# ssl_certificate_key …;",
                ]
                .map(str::to_owned),
            ),
            (false, false, _) => format!("listen {port};"),
            // Other machines must not reach it.
            (false, true, false) => format!("listen 127.0.0.1:{port};"),
            (false, true, true) => format!("listen [::1]:{port};"),
        }
    }

    fn caddy_site(&self, include: &Path) -> String {
        let Self { host, port, .. } = self;
        let scheme = if self.encrypted { "https" } else { "http" };
        fill_template(
            CADDY_SITE,
            &[
                ("SITE", format!("{scheme}://{host}:{port}")),
                ("BASE", escape_regex(&self.decoded_prefix())),
                ("INCLUDE", quoted(&include.display().to_string())),
            ],
        )
    }

    fn caddy(&self) -> String {
        let Self { root, prefix, headers, gone, renamed, .. } = self;
        let kept = self.cache_rules().into_iter().flat_map(|(name, pattern, kept)| {
            [format!("@{name} path_regexp {pattern}"), format!("header @{name} Cache-Control \"{kept}\"")]
        });
        let link = self.hub_link("{path}").into_iter().flat_map(|link| {
            let feed = [
                "@feed {".to_owned(),
                format!("\tpath_regexp {LIVE_FEED}"),
                "\tfile".to_owned(),
                "}".to_owned(),
            ];
            feed.into_iter().chain([format!("header @feed Link `{link}`")])
        });
        let html_headers =
            headers.html_headers.iter().map(|(name, value)| format!("header @page {name} \"{value}\""));
        let absent = headers.html_headers.iter().map(|(name, value)| format!("{name} \"{value}\""));
        let by_ending = TYPES.iter().map(|(ending, media_type)| (format!("\\.{ending}$"), *media_type));
        let by_name = by_slug().map(|(name, media_type)| (format!("/{}$", escape_regex(name)), media_type));
        let types = by_ending.chain(by_name).enumerate().flat_map(|(place, (pattern, media_type))| {
            [
                format!("@type{place} path_regexp {pattern}"),
                format!("header @type{place} Content-Type \"{media_type}\""),
            ]
        });
        let gone = gone.iter().flat_map(|slug| {
            [format!("@gone-{slug} path_regexp ^/{slug}(/|$)"), format!("error @gone-{slug} 410")]
        });
        let there = |name: &str, pattern: &str, file: &str, target: &str| {
            [
                format!("@{name} path_regexp {name} {pattern}"),
                format!("route @{name} {{"),
                format!("\t@{name}_there file {file}"),
                format!("\tredir @{name}_there {prefix}{target}{{vars.bantin_query}} 301"),
                "\terror 404".to_owned(),
                "}".to_owned(),
            ]
        };
        let renamed = renamed.iter().enumerate().flat_map(|(place, (was, slug))| {
            let feeds = aliases().flat_map(|(format, names)| {
                let feed = format!("/{slug}/{}", format.file_name());
                let name = format!("{}_{place}", format.name());
                there(&name, &format!("^/{was}/{names}/?$"), &feed, &feed)
            });
            let (page, file) = (format!("page_{place}"), format!("file_{place}"));
            let pages = there(
                &page,
                &format!("^/{was}((?:/[a-z0-9/-]*[a-z0-9-])?)(?:/|/index\\.html)?$"),
                &format!("/{slug}{{re.{page}.1}}/index.html"),
                &format!("/{slug}{{re.{page}.1}}/"),
            );
            let target = format!("/{slug}{{re.{file}.1}}");
            let files = there(&file, &format!("^/{was}(/[a-z0-9/-]+\\.[a-z]+)$"), &target, &target);
            feeds.chain(pages).chain(files).collect::<Vec<_>>()
        });
        let aliases = aliases().flat_map(|(format, names)| {
            let name = format.name();
            let feed = format!("{{re.{name}.1}}/{}", format.file_name());
            there(name, &format!("^((?:/[a-z0-9-]+)?)/{names}/?$"), &feed, &feed)
        });
        fill_template(
            CADDY,
            &[
                ("SEARCH", search_path(None, "")),
                ("ACCESSIBILITY", ACCESSIBILITY_PATH.to_owned()),
                ("ALIASES", lines(aliases)),
                ("ROOT", quoted(root)),
                ("GONE_ROOT", quoted(&format!("{root}/{META_DIR}/gone"))),
                (
                    "PREFIX",
                    if prefix.is_empty() { String::new() } else { format!("uri strip_prefix {prefix}\n") },
                ),
                ("BASE", prefix.clone()),
                ("PAGES", headers.pages.clone()),
                ("PAGE_TYPE", html::MEDIA_TYPE.to_owned()),
                ("NO_PAGE", NO_PAGE.to_owned()),
                ("KEPT", lines(kept)),
                ("HUB", lines(link)),
                ("OF_PAGES", lines(html_headers)),
                ("ABSENT_PAGE", lines(absent)),
                ("TYPES", lines(types)),
                ("GONE", lines(gone)),
                ("RENAMED", lines(renamed)),
                ("IMPORTED", self.old.caddy()),
            ],
        )
    }

    /// Cache rules by path: name, pattern, `Cache-Control`.
    fn cache_rules(&self) -> [(&'static str, &'static str, &str); 4] {
        let Headers { feeds, images, assets, .. } = self.headers;
        [
            ("live", LIVE_FEED, feeds),
            ("data", r"^/(opml\.xml|robots\.txt|favicon\.ico)$", feeds),
            ("pictures", "^/media/", images),
            ("assets", "^/assets/", assets),
        ]
    }
}

/// Media types of files that have theirs by name and not by extension.
fn by_slug() -> impl Iterator<Item = (&'static str, &'static str)> {
    let feeds = Format::ALL.into_iter().map(|format| (format.file_name(), feed::media_type(format)));
    feeds.chain([(OPML_PATH.trim_start_matches('/'), OPML_MEDIA_TYPE)])
}

/// The file names of feeds in other software, as one regex group per format.
fn aliases() -> impl Iterator<Item = (Format, String)> {
    Format::ALL.into_iter().filter_map(|format| {
        let names = FORMAT_ALIASES.iter().filter(|(_, of)| *of == format).map(|(name, _)| escape_regex(name));
        let names = names.collect::<Vec<_>>().join("|");
        (!names.is_empty()).then(|| (format, format!("(?:{names})")))
    })
}

/// An nginx location that redirects if the target exists.
fn redirect_location(pattern: &str, condition: String) -> [String; 4] {
    [format!("location ~ \"{pattern}\" {{"), condition, "    return 404;".to_owned(), "}".to_owned()]
}

fn lines(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

/// Replaces each placeholder by its value. A line with only a placeholder is dropped if the value is empty.
fn fill_template(template: &str, words: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(2 * template.len());
    for line in template.lines() {
        let bare = line.trim_start();
        let indent = &line[..line.len() - bare.len()];
        let only = words
            .iter()
            .find(|(word, _)| bare.strip_prefix('@').and_then(|rest| rest.strip_suffix('@')) == Some(word));
        let filled = match only {
            Some((_, value)) => value.clone(),
            None => words
                .iter()
                .fold(bare.to_owned(), |line, (word, value)| line.replace(&format!("@{word}@"), value)),
        };
        if only.is_some() && filled.is_empty() {
            continue;
        }
        for line in filled.split('\n') {
            if !line.is_empty() {
                text.push_str(indent);
                text.push_str(line);
            }
            text.push('\n');
        }
    }
    text
}

/// Escapes a text for a regular expression.
fn escape_regex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation() && !matches!(character, '/' | '-' | '_' | '%') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Quotes a path for both servers.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_gets_the_indentation_of_its_placeholder_and_an_empty_one_leaves_no_line() {
        let words =
            [("ROOT", "/srv/a".to_owned()), ("GONE", String::new()), ("KEPT", "one;\ntwo;".to_owned())];
        let text = fill_template("server {\n    root @ROOT@/@ROOT@;\n    @GONE@\n    @KEPT@\n}\n", &words);
        assert_eq!(text, "server {\n    root /srv/a//srv/a;\n    one;\n    two;\n}\n");
    }

    #[test]
    fn every_placeholder_is_filled_and_every_value_is_used() {
        let (doi_song, xa_hoi, covid) =
            ["doi-song", "xa-hoi", "covid"].map(|slug| Slug::parse(slug).unwrap()).into();
        let headers = Headers {
            feeds: "public, max-age=300".to_owned(),
            pages: "no-cache".to_owned(),
            images: "public, max-age=86400".to_owned(),
            assets: "immutable".to_owned(),
            html_headers: vec![("Referrer-Policy", "no-referrer".to_owned())],
        };
        let config = ServerConfig {
            root: "/srv/bản tin \"1\"".to_owned(),
            host: "example.vn".to_owned(),
            port: 443,
            encrypted: true,
            is_loopback: false,
            prefix: "/ban.tin".to_owned(),
            renamed: vec![(&xa_hoi, &doi_song)],
            gone: vec![&covid],
            headers: &headers,
            old: OldAddresses::default(),
            hub: Some(("https://example.vn/ban.tin", "https://hub.vn/?a=$b{c}")),
        };
        let include = Path::new("/srv/bản tin.include");
        let no_word_left = |text: &str| {
            let left: Vec<&str> = text.split('@').filter(|word| is_placeholder(word)).collect();
            assert!(left.is_empty(), "{left:?}");
        };
        for text in [config.nginx(), config.caddy()] {
            no_word_left(&text);
            for named in ["\"/srv/bản tin \\\"1\\\"\"", "/ban.tin", "doi-song", "covid", "no-referrer"] {
                assert!(text.contains(named), "{named} is missing in\n{text}");
            }
        }
        for text in [config.nginx_server(include), config.caddy_site(include)] {
            no_word_left(&text);
            assert!(text.contains("example.vn") && text.contains("\"/srv/bản tin.include\""), "{text}");
            assert!(includes(text.as_bytes(), include));
        }
        // What a server would take for a variable is encoded.
        let hub = "<https://hub.vn/?a=%24b%7Bc%7D>; rel=\"hub\"";
        assert!(config.nginx().contains(hub) && config.caddy().contains(hub));
        let without = ServerConfig { hub: None, ..config };
        assert!(!without.nginx().contains("Link") && !without.caddy().contains("header @feed Link"));
        let config = without;
        assert!(config.nginx().contains("rewrite \"^/ban\\.tin(?:/(.*))?$\" /$1;"));
    }

    fn is_placeholder(text: &str) -> bool {
        text.len() > 2 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    }
}
