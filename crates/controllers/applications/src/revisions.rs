//! What is said of the revisions that applications were synced to, and when they may be synced.

use std::collections::BTreeMap;

use api::project::Begin;
use api::{Application, ApplicationSource, SyncWindow};
use cluster::chain;
use source::Note;

use crate::controller::Controller;
use crate::evaluate::Unrendered;
use crate::fetch::is_commit;
use crate::remote::{Origin, chart_remote, origin};

/// Shortest begin of a commit's id that is taken for one.
const SHORT: usize = 7;

/// A commit, and the tags that point at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Author, time and message.
    pub note: Note,
    /// Names of tags, sorted.
    pub tags: Vec<String>,
}

/// What a chart says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChartDetails {
    /// One sentence.
    pub description: String,
    /// A URL.
    pub home: String,
    /// `Name <address>`.
    pub maintainers: Vec<String>,
}

/// The windows of an application.
#[derive(Debug, Clone, PartialEq)]
pub struct AppWindows {
    /// Those that apply to it.
    pub assigned: Vec<SyncWindow>,
    /// Those among them that are active.
    pub active: Vec<SyncWindow>,
    /// Whether somebody may sync it now.
    pub can_sync: bool,
}

impl Controller {
    /// What is said of a commit of a git source. **Errors**: for people, without secrets; a name of a branch or tag is one.
    ///
    /// **Source**: the peer's `GetRevisionMetadata`, without what signatures and trailers say.
    pub async fn revision(
        &self,
        app: &Application,
        source: &ApplicationSource,
        revision: &str,
    ) -> Result<Revision, String> {
        let shared = self.shared();
        let hex = revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hex || !(SHORT..=64).contains(&revision.len()) {
            return Err(format!("revision {revision} must be resolved"));
        }
        let Origin::Git(remote) = origin(&shared.settings.current(), source, app.spec.project_name())? else {
            return Err(format!("{} is no git repository", api::redact_url(&source.repo_url)));
        };
        let refs = shared.sources.ls_refs(&remote).await.map_err(|error| chain(&error))?;
        let commit = if is_commit(revision) {
            revision.to_lowercase()
        } else {
            let found = shared.sources.revision(&remote, &refs, revision, "").await;
            found.map_err(|error| chain(&error))?.commit
        };
        let note = shared.sources.note(&remote, &commit).await.map_err(|error| chain(&error))?;
        let at = refs.by_name.iter().filter(|(_, commit)| **commit == note.commit);
        let tags = at.filter_map(|(name, _)| name.strip_prefix("refs/tags/").map(str::to_owned)).collect();
        Ok(Revision { note, tags })
    }

    /// What the chart of a source says of itself in a version. **Errors**: for people, without secrets.
    pub async fn chart_details(
        &self,
        app: &Application,
        source: &ApplicationSource,
        revision: &str,
    ) -> Result<ChartDetails, String> {
        let shared = self.shared();
        if source.chart.is_empty() {
            return Err(format!("no chart found for application: {}", app.metadata.name));
        }
        let remote = chart_remote(&shared.settings.current(), &source.repo_url, app.spec.project_name())?;
        let failed = |error: charts::ChartError| chain(&error);
        let found = shared.charts.resolve(&remote, &source.chart, revision, charts::Freshness::Known);
        let archive =
            shared.charts.fetch(&remote, &found.await.map_err(failed)?.value).await.map_err(failed)?;
        let bytes = archive.bytes.clone();
        let read = tokio::task::spawn_blocking(move || {
            helm::Chart::from_archive(&bytes, &helm::LoadLimits::default()).map_err(|error| chain(&error))
        });
        let chart = read.await.map_err(|error| error.to_string())??;
        let metadata = chart.metadata();
        let maintainer = |one: &helm::Maintainer| match one.email.as_str() {
            "" => one.name.clone(),
            email => format!("{} <{email}>", one.name).trim().to_owned(),
        };
        Ok(ChartDetails {
            description: metadata.description.clone(),
            home: metadata.home.clone(),
            maintainers: metadata.maintainers.iter().map(maintainer).collect(),
        })
    }

    /// What the manifest of an artifact in a registry says of it (`org.opencontainers.image.*`, by the names without that).
    ///
    /// **Errors**: for people, without secrets.
    pub async fn artifact_notes(
        &self,
        app: &Application,
        source: &ApplicationSource,
        revision: &str,
    ) -> Result<BTreeMap<String, String>, String> {
        let shared = self.shared();
        let remote = chart_remote(&shared.settings.current(), &source.repo_url, app.spec.project_name())?;
        let said = shared.charts.said(&remote, &source.chart, revision).await;
        said.map_err(|error| chain(&error))
    }

    /// When an application may be synced.
    ///
    /// **Errors**: its project cannot be read, or one of its windows.
    pub async fn windows(&self, app: &Application) -> Result<AppWindows, Unrendered> {
        let project = self.read_project(app.spec.project_name()).await?;
        let assigned = project.limits.windows().of(app);
        let now = (self.shared().options.clock)();
        let invalid = |error: api::project::WindowError| Unrendered {
            findings: vec![(api::ConditionType::InvalidSpecError, error.to_string())],
        };
        Ok(AppWindows {
            active: assigned.active(now).map_err(invalid)?.into_iter().cloned().collect(),
            can_sync: assigned.permits(Begin::Manual, now, None).map_err(invalid)?,
            assigned: assigned.windows().cloned().collect(),
        })
    }
}
