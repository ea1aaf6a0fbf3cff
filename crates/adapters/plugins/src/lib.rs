//! Config management plugins: programs of somebody else that make manifests, behind a socket beside us.
//!
//! A plugin is a sidecar that serves the peer's `ConfigManagementPluginService` on `<name>.sock` in a directory that the operator shares
//! with it. It is sent an archive of the repository and an environment, and answers with texts, which are a stranger's: whoever asked
//! reads them within limits of its own.
//!
//! This crate knows sockets, archives and the protocol. It knows no application, no git and no YAML, starts no program, and never
//! looks outside its directory. A call ends with its deadline, or when its future is dropped.

mod archive;
mod ask_pass;
mod calls;
mod messages;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use archive::{Archive, ArchiveError, pack};
pub use ask_pass::GitCredentials;

use crate::ask_pass::{AskPass, Loan};
use crate::calls::Plugin;

/// Where the peer's sidecars put their sockets.
pub const DEFAULT_DIRECTORY: &str = "/home/argocd/cmp-server/plugins";

/// Sockets that are asked in turn whether they want a repository.
const MAX_PLUGINS: usize = 100;

/// Characters of a plugin's error that are shown. Its programs' own words are in it.
const MAX_ERROR_CHARS: usize = 4000;

/// What one call may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first connection to the last byte, all plugins that are asked included.
    pub time: Duration,
    /// To connect to one socket.
    pub connect: Duration,
    /// Bytes of an answer.
    pub answer_bytes: usize,
}

impl Default for Limits {
    /// 90 s in all (the peer's `ARGOCD_EXEC_TIMEOUT`), 5 s to connect, 100 MiB (its largest gRPC message).
    fn default() -> Self {
        Self { time: Duration::from_secs(90), connect: Duration::from_secs(5), answer_bytes: 100 << 20 }
    }
}

/// The plugins of a directory.
#[derive(Debug, Clone)]
pub struct Plugins {
    directory: PathBuf,
    limits: Limits,
    /// Begins with the first plugin that wants credentials.
    ask_pass: Arc<tokio::sync::Mutex<Option<AskPass>>>,
}

/// What a plugin's programs are lent if they want it (`provideGitCreds`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Lends {
    /// The repository needs nothing.
    #[default]
    Nothing,
    /// A user and a password, on a socket of their own, for as long as the call lasts.
    Credentials(GitCredentials),
    /// It needs what cannot be lent: why.
    Unable(String),
}

/// What is asked of a plugin.
#[derive(Debug, Clone)]
pub struct Job {
    /// The plugin, as in the name of its socket; empty for one that says that the repository is for it.
    pub name: String,
    /// Variables of the environment, in order; the last one of a name counts.
    pub environment: Vec<(String, String)>,
    /// The application's path, from the root of the repository.
    pub path: String,
    /// The whole repository, for plugins that have rules for which one is theirs.
    pub repository: Archive,
    /// What manifests are made of, and the application's path in it: the whole repository, or a part of it.
    pub part: Option<(Archive, String)>,
    /// What its programs are lent if they want it.
    pub lends: Lends,
}

/// What a plugin made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The name of its socket, without `.sock`.
    pub plugin: String,
    /// Texts of YAML or JSON.
    pub manifests: Vec<String>,
    /// Why its programs were not lent the repository's credentials, where they want them.
    pub lent_nothing: Option<String>,
}

/// A parameter that a plugin takes, for people who set it. All texts are the plugin's.
///
/// **Source**: the peer's `ParameterAnnouncement`. Nothing is checked: a collection of another type than `string`, `array` and `map` is
/// the plugin's mistake, and an empty one stands for `string`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Announcement {
    /// By which an application sets it.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is for.
    pub tooltip: String,
    /// Whether it has to be set.
    pub required: bool,
    /// What each value is: `string`, `boolean`, `number`.
    pub item_type: String,
    /// What of the three below is meant.
    pub collection_type: String,
    /// Its value where it is not set.
    pub string: String,
    /// Its values where it is not set.
    pub array: Vec<String>,
    /// Its values by name where it is not set.
    pub map: BTreeMap<String, String>,
}

