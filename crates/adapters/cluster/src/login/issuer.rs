use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, header};
use jiff::Timestamp;
use kube::client::Body;
use net::Secret;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower::BoxError;

use super::exec::ExecProgram;
use super::{Identity, Login, LoginError};

/// Time before its end at which a credential is asked for anew.
const EARLY: Duration = Duration::from_secs(60);
/// How long a credential is used that does not say when it ends.
const UNSAID: Duration = Duration::from_secs(600);
/// Pause after a failure, while the credential before it is still good.
const PAUSE: Duration = Duration::from_secs(5);

/// What lets us in for a while: a token, a certificate, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credential {
    /// A bearer token.
    pub token: Option<Secret>,
    /// A certificate and its key, both PEM.
    pub certificate: Option<(String, Secret)>,
    /// When it ends, if that is known; then it is asked for anew a minute before.
    pub expires: Option<Timestamp>,
}

type Answer = Pin<Box<dyn Future<Output = Result<Credential, String>> + Send>>;

/// Who hands out credentials, however often they end.
#[derive(Clone)]
pub struct Issuer(Arc<dyn Fn() -> Answer + Send + Sync>);

impl Issuer {
    /// Asks a function. Its errors are sentences for a user, without secrets.
    pub fn new<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Credential, String>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask())))
    }

    pub(super) fn program(program: ExecProgram) -> Self {
        let program = Arc::new(program);
        Self::new(move || {
            let program = Arc::clone(&program);
            async move { program.run().await }
        })
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issuer")
    }
}

/// A login that lasts longer than its credentials; one question at a time.
pub(super) struct Session {
    /// Without an identity: that is the issuer's.
    login: Login,
    issuer: Issuer,
    kept: Mutex<Option<Kept>>,
}

/// A credential and the client that shows it.
struct Kept {
    shown: Shown,
    certificate: Option<(String, Secret)>,
    /// When to ask anew.
    until: Instant,
    /// When it is good no more.
    end: Instant,
}

#[derive(Clone)]
struct Shown {
    client: kube::Client,
    header: Option<HeaderValue>,
}

impl Session {
    pub(super) fn new(login: Login, issuer: Issuer) -> Self {
        Self { login: Login { identity: Identity::Anonymous, ..login }, issuer, kept: Mutex::default() }
    }

    /// Asks the issuer unless what it gave is good still.
    pub(super) async fn begin(&self) -> Result<(), LoginError> {
        self.shown().await.map(drop)
    }

    async fn shown(&self) -> Result<Shown, LoginError> {
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| Instant::now() < kept.until) {
            return Ok(kept.shown.clone());
        }
        let fresh = match (self.issuer.0)().await {
            Ok(credential) => self.keep(credential, kept.as_ref()).await,
            Err(why) => Err(LoginError::Exec(why)),
        };
        match fresh {
            Ok(fresh) => Ok(kept.insert(fresh).shown.clone()),
            Err(error) => match kept.as_mut().filter(|kept| Instant::now() < kept.end) {
                Some(old) => {
                    tracing::warn!(error = %error, "no new credential; the one before is still good");
                    old.until = (Instant::now() + PAUSE).min(old.end);
                    Ok(old.shown.clone())
                }
                None => Err(error),
            },
        }
    }

    /// A client is made anew only for another certificate: its connections are worth something.
    async fn keep(&self, credential: Credential, before: Option<&Kept>) -> Result<Kept, LoginError> {
        let header = credential.token.as_ref().map(bearer).transpose()?;
        let client = match before.filter(|kept| kept.certificate == credential.certificate) {
            Some(kept) => kept.shown.client.clone(),
            None => {
                let identity = match &credential.certificate {
                    None => Identity::Anonymous,
                    Some((certificate, key)) => Identity::Certificate {
                        certificate: certificate.clone().into_bytes(),
                        key: key.clone(),
                    },
                };
                Login { identity, ..self.login.clone() }.plain().await?
            }
        };
        let now = Instant::now();
        let left = match credential.expires {
            Some(expires) => Duration::try_from(expires.duration_since(Timestamp::now())).unwrap_or_default(),
            None => UNSAID,
        };
        let (until, end) = (now + left.saturating_sub(EARLY), now + left);
        Ok(Kept { shown: Shown { client, header }, certificate: credential.certificate, until, end })
    }

    /// Sends a request as whoever the issuer says.
    pub(super) async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let shown = self.shown().await?;
        if let Some(header) = shown.header {
            request.headers_mut().insert(header::AUTHORIZATION, header);
        }
        Ok(shown.client.send(request).await?)
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue, LoginError> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| LoginError::Exec("the token has characters that no header can have".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    fn session(issuer: Issuer) -> Session {
        let login = Login {
            server: "https://127.0.0.1:1".to_owned(),
            insecure: false,
            server_name: String::new(),
            ca: Vec::new(),
            identity: Identity::Anonymous,
            proxy: None,
        };
        Session::new(login, issuer)
    }

    /// Says how often it was asked, and fails from the third time on.
    fn counting(expires: Option<Timestamp>) -> Session {
        let asked = Arc::new(AtomicU32::new(0));
        session(Issuer::new(move || {
            let count = asked.fetch_add(1, Relaxed) + 1;
            std::future::ready(if count < 3 {
                Ok(Credential {
                    token: Some(Secret::new(format!("t{count}"))),
                    expires,
                    ..Credential::default()
                })
            } else {
                Err("it failed".to_owned())
            })
        }))
    }

    #[tokio::test]
    async fn a_token_is_asked_for_when_it_ends() {
        let in_a_minute = Timestamp::now() + Duration::from_secs(55);
        for (reason, ends, expected) in [
            (
                "good for long",
                Some("2999-01-01T00:00:00Z".parse().unwrap()),
                ["Bearer t1", "Bearer t1", "Bearer t1"],
            ),
            ("unknown", None, ["Bearer t1", "Bearer t1", "Bearer t1"]),
            (
                "about to end: the last one is used while it is good",
                Some(in_a_minute),
                ["Bearer t1", "Bearer t2", "Bearer t2"],
            ),
        ] {
            let session = counting(ends);
            for expected in expected {
                assert_eq!(session.shown().await.unwrap().header.unwrap(), expected, "{reason}");
            }
        }
        let session = counting(Some("2001-01-01T00:00:00Z".parse().unwrap()));
        for _ in 0..2 {
            assert!(session.begin().await.is_ok());
        }
        let error = session.begin().await.unwrap_err();
        assert_eq!(error, LoginError::Exec("it failed".to_owned()), "an old token is none");
    }

    #[tokio::test]
    async fn a_certificate_that_cannot_be_used_is_said() {
        let session = session(Issuer::new(|| {
            let certificate = Some(("no PEM".to_owned(), Secret::new("hush")));
            std::future::ready(Ok(Credential { certificate, ..Credential::default() }))
        }));
        let error = session.begin().await.unwrap_err().to_string();
        assert!(error.contains("cannot be used") && !error.contains("hush"), "{error}");
    }
}
