//! What the watches have brought, and the snapshot made of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::names::{annotation, config_map, label, secret_type};
use api::settings::{Params, SettingProblem, Settings};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::clusters::own_words;
use crate::{ClusterSecret, Clusters, Repositories, Repository, Secret, SecretError};

/// The settings as they are now.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// What `argocd-cm` says; where a key is malformed, what it said before.
    pub settings: Settings,
    /// What `argocd-cmd-params-cm` says; where a key is malformed, what it said before.
    pub params: Params,
    /// What is malformed, missing or out of reach, sorted; the key of a problem is a key of `argocd-cm`,
    /// `argocd-cmd-params-cm/<key>`,
    /// `secret/<name>`, or what is watched (`configmaps`, `secrets`).
    pub problems: Vec<SettingProblem>,
    /// Repositories and their credentials.
    pub repositories: Repositories,
    /// Clusters that applications may go to, beside the one that this runs in.
    pub clusters: Clusters,
    /// Keys of SSH servers, in the format of `known_hosts`.
    pub known_hosts: String,
    /// Certificates by host name, PEM.
    pub tls_certs: BTreeMap<String, String>,
    /// What `argocd-cm` says, as it is.
    pub config: BTreeMap<String, String>,
    /// What `argocd-rbac-cm` says, as it is.
    pub rbac: BTreeMap<String, String>,
    /// Secrets of the installation itself by name (`argocd-secret`, and those that settings refer to), for the server alone.
    pub own_secrets: BTreeMap<String, OwnSecret>,
    /// What `argocd-server-tls` holds, for the server alone.
    pub server_tls: Option<OwnSecret>,
    /// Public keys that commits may be signed with, armored, by their ids.
    pub gpg_keys: BTreeMap<String, String>,
}

/// Secret with passwords, tokens and keys of the installation.
pub const ARGOCD_SECRET: &str = "argocd-secret";

impl Snapshot {
    /// What `argocd-secret` holds, for the server alone; nothing where there is none.
    pub fn own_secret(&self) -> &BTreeMap<String, Vec<u8>> {
        static NONE: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        self.own_secrets.get(ARGOCD_SECRET).map_or(&NONE, |secret| secret.expose())
    }

    /// What settings refer to by `$key` (of `argocd-secret`) or `$name:key` (of another Secret of the installation), without the `$`.
    pub fn secret(&self, reference: &str) -> Option<&[u8]> {
        let value = match reference.split_once(':') {
            Some((name, key)) => self.own_secrets.get(name)?.expose().get(key),
            None => self.own_secret().get(reference),
        };
        value.map(Vec::as_slice)
    }
}

/// The values of a Secret.
pub type OwnSecret = Secret<BTreeMap<String, Vec<u8>>>;

/// Secret with the server's certificate.
pub(crate) const SERVER_TLS: &str = "argocd-server-tls";

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Watched {
    ConfigMaps,
    /// Of repositories and clusters.
    Secrets,
    /// Of the installation itself.
    OwnSecrets,
    /// The server's certificate, which has no label.
    ServerTls,
}

impl Watched {
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::ConfigMaps => "configmaps",
            Self::Secrets | Self::OwnSecrets | Self::ServerTls => "secrets",
        }
    }

    /// What is the matter where it cannot be had.
    pub(crate) fn without(self) -> &'static str {
        match self {
            Self::ConfigMaps => "there are no settings",
            Self::Secrets => "repositories are read without credentials",
            Self::OwnSecrets => "nobody can log in",
            Self::ServerTls => "a certificate of argocd-server-tls is not found",
        }
    }
}

/// A change of the cluster. Objects come as JSON.
pub(crate) enum Change {
    /// All objects that there are.
    Replaced(Vec<Value>),
    /// One object, new or changed.
    Set(Value),
    /// One object that is gone.
    Removed(Value),
}

/// Everything known. A method that changes something says whether the snapshot is another one now.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// Data of the ConfigMaps that we read, by name.
    config_maps: BTreeMap<String, BTreeMap<String, String>>,
    /// What the Secrets hold, by their names.
    secrets: BTreeMap<String, Held>,
    own_secrets: BTreeMap<String, OwnSecret>,
    server_tls: BTreeMap<String, OwnSecret>,
    secret_problems: BTreeMap<String, String>,
    watch_problems: BTreeMap<Watched, String>,
    /// Whether `argocd-cm` was deleted since it was last read.
    settings_deleted: bool,
    settings: Settings,
    setting_problems: Vec<SettingProblem>,
    params: Params,
    params_problems: Vec<SettingProblem>,
}

/// What a Secret holds.
#[derive(Debug, PartialEq, Eq)]
enum Held {
    Repository(Repository),
    Prefix(Repository),
    Cluster(Box<ClusterSecret>),
}

