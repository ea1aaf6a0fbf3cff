//! A browser as far as logins need one: cookies by host, redirections, forms. What goes wrong ends the test.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a helper of tests")]

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url, header};

/// How often it may be sent on.
const REDIRECTIONS: usize = 20;

/// What came of a page.
#[derive(Debug)]
pub struct Page {
    /// Where it is.
    pub url: Url,
    /// How it was answered; that of what sent it there at the end of the way.
    pub status: u16,
    /// What it says.
    pub text: String,
}

/// A browser without a screen, which remembers cookies.
#[derive(Debug, Default)]
pub struct Browser {
    client: Client,
    /// By origin and name.
    cookies: BTreeMap<(String, String), String>,
}

impl Browser {
    /// One that was nowhere yet.
    pub fn new() -> Self {
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { client, cookies: BTreeMap::new() }
    }

    /// A cookie for a place.
    pub fn cookie(&self, place: &str, name: &str) -> Option<String> {
        self.cookies.get(&(origin(&Url::parse(place).unwrap()), name.to_owned())).cloned()
    }

    /// Puts a cookie in by hand.
    pub fn set_cookie(&mut self, place: &str, name: &str, value: &str) {
        self.cookies.insert((origin(&Url::parse(place).unwrap()), name.to_owned()), value.to_owned());
    }

    /// One request, no redirection followed.
    pub async fn ask(&mut self, method: Method, url: Url, form: &[(&str, &str)]) -> Response {
        let own = origin(&url);
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|((origin, _), _)| *origin == own)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let mut request = self.client.request(method.clone(), url).header(header::COOKIE, cookies.join("; "));
        if method == Method::POST {
            let mut body = Url::parse("http://x").unwrap();
            body.query_pairs_mut().extend_pairs(form);
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body.query().unwrap_or_default().to_owned());
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            let key = (own.clone(), name.trim().to_owned());
            let ends = text.to_ascii_lowercase().contains("max-age=0") || text.contains("01 Jan 1970");
            if ends || value.is_empty() {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
        response
    }

    /// Opens a place and goes where it is sent, as long as that is not at `end`.
    pub async fn open(&mut self, url: &str, end: &str) -> Page {
        self.go(Method::GET, Url::parse(url).unwrap(), &[], end).await
    }

    async fn go(&mut self, method: Method, url: Url, form: &[(&str, &str)], end: &str) -> Page {
        let (mut method, mut url) = (method, url);
        let mut sent_on = 0;
        loop {
            let response = self.ask(method, url.clone(), form).await;
            let status = response.status().as_u16();
            let to = response.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
            let Some(to) = to else { return Page { url, status, text: response.text().await.unwrap() } };
            url = url.join(&to).unwrap();
            method = Method::GET;
            if url.as_str().starts_with(end) {
                return Page { url, status, text: String::new() };
            }
            sent_on += 1;
            assert!(sent_on < REDIRECTIONS, "sent on for ever, at last to {url}");
        }
    }

    /// Logs in at the provider's pages, which stand at `page`, and goes on until it is sent to `end`.
    pub async fn log_in(&mut self, mut page: Page, user: &str, end: &str) -> Page {
        // One form asks who it is, the next whether that is meant.
        for _ in 0..2 {
            if !page.text.contains("<form") {
                return page;
            }
            let prompt = if page.text.contains("name=\"login\"") { "login" } else { "consent" };
            let form = [("prompt", prompt), ("login", user), ("password", "any")];
            page = self.go(Method::POST, page.url, &form, end).await;
        }
        page
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
