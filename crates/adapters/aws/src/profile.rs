//! Profiles: sections of the files that AWS's command line keeps.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;
use net::Secret;
use tokio::io::AsyncReadExt as _;

use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::error::AwsError;
use crate::http::Http;
use crate::sts;

/// Bytes of a file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Profiles that a profile may go through (`source_profile`).
const MAX_SOURCES: usize = 5;
/// What is not done here: running programs, and a person's login.
const ELSEWHERE: &[&str] = &["credential_process", "sso_session", "sso_start_url", "credential_source"];

type Section = BTreeMap<String, String>;

/// A text file, whole.
pub(crate) async fn read_file(what: &'static str, path: &str) -> Result<String, AwsError> {
    let broken = |why: String| AwsError::File { what, path: path.to_owned(), why };
    let file = tokio::fs::File::open(path).await.map_err(|error| broken(error.to_string()))?;
    let mut text = String::new();
    let read = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).await;
    read.map_err(|error| broken(error.to_string()))?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(broken(format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    Ok(text)
}

/// Sections of an INI file by their names; the later of two settings counts. In the file of settings a section is called
/// `profile NAME`.
fn sections(text: &str) -> BTreeMap<String, Section> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        // What is indented belongs to the setting above it, of which none counts here.
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let name = name.trim();
            let name = name.strip_prefix("profile ").unwrap_or(name).trim().trim_matches(['"', '\'']);
            sections.entry(name.to_owned()).or_default();
            current = Some(name.to_owned());
        } else if let (Some((key, value)), Some(section)) =
            (line.split_once('='), current.as_ref().and_then(|name| sections.get_mut(name)))
        {
            let value = value.split(" #").next().unwrap_or_default();
            section.insert(key.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    sections
}

/// All profiles of both files; credentials win over settings.
async fn profiles(env: &Environment) -> Result<BTreeMap<String, Section>, AwsError> {
    let mut all: BTreeMap<String, Section> = BTreeMap::new();
    let mut missing = None;
    for (what, name) in [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")] {
        let home = || env.get("HOME").map(|home| format!("{home}/.aws/{name}"));
        let Some(path) = env.get(what).map(str::to_owned).or_else(home) else { continue };
        match read_file(what, &path).await {
            Ok(text) => {
                for (name, section) in sections(&text) {
                    all.entry(name).or_default().extend(section);
                }
            }
            Err(error) => missing = Some(error),
        }
    }
    match missing {
        Some(error) if all.is_empty() => Err(error),
        Some(_) | None => Ok(all),
    }
}

/// A profile's region, if it says one.
pub(crate) async fn region(env: &Environment, name: &str) -> Option<String> {
    profiles(env).await.ok()?.get(name)?.get("region").cloned()
}

/// The credentials of a profile; `None` where it has none.
pub(crate) async fn credentials(
    env: &Environment,
    name: &str,
    region: &sts::Region,
    http: &Http,
    now: Timestamp,
) -> Result<Option<Credentials>, AwsError> {
    let all = profiles(env).await?;
    let find = Find { all: &all, env, region, http, now };
    find.of(name, MAX_SOURCES).await
}

struct Find<'a> {
    all: &'a BTreeMap<String, Section>,
    env: &'a Environment,
    region: &'a sts::Region,
    http: &'a Http,
    now: Timestamp,
}

type Found<'a> = Pin<Box<dyn Future<Output = Result<Option<Credentials>, AwsError>> + Send + 'a>>;

impl Find<'_> {
    fn of<'a>(&'a self, name: &'a str, sources: usize) -> Found<'a> {
        Box::pin(async move {
            let refused = |why: String| AwsError::Settings(format!("the AWS profile {name:?} {why}"));
            let profile = self.all.get(name).ok_or_else(|| {
                refused("is in neither AWS_SHARED_CREDENTIALS_FILE nor AWS_CONFIG_FILE".to_owned())
            })?;
            let get = |key: &str| profile.get(key).filter(|value| !value.is_empty());
            if let Some(role) = get("role_arn") {
                if let Some(file) = get("web_identity_token_file") {
                    let (region, http) = (self.region, self.http);
                    return sts::assume_with_web_identity(self.env, region, http, role, file, self.now)
                        .await
                        .map(Some);
                }
                // A profile may name itself: its own keys take on its role.
                match get("source_profile") {
                    Some(source) if source != name => {
                        let left = sources.checked_sub(1).ok_or_else(|| {
                            refused(format!("goes through more than {MAX_SOURCES} others (source_profile)"))
                        })?;
                        let source = self.of(source, left).await?;
                        let source = source.ok_or_else(|| refused("has a source without keys".to_owned()))?;
                        return sts::assume(self.env, self.region, self.http, role, &source, self.now)
                            .await
                            .map(Some);
                    }
                    Some(_) => {
                        let source =
                            keys(profile).ok_or_else(|| refused("has a role and no keys".to_owned()))?;
                        return sts::assume(self.env, self.region, self.http, role, &source, self.now)
                            .await
                            .map(Some);
                    }
                    None => {}
                }
            }
            if let Some(found) = keys(profile) {
                return Ok(Some(found));
            }
            match ELSEWHERE.iter().find(|key| get(key).is_some()) {
                Some(key) => Err(refused(format!(
                    "has {key}, which is not read here: give keys, or role_arn with source_profile or web_identity_token_file"
                ))),
                None => Ok(None),
            }
        })
    }
}

fn keys(profile: &Section) -> Option<Credentials> {
    let get = |key: &str| profile.get(key).filter(|value| !value.is_empty());
    Some(Credentials {
        access_key_id: get("aws_access_key_id")?.clone(),
        secret_access_key: Secret::new(get("aws_secret_access_key")?.clone()),
        session_token: get("aws_session_token").map(|token| Secret::new(token.clone())),
        expires: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read() {
        let text = "# a comment\nstray = 1\n[default]\naws_access_key_id = A\naws_secret_access_key=b=c # mine\n\n\
                    [ profile \"with space\" ]\r\nregion = eu-west-1\r\ns3 =\r\n  region = nested\r\n[default]\naws_access_key_id = B\n[broken\n";
        let found = sections(text);
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(names, ["broken", "default", "with space"]);
        assert_eq!(found["default"]["aws_access_key_id"], "B");
        assert_eq!(found["default"]["aws_secret_access_key"], "b=c");
        assert_eq!(found["with space"]["region"], "eu-west-1");
    }
}
