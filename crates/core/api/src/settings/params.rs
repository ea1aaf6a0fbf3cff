//! `argocd-cmd-params-cm`: what the peer gives its processes as flags. We read the few keys that a source's content and
//! the course of a sync depend on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::server_params::ServerParams;
use super::{Namespaces, SettingProblem, list, parse_bool};
use crate::names::config_map::CMD_PARAMS;

/// The most that an archive may be unpacked to, whatever the settings say: it is unpacked in memory. In bytes, 4 GiB.
pub const MOST_EXTRACTED_BYTES: u64 = 4 << 30;

/// What `argocd-cmd-params-cm` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params {
    /// Media types of layers that may hold an artifact's files; `None` for the usual ones. `reposerver.oci.layer.media.types`.
    pub oci_layer_media_types: Option<Vec<String>>,
    /// Bytes that an artifact may be unpacked to; `None` for what is usual. `reposerver.oci.manifest.max.extracted.size`,
    /// `reposerver.disable.oci.manifest.max.extracted.size`.
    pub oci_extracted_bytes: Option<u64>,
    /// The same of a chart. `reposerver.helm.manifest.max.extracted.size`, `reposerver.disable.helm.manifest.max.extracted.size`.
    pub helm_extracted_bytes: Option<u64>,
    /// Bytes of all manifest files of a directory together, 0 for no limit; `None` for what is usual.
    /// `reposerver.max.combined.directory.manifests.size`.
    pub directory_bytes: Option<u64>,
    /// Whether submodules of git repositories are had; `None` for yes. `reposerver.enable.git.submodule`.
    pub git_submodules: Option<bool>,
    /// Patterns of files that plugins are not sent. `reposerver.plugin.tar.exclusions`, with semicolons.
    pub plugin_exclusions: Vec<String>,
    /// Whether plugins are sent only what the annotation `manifest-generate-paths` names; `None` for no.
    /// `reposerver.plugin.use.manifest.generate.paths`.
    pub plugin_generate_paths: Option<bool>,
    /// Namespaces beside the controller's own whose Applications are looked after; `None` where nothing is said. `application.namespaces`.
    pub application_namespaces: Option<Namespaces>,
    /// How long an operation may take with all its attempts; `None` for no limit. Seconds. `controller.sync.timeout.seconds`.
    pub sync_timeout: Option<Duration>,
    /// How long plugins may take for one source; `None` for what is usual. Seconds. `controller.repo.server.timeout.seconds`.
    pub render_timeout: Option<Duration>,
    /// The pause between waves of a sync; `None` for what is usual. Seconds. `controller.sync.wave.delay.seconds`.
    pub wave_delay: Option<Duration>,
    /// Its keys about the API server.
    pub server: Arc<ServerParams>,
}

impl Params {
    /// Reads the ConfigMap's data.
    ///
    /// **Shape**: sizes are quantities (`1G`, `512Mi`), switches Go's words for true and false, lists have commas. Keys that are not
    /// ours are none of our business. **Errors**: a key that cannot be read keeps what it said in `last_good`, and is in the list, as
    /// `argocd-cmd-params-cm/KEY`. **Source**: the peer's `cmd/argocd-repo-server`, whose process ends where a value cannot be read;
    /// and it reads them once, at its start.
    pub fn parse(data: &BTreeMap<String, String>, last_good: &Self) -> (Self, Vec<SettingProblem>) {
        let mut keys = Keys { data, problems: Vec::new() };
        let application_namespaces =
            keys.given("application.namespaces").map(|text| Namespaces::new(list(text, ',')));
        for problem in application_namespaces.iter().flat_map(Namespaces::problems) {
            keys.say("application.namespaces", problem);
        }
        let oci = keys.size("reposerver.oci.manifest.max.extracted.size", last_good.oci_extracted_bytes);
        let helm = keys.size("reposerver.helm.manifest.max.extracted.size", last_good.helm_extracted_bytes);
        let timeout = keys.seconds("controller.sync.timeout.seconds", last_good.sync_timeout);
        let render = keys.seconds("controller.repo.server.timeout.seconds", last_good.render_timeout);
        let exclusions = keys.given("reposerver.plugin.tar.exclusions").unwrap_or_default();
        let params = Self {
            oci_layer_media_types: keys.given("reposerver.oci.layer.media.types").map(|text| list(text, ',')),
            oci_extracted_bytes: keys.extracted("oci", oci, last_good.oci_extracted_bytes),
            helm_extracted_bytes: keys.extracted("helm", helm, last_good.helm_extracted_bytes),
            directory_bytes: keys
                .size("reposerver.max.combined.directory.manifests.size", last_good.directory_bytes),
            git_submodules: keys.switch("reposerver.enable.git.submodule", last_good.git_submodules),
            plugin_exclusions: list(exclusions, ';'),
            plugin_generate_paths: keys
                .switch("reposerver.plugin.use.manifest.generate.paths", last_good.plugin_generate_paths),
            application_namespaces,
            sync_timeout: timeout.filter(|timeout| !timeout.is_zero()),
            render_timeout: render.filter(|timeout| !timeout.is_zero()),
            wave_delay: keys.seconds("controller.sync.wave.delay.seconds", last_good.wave_delay),
            server: Arc::new(ServerParams::read(&mut keys, &last_good.server)),
        };
        (params, keys.problems)
    }
}

