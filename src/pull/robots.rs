//! `robots.txt` (RFC 9309), for pages of articles. A feed is published to be requested by programs.

/// True if the rules for `bantin`, or otherwise for all, allow this path with its query.
pub(super) fn allows(robots: &str, path: &str) -> bool {
    let rules = rules_for(robots, |agent| agent.eq_ignore_ascii_case("bantin"));
    let rules = rules.or_else(|| rules_for(robots, |agent| agent == "*")).unwrap_or_default();
    // The longest rule wins, and `allow` among equals (§2.2.2).
    let matching = rules.iter().filter(|(_, pattern)| !pattern.is_empty() && matches(pattern, path));
    matching.max_by_key(|(allowed, pattern)| (pattern.len(), *allowed)).is_none_or(|(allowed, _)| *allowed)
}

/// The rules of the groups for an agent: whether they allow, and a pattern. `None` if there is no group.
fn rules_for(robots: &str, is_agent: impl Fn(&str) -> bool) -> Option<Vec<(bool, &str)>> {
    let (mut rules, mut applies, mut in_agents) = (None, false, false);
    for line in robots.lines() {
        let Some((key, value)) = line.split('#').next().unwrap_or_default().split_once(':') else { continue };
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "user-agent" => {
                applies = is_agent(value) || (in_agents && applies);
                in_agents = true;
                if applies {
                    rules.get_or_insert_with(Vec::new);
                }
            }
            rule @ ("allow" | "disallow") => {
                in_agents = false;
                if applies {
                    rules.get_or_insert_with(Vec::new).push((rule == "allow", value));
                }
            }
            _ => {}
        }
    }
    rules
}

/// `*` stands for any characters, `$` at the end for the end (§2.2.3).
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, to_the_end) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    for (index, part) in parts.iter().enumerate() {
        let is_last = index + 1 == parts.len();
        if is_last && to_the_end {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    !to_the_end || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn the_longest_rule_of_the_own_group_wins() {
        let robots = "User-agent: *\nDisallow: /\n\nUser-agent: other\nUser-agent: Bantin # us\nDisallow: /tin\nAllow: /tin/cong-khai\nDisallow: /*.pdf$\nDisallow:\n";
        for (path, allowed) in [
            ("/", true),
            ("/tin", false),
            ("/tin/1", false),
            ("/tin/cong-khai/1", true),
            ("/a.pdf", false),
            ("/a.pdf?x", true),
        ] {
            assert_eq!(allows(robots, path), allowed, "{path}");
        }
        assert!(!allows("user-agent: *\ndisallow: /", "/x"));
        assert!(
            allows("", "/x") && allows("User-agent: other\nDisallow: /", "/x") && allows("<html>404", "/x")
        );
        assert!(allows("User-agent: bantin\nUser-agent: *\nDisallow: /y", "/x"));
    }
}
