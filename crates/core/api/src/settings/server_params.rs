//! `server.…` of `argocd-cmd-params-cm`.

use super::params::Keys;
use super::{NetworkError, Networks, list};

/// What the API server is given as flags in the peer. What is read at its start says so; the rest counts at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerParams {
    /// Whether it speaks plainly; `None` for no. Read at its start. `server.insecure`.
    pub insecure: Option<bool>,
    /// What all its paths begin with. Read at its start. `server.rootpath`.
    pub root: String,
    /// The same as browsers see it, where a proxy takes it away: `/` or `/argo-cd`. `server.basehref`; `root` goes before it.
    pub base: String,
    /// Whose word counts for where a client is. `server.trusted.proxies`, ours: the peer has no such key.
    pub trusted_proxies: Networks,
    /// Whether everybody may do everything. `server.disable.auth`.
    pub open: bool,
    /// `X-Frame-Options` of all answers. `server.x.frame.options`.
    pub frame_options: String,
    /// `Content-Security-Policy` of all answers. `server.content.security.policy`.
    pub content_security_policy: String,
    /// Media types that a request with a body may be of, in small letters; none where it may be of any.
    /// `server.api.content.types`, with semicolons.
    pub content_types: Vec<String>,
    /// Whether answers are compressed for who takes that. `server.enable.gzip`.
    pub gzip: bool,
    /// Whether somebody may ask for a sync that replaces objects. `server.sync.replace.allowed`.
    pub replace_allowed: bool,
    /// The oldest and the newest version of TLS. Read at its start. `server.tls.minversion`, `server.tls.maxversion`.
    pub tls: (TlsVersion, TlsVersion),
    /// Cipher suites of TLS 1.2 by their registered names; none for what is safe. Read at its start. `server.tls.ciphers`.
    pub ciphers: Vec<String>,
}

/// A version of TLS that can be had. Older ones are read as the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.2.
    V1_2,
    /// 1.3.
    V1_3,
}

impl Default for ServerParams {
    fn default() -> Self {
        Self {
            insecure: None,
            root: String::new(),
            base: "/".to_owned(),
            trusted_proxies: Networks::default(),
            open: false,
            frame_options: "sameorigin".to_owned(),
            content_security_policy: "frame-ancestors 'self';".to_owned(),
            content_types: vec!["application/json".to_owned()],
            gzip: true,
            replace_allowed: true,
            tls: (TlsVersion::V1_2, TlsVersion::V1_3),
            ciphers: Vec::new(),
        }
    }
}

impl ServerParams {
    /// **Source**: the flags of `cmd/argocd-server`, `util/tls.getTLSConfigCustomizer`. The peer has one cipher suite where nothing is said.
    pub(super) fn read(keys: &mut Keys<'_>, last_good: &Self) -> Self {
        let usual = Self::default();
        let proxies = keys.read("server.trusted.proxies", Some(last_good.trusted_proxies.clone()), |text| {
            text.parse().map_err(|error: NetworkError| error.to_string())
        });
        Self {
            insecure: keys.switch("server.insecure", last_good.insecure),
            root: keys.given("server.rootpath").unwrap_or_default().to_owned(),
            base: keys.given("server.basehref").map_or(usual.base, str::to_owned),
            trusted_proxies: proxies.unwrap_or_default(),
            open: keys.switch("server.disable.auth", Some(last_good.open)).unwrap_or(usual.open),
            frame_options: header(keys, "server.x.frame.options", &last_good.frame_options)
                .unwrap_or(usual.frame_options),
            content_security_policy: header(
                keys,
                "server.content.security.policy",
                &last_good.content_security_policy,
            )
            .unwrap_or(usual.content_security_policy),
            content_types: keys
                .said("server.api.content.types")
                .map_or(usual.content_types, |text| list(&text.to_ascii_lowercase(), ';')),
            gzip: keys.switch("server.enable.gzip", Some(last_good.gzip)).unwrap_or(usual.gzip),
            replace_allowed: keys
                .switch("server.sync.replace.allowed", Some(last_good.replace_allowed))
                .unwrap_or(usual.replace_allowed),
            tls: versions(keys, last_good.tls),
            ciphers: keys.given("server.tls.ciphers").map(|text| list(text, ':')).unwrap_or_default(),
        }
    }

