use serde_json::Value;

/// Who sends events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// GitHub, its packages included.
    GitHub,
    /// GitLab.
    GitLab,
    /// Bitbucket Cloud.
    Bitbucket,
    /// Bitbucket Server and Data Center.
    BitbucketServer,
    /// Azure DevOps.
    AzureDevOps,
    /// Gogs, Gitea and Forgejo.
    Gogs,
    /// Harbor, a registry.
    Harbor,
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::GitHub => "GitHub",
            Self::GitLab => "GitLab",
            Self::Bitbucket => "Bitbucket",
            Self::BitbucketServer => "Bitbucket Server",
            Self::AzureDevOps => "Azure DevOps",
            Self::Gogs => "Gogs",
            Self::Harbor => "Harbor",
        })
    }
}

/// What a body says.
pub(crate) enum Told<'a> {
    /// That something concerns nobody.
    Nothing,
    /// That something changed at these URLs.
    Urls(Vec<&'a str>),
    /// Nothing, for this is not in it.
    Lacks(&'static str),
}

impl Provider {
    /// Whose headers these are. Gogs comes before GitHub, for it sends GitHub's, too.
    pub(crate) fn of<'a>(header: &impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let has = |name: &str| header(name).is_some_and(|value| !value.is_empty());
        let by_header = [
            ("x-vss-activityid", Self::AzureDevOps),
            ("x-gogs-event", Self::Gogs),
            ("x-github-event", Self::GitHub),
            ("x-gitlab-event", Self::GitLab),
            ("x-hook-uuid", Self::Bitbucket),
            ("x-event-key", Self::BitbucketServer),
        ];
        let found = by_header.iter().find(|(name, _)| has(name)).map(|(_, provider)| *provider);
        // Harbor has no header of its own but what it calls itself.
        let harbor = || header("user-agent").is_some_and(|agent| agent.to_lowercase().contains("harbor"));
        found.or_else(|| (harbor() || has("x-harbor-event-id")).then_some(Self::Harbor))
    }

    /// Whether such an event says of something that it changed.
    pub(crate) fn tells<'a>(self, header: &impl Fn(&str) -> Option<&'a str>) -> bool {
        let is = |name: &str, events: &[&str]| header(name).is_some_and(|event| events.contains(&event));
        match self {
            Self::GitHub => is("x-github-event", &["push", "package", "registry_package"]),
            Self::GitLab => is("x-gitlab-event", &["Push Hook", "Tag Push Hook", "System Hook"]),
            Self::Bitbucket => is("x-event-key", &["repo:push"]),
            Self::BitbucketServer => is("x-event-key", &["repo:refs_changed"]),
            Self::Gogs => is("x-gogs-event", &["push", "create", "delete"]),
            Self::AzureDevOps | Self::Harbor => true,
        }
    }

    /// What an event says that changed, in each spelling that it has.
    pub(crate) fn told<'b, 'a>(self, header: &impl Fn(&str) -> Option<&'b str>, body: &'a Value) -> Told<'a> {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let urls = |first: &'static str, others: &[&str]| {
            let all = [first].into_iter().chain(others.iter().copied()).map(text);
            let urls: Vec<&str> = all.filter(|url| !url.is_empty()).collect();
            if urls.is_empty() { Told::Lacks(first) } else { Told::Urls(urls) }
        };
        match self {
            Self::GitHub if header("x-github-event") != Some("push") => package(body),
            Self::GitHub | Self::Gogs => {
                urls("/repository/html_url", &["/repository/clone_url", "/repository/ssh_url"])
            }
            Self::GitLab => {
                let event =
                    if text("/object_kind").is_empty() { text("/event_name") } else { text("/object_kind") };
                if !matches!(event, "push" | "tag_push" | "repository_update") {
                    return Told::Nothing;
                }
                urls("/project/web_url", &["/project/git_http_url", "/project/git_ssh_url"])
            }
            Self::Bitbucket => urls("/repository/links/html/href", &[]),
            Self::BitbucketServer => {
                let links = body.pointer("/repository/links/clone").and_then(Value::as_array);
                let hrefs = links.into_iter().flatten().filter_map(|link| link.get("href")?.as_str());
                match hrefs.collect::<Vec<_>>() {
                    none if none.is_empty() => Told::Lacks("/repository/links/clone"),
                    urls => Told::Urls(urls),
                }
            }
            Self::AzureDevOps if text("/eventType") != "git.push" => Told::Nothing,
            Self::AzureDevOps => urls("/resource/repository/remoteUrl", &["/resource/repository/sshUrl"]),
            Self::Harbor if !text("/type").eq_ignore_ascii_case("PUSH_ARTIFACT") => Told::Nothing,
            Self::Harbor => {
                let resources = body.pointer("/event_data/resources").and_then(Value::as_array);
                let urls = resources
                    .into_iter()
                    .flatten()
                    .filter_map(|resource| resource.get("resource_url")?.as_str());
                match urls.map(untagged).collect::<Vec<_>>() {
                    none if none.is_empty() => Told::Lacks("/event_data/resources"),
                    urls => Told::Urls(urls),
                }
            }
        }
    }
}

/// An image or chart that was pushed to GitHub's registry.
fn package(body: &Value) -> Told<'_> {
    let package = body.get("package").or_else(|| body.get("registry_package"));
    let text =
        |pointer: &str| package.and_then(|package| package.pointer(pointer)?.as_str()).unwrap_or_default();
    match text("/package_version/package_url") {
        _ if !text("/package_type").eq_ignore_ascii_case("container") => Told::Nothing,
        "" => Told::Lacks("/package/package_version/package_url"),
        url => Told::Urls(vec![untagged(url)]),
    }
}

/// A reference without its tag or digest.
fn untagged(reference: &str) -> &str {
    let reference = reference.split('@').next().unwrap_or_default();
    match reference.rsplit_once(':') {
        // What follows the port of a host has slashes in it.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => reference,
    }
}
