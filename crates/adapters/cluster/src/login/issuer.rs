use std::time::Duration;

use http::{HeaderValue, Request, header};
use jiff::Timestamp;
use kube::client::Body;
use net::Secret;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower::BoxError;

use super::exec::ExecProgram;

/// Time before its end at which a token is asked for anew.
const EARLY: Duration = Duration::from_secs(60);
/// How long a token is used that does not say when it ends.
const UNSAID: Duration = Duration::from_secs(600);
/// Pause after a failure, while the token before it is still good.
const PAUSE: Duration = Duration::from_secs(5);

/// A token and when it ends, if that is known.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) value: Secret,
    pub(super) expires: Option<Timestamp>,
}

/// Tokens, asked for as they end; one question at a time.
pub(super) struct TokenSource {
    program: ExecProgram,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    header: HeaderValue,
    /// When to ask anew.
    until: Instant,
    /// When it is good no more.
    end: Instant,
}

impl TokenSource {
    pub(super) fn new(program: ExecProgram) -> Self {
        Self { program, kept: Mutex::default() }
    }

    /// The header of a token that is good now.
    pub(super) async fn token(&self) -> Result<HeaderValue, String> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| Instant::now() < kept.until) {
            return Ok(kept.header.clone());
        }
        match self.program.run().await.and_then(|token| keep(&token)) {
            Ok(fresh) => Ok(kept.insert(fresh).header.clone()),
            Err(error) => match kept.as_mut().filter(|kept| Instant::now() < kept.end) {
                Some(old) => {
                    tracing::warn!(error = %error, "no new token; the one before is still good");
                    old.until = (Instant::now() + PAUSE).min(old.end);
                    Ok(old.header.clone())
                }
                None => Err(error),
            },
        }
    }

    /// Adds it to a request.
    pub(super) async fn bear(&self, mut request: Request<Body>) -> Result<Request<Body>, BoxError> {
        let token = self.token().await?;
        request.headers_mut().insert(header::AUTHORIZATION, token);
        Ok(request)
    }
}

fn keep(token: &Token) -> Result<Kept, String> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", token.value.expose()))
        .map_err(|_| "the token has characters that no header can have".to_owned())?;
    header.set_sensitive(true);
    let now = Instant::now();
    let left = match token.expires {
        Some(expires) => Duration::try_from(expires.duration_since(Timestamp::now())).unwrap_or_default(),
        None => UNSAID,
    };
    Ok(Kept { header, until: now + left.saturating_sub(EARLY), end: now + left })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A program that says how often it was run, and fails from the third time on.
    fn counting(directory: &std::path::Path, ends: &str) -> ExecProgram {
        let script = format!(
            r#"cd '{}'; echo >> n; n=$(wc -l < n); [ $n -lt 3 ] || exit 1
               echo '{{"apiVersion":"client.authentication.k8s.io/v1","status":{{"token":"t'$n'","expirationTimestamp":{ends}}}}}'"#,
            directory.display()
        );
        ExecProgram {
            command: "sh".to_owned(),
            args: vec!["-c".to_owned(), script],
            env: BTreeMap::new(),
            api_version: String::new(),
            install_hint: String::new(),
        }
    }

    #[tokio::test]
    async fn a_token_is_asked_for_when_it_ends() {
        let in_a_minute = format!("\"{}\"", Timestamp::now() + Duration::from_secs(55));
        for (reason, ends, expected) in [
            ("good for long", "\"2999-01-01T00:00:00Z\"", ["Bearer t1", "Bearer t1", "Bearer t1"]),
            ("unknown", "null", ["Bearer t1", "Bearer t1", "Bearer t1"]),
            (
                "about to end: the last one is used while it is good",
                &in_a_minute,
                ["Bearer t1", "Bearer t2", "Bearer t2"],
            ),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let source = TokenSource::new(counting(directory.path(), ends));
            for expected in expected {
                assert_eq!(source.token().await.unwrap(), expected, "{reason}");
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let source = TokenSource::new(counting(directory.path(), "\"2001-01-01T00:00:00Z\""));
        for _ in 0..2 {
            assert!(source.token().await.is_ok());
        }
        assert!(source.token().await.unwrap_err().contains("failed"), "an old token is none");
    }
}
