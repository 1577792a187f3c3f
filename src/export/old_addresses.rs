//! Old addresses of imported articles in the configurations of web servers.
//!
//! Both servers look an address up in a list and redirect to what the list says: nothing of a request comes into a redirect.

use std::path::Path;

use crate::model::Permalink;
use crate::urls::article_path;

/// Old addresses, with the paths of their articles.
#[derive(Debug, Default)]
pub(super) struct OldAddresses {
    /// Decoded paths without a slash at the end.
    paths: Vec<(String, String)>,
    /// Numbers of `/?p=123`.
    numbers: Vec<(u64, String)>,
}

impl OldAddresses {
    /// Those that a web server can redirect and at which there is no file in `root`. Other queries than `?p=123` are left to
    /// the service.
    pub(super) fn new(root: &Path, prefix: &str, old: &[(String, Permalink)]) -> Self {
        let mut found = Self::default();
        for (address, permalink) in old {
            let target = format!("{prefix}{}", article_path(permalink));
            if let Some(number) = address.strip_prefix("/?p=").and_then(|number| number.parse().ok()) {
                found.numbers.push((number, target));
            } else if is_plain(address) && !is_file(root, address) {
                found.paths.push((address.clone(), target));
            }
        }
        found
    }

    /// For nginx: exact locations, which it finds in a tree.
    ///
    /// NOTE: they are in the order in which nginx sorts them. It inserts one after the other into a list, which takes half a
    /// minute for 40,000 in another order and a third of a second in this one.
    pub(super) fn nginx(&self) -> String {
        let mut locations: Vec<(String, String)> = Vec::new();
        for (path, target) in &self.paths {
            for path in [path.clone(), format!("{path}/")] {
                locations.push((path, format!("return 301 {target};")));
            }
        }
        for (number, target) in &self.numbers {
            locations.push((format!("/.bantin/p/{number}"), format!("internal; return 301 {target};")));
        }
        locations.sort_by(|(one, _), (other, _)| order_of_nginx(one).cmp(order_of_nginx(other)));
        let mut lines = Vec::with_capacity(locations.len() + 2);
        if !self.numbers.is_empty() {
            // A location knows no query: the number becomes a path inside of nginx.
            lines.push(
                "if ($args ~ \"^p=(?<bantin_p>[0-9]+)(&|$)\") { rewrite \"^/$\" /.bantin/p/$bantin_p last; }"
                    .to_owned(),
            );
            lines.push("location ^~ /.bantin/p/ { internal; try_files /index.html =404; }".to_owned());
        }
        lines.extend(locations.iter().map(|(path, answer)| format!("location = \"{path}\" {{ {answer} }}")));
        lines.join("\n")
    }

    /// For Caddy: two lists.
    pub(super) fn caddy(&self) -> String {
        let mut lines = Vec::new();
        if !self.paths.is_empty() {
            lines.push("map {http.request.uri.path} {bantin_old} {".to_owned());
            for (path, target) in &self.paths {
                lines.extend([format!("\t\"{path}\" {target}"), format!("\t\"{path}/\" {target}")]);
            }
            lines.extend(
                [
                    "\tdefault \"\"",
                    "}",
                    "@old expression `{bantin_old} != \"\"`",
                    "redir @old {bantin_old} 301",
                ]
                .map(str::to_owned),
            );
        }
        if !self.numbers.is_empty() {
            lines.push("map {http.request.uri.query.p} {bantin_old_number} {".to_owned());
            lines.extend(self.numbers.iter().map(|(number, target)| format!("\t\"{number}\" {target}")));
            lines.extend(
                [
                    "\tdefault \"\"",
                    "}",
                    "@old_number {",
                    "\tpath /",
                    "\texpression `{bantin_old_number} != \"\"`",
                    "}",
                    "redir @old_number {bantin_old_number} 301",
                ]
                .map(str::to_owned),
            );
        }
        lines.join("\n")
    }
}

/// The bytes by which nginx sorts locations: a slash comes before everything else.
fn order_of_nginx(path: &str) -> impl Iterator<Item = u8> {
    path.bytes().map(|byte| if byte == b'/' { 0 } else { byte })
}

/// SECURITY: an address comes from an imported file. What means something to a web server stays out of its configuration.
fn is_plain(address: &str) -> bool {
    address
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | ',' | '~' | '+' | '(' | ')'))
        && !address.contains("//")
}

/// True if the site has something of its own at a path.
fn is_file(root: &Path, address: &str) -> bool {
    let below = address.trim_start_matches('/');
    let itself = root.join(below);
    itself.is_file() || itself.join("index.html").is_file() || root.join(format!("{below}.html")).is_file()
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::model::Slug;

    #[test]
    fn what_a_server_could_misread_and_what_exists_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("xa-hoi")).unwrap();
        std::fs::write(root.path().join("xa-hoi/index.html"), "x").unwrap();
        let day = NaiveDate::from_ymd_opt(2019, 5, 2).unwrap();
        let permalink = Permalink { day, slug: Slug::parse("a").unwrap() };
        let old = [
            "/làm-đường",
            "/?p=7",
            "/?p=x",
            "/xa-hoi",
            "/a\" {",
            "/a;b",
            "/{x}",
            "/$uri",
            "/a?b=c",
            "/a b",
            "//a",
            "/a\\",
            "/a`b",
        ];
        let old = old.map(|address| (address.to_owned(), permalink.clone()));
        let found = OldAddresses::new(root.path(), "/bantin", &old);
        let target = "/bantin/bai-viet/2019/05/02/a".to_owned();
        assert_eq!(found.paths, [("/làm-đường".to_owned(), target.clone())]);
        assert_eq!(found.numbers, [(7, target)]);
        let lines = found.nginx();
        let lines: Vec<&str> = lines.lines().filter(|line| line.starts_with("location =")).collect();
        assert!(
            lines[0].starts_with("location = \"/.bantin/p/7\" { internal; return 301 /bantin/"),
            "{lines:?}"
        );
        assert!(lines[1].starts_with("location = \"/làm-đường\" { return") && lines.len() == 3, "{lines:?}");
        assert_eq!(OldAddresses::default().nginx() + &OldAddresses::default().caddy(), "");
    }
}
