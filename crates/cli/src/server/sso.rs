//! Logging in by an identity provider: a browser, and a port of this machine that it comes back to.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use net::{Proxies, Secret};
use oidc::Provider;
use remote::{Options, Remote};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::contexts::{Contexts, Named};
use super::reach::connect;
use super::talk::Talk;
use super::token;
use crate::command::BrowserArgs;
use crate::failure::{Failure, Kind};

/// How long somebody may take in the browser.
const PATIENCE: Duration = Duration::from_secs(600);

/// Seconds before its end at which a token is as good as over: it has to arrive, by the server's clock.
const EARLY: i64 = 10;

const PAGE: &str =
    "<!doctype html><meta charset=utf-8><title>Capstan</title><p>You are logged in. This page can be closed.";

/// Fills with chance.
pub(super) fn random(bytes: &mut [u8]) -> Result<(), Failure> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| Failure::new(Kind::Other, "no randomness can be had"))
}

fn nonce() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    random(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

impl Talk<'_> {
    /// The tokens of somebody who logs in in a browser: of who it is, and for another one.
    pub(super) async fn in_browser(
        &mut self,
        remote: &Remote,
        options: &Options,
        browser: &BrowserArgs,
    ) -> Result<(Secret, Option<Secret>), Failure> {
        let provider = self.provider(remote, options).await?;
        let base = browser.callback.clone().filter(|base| !base.is_empty());
        let base = base.unwrap_or_else(|| format!("http://localhost:{}", browser.sso_port));
        let redirect = format!("{}/auth/callback", base.trim_end_matches('/'));
        let (state, nonce, verifier) = (nonce()?, nonce()?, nonce()?);
        let now = (self.local.clock)();
        let refused = |error: &oidc::Error| {
            Failure::new(Kind::Denied, "the identity provider gives no token").because(error)
        };
        let challenge = provider.challenge(&redirect, &state, &nonce, &verifier, now).await;
        let challenge = challenge.map_err(|error| refused(&error))?;
        // It listens before the browser is sent away.
        let listener = TcpListener::bind(("localhost", browser.sso_port)).await.map_err(|error| {
            Failure::new(Kind::Unreachable, format!("the port {} cannot be listened on", browser.sso_port))
                .because(&error)
                .next("choose another one that the provider knows: --sso-port PORT")
        })?;
        self.line(&format!("Performing authorization_code flow login: {}", challenge.url));
        if browser.sso_launch_browser {
            self.line("Opening system default browser for authentication");
            open(&challenge.url)?;
        } else {
            let url = &challenge.url;
            self.line(&format!(
                "To authenticate, copy-and-paste the following URL into your preferred browser: {url}"
            ));
        }
        let code = tokio::time::timeout(PATIENCE, answered(listener, &state))
            .await
            .map_err(|_| Failure::new(Kind::Timeout, "nobody came back from the identity provider"))??;
        let verifier = challenge.bound.then_some(verifier.as_str());
        let tokens = provider.exchange(&code, &redirect, verifier, &nonce, (self.local.clock)()).await;
        let tokens = tokens.map_err(|error| refused(&error))?;
        self.line("Authentication successful");
        Ok((tokens.id, tokens.refresh))
    }

    /// Other tokens where those of the context are over, or nearly so, and there is one for them.
    pub(super) async fn renew(&mut self, options: &mut Options, context: &Named) -> Result<(), Failure> {
        let Some(refresh) = &context.refresh_token else { return Ok(()) };
        // One that was typed is not ours to change.
        if options.token != context.token {
            return Ok(());
        }
        let claims = token::claims(context.token.as_ref().map(Secret::expose).unwrap_or_default())?;
        let now = (self.local.clock)();
        if claims["exp"].as_i64().is_none_or(|ends| now.as_second() + EARLY < ends) {
            return Ok(());
        }
        let plain = Options { token: None, ..options.clone() };
        let remote = connect(self.local, self.console, plain.clone()).await?;
        let provider = self.provider(&remote, &plain).await?;
        let tokens = provider.redeem(refresh, now).await.map_err(|error| {
            Failure::new(Kind::Denied, "the session is over and cannot be made anew")
                .because(&error)
                .next("log in again: capstan relogin")
        })?;
        let flags = self.local.settled()?;
        let mut file = Contexts::open(&self.local.contexts_path(&flags)?)?;
        file.put_user(&context.name, Some(&tokens.id), tokens.refresh.as_ref().or(Some(refresh)));
        file.write()?;
        options.token = Some(tokens.id);
        Ok(())
    }

    /// The provider that the server's settings name.
    async fn provider(&mut self, remote: &Remote, options: &Options) -> Result<Arc<Provider>, Failure> {
        let settings = remote.call("cluster.SettingsService/Get", &json!({})).await;
        let settings =
            settings.map_err(|error| Failure::from_remote(&error, "cannot ask for the server's settings"))?;
        let text = |field: &str| settings["oidcConfig"][field].as_str().unwrap_or_default();
        if text("issuer").is_empty() {
            let said = format!("{} is not configured with SSO", options.server);
            let failure =
                Failure::new(Kind::NotFound, said.clone()).next("log in with an account: --username NAME");
            return Err(failure.peer(said, 20));
        }
        let client = [text("cliClientID"), text("clientID")].into_iter().find(|id| !id.is_empty());
        let config = json!({
            "issuer": text("issuer"), "clientID": client, "name": text("name"),
            "requestedScopes": settings["oidcConfig"]["scopes"],
            "requestedIDTokenClaims": claims_in_config(&settings["oidcConfig"]["idTokenClaims"]),
            "enablePKCEAuthentication": true,
            // Asks for a token for other tokens where there are such.
            "refreshTokenThreshold": "1s",
        });
        let wrong = |why: String| {
            Failure::new(Kind::Invalid, "the server's settings name no identity provider").cause(why)
        };
        let (config, _) = oidc::Config::read(&config.to_string(), options.insecure, |_| None)
            .map_err(|error| wrong(error.to_string()))?;
        let proxies: &Proxies = &options.proxies;
        Ok(Arc::new(Provider::new(config, proxies).map_err(wrong)?))
    }
}