/// Reads keys, and notes those that cannot be read.
pub(super) struct Keys<'a> {
    data: &'a BTreeMap<String, String>,
    problems: Vec<SettingProblem>,
}

impl<'a> Keys<'a> {
    /// What a key says, if anything.
    pub(super) fn given(&self, key: &str) -> Option<&'a str> {
        self.said(key).filter(|text| !text.is_empty())
    }

    /// What a key says, though it be nothing.
    pub(super) fn said(&self, key: &str) -> Option<&'a str> {
        self.data.get(key).map(|text| text.trim())
    }

    pub(super) fn say(&mut self, key: &str, message: String) {
        self.problems.push(SettingProblem { key: format!("{CMD_PARAMS}/{key}"), message });
    }

    /// What a key says as `read` reads it; where that is an error, what it said before.
    pub(super) fn read<T>(
        &mut self,
        key: &str,
        before: Option<T>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        read(self.given(key)?).map(Some).unwrap_or_else(|error| {
            self.say(key, format!("{error}; the last good value stays in force"));
            before
        })
    }

    pub(super) fn switch(&mut self, key: &str, before: Option<bool>) -> Option<bool> {
        self.read(key, before, |text| {
            parse_bool(text).ok_or_else(|| format!("{text:?} is neither true nor false"))
        })
    }

    fn size(&mut self, key: &str, before: Option<u64>) -> Option<u64> {
        self.read(key, before, |text| {
            bytes(text).ok_or_else(|| format!("{text:?} is no size such as 1G or 512Mi"))
        })
    }

    fn seconds(&mut self, key: &str, before: Option<Duration>) -> Option<Duration> {
        self.read(key, before, |text| {
            // As far as the peer counts.
            let read = text.parse::<u64>().ok().filter(|seconds| i32::try_from(*seconds).is_ok());
            read.map(Duration::from_secs).ok_or_else(|| format!("{text:?} is no number of seconds"))
        })
    }

    /// The bytes that something may be unpacked to, where the limit may be lifted.
    fn extracted(&mut self, tool: &str, bytes: Option<u64>, before: Option<u64>) -> Option<u64> {
        let key = format!("reposerver.disable.{tool}.manifest.max.extracted.size");
        let problems = self.problems.len();
        match self.switch(&key, None) {
            Some(true) => Some(MOST_EXTRACTED_BYTES),
            None if self.problems.len() > problems => before,
            Some(false) | None => bytes.map(|bytes| bytes.min(MOST_EXTRACTED_BYTES)),
        }
    }
}

