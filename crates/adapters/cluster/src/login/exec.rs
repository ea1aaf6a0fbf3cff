use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use net::Secret;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::issuer::Credential;

/// How long a program may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of what a program says.
const MAX_OUTPUT: u64 = 1 << 20;

/// A program that hands out credentials, as in a kubeconfig's `exec`. Who may be run is the caller's decision.
#[derive(Debug, Clone)]
pub struct ExecProgram {
    /// The program: a path, or a name that is looked for in `PATH`.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What is added to our own environment.
    pub env: BTreeMap<String, Secret>,
    /// Version of what it is asked and answers; the newest where empty.
    pub api_version: String,
    /// What to do where it is missing.
    pub install_hint: String,
}

const NEWEST: &str = "client.authentication.k8s.io/v1";

impl ExecProgram {
    /// Runs it once, without a terminal.
    pub(super) async fn run(&self) -> Result<Credential, String> {
        let named = |why: &str| format!("credential program {:?} {why}", self.command);
        let version = if self.api_version.is_empty() { NEWEST } else { &self.api_version };
        let asked = json!({"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": false}});
        let mut child = Command::new(&self.command)
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value.expose())))
            .env("KUBERNETES_EXEC_INFO", asked.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match self.install_hint.as_str() {
                "" => named(&format!("cannot be run: {error}")),
                hint => named(&format!("cannot be run: {error}. {hint}")),
            })?;
        let (out, complaint) = (child.stdout.take(), child.stderr.take());
        let whole = async { tokio::join!(read(out), read(complaint), child.wait()) };
        let Ok((out, complaint, status)) = tokio::time::timeout(TIMEOUT, whole).await else {
            return Err(named(&format!("did not end within {}s", TIMEOUT.as_secs())));
        };
        let status = status.map_err(|error| named(&error.to_string()))?;
        if !status.success() {
            let secrets: Vec<&Secret> = self.env.values().collect();
            let complaint = net::without(&String::from_utf8_lossy(&complaint), &secrets);
            return Err(named(&format!("failed ({status}): {}", complaint)));
        }
        let answer: Answer = serde_json::from_slice(&out)
            .map_err(|error| named(&format!("gave no ExecCredential (line {})", error.line())))?;
        credential(answer, version).map_err(|why| named(&why))
    }
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What was read until an error is worth as much as nothing.
        drop(from.take(MAX_OUTPUT).read_to_end(&mut bytes).await);
    }
    bytes
}

fn credential(answer: Answer, version: &str) -> Result<Credential, String> {
    if answer.api_version != version {
        return Err(format!("answered in version {:?}, not {version:?}", answer.api_version));
    }
    let status = answer.status.unwrap_or_default();
    let said = |text: Option<String>| text.filter(|text| !text.is_empty());
    let token = said(status.token).map(Secret::new);
    let certificate = match (said(status.client_certificate_data), said(status.client_key_data)) {
        (Some(certificate), Some(key)) => Some((certificate, Secret::new(key))),
        (None, None) if token.is_none() => return Err("gave neither a token nor a certificate".to_owned()),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err("gave one of clientCertificateData and clientKeyData without the other".to_owned());
        }
    };
    Ok(Credential { token, certificate, expires: status.expiration_timestamp })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    api_version: String,
    status: Option<Status>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    expiration_timestamp: Option<Timestamp>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(script: &str) -> ExecProgram {
        ExecProgram {
            command: "sh".to_owned(),
            args: vec!["-c".to_owned(), script.to_owned()],
            env: BTreeMap::from([("HUSH".to_owned(), Secret::new("hush"))]),
            api_version: String::new(),
            install_hint: "install it".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_token_is_what_the_program_says() {
        let script = r#"
            case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 3;; esac
            echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
                   "status":{"token":"'$HUSH'","expirationTimestamp":"2030-01-01T00:00:00Z"}}'"#;
        let token = program(script).run().await.unwrap();
        assert_eq!(token.token, Some(Secret::new("hush")));
        assert_eq!(token.expires, Some("2030-01-01T00:00:00Z".parse().unwrap()));
    }

    #[tokio::test]
    async fn what_goes_wrong_is_said_without_secrets() {
        let answer = |status: &str| {
            format!(r#"echo '{{"apiVersion":"client.authentication.k8s.io/v1","status":{status}}}'"#)
        };
        for (reason, program, why) in [
            ("fails", program("echo no $HUSH >&2; exit 2"), "failed (exit status: 2): no ***"),
            ("says nothing", program("true"), "gave no ExecCredential (line 1)"),
            ("another version", program(r#"echo '{"apiVersion":"v9"}'"#), "answered in version \"v9\""),
            ("nothing", program(&answer("{}")), "gave neither a token nor a certificate"),
            ("half a certificate", program(&answer(r#"{"clientCertificateData":"x"}"#)), "without the other"),
            (
                "not there",
                ExecProgram { command: "no-such-program".to_owned(), ..program("") },
                "cannot be run: No such file or directory (os error 2). install it",
            ),
        ] {
            let error = program.run().await.unwrap_err();
            assert!(error.contains(why), "{reason}: {error}");
        }
    }
}
