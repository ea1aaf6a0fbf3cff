//! `repo` and `repocreds`.

use serde_json::{Value, json};

use super::account::{is, list, text};
use super::talk::{Talk, unknown_form};
use crate::command::{AddRepoArgs, AddRepoCredsArgs, RepoCommand, RepoCredentialFlags, RepoCredsCommand};
use crate::failure::Failure;
use crate::table::Table;

const REPOSITORY: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.Repository";
const CREDENTIALS: &str = "github.com.argoproj.argo_cd.v3.pkg.apis.application.v1alpha1.RepoCreds";

/// Longest file that is read, in bytes.
const FILE_BYTES: u64 = 1 << 20;

/// A refusal in the peer's words; it ends with 20.
pub(super) fn refused(said: impl Into<String>) -> Failure {
    let said = said.into();
    Failure::usage(said.clone()).peer(said, 20)
}

/// The text of a file of this machine.
pub(super) fn read(path: &str) -> Result<String, Failure> {
    let metadata = std::fs::metadata(path);
    if metadata.is_ok_and(|metadata| metadata.len() > FILE_BYTES) {
        return Err(Failure::usage(format!("the file {path} is longer than {FILE_BYTES} bytes")));
    }
    std::fs::read_to_string(path).map_err(|error| {
        let failure = Failure::usage(format!("the file {path} cannot be read")).because(&error);
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                failure.peer(format!("open {path}: no such file or directory"), 20)
            }
            _ => failure,
        }
    })
}