/// A quantity of bytes, rounded up; none below zero or beyond what can be counted.
fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(end)?;
    let unit: u128 = match suffix {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => {
            let zeros: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            10_u128.checked_pow(zeros)?
        }
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || fraction.contains('.') {
        return None;
    }
    let parts = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let all = digits.parse::<u128>().ok()?.checked_mul(unit)?;
    u64::try_from(all.div_ceil(parts)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_quantities() {
        let rows = [
            ("1G", Some(1_000_000_000)),
            ("512Mi", Some(512 << 20)),
            ("1.5k", Some(1_500)),
            ("0.5", Some(1)),
            ("1e9", Some(1_000_000_000)),
            ("0", Some(0)),
            ("-1", None),
            ("1.2.3", None),
            ("G", None),
            ("1GB", None),
            ("99999999999999999999999999999999999999999T", None),
            ("1e40", None),
        ];
        for (text, expected) in rows {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_become_params_and_mistakes_keep_the_last_good() {
        let size = |tool: &str| format!("reposerver.{tool}.manifest.max.extracted.size");
        let off = |tool: &str| format!("reposerver.disable.{tool}.manifest.max.extracted.size");
        let data = |rows: &[(String, &str)]| {
            rows.iter().map(|(key, text)| (key.clone(), (*text).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let rows = data(&[
            (size("oci"), "2G"),
            (size("helm"), "3M"),
            (off("helm"), "false"),
            ("reposerver.oci.layer.media.types".to_owned(), "a/b, c/d"),
            ("reposerver.max.combined.directory.manifests.size".to_owned(), "20M"),
            ("reposerver.enable.git.submodule".to_owned(), "False"),
            ("reposerver.plugin.tar.exclusions".to_owned(), "*.bin; docs;;"),
            ("reposerver.plugin.use.manifest.generate.paths".to_owned(), "true"),
            ("application.namespaces".to_owned(), "team-*, /^x[0-9]$/,"),
            ("controller.sync.timeout.seconds".to_owned(), "300"),
            ("controller.sync.wave.delay.seconds".to_owned(), "0"),
            ("server.insecure".to_owned(), "true"),
            ("server.rootpath".to_owned(), "/argo-cd"),
            ("server.trusted.proxies".to_owned(), "10.0.0.0/8"),
            ("controller.repo.server.timeout.seconds".to_owned(), "120"),
            ("server.log.format".to_owned(), "what?"),
        ]);
        let (good, problems) = Params::parse(&rows, &Params::default());
        let expected = Params {
            oci_layer_media_types: Some(vec!["a/b".to_owned(), "c/d".to_owned()]),
            oci_extracted_bytes: Some(2_000_000_000),
            helm_extracted_bytes: Some(3_000_000),
            directory_bytes: Some(20_000_000),
            git_submodules: Some(false),
            plugin_exclusions: vec!["*.bin".to_owned(), "docs".to_owned()],
            plugin_generate_paths: Some(true),
            application_namespaces: Some(Namespaces::new(["team-*", "/^x[0-9]$/"])),
            sync_timeout: Some(Duration::from_secs(300)),
            render_timeout: Some(Duration::from_secs(120)),
            wave_delay: Some(Duration::ZERO),
            server: Arc::new(ServerParams {
                insecure: Some(true),
                root: "/argo-cd".to_owned(),
                trusted_proxies: "10.0.0.0/8".parse().unwrap(),
                ..ServerParams::default()
            }),
        };
        assert_eq!((&good, problems.as_slice()), (&expected, [].as_slice()));
        let namespaces = good.application_namespaces.clone().unwrap_or_default();
        for (namespace, expected) in [("team-a", true), ("x1", true), ("x12", false), ("", false)] {
            assert_eq!(namespaces.contains(namespace), expected, "{namespace}");
        }
        let broken = data(&[("application.namespaces".to_owned(), "a,/(/,[b")]);
        let (params, problems) = Params::parse(&broken, &good);
        assert!(params.application_namespaces.is_some_and(|all| all.contains("a")));
        assert_eq!(problems.len(), 2, "{problems:?}");
        let bad = data(&[
            ("server.trusted.proxies".to_owned(), "proxy"),
            (size("oci"), "much"),
            (size("helm"), "3M"),
            (off("helm"), "perhaps"),
        ]);
        let (kept, problems) = Params::parse(&bad, &good);
        assert_eq!(
            (kept.oci_extracted_bytes, kept.helm_extracted_bytes),
            (Some(2_000_000_000), Some(3_000_000))
        );
        assert_eq!(
            *kept.server,
            ServerParams { trusted_proxies: good.server.trusted_proxies.clone(), ..ServerParams::default() }
        );
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                format!("argocd-cmd-params-cm/{}", size("oci")),
                format!("argocd-cmd-params-cm/{}", off("helm")),
                "argocd-cmd-params-cm/server.trusted.proxies".to_owned()
            ]
        );
        let timeout = |text| data(&[("controller.sync.timeout.seconds".to_owned(), text)]);
        for (text, expected, problems) in
            [("0", None, 0), ("5", Some(5), 0), ("-1", Some(300), 1), ("5s", Some(300), 1)]
        {
            let (params, said) = Params::parse(&timeout(text), &good);
            assert_eq!(params.sync_timeout, expected.map(Duration::from_secs), "{text}");
            assert_eq!(said.len(), problems, "{text}: {said:?}");
        }
        let (most, _) = Params::parse(&data(&[(off("oci"), "true"), (size("helm"), "1T")]), &good);
        assert_eq!(
            (most.oci_extracted_bytes, most.helm_extracted_bytes),
            (Some(MOST_EXTRACTED_BYTES), Some(MOST_EXTRACTED_BYTES))
        );
    }
}