impl Held {
    /// The label's word for it.
    fn role(&self) -> &'static str {
        match self {
            Self::Repository(_) => secret_type::REPOSITORY,
            Self::Prefix(_) => secret_type::REPO_CREDS,
            Self::Cluster(_) => secret_type::CLUSTER,
        }
    }
}

fn apply_own(known: &mut BTreeMap<String, OwnSecret>, change: Change) -> bool {
    let before = known.clone();
    // A value that is no base64 cannot come from an API server.
    let read = |object: &Value| (name_of(object).to_owned(), Secret::new(decode(object).unwrap_or_default()));
    match change {
        Change::Replaced(objects) => *known = objects.iter().map(read).collect(),
        Change::Set(object) => known.extend([read(&object)]),
        Change::Removed(object) => drop(known.remove(name_of(&object))),
    }
    before != *known
}

impl Store {
    pub(crate) fn apply(&mut self, watched: Watched, change: Change) -> bool {
        match (watched, change) {
            (Watched::ConfigMaps, Change::Replaced(objects)) => {
                let kept: Vec<_> = objects.iter().map(name_of).collect();
                let gone: Vec<_> =
                    self.config_maps.keys().filter(|name| !kept.contains(&name.as_str())).cloned().collect();
                let removed = gone.iter().fold(false, |changed, name| self.remove_config_map(name) | changed);
                objects.iter().fold(removed, |changed, object| self.set_config_map(object) | changed)
            }
            (Watched::ConfigMaps, Change::Set(object)) => self.set_config_map(&object),
            (Watched::ConfigMaps, Change::Removed(object)) => self.remove_config_map(name_of(&object)),
            (Watched::Secrets, Change::Replaced(objects)) => {
                let before = (self.secrets.len(), self.secret_problems.len());
                let kept: Vec<_> = objects.iter().map(name_of).collect();
                self.secrets.retain(|name, _| kept.contains(&name.as_str()));
                self.secret_problems.retain(|name, _| kept.contains(&name.as_str()));
                let removed = before != (self.secrets.len(), self.secret_problems.len());
                objects.iter().fold(removed, |changed, object| self.set_secret(object) | changed)
            }
            (Watched::Secrets, Change::Set(object)) => self.set_secret(&object),
            (Watched::Secrets, Change::Removed(object)) => {
                let name = name_of(&object);
                self.secrets.remove(name).is_some() | self.secret_problems.remove(name).is_some()
            }
            (Watched::OwnSecrets, change) => apply_own(&mut self.own_secrets, change),
            (Watched::ServerTls, change) => apply_own(&mut self.server_tls, change),
        }
    }