impl Talk<'_> {
    pub(super) async fn repositories(&mut self, command: RepoCommand) -> Result<u8, Failure> {
        match command {
            RepoCommand::List(args) => {
                let request = json!({"forceRefresh": refresh(&args.refresh)?});
                let what = "cannot list repositories";
                let answer =
                    self.ask(what, "repository.RepositoryService/ListRepositories", &request).await?;
                let all = list(&answer["items"]);
                match args.output.as_str() {
                    form @ ("json" | "yaml") => self.messages(REPOSITORY, all, form)?,
                    form => self.show_repositories(all, form)?,
                }
            }
            RepoCommand::Get(args) => {
                let request = json!({
                    "repo": args.url, "forceRefresh": refresh(&args.list.refresh)?, "appProject": args.project,
                });
                let what = format!("cannot get the repository {}", args.url);
                let answer = self.ask(&what, "repository.RepositoryService/Get", &request).await?;
                match args.list.output.as_str() {
                    form @ ("json" | "yaml") => self.message(REPOSITORY, &answer, form)?,
                    form => self.show_repositories(&[answer], form)?,
                }
            }
            RepoCommand::Add(args) => self.add_repository(*args).await?,
            RepoCommand::Rm(args) => {
                for url in args.urls {
                    if !self.agreed(&format!("Are you sure you want to delete repository '{url}'? [y/n]"))? {
                        self.line(&format!("The command to delete '{url}' was cancelled."));
                        continue;
                    }
                    let request = json!({"repo": url, "appProject": args.project});
                    let what = format!("cannot remove the repository {url}");
                    self.ask(&what, "repository.RepositoryService/DeleteRepository", &request).await?;
                    self.line(&format!("Repository '{url}' removed"));
                }
            }
        }
        Ok(0)
    }

    fn show_repositories(&mut self, all: &[Value], form: &str) -> Result<(), Failure> {
        match form {
            "url" => all.iter().for_each(|repository| self.line(text(&repository["repo"]))),
            "wide" | "" => {
                let text = table(all).render(self.console.look);
                self.console.print(&text);
            }
            other => {
                let said = format!("unknown output format: {other}. Supported formats: yaml|json|url|wide");
                return Err(unknown_form(other).peer(said, 20));
            }
        }
        Ok(())
    }

    async fn add_repository(&mut self, args: AddRepoArgs) -> Result<(), Failure> {
        let url = &args.url;
        let mut repository = credentials(url, &args.credentials)?;
        if args.credentials.kind == "helm" && args.name.is_empty() {
            return Err(refused("Must specify --name for repos of type 'helm'"));
        }
        for (field, value) in [
            ("repo", json!(url)),
            ("name", json!(args.name)),
            ("project", json!(args.project)),
            ("insecureIgnoreHostKey", json!(args.insecure_ignore_host_key)),
            ("insecure", json!(args.insecure_skip_server_verification)),
            ("enableLfs", json!(args.enable_lfs)),
            ("proxy", json!(args.proxy)),
            ("noProxy", json!(args.no_proxy)),
            ("insecureOCIForceHttp", json!(args.credentials.kind == "oci" && args.insecure_oci_force_http)),
        ] {
            repository[field] = value;
        }
        self.complete(&mut repository, url)?;
        let mut access = repository.clone();
        // The question has other names for some.
        access["enableOci"] = access["enableOCI"].clone();
        access["insecureOciForceHttp"] = access["insecureOCIForceHttp"].clone();
        access["insecure"] = json!(args.insecure_ignore_host_key || args.insecure_skip_server_verification);
        let what = format!("cannot reach the repository {url}");
        self.ask(&what, "repository.RepositoryService/ValidateAccess", &access).await?;
        let request = json!({"repo": repository, "upsert": args.upsert});
        let what = format!("cannot add the repository {url}");
        let made = self.ask(&what, "repository.RepositoryService/CreateRepository", &request).await?;
        self.line(&format!("Repository '{}' added", text(&made["repo"])));
        Ok(())
    }

    /// Asks for a password where a user was given alone, and refuses what does not go together.
    fn complete(&mut self, made: &mut Value, url: &str) -> Result<(), Failure> {
        if !text(&made["username"]).is_empty() && text(&made["password"]).is_empty() {
            made["password"] = json!(self.console.password("Password: ")?);
        }
        if text(&made["bearerToken"]).is_empty() {
            return Ok(());
        }
        if !text(&made["password"]).is_empty() {
            return Err(refused("only --bearer-token or --password is allowed, not both"));
        }
        if text(&made["type"]) != "git" {
            return Err(refused("--bearer-token is only supported for Git repositories"));
        }
        if !is_https(url) {
            return Err(refused("--bearer-token is only supported for HTTPS repositories"));
        }
        Ok(())
    }

    pub(super) async fn repository_credentials(&mut self, command: RepoCredsCommand) -> Result<u8, Failure> {
        match command {
            RepoCredsCommand::List(args) => {
                let method = "repocreds.RepoCredsService/ListRepositoryCredentials";
                let answer = self.ask("cannot list credentials of repositories", method, &json!({})).await?;
                let all = list(&answer["items"]);
                match args.output.as_str() {
                    form @ ("json" | "yaml") => self.messages(CREDENTIALS, all, form)?,
                    "url" => all.iter().for_each(|entry| self.line(text(&entry["url"]))),
                    "wide" | "" => {
                        let mut table = Table::new(&["URL PATTERN", "USERNAME", "SSH_CREDS", "TLS_CREDS"]);
                        for entry in all {
                            let username = Some(text(&entry["username"])).filter(|name| !name.is_empty());
                            let [ssh, tls] = ["sshPrivateKey", "tlsClientCertData"]
                                .map(|field| !text(&entry[field]).is_empty());
                            let cells = [text(&entry["url"]), username.unwrap_or("-"), word(ssh), word(tls)];
                            table.row(cells.into_iter().map(Into::into).collect());
                        }
                        let text = table.render(self.console.look);
                        self.console.print(&text);
                    }
                    other => return Err(unknown_form(other)),
                }
            }
            RepoCredsCommand::Add(args) => self.add_credentials(*args).await?,
            RepoCredsCommand::Rm(args) => {
                for url in args.urls {
                    if !self.agreed(&format!("Are you sure you want to remove '{url}'? [y/n] "))? {
                        self.line(&format!("The command to remove '{url}' was cancelled."));
                        continue;
                    }
                    let method = "repocreds.RepoCredsService/DeleteRepositoryCredentials";
                    let what = format!("cannot remove the credentials for {url}");
                    self.ask(&what, method, &json!({ "url": url })).await?;
                    self.line(&format!("Repository credentials for '{url}' removed"));
                }
            }
        }
        Ok(0)
    }

    async fn add_credentials(&mut self, args: AddRepoCredsArgs) -> Result<(), Failure> {
        let url = &args.url;
        let mut made = credentials(url, &args.credentials)?;
        made["url"] = json!(url);
        made["proxy"] = json!(args.proxy_url);
        self.complete(&mut made, url)?;
        let request = json!({"creds": made, "upsert": args.upsert});
        let what = format!("cannot add credentials for {url}");
        let made =
            self.ask(&what, "repocreds.RepoCredsService/CreateRepositoryCredentials", &request).await?;
        self.line(&format!("Repository credentials for '{}' added", text(&made["url"])));
        Ok(())
    }
}