/// Claims as the settings have them, in the form of `oidc.config`.
fn claims_in_config(claims: &Value) -> Value {
    match claims {
        Value::Object(claims) => Value::Object(claims.clone()),
        _ => json!({}),
    }
}

/// Waits for the browser: the code that it brings.
async fn answered(listener: TcpListener, state: &str) -> Result<String, Failure> {
    loop {
        let accepted = listener.accept().await;
        let (stream, _) = accepted.map_err(|error| {
            Failure::new(Kind::Unreachable, "the browser's answer cannot be heard").because(&error)
        })?;
        let (tell, mut told) = tokio::sync::mpsc::channel(1);
        let service = service_fn(|request: Request<Incoming>| {
            let tell = tell.clone();
            let outcome = brought(request.uri().path(), request.uri().query().unwrap_or_default(), state);
            async move {
                let (status, body) = match &outcome {
                    Some(Ok(_)) => (200, PAGE.to_owned()),
                    Some(Err(why)) => (400, escaped(why)),
                    None => (404, String::new()),
                };
                if let Some(outcome) = outcome {
                    // Whoever asks twice has the first answer.
                    drop(tell.try_send(outcome));
                }
                let response =
                    Response::builder().status(status).header("content-type", "text/html; charset=utf-8");
                Ok::<_, Infallible>(response.body(body).unwrap_or_default())
            }
        });
        let server = hyper::server::conn::http1::Builder::new()
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        // A browser that goes away has said nothing.
        drop(tokio::time::timeout(Duration::from_secs(10), server).await);
        match told.try_recv() {
            Ok(Ok(code)) => return Ok(code),
            Ok(Err(why)) => {
                return Err(Failure::new(Kind::Denied, "the login did not succeed")
                    .cause(why.clone())
                    .peer(why, 1));
            }
            Err(_) => {}
        }
    }
}

/// What a request brings: a code, an error, or nothing for us.
fn brought(path: &str, query: &str, state: &str) -> Option<Result<String, String>> {
    if path != "/auth/callback" {
        return None;
    }
    let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    if field("state").as_deref() != Some(state) {
        // Some other page's doing does not end a login.
        return None;
    }
    if let Some(error) = field("error") {
        return Some(Err(format!("{error}: {}", field("error_description").unwrap_or_default())));
    }
    Some(field("code").filter(|code| !code.is_empty()).ok_or_else(|| "no code in request".to_owned()))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Opens the person's browser.
#[expect(clippy::disallowed_methods, reason = "a browser is another program")]
fn open(url: &str) -> Result<(), Failure> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = std::process::Command::new(program)
        .arg(url)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    started.map(drop).map_err(|error| {
        Failure::new(Kind::Other, "no browser can be opened")
            .because(&error)
            .next("open the URL yourself: --sso-launch-browser=false")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_brings_a_code_or_nothing() {
        let code = |text: &str| Some(Ok(text.to_owned()));
        for (path, query, expected) in [
            ("/auth/callback", "code=a%20b&state=s", code("a b")),
            ("/auth/callback", "code=a&state=other", None),
            ("/auth/callback", "error=x", None),
            (
                "/auth/callback",
                "error=access_denied&error_description=no&state=s",
                Some(Err("access_denied: no".to_owned())),
            ),
            ("/auth/callback", "state=s", Some(Err("no code in request".to_owned()))),
            ("/favicon.ico", "code=a&state=s", None),
        ] {
            assert_eq!(brought(path, query, "s"), expected, "{path}?{query}");
        }
    }
}
