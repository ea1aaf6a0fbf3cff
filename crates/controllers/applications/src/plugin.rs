//! Config management plugins: what they are sent.

use std::sync::Arc;

use api::{Application, ApplicationSource, ApplicationSourceType};
use cluster::chain;
use filetree::{FileTree, TreePath};
use plugins::{Announcement, Archive, GitCredentials, Job, Lends, pack};
use render::{PluginAnswer, PluginNeed};

use crate::bases::Look;
use crate::shared::Shared;
use crate::tree::Tree;

/// Bytes of an archive that a plugin is sent, compressed. The peer has no limit but its disk.
const ARCHIVE_BYTES: usize = 100 << 20;

/// Whether there are plugins that may want a source of an application, or one has made it.
pub(crate) async fn are_there(shared: &Shared, app: &Application) -> bool {
    was_a_plugins(app) || shared.plugins.names().await.is_ok_and(|names| !names.is_empty())
}

/// Whether a plugin found a source of an application when it was last looked at. What a source asked for by itself does not count: it may ask
/// for something else now.
fn was_a_plugins(app: &Application) -> bool {
    let status = &app.status;
    let compared = &status.sync.compared_to;
    let mut kinds = status.source_type.iter().chain(&status.source_types);
    let mut sources = compared.source.iter().chain(&compared.sources);
    kinds.any(|kind| *kind == ApplicationSourceType::Plugin) && sources.all(|source| source.plugin.is_none())
}

/// Has a plugin make the manifests of a source. `Err` is a message.
///
/// A source that does not ask for a plugin does not suffer from plugins that others use: where they cannot be asked, it is none's. But
/// one that was made by a plugin stays the plugin's until its rules say otherwise: a sidecar that restarts must not turn it into plain
/// manifests, which would prune what the plugin made. (The peer does that.)
pub(crate) async fn ask(
    look: &Look<'_>,
    app: &Application,
    source: &ApplicationSource,
    tree: &Tree,
    need: &PluginNeed,
) -> Result<PluginAnswer, String> {
    let shared = look.shared;
    let careful = need.asked_for || was_a_plugins(app);
    let plugins = match look.view.settings.params.render_timeout {
        Some(time) => shared.plugins.within(time),
        None => shared.plugins.clone(),
    };
    let looks = async { plugins.look_for_repositories().await.map_err(|error| chain(&error)) };
    let made = async {
        if need.name.is_empty() && !looks.await? {
            let gone = "it was made by a plugin, and no plugin with discovery rules is there; \
                        set spec.source.directory if it is to be plain manifests";
            return if need.asked_for || !careful { Ok(None) } else { Err(gone.to_owned()) };
        }
        let job = job(look, app, source, tree, need).await?;
        plugins.make(&job).await.map_err(|error| chain(&error))
    };
    let made = match made.await {
        Ok(made) => made,
        Err(_) if !careful => None,
        Err(message) => return Err(message),
    };
    match made {
        None => Ok(PluginAnswer::NoneWants),
        Some(made) => {
            let warning = made.lent_nothing.map(|why| {
                format!(
                    "plugin {} wants the repository's credentials (provideGitCreds), which it is not given: {why}",
                    made.plugin
                )
            });
            let warnings = warning.into_iter().collect();
            Ok(PluginAnswer::Made { plugin: made.plugin, manifests: made.manifests, warnings })
        }
    }
}

/// The parameters that the plugin takes which would make the manifests of a source; none where no plugin wants it. `Err` is a message.
pub(crate) async fn announcements(
    look: &Look<'_>,
    app: &Application,
    source: &ApplicationSource,
    tree: &Tree,
    need: &PluginNeed,
) -> Result<Option<Vec<Announcement>>, String> {
    let job = job(look, app, source, tree, need).await?;
    let plugins = match look.view.settings.params.render_timeout {
        Some(time) => look.shared.plugins.within(time),
        None => look.shared.plugins.clone(),
    };
    let told = plugins.announcements(&job).await.map_err(|error| chain(&error));
    // What goes wrong with plugins is none of the business of who asks for none.
    if need.asked_for { told } else { Ok(told.unwrap_or_default()) }
}