fn word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

fn refresh(word: &str) -> Result<bool, Failure> {
    match word {
        "" => Ok(false),
        "hard" => Ok(true),
        other => Err(refused(format!("unknown refresh value: {other}. Supported values: hard"))),
    }
}

fn is_https(url: &str) -> bool {
    url.starts_with("https://")
}

/// `user@host:path` and `ssh://`.
fn is_ssh(url: &str) -> bool {
    let rest = url.strip_prefix("ssh://").unwrap_or(url);
    rest.split_once('@')
        .is_some_and(|(user, host)| !user.contains(['/', ':']) && !host.is_empty() && !host.contains('@'))
}

/// What flags say of who we are, with the files that they name.
fn credentials(url: &str, flags: &RepoCredentialFlags) -> Result<Value, Failure> {
    let mut made = json!({
        "type": flags.kind, "username": flags.username, "password": flags.password, "bearerToken": flags.bearer_token,
        "enableOCI": flags.enable_oci, "githubAppID": flags.github_app_id,
        "githubAppInstallationID": flags.github_app_installation_id,
        "githubAppEnterpriseBaseUrl": flags.github_app_enterprise_base_url,
        "forceHttpBasicAuth": flags.force_http_basic_auth, "useAzureWorkloadIdentity": flags.use_azure_workload_identity,
    });
    if let Some(path) = &flags.ssh_private_key_path {
        if !is_ssh(url) {
            return Err(refused("--ssh-private-key-path is only supported for SSH repositories."));
        }
        made["sshPrivateKey"] = json!(read(path)?);
    }
    if flags.tls_client_cert_path.is_some() != flags.tls_client_cert_key_path.is_some() {
        return Err(refused(
            "--tls-client-cert-path and --tls-client-cert-key-path must be specified together",
        ));
    }
    for (path, field, flag) in [
        (&flags.tls_client_cert_path, "tlsClientCertData", "--tls-client-cert-path"),
        (&flags.tls_client_cert_key_path, "tlsClientCertKey", "--tls-client-cert-path"),
        (&flags.github_app_private_key_path, "githubAppPrivateKey", "--github-app-private-key-path"),
        (&flags.gcp_service_account_key_path, "gcpServiceAccountKey", "--gcp-service-account-key-path"),
    ] {
        let Some(path) = path else { continue };
        if !is_https(url) {
            return Err(refused(format!("{flag} is only supported for HTTPS repositories")));
        }
        made[field] = json!(read(path)?);
    }
    Ok(made)
}

fn table(all: &[Value]) -> Table {
    let mut table = Table::new(&[
        "TYPE", "NAME", "REPO", "INSECURE", "OCI", "LFS", "CREDS", "STATUS", "MESSAGE", "PROJECT",
    ]);
    for repository in all {
        let insecure = is(&repository["insecureIgnoreHostKey"]) || is(&repository["insecure"]);
        let own = [
            "username",
            "password",
            "sshPrivateKey",
            "tlsClientCertData",
            "githubAppPrivateKey",
            "bearerToken",
        ];
        let own = own.iter().any(|field| !text(&repository[*field]).is_empty())
            || is(&repository["useAzureWorkloadIdentity"]);
        let state = &repository["connectionState"];
        let cells = [
            text(&repository["type"]),
            text(&repository["name"]),
            text(&repository["repo"]),
            word(insecure),
            word(is(&repository["enableOCI"])),
            word(is(&repository["enableLfs"])),
            if is(&repository["inheritedCreds"]) { "inherited" } else { word(own) },
            text(&state["status"]),
            text(&state["message"]),
            text(&repository["project"]),
        ];
        table.row(cells.into_iter().map(Into::into).collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_ssh_are_told_from_others() {
        for (url, expected) in [
            ("git@git.example:a/b", true),
            ("ssh://git@git.example:22/a", true),
            ("https://me@git.example/a", false),
            ("https://git.example/a", false),
            ("git.example:a", false),
        ] {
            assert_eq!(is_ssh(url), expected, "{url}");
        }
    }
}