    /// What all paths begin with that browsers ask for, of a server whose own begin with `root`: `/`, or `/argo-cd`.
    pub fn base_path(&self, root: &str) -> String {
        let said = if root.is_empty() { &self.base } else { root };
        format!("/{}", said.trim_matches('/'))
    }
}

/// A text that can stand in a header.
fn header(keys: &mut Keys<'_>, key: &str, before: &str) -> Option<String> {
    keys.read(key, Some(before.to_owned()), |text| {
        let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if plain { Ok(text.to_owned()) } else { Err(format!("{text:?} cannot stand in a header")) }
    })
}

fn versions(keys: &mut Keys<'_>, before: (TlsVersion, TlsVersion)) -> (TlsVersion, TlsVersion) {
    let min = version(keys, "server.tls.minversion", before.0).unwrap_or(TlsVersion::V1_2);
    let max = version(keys, "server.tls.maxversion", before.1).unwrap_or(TlsVersion::V1_3);
    if min <= max {
        return (min, max);
    }
    keys.say(
        "server.tls.maxversion",
        "it is older than server.tls.minversion; the last good values stay in force".to_owned(),
    );
    before
}

fn version(keys: &mut Keys<'_>, key: &str, before: TlsVersion) -> Option<TlsVersion> {
    keys.read(key, Some(before), |text| match text {
        "1.0" | "1.1" | "1.2" => Ok(TlsVersion::V1_2),
        "1.3" => Ok(TlsVersion::V1_3),
        _ => Err(format!("{text:?} is no version of TLS (1.2 or 1.3)")),
    })
}

#[cfg(test)]
mod tests {
    use crate::settings::Params;

    use super::*;

    #[test]
    fn keys_of_the_server() {
        let read = |rows: &[(&str, &str)], last_good: &Params| {
            let data = rows.iter().map(|(key, text)| (format!("server.{key}"), (*text).to_owned())).collect();
            Params::parse(&data, last_good)
        };
        let rows = [
            ("basehref", "/argo-cd/"),
            ("disable.auth", "true"),
            ("x.frame.options", "allow-from portal"),
            ("content.security.policy", "frame-ancestors https://portal.example.com;"),
            ("api.content.types", "application/json; Application/Merge-Patch+JSON"),
            ("enable.gzip", "false"),
            ("sync.replace.allowed", "f"),
            ("tls.minversion", "1.3"),
            ("tls.ciphers", "TLS_A:TLS_B"),
        ];
        let (good, problems) = read(&rows, &Params::default());
        assert!(problems.is_empty(), "{problems:?}");
        let expected = ServerParams {
            base: "/argo-cd/".to_owned(),
            open: true,
            frame_options: "allow-from portal".to_owned(),
            content_security_policy: "frame-ancestors https://portal.example.com;".to_owned(),
            content_types: ["application/json", "application/merge-patch+json"].map(str::to_owned).to_vec(),
            gzip: false,
            replace_allowed: false,
            tls: (TlsVersion::V1_3, TlsVersion::V1_3),
            ciphers: ["TLS_A", "TLS_B"].map(str::to_owned).to_vec(),
            ..ServerParams::default()
        };
        assert_eq!(*good.server, expected);
        assert_eq!(good.server.base_path(""), "/argo-cd");
        let bad = [("x.frame.options", "a\nb"), ("tls.minversion", "2"), ("enable.gzip", "perhaps")];
        let (kept, problems) = read(&bad, &good);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(
            (&kept.server.frame_options, kept.server.tls, kept.server.gzip),
            (&expected.frame_options, expected.tls, false)
        );
        assert!(read(&[("api.content.types", "")], &good).0.server.content_types.is_empty());
        let (both, _) = read(&[("rootpath", "/r"), ("basehref", "/b")], &Params::default());
        assert_eq!(both.server.base_path("/r"), "/r");
        assert_eq!(both.server.base_path(""), "/b", "the root is as it was at the start");
        let (crossed, problems) = read(&[("tls.maxversion", "1.2"), ("tls.minversion", "1.3")], &good);
        assert_eq!((crossed.server.tls, problems.len()), (good.server.tls, 1));
    }
}
