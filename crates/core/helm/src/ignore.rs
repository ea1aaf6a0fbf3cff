//! `.helmignore`: what of a directory is no part of the chart.

use filetree::path_match;

/// Rules that a file may have. Each is tried on each name.
const MAX_RULES: usize = 10_000;

/// The rules of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    pattern: String,
    on: On,
    negate: bool,
    directories_only: bool,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Path,
    Name,
}

impl Rules {
    /// What holds where there is no `.helmignore`: dot files of `templates/` are no part of a chart.
    pub(crate) fn none() -> Self {
        let pattern = "templates/.?*".to_owned();
        Self(vec![Rule { pattern, on: On::Path, negate: false, directories_only: false }])
    }

    /// Reads a `.helmignore`.
    ///
    /// **Source**: Helm 3.22, `pkg/ignore`. It is not gitignore: no `**`, and a `!` rule ignores all that it does not match.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if rules.len() == MAX_RULES {
                return Err(format!(".helmignore has more than {MAX_RULES} rules"));
            }
            rules.push(Rule::parse(line)?);
        }
        rules.extend(Self::none().0);
        Ok(Self(rules))
    }

    /// Whether a file or directory is left out; `path` is relative to the chart.
    pub(crate) fn ignores(&self, path: &str, is_directory: bool) -> bool {
        for rule in &self.0 {
            if rule.negate {
                if (rule.directories_only && !is_directory) || !rule.matches(path) {
                    return true;
                }
            } else if (!rule.directories_only || is_directory) && rule.matches(path) {
                return true;
            }
        }
        false
    }

    /// Whether a file is left out, or a directory on the way to it.
    pub(crate) fn ignores_file(&self, path: &str) -> bool {
        let above = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        self.ignores(path, false) || above.into_iter().any(|directory| self.ignores(directory, true))
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Self, String> {
        if line.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        // The text that the peer tries it on.
        path_match(line, "abc").map_err(|error| error.to_string())?;
        let (negate, pattern) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (directories_only, pattern) = match pattern.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let on = if pattern.contains('/') { On::Path } else { On::Name };
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern).to_owned();
        Ok(Self { pattern, on, negate, directories_only })
    }

    fn matches(&self, path: &str) -> bool {
        let text = match self.on {
            On::Path => path,
            On::Name => path.rsplit('/').next().unwrap_or(path),
        };
        path_match(&self.pattern, text) == Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::Rules;

    #[test]
    fn rules_as_helm_reads_them() {
        // (row, rules, path, is a directory, ignored)
        let rows = [
            ("nothing", "", "a.txt", false, false),
            ("the rule that is always there", "", "templates/.dotfile", false, true),
            ("and only there", "", "x/.dotfile", false, false),
            ("name anywhere", "*.txt", "docs/deep/a.txt", false, true),
            ("path from the root", "docs/*.txt", "docs/a.txt", false, true),
            ("a star stops at a slash", "docs/*.txt", "docs/deep/a.txt", false, false),
            ("leading slash", "/a.txt", "a.txt", false, true),
            ("leading slash, below", "/a.txt", "b/a.txt", false, false),
            ("directory", "ci/", "ci", true, true),
            ("directory rule on a file", "ci/", "ci", false, false),
            ("class", "[ab].txt", "b.txt", false, true),
            ("negated class", "[^ab].txt", "b.txt", false, false),
            ("comment", "# *.txt", "a.txt", false, false),
            ("blanks", "  *.txt  ", "a.txt", false, true),
            ("a negative rule keeps what it matches", "!a.txt", "a.txt", false, false),
            ("and ignores all else", "!a.txt", "b.txt", false, true),
            ("byte order mark", "\u{feff}a.txt", "a.txt", false, true),
            ("escape", r"\*.txt", "*.txt", false, true),
            ("escape, else", r"\*.txt", "a.txt", false, false),
        ];
        for (row, rules, path, is_directory, want) in rows {
            assert_eq!(Rules::parse(rules).unwrap().ignores(path, is_directory), want, "{row}");
        }
        assert_eq!(Rules::parse("a/**/b").unwrap_err(), "double-star (**) syntax is not supported");
        assert_eq!(Rules::parse("[a").unwrap_err(), "syntax error in pattern");
        assert!(Rules::parse("ci/").unwrap().ignores_file("ci/x/y"));
    }
}
