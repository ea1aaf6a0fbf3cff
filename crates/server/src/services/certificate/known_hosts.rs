//! A `known_hosts` with other keys in it. Lines that an edit is not about stay as they are: comments, marks, hosts that are hashed.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// Longest key, in bytes of base64.
const KEY: usize = 16 << 10;

/// The key of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostKey {
    /// As it stands in the line: a name, `[name]:port`, or several with commas.
    pub(super) host: String,
    /// `ssh-ed25519` and the like.
    pub(super) kind: String,
    /// In base64.
    pub(super) data: String,
}

impl HostKey {
    /// **Errors**: it is no key of this kind.
    pub(super) fn new(host: &str, kind: &str, data: &str) -> Result<Self, String> {
        let data = data.trim();
        let wrong = || format!("the key of {host} is no {kind} key");
        let bytes = STANDARD.decode(data).ok().filter(|_| data.len() <= KEY).ok_or_else(wrong)?;
        // A key begins with the name of its kind.
        let length = bytes.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes));
        let said =
            length.and_then(|length| bytes.get(4..4_usize.checked_add(usize::try_from(length).ok()?)?));
        if said != Some(kind.as_bytes())
            || kind.is_empty()
            || host.is_empty()
            || host.contains(char::is_whitespace)
        {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), kind: kind.to_owned(), data: data.to_owned() })
    }

    /// Its sum, as `ssh-keygen -l` shows it.
    pub(super) fn fingerprint(&self) -> String {
        let bytes = STANDARD.decode(&self.data).unwrap_or_default();
        format!("SHA256:{}", STANDARD_NO_PAD.encode(digest(&SHA256, &bytes)))
    }

    fn line(&self) -> String {
        format!("{} {} {}", self.host, self.kind, self.data)
    }
}

/// The lines, each with its key if it is one.
pub(super) struct KnownHosts(Vec<(String, Option<HostKey>)>);

impl KnownHosts {
    pub(super) fn read(text: &str) -> Self {
        let key = |line: &str| {
            let mut words = line.split_whitespace();
            let (host, kind, data) = (words.next()?, words.next()?, words.next()?);
            if host.starts_with(['#', '@']) { None } else { HostKey::new(host, kind, data).ok() }
        };
        Self(text.lines().map(|line| (line.to_owned(), key(line))).collect())
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(line, _)| format!("{line}\n")).collect()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &HostKey> {
        self.0.iter().filter_map(|(_, key)| key.as_ref())
    }

    /// Whether anything changes. **Errors**: there is another one of this host and kind, which is not to be changed.
    pub(super) fn put(&mut self, key: &HostKey, upsert: bool) -> Result<bool, String> {
        let same = |known: &HostKey| known.host == key.host && known.kind == key.kind;
        let there = self.0.iter_mut().find(|(_, known)| known.as_ref().is_some_and(same));
        match there {
            Some((_, Some(known))) if known.data == key.data => return Ok(false),
            Some(_) if !upsert => {
                return Err(format!(
                    "key for '{}' (subtype: '{}') already exists, and upsert was not specified",
                    key.host, key.kind
                ));
            }
            Some(place) => *place = (key.line(), Some(key.clone())),
            None => self.0.push((key.line(), Some(key.clone()))),
        }
        Ok(true)
    }

    /// Takes keys away; they are the answer.
    pub(super) fn remove(&mut self, goes: impl Fn(&HostKey) -> bool) -> Vec<HostKey> {
        let mut gone = Vec::new();
        self.0.retain(|(_, key)| match key {
            Some(key) if goes(key) => {
                gone.push(key.clone());
                false
            }
            _ => true,
        });
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GitHub's and GitLab's.
    const GITHUB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const GITLAB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf";
    const KIND: &str = "ssh-ed25519";

    #[test]
    fn a_fingerprint_is_that_of_ssh_keygen() {
        let key = HostKey::new("github.com", KIND, GITHUB).unwrap();
        assert_eq!(key.fingerprint(), "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (host, kind, data) in [
            ("h", "ssh-rsa", GITHUB),
            ("h", "", GITHUB),
            ("", KIND, GITHUB),
            ("a b", KIND, GITHUB),
            ("h", KIND, "AAAA"),
            ("h", KIND, "/////w=="),
            ("h", KIND, "no base64"),
        ] {
            assert!(HostKey::new(host, kind, data).is_err(), "{host} {kind} {data}");
        }
    }

    #[test]
    fn other_lines_stay() {
        let text = format!(
            "# ours\n@cert-authority * {KIND} {GITHUB}\n\na,b {KIND} {GITHUB}\n[h]:22 {KIND} {GITHUB}\n"
        );
        let mut hosts = KnownHosts::read(&text);
        assert_eq!(hosts.text(), text);
        assert_eq!(hosts.keys().map(|key| key.host.as_str()).collect::<Vec<_>>(), ["a,b", "[h]:22"]);
        let other = HostKey::new("[h]:22", KIND, GITLAB).unwrap();
        assert!(hosts.put(&other, false).is_err());
        assert_eq!(hosts.put(&other, true), Ok(true));
        assert_eq!(hosts.put(&other, false), Ok(false));
        assert_eq!(hosts.put(&HostKey::new("n", KIND, GITLAB).unwrap(), false), Ok(true));
        assert_eq!(hosts.remove(|key| key.host == "a,b").len(), 1);
        let expected = format!(
            "# ours\n@cert-authority * {KIND} {GITHUB}\n\n[h]:22 {KIND} {GITLAB}\nn {KIND} {GITLAB}\n"
        );
        assert_eq!(hosts.text(), expected);
    }
}