/// What a plugin is sent.
async fn job(
    look: &Look<'_>,
    app: &Application,
    source: &ApplicationSource,
    tree: &Tree,
    need: &PluginNeed,
) -> Result<Job, String> {
    let (shared, params) = (look.shared, &look.view.settings.params);
    let path = TreePath::parse(&source.path).map_err(|error| error.to_string())?;
    let annotation = app.metadata.annotation(api::names::annotation::MANIFEST_GENERATE_PATHS);
    let narrowed = annotation.filter(|_| params.plugin_generate_paths == Some(true));
    let root = narrowed.map_or_else(TreePath::root, |paths| common_root(&path, paths));
    let part_path = path.relative_to(&root).unwrap_or_default().to_owned();
    let (store, excluded) = (Arc::clone(&tree.store), params.plugin_exclusions.clone());
    let permit = shared.renders.acquire().await.map_err(|error| error.to_string())?;
    let packing = tokio::task::spawn_blocking(move || {
        let files = FileTree::new(store, filetree::Limits::default());
        let archive =
            |root: &TreePath| pack(&files, root, &excluded, ARCHIVE_BYTES).map_err(|error| chain(&error));
        let part = if root.is_root() { None } else { Some((archive(&root)?, part_path)) };
        let repository = match &part {
            // Only rules need the rest, which may be what it was narrowed for.
            Some((part, _)) => archive(&TreePath::root()).unwrap_or_else(|_| part.clone()),
            None => archive(&root)?,
        };
        Ok::<(Archive, Option<(Archive, String)>), String>((repository, part))
    });
    let (repository, part) =
        packing.await.map_err(|error| format!("packing for a plugin failed: {error}"))??;
    drop(permit);
    Ok(Job {
        name: need.name.clone(),
        environment: need.environment.clone(),
        path: path.as_str().to_owned(),
        repository,
        part,
        lends: lends(&look.view.settings.repositories.lookup(&source.repo_url, app.spec.project_name())),
    })
}

/// What a plugin's programs are lent of what a repository needs. In the peer, keys and headers go as files and variables, too.
fn lends(access: &settings::RepositoryAccess) -> Lends {
    let own = &access.credentials;
    if let Some(password) = &own.password {
        let username = own.username.as_ref().map(|name| name.expose().clone()).unwrap_or_default();
        let password = cluster::Secret::new(password.expose().clone());
        return Lends::Credentials(GitCredentials { username, password });
    }
    let unable = [
        (own.ssh_private_key.is_some(), "an ssh key"),
        (own.bearer_token.is_some(), "a bearer token"),
        (own.tls_client_cert_key.is_some(), "a client certificate"),
    ];
    let unable = unable.iter().find(|(given, _)| *given);
    unable.map_or(Lends::Nothing, |(_, what)| Lends::Unable(format!("{what} is not lent to plugins")))
}

/// The directory that holds an application and everything that its annotation names: paths with semicolons, from the root of the
/// repository with a slash, else from the application.
fn common_root(app: &TreePath, annotation: &str) -> TreePath {
    let mut root = app.clone();
    for path in annotation.split(';').map(str::trim).filter(|path| !path.is_empty()) {
        let named = match path.strip_prefix('/') {
            Some(from_root) => TreePath::parse(from_root),
            None => app.join(path),
        };
        let Ok(named) = named else { return TreePath::root() };
        while !named.is_within(&root) {
            root = root.parent().unwrap_or_default();
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_found_is_known_from_the_status() {
        let rows = [
            ("nothing yet", serde_json::json!({}), false),
            (
                "found",
                serde_json::json!({"sourceType": "Plugin", "sync": {"comparedTo": {"source": {"repoURL": "r"}}}}),
                true,
            ),
            (
                "asked for",
                serde_json::json!({"sourceType": "Plugin", "sync": {"comparedTo": {"source": {"repoURL": "r", "plugin": {}}}}}),
                false,
            ),
            (
                "plain",
                serde_json::json!({"sourceType": "Directory", "sync": {"comparedTo": {"source": {"repoURL": "r"}}}}),
                false,
            ),
        ];
        for (name, status, expected) in rows {
            let app = serde_json::json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a", "namespace": "argocd"},
                "spec": {"project": "default", "destination": {}, "source": {"repoURL": "r"}}, "status": status,
            });
            assert_eq!(was_a_plugins(&Application::from_value(app).unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn an_annotation_narrows_what_is_sent() {
        let rows = [
            ("its own path", ".", "apps/web"),
            ("a path below", "sub", "apps/web"),
            ("a sibling", "../base", "apps"),
            ("from the root", "/lib", ""),
            ("several", ".;/apps/base", "apps"),
            ("nothing", "", "apps/web"),
            ("beyond the root", "../../..", ""),
        ];
        let app = TreePath::parse("apps/web").unwrap();
        for (name, annotation, expected) in rows {
            assert_eq!(common_root(&app, annotation).as_str(), expected, "{name}");
        }
    }
}
