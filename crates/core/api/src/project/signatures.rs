//! The keys of which one must have signed what applications are made from.

use serde::Deserialize;
use serde_json::Value;

use crate::AppProjectSpec;
use crate::glob::{Dialect, Glob};
use crate::repo_url::normal_form;

/// What a project's `signatureKeys` and `sourceIntegrity` ask of commits.
#[derive(Debug, Clone)]
pub struct Integrity {
    policies: Vec<Policy>,
    /// Whether a source that is no git repository cannot do at all.
    git_only: bool,
    problems: Vec<String>,
}

#[derive(Debug, Clone)]
struct Policy {
    repos: Vec<Repos>,
    asks: Result<Option<SignatureKeys>, String>,
}

/// Repositories by a pattern.
#[derive(Debug, Clone)]
struct Repos {
    /// Whether these are left out.
    excludes: bool,
    written: Glob,
    /// The same in normal form.
    normal: Glob,
}

impl Repos {
    /// `!` makes a pattern leave out what it matches.
    fn new(pattern: &str) -> Self {
        let (excludes, pattern) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
        let glob = |text: &str| Glob::new(text, Dialect::Text);
        Self { excludes, written: glob(pattern), normal: glob(&normal_form(pattern)) }
    }
}

/// The keys of which one must have signed, and what.
#[derive(Debug, Clone)]
pub struct SignatureKeys {
    /// Whether the whole history must be signed, up to commits that vouch for what was before them.
    history: bool,
    /// Ids, 16 upper-case hex digits, or fingerprints of SSH keys.
    ids: Vec<String>,
}