    /// Notes, or with `None` forgets, that something cannot be watched.
    pub(crate) fn set_watch_problem(&mut self, watched: Watched, problem: Option<String>) -> bool {
        match problem {
            Some(problem) => self.watch_problems.insert(watched, problem.clone()) != Some(problem),
            None => self.watch_problems.remove(&watched).is_some(),
        }
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        let (mut repositories, mut prefixes, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
        for held in self.secrets.values() {
            match held {
                Held::Repository(repository) => repositories.push(repository.clone()),
                Held::Prefix(repository) => prefixes.push(repository.clone()),
                Held::Cluster(cluster) => clusters.push((**cluster).clone()),
            }
        }
        let mut problems = [&*self.setting_problems, &*self.params_problems].concat();
        if self.settings_deleted {
            problems.push(problem(config_map::ARGOCD_CM, "it was deleted; what it said last stays in force"));
        }
        problems
            .extend(self.secret_problems.iter().map(|(name, text)| problem(&format!("secret/{name}"), text)));
        problems.extend(self.watch_problems.iter().map(|(watched, text)| problem(watched.plural(), text)));
        problems.sort();
        let data = |name: &str| self.config_maps.get(name).cloned().unwrap_or_default();
        Arc::new(Snapshot {
            settings: self.settings.clone(),
            params: self.params.clone(),
            problems,
            repositories: Repositories::new(repositories, prefixes),
            clusters: Clusters::new(clusters),
            known_hosts: data(config_map::SSH_KNOWN_HOSTS).remove("ssh_known_hosts").unwrap_or_default(),
            tls_certs: data(config_map::TLS_CERTS),
            gpg_keys: data(config_map::GPG_KEYS),
            config: data(config_map::ARGOCD_CM),
            rbac: data(config_map::RBAC),
            own_secrets: self.own_secrets.clone(),
            server_tls: self.server_tls.get(SERVER_TLS).cloned(),
        })
    }

    fn set_config_map(&mut self, object: &Value) -> bool {
        let name = name_of(object);
        let read = [
            config_map::ARGOCD_CM,
            config_map::CMD_PARAMS,
            config_map::RBAC,
            config_map::SSH_KNOWN_HOSTS,
            config_map::TLS_CERTS,
            config_map::GPG_KEYS,
        ];
        if !read.contains(&name) {
            return false;
        }
        let entries = object.get("data").and_then(Value::as_object).into_iter().flatten();
        let data: BTreeMap<String, String> =
            entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
        let same = self.config_maps.get(name) == Some(&data);
        if name == config_map::ARGOCD_CM && (!same || self.settings_deleted) {
            let (settings, problems) = Settings::parse(&data, Some(&self.settings));
            self.settings = settings;
            self.setting_problems = problems;
            self.settings_deleted = false;
            self.config_maps.insert(name.to_owned(), data);
            return true;
        }
        if !same {
            if name == config_map::CMD_PARAMS {
                (self.params, self.params_problems) = Params::parse(&data, &self.params);
            }
            self.config_maps.insert(name.to_owned(), data);
        }
        !same
    }

    /// Settings outlive their ConfigMap: defaults in its place could make objects of every application look
    /// abandoned. Known hosts and certificates go, since to trust less is safe; so do the parameters.
    fn remove_config_map(&mut self, name: &str) -> bool {
        if name == config_map::ARGOCD_CM {
            let was_there = self.config_maps.contains_key(name) && !self.settings_deleted;
            self.settings_deleted |= was_there;
            return was_there;
        }
        if name == config_map::CMD_PARAMS {
            (self.params, self.params_problems) = Default::default();
        }
        self.config_maps.remove(name).is_some()
    }

    /// A Secret that cannot be read keeps what it said before, for a repository does not move by a typing error.
    fn set_secret(&mut self, object: &Value) -> bool {
        let name = name_of(object).to_owned();
        let labels = object.get("metadata").and_then(|metadata| metadata.get("labels"));
        let role = labels.and_then(|labels| labels.get(label::SECRET_TYPE)).and_then(Value::as_str);
        let turned = self.secrets.get(&name).is_some_and(|held| Some(held.role()) != role);
        if turned {
            self.secrets.remove(&name);
        }
        match held(&name, object) {
            Ok(Some(held)) => {
                let recovered = self.secret_problems.remove(&name).is_some();
                let changed = self.secrets.get(&name) != Some(&held);
                self.secrets.insert(name, held);
                changed || recovered
            }
            Ok(None) => self.secret_problems.remove(&name).is_some() | turned,
            Err(reason) => {
                let before = if self.secrets.contains_key(&name) {
                    "what it said before stays in force"
                } else {
                    "it is left out"
                };
                let text = format!("{reason}; {before}");
                (self.secret_problems.insert(name, text.clone()) != Some(text)) | turned
            }
        }
    }
}

/// What a Secret holds; `None` where it is none of ours.
fn held(name: &str, object: &Value) -> Result<Option<Held>, String> {
    let texts = |field: &str| -> BTreeMap<String, String> {
        let entries =
            object.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_object);
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        entries.into_iter().flatten().filter_map(text).collect()
    };
    let labels = texts("labels");
    let repository =
        || Repository::parse(name, &decode(object)?).map_err(|error: SecretError| error.to_string());
    let held = match labels.get(label::SECRET_TYPE).map(String::as_str) {
        Some(secret_type::REPOSITORY) => Held::Repository(repository()?),
        Some(secret_type::REPO_CREDS) => Held::Prefix(repository()?),
        Some(secret_type::CLUSTER) => {
            let rests =
                texts("annotations").get(annotation::SKIP_RECONCILE).is_some_and(|value| value == "true");
            let cluster = ClusterSecret::parse(name, &decode(object)?, rests);
            let cluster = cluster.map_err(|error| error.to_string())?;
            let (labels, annotations) = own_words(object);
            Held::Cluster(Box::new(ClusterSecret { labels, annotations, ..cluster }))
        }
        _ => return Ok(None),
    };
    Ok(Some(held))
}

fn problem(key: &str, message: &str) -> SettingProblem {
    SettingProblem { key: key.to_owned(), message: message.to_owned() }
}

fn name_of(object: &Value) -> &str {
    object
        .get("metadata")
        .and_then(|metadata| metadata.get("name"))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn decode(secret: &Value) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let entries = secret.get("data").and_then(Value::as_object).into_iter().flatten();
    let decoded = entries.map(|(key, value)| match value.as_str().map(|text| STANDARD.decode(text)) {
        Some(Ok(bytes)) => Ok((key.clone(), bytes)),
        Some(Err(_)) | None => Err(format!("the key {key} is not in base64")),
    });
    decoded.collect()
}

#[cfg(test)]
mod tests;