impl From<messages::Parameter> for Announcement {
    fn from(said: messages::Parameter) -> Self {
        let messages::Parameter {
            name,
            title,
            tooltip,
            required,
            item_type,
            collection_type,
            string,
            array,
            map,
        } = said;
        Self { name, title, tooltip, required, item_type, collection_type, string, array, map }
    }
}

/// Why a plugin made nothing. `Display` is complete, and shows what the plugin said.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name is none of a socket.
    #[error("plugin name {0:?} is no name of a socket")]
    Name(String),
    /// It was asked for by name, and cannot be had or does not want the repository.
    #[error("could not find cmp-server plugin with name {name:?} supporting the given repository: {reason}")]
    NotFound {
        /// As asked for.
        name: String,
        /// Why.
        reason: String,
    },
    /// It failed.
    #[error("plugin {plugin}: {doing}: {message}")]
    Failed {
        /// Which.
        plugin: String,
        /// What was asked of it.
        doing: &'static str,
        /// What it said.
        message: String,
    },
    /// It took too long.
    #[error("plugins took longer than the {0:?} that they have")]
    Timeout(Duration),
    /// The directory of sockets cannot be read.
    #[error("the plugins in {directory} cannot be listed")]
    Directory {
        /// Which.
        directory: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Plugins {
    /// The plugins whose sockets are in a directory, which need not be there.
    pub fn new(directory: impl Into<PathBuf>, limits: Limits) -> Self {
        Self { directory: directory.into(), limits, ask_pass: Arc::default() }
    }

    /// The same plugins with another time for a call.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Self { limits: Limits { time, ..self.limits }, ..self.clone() }
    }

    /// The names of the sockets that are there, in order.
    ///
    /// # Errors
    /// [`Error::Directory`]; a directory that is not there has none.
    pub async fn names(&self) -> Result<Vec<String>, Error> {
        use std::os::unix::fs::FileTypeExt as _;
        let failed = |source| Error::Directory { directory: self.directory.clone(), source };
        let mut entries = match tokio::fs::read_dir(&self.directory).await {
            Ok(entries) => entries,
            Err(absent) if absent.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(failed(source)),
        };
        let mut names = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            let is_socket = entry.file_type().await.is_ok_and(|kind| kind.is_socket());
            if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_suffix(".sock"))
                && is_socket
                && names.len() < MAX_PLUGINS
            {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Whether one of the plugins has rules for which repositories are for it. Those that cannot be asked have none.
    ///
    /// # Errors
    /// [`Error::Directory`], [`Error::Timeout`].
    pub async fn look_for_repositories(&self) -> Result<bool, Error> {
        let look = async {
            for name in self.names().await? {
                let plugin = Plugin::connect(&self.socket(&name), &name, &self.limits).await;
                if plugin.is_ok_and(|plugin| plugin.has_rules()) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        tokio::time::timeout(self.limits.time, look).await.map_err(|_| Error::Timeout(self.limits.time))?
    }

    /// Has manifests made. Without a name, the first plugin whose rules want the repository makes them, and there is no answer if there
    /// is none.
    ///
    /// **Errors**: see [`Error`]. A plugin that fails while it is looked for is passed over; if no other one wants the repository, its
    /// failure is the answer, since it might have wanted it. (The peer takes it for a no.)
    /// **Source**: Argo CD 3.2, `util/app/discovery`, `DetectConfigManagementPlugin`, and `runConfigManagementPluginSidecars`.
    pub async fn make(&self, job: &Job) -> Result<Option<Made>, Error> {
        let all = self.make_without_end(job);
        tokio::time::timeout(self.limits.time, all).await.map_err(|_| Error::Timeout(self.limits.time))?
    }

    /// The parameters that the plugin takes which would [make](Self::make) the manifests; no answer if there is none. Its programs are
    /// lent nothing.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub async fn announcements(&self, job: &Job) -> Result<Option<Vec<Announcement>>, Error> {
        let all = async {
            match self.find(job).await? {
                Some(plugin) => plugin.announcements(job).await.map(Some),
                None => Ok(None),
            }
        };
        tokio::time::timeout(self.limits.time, all).await.map_err(|_| Error::Timeout(self.limits.time))?
    }

    async fn make_without_end(&self, job: &Job) -> Result<Option<Made>, Error> {
        match self.find(job).await? {
            Some(plugin) => self.have_made(&plugin, job).await.map(Some),
            None => Ok(None),
        }
    }

    /// The plugin that is asked for, or the first that wants the repository.
    async fn find(&self, job: &Job) -> Result<Option<Plugin>, Error> {
        if !job.name.is_empty() {
            return self.named(job).await.map(Some);
        }
        let mut unsure = None;
        for name in self.names().await? {
            let asked = async {
                let plugin = Plugin::connect(&self.socket(&name), &name, &self.limits).await?;
                let wants = plugin.has_rules() && plugin.matches(job).await?.supported;
                Ok::<_, Error>(wants.then_some(plugin))
            };
            match asked.await {
                Ok(Some(plugin)) => return Ok(Some(plugin)),
                Ok(None) => {}
                Err(error) => unsure = unsure.or(Some(error)),
            }
        }
        unsure.map_or(Ok(None), Err)
    }

    async fn have_made(&self, plugin: &Plugin, job: &Job) -> Result<Made, Error> {
        let (loan, lent_nothing) = match &job.lends {
            Lends::Credentials(credentials) if plugin.wants_credentials() => {
                match self.lend(credentials).await {
                    Ok(loan) => (Some(loan), None),
                    Err(error) => (None, Some(error.to_string())),
                }
            }
            Lends::Unable(why) if plugin.wants_credentials() => (None, Some(why.clone())),
            Lends::Nothing | Lends::Credentials(_) | Lends::Unable(_) => (None, None),
        };
        let environment = loan.as_ref().map(Loan::environment).unwrap_or_default();
        let made = plugin.make(job, &environment).await?;
        Ok(Made { lent_nothing, ..made })
    }

    async fn lend(&self, credentials: &GitCredentials) -> std::io::Result<Loan> {
        let mut ask_pass = self.ask_pass.lock().await;
        let listening = match ask_pass.take() {
            Some(listening) => listening,
            None => AskPass::start()?,
        };
        ask_pass.insert(listening).lend(credentials.clone())
    }

    /// A plugin that was asked for by name, and has no rules or wants the repository.
    async fn named(&self, job: &Job) -> Result<Plugin, Error> {
        let name = &job.name;
        if name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            return Err(Error::Name(name.chars().take(100).collect()));
        }
        let not_found = |reason: String| Error::NotFound { name: name.clone(), reason };
        let plugin = Plugin::connect(&self.socket(name), name, &self.limits)
            .await
            .map_err(|error| not_found(net::chain(&error)))?;
        if plugin.has_rules() {
            let matched = plugin.matches(job).await.map_err(|error| not_found(error.to_string()))?;
            if !matched.supported && matched.has_rules {
                return Err(not_found("its discovery rules do not match".to_owned()));
            }
        }
        Ok(plugin)
    }

    fn socket(&self, name: &str) -> PathBuf {
        Path::new(&self.directory).join(format!("{name}.sock"))
    }
}

/// A plugin's words: control characters but newlines and tabs gone, and not without end.
fn shown(message: &str) -> String {
    let plain = message.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control());
    let mut text: String = plain.take(MAX_ERROR_CHARS).collect();
    if message.chars().nth(MAX_ERROR_CHARS).is_some() {
        text.push('…');
    }
    text
}