/// `sourceIntegrity`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    git: Option<WrittenGit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGit {
    #[serde(default)]
    policies: Vec<WrittenPolicy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPolicy {
    #[serde(default)]
    repos: Vec<WrittenRepo>,
    gpg: WrittenGpg,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRepo {
    url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGpg {
    mode: String,
    #[serde(default)]
    keys: Vec<String>,
}

impl Integrity {
    /// Reads both settings. `sourceIntegrity.git` takes the place of `signatureKeys`, which stand for one policy for all repositories.
    ///
    /// **Errors**: a `sourceIntegrity` that cannot be read, with the reason; nothing must be taken from anywhere then.
    /// **Source**: the peer's `EffectiveSourceIntegrity`, of its version 3.6.
    pub fn new(spec: &AppProjectSpec) -> Result<Self, String> {
        let mut problems = Vec::new();
        let written = match &spec.source_integrity {
            None | Some(Value::Null) => None,
            Some(value) => {
                serde_path_to_error::deserialize::<_, Written>(value).map_err(|error| error.to_string())?.git
            }
        };
        let (git_only, policies) = match written {
            Some(git) => {
                if !spec.signature_keys.is_empty() {
                    problems
                        .push("signatureKeys are not heeded, since sourceIntegrity.git is set".to_owned());
                }
                (false, git.policies.iter().map(|policy| Policy::new(policy, &mut problems)).collect())
            }
            None if spec.signature_keys.is_empty() => (false, Vec::new()),
            None => {
                let keys = spec.signature_keys.iter().map(|key| key.key_id.as_str());
                let asks = Ok(Some(SignatureKeys::new(keys, false, "signatureKeys", &mut problems)));
                (true, vec![Policy { repos: vec![Repos::new("*")], asks }])
            }
        };
        Ok(Self { policies, git_only, problems })
    }

    /// What is asked of the commits of a git repository; `None` is nothing.
    ///
    /// **Shape**: the policy one of whose patterns matches the URL, as it is written or in [normal form](crate::normal_form), and none of
    /// whose `!` patterns does. **Errors**: several policies match; one that cannot be held yet.
    /// **Source**: the peer's `lookupGit`, which compares URLs as they are written alone: another spelling would evade a policy.
    pub fn asked_of(&self, repo_url: &str) -> Result<Option<&SignatureKeys>, String> {
        let normal = normal_form(repo_url);
        let mut matching = self.policies.iter().filter(|policy| policy.is_for(repo_url, &normal));
        let Some(policy) = matching.next() else { return Ok(None) };
        let others = matching.count();
        if others > 0 {
            let url = crate::redact_url(repo_url);
            let count = others + 1;
            return Err(format!(
                "multiple ({count}) git source integrity policies found for repo URL: {url}"
            ));
        }
        policy.asks.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// Whether charts and artifacts of registries cannot do, for nobody signs their commits.
    pub fn is_for_git_only(&self) -> bool {
        self.git_only
    }

    /// What cannot be read and permits nothing, in words.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl Policy {
    fn new(written: &WrittenPolicy, problems: &mut Vec<String>) -> Self {
        let repos: Vec<Repos> = written.repos.iter().map(|repo| Repos::new(&repo.url)).collect();
        for glob in repos.iter().map(|repos| &repos.written) {
            if let Some(problem) = glob.problem() {
                problems.push(format!("sourceIntegrity has the repository {:?}: {problem}", glob.pattern()));
            }
        }
        let gpg = &written.gpg;
        let asks = match gpg.mode.as_str() {
            "none" => Ok(None),
            mode @ ("head" | "strict") => {
                let keys = gpg.keys.iter().map(String::as_str);
                Ok(Some(SignatureKeys::new(keys, mode == "strict", "sourceIntegrity", problems)))
            }
            other => Err(format!("unknown GPG mode {other:?} configured for GIT source integrity")),
        };
        Self { repos, asks }
    }

    fn is_for(&self, url: &str, normal: &str) -> bool {
        // A pattern that cannot be read may have meant this one.
        let included = |repos: &Repos| {
            repos.written.problem().is_some() || repos.written.matches(url) || repos.normal.matches(normal)
        };
        let excluded = |repos: &Repos| repos.excludes && repos.normal.matches(normal);
        !self.repos.iter().any(excluded) && self.repos.iter().any(|repos| !repos.excludes && included(repos))
    }
}

impl SignatureKeys {
    fn new<'a>(
        keys: impl Iterator<Item = &'a str>,
        history: bool,
        field: &str,
        problems: &mut Vec<String>,
    ) -> Self {
        let mut ids = Vec::new();
        for key in keys {
            match key_id(key) {
                Some(id) => ids.push(id),
                None => problems.push(format!(
                    "{field} has {key:?}, which is no key: give its id of 16 hex digits or its fingerprint (of an SSH key SHA256:…)"
                )),
            }
        }
        Self { history, ids }
    }

    /// Whether all that came before must be signed, too (mode `strict`).
    pub fn ask_for_history(&self) -> bool {
        self.history
    }

    /// The keys' ids, 16 upper-case hex digits each, or fingerprints of SSH keys.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Whether a key is one of them, by its id or its fingerprint.
    pub fn allows(&self, key: &str) -> bool {
        key_id(key).is_some_and(|id| self.ids.contains(&id))
    }
}

/// Characters of the sum in an SSH key's fingerprint.
const SSH_SUM: usize = 43;

/// The id of a key, of an id or of a fingerprint; of an SSH key its fingerprint, `SHA256:…`.
fn key_id(text: &str) -> Option<String> {
    if let Some(sum) = text.strip_prefix("SHA256:") {
        return (sum.len() == SSH_SUM).then(|| text.to_owned());
    }
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = match text.len() {
        16 => text,
        40 => text.get(24..)?,
        _ => return None,
    };
    hex.then(|| id.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn integrity(spec: Value) -> Result<Integrity, String> {
        Integrity::new(&serde_json::from_value::<AppProjectSpec>(spec).unwrap())
    }

    #[test]
    fn keys_are_known_by_their_ids() {
        const LONG: &str = "5DE3E0509C47EA3CF04A42D34AEE18F83AFDEB23";
        for (ids, key, allowed) in [
            (&["4AEE18F83AFDEB23"][..], LONG, true),
            (&["4aee18f83afdeb23"], "4AEE18F83AFDEB23", true),
            (&[LONG], "4AEE18F83AFDEB23", true),
            (&["0000000000000000", LONG], LONG, true),
            (&["3AFDEB23"], "3AFDEB23", false),
            (&["4AEE18F83AFDEB2Z"], LONG, false),
            (&[""], "", false),
            (
                &["SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"],
                "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
                true,
            ),
            (&["SHA256:47DEQpj8"], "SHA256:47DEQpj8", false),
            (&["0000000000000000"], LONG, false),
        ] {
            let keys: Vec<_> = ids.iter().map(|id| json!({"keyID": id})).collect();
            let integrity = integrity(json!({"signatureKeys": keys})).unwrap();
            let asked = integrity.asked_of("https://h/any").unwrap().unwrap();
            assert_eq!(asked.allows(key), allowed, "{ids:?} {key}");
            assert!(integrity.is_for_git_only());
        }
        let odd = integrity(json!({"signatureKeys": [{"keyID": "3AFDEB23"}]})).unwrap();
        assert_eq!(odd.problems().len(), 1, "what cannot be read permits nothing, and is named");
        let none = integrity(json!({})).unwrap();
        assert!(none.asked_of("https://h/any").unwrap().is_none() && !none.is_for_git_only());
    }

    #[test]
    fn policies_are_for_repositories() {
        let policy = |repos: &[&str], mode: &str| {
            let repos: Vec<_> = repos.iter().map(|url| json!({"url": url})).collect();
            json!({"repos": repos, "gpg": {"mode": mode, "keys": ["4AEE18F83AFDEB23"]}})
        };
        let integrity = integrity(
            json!({"signatureKeys": [{"keyID": "4AEE18F83AFDEB23"}], "sourceIntegrity": {"git": {"policies": [
                policy(&["https://git.example/team/*", "!https://git.example/team/free.git"], "head"),
                policy(&["https://git.example/off/*"], "none"),
                policy(&["https://git.example/all/*"], "strict"),
                policy(&["https://git.example/odd/*"], "loud"),
                policy(&["https://git.example/two/*"], "head"),
                policy(&["*/two/*"], "none"),
            ]}}}),
        )
        .unwrap();
        assert_eq!(integrity.problems(), ["signatureKeys are not heeded, since sourceIntegrity.git is set"]);
        for (url, expected) in [
            ("https://git.example/team/a", Ok(true)),
            ("HTTPS://Git.Example/team/a.git", Ok(true)),
            ("https://git.example/team/free", Ok(false)),
            ("https://git.example/off/a", Ok(false)),
            ("https://git.example/other/a", Ok(false)),
            ("https://git.example/all/a", Ok(true)),
            ("https://git.example/odd/a", Err("unknown GPG mode \"loud\"")),
            ("https://git.example/two/a", Err("multiple (2) git source integrity policies found")),
        ] {
            let found = integrity.asked_of(url).map(|keys| keys.is_some());
            match (&found, expected) {
                (Err(message), Err(begin)) => assert!(message.starts_with(begin), "{url}: {message}"),
                _ => assert_eq!(found, expected.map_err(str::to_owned), "{url}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for value in [
            json!({"git": {"policies": [{"repos": [{"url": "*"}], "ssh": {}}]}}),
            json!({"git": {"policies": "all"}}),
            json!({"oci": {}}),
        ] {
            assert!(integrity(json!({"sourceIntegrity": value})).is_err(), "{value}");
        }
        assert!(
            integrity(json!({"sourceIntegrity": {}})).unwrap().asked_of("https://h/a").unwrap().is_none()
        );
    }
}
