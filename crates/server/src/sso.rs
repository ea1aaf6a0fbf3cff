//! The identity provider that settings name, and where we are ourselves.

use std::sync::Arc;

use net::Proxies;
use oidc::{Config, Provider};
use settings::Snapshot;
use url::Url;

use crate::shelf::Shelf;

/// Most `additionalUrls`.
const URLS: usize = 100;
/// Longest place that a browser is sent back to, in bytes.
const RETURN_BYTES: usize = 2048;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sso {
    pub(crate) provider: Option<Arc<Provider>>,
    /// `url` and `additionalUrls`: where browsers reach us. The first is where they are sent if nothing else is known.
    urls: Vec<Url>,
}

impl Sso {
    /// Of the settings. What cannot be read now is as it was in `before`, and named; a provider that is configured as before goes on with
    /// what it knows.
    pub(crate) fn read(
        settings: &Snapshot,
        proxies: &Proxies,
        shelf: Option<&Shelf>,
        before: Option<&Self>,
        problems: &mut Vec<String>,
    ) -> Self {
        let text =
            |name: &str| settings.config.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let urls = urls(text("url"), text("additionalUrls"), problems);
        let before = before.and_then(|before| before.provider.as_ref());
        let provider = match (text("oidc.config"), text("dex.config")) {
            (None, None) => None,
            (None, Some(_)) => {
                problems.push(
                    "dex.config: Dex is not run here; point oidc.config at its issuer (or at the identity provider itself)".to_owned(),
                );
                None
            }
            (Some(text), _) => match provider(text, settings, (proxies, shelf), before, problems) {
                Ok(provider) => Some(provider),
                Err(why) => {
                    problems.push(format!("oidc.config: {why}; what it said before stays in force"));
                    before.cloned()
                }
            },
        };
        if provider.is_some() && urls.is_empty() {
            problems.push("url: is needed for logins by oidc.config in a browser".to_owned());
        }
        Self { provider, urls }
    }

    /// Where we are for a browser that asked this host: one of our URLs, the first if none is of that host.
    ///
    /// **Source**: `ArgoCDSettings.ArgoURLForRequest`.
    pub(crate) fn own_url(&self, host: Option<&str>) -> Option<&Url> {
        let of_host = |url: &&Url| {
            let name = url.host_str().unwrap_or_default();
            let own = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
            host.is_some_and(|host| host.eq_ignore_ascii_case(&own))
        };
        self.urls.iter().find(of_host).or_else(|| self.urls.first())
    }

    /// Where a browser may be sent back to that asks for `place`: below one of our URLs, as browsers read it.
    ///
    /// **Source**: `isValidRedirectURL`. There a path may go on within a segment (`/argo` permits `/argo-evil`), and one without a host
    /// is refused, though it can lead nowhere else.
    pub(crate) fn return_url(&self, place: &str) -> Option<Url> {
        if place.is_empty() {
            return self.urls.first().cloned();
        }
        if place.len() > RETURN_BYTES
            || place.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\')
        {
            return None;
        }
        let place = self.urls.first()?.join(place).ok()?;
        let named = !place.username().is_empty() || place.password().is_some();
        let permits = |own: &&Url| {
            let base = own.path().trim_end_matches('/');
            let below = place.path().strip_prefix(base);
            own.origin() == place.origin()
                && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        (!named && self.urls.iter().any(|own| permits(&own))).then_some(place)
    }

    /// Whether a page of this origin is one of ours.
    pub(crate) fn is_own(&self, page: &Url) -> bool {
        self.urls.iter().any(|own| own.origin() == page.origin())
    }

    /// Whether browsers reach us over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.urls.first().is_some_and(|url| url.scheme() == "https")
    }
}

fn provider(
    text: &str,
    settings: &Snapshot,
    (proxies, shelf): (&Proxies, Option<&Shelf>),
    before: Option<&Arc<Provider>>,
    problems: &mut Vec<String>,
) -> Result<Arc<Provider>, String> {
    let secret = |reference: &str| String::from_utf8(settings.secret(reference)?.to_vec()).ok();
    let insecure = settings.config.get("oidc.tls.insecure.skip.verify").is_some_and(|text| text == "true");
    let (config, missing) = Config::read(text, insecure, secret).map_err(|error| error.to_string())?;
    problems.extend(missing.into_iter().map(|line| format!("oidc.config: {line}")));
    match before.filter(|before| *before.config() == config) {
        Some(before) => Ok(Arc::clone(before)),
        None => {
            let provider = Provider::new(config, proxies)?;
            Ok(Arc::new(match shelf {
                Some(shelf) => provider.with_shelf(Arc::new(shelf.clone())),
                None => provider,
            }))
        }
    }
}

fn urls(first: Option<&str>, more: Option<&str>, problems: &mut Vec<String>) -> Vec<Url> {
    let more = match more.map(|text| goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default())) {
        None | Some(Ok(serde_json::Value::Null)) => Vec::new(),
        Some(Ok(serde_json::Value::Array(list))) if list.len() <= URLS => list,
        Some(_) => {
            problems
                .push(format!("additionalUrls: a list of at most {URLS} URLs was expected; there are none"));
            Vec::new()
        }
    };
    let first = first.map(|text| ("url", text));
    let more = more.iter().map(|value| ("additionalUrls", value.as_str().unwrap_or_default()));
    let mut urls = Vec::new();
    for (key, text) in first.into_iter().chain(more) {
        match Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            Some(url) => urls.push(url),
            None => problems.push(format!("{key}: a URL of http or https was expected; it is passed over")),
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sso(urls: &[&str]) -> Sso {
        Sso { provider: None, urls: urls.iter().map(|url| Url::parse(url).unwrap()).collect() }
    }

    #[test]
    fn a_malformed_setting_keeps_the_last_good_one_and_is_named() {
        let good = "{issuer: 'https://i', clientID: c}";
        let mut before: Option<Sso> = None;
        for (name, config, issuer, lines) in [
            ("nothing", vec![], None, vec![]),
            ("dex", vec![("dex.config", "connectors: []")], None, vec!["dex.config: Dex is not run here"]),
            ("a provider", vec![("url", "https://a"), ("oidc.config", good)], Some("https://i"), vec![]),
            (
                "both",
                vec![("url", "https://a"), ("oidc.config", good), ("dex.config", "a: b")],
                Some("https://i"),
                vec![],
            ),
            (
                "no YAML",
                vec![("url", "https://a"), ("oidc.config", "{")],
                Some("https://i"),
                vec!["oidc.config: it is not YAML"],
            ),
            (
                "no client",
                vec![("url", "https://a"), ("oidc.config", "issuer: https://other")],
                Some("https://i"),
                vec!["oidc.config: clientID: is missing; what it said before stays in force"],
            ),
            (
                "a secret that is not there",
                vec![
                    ("url", "https://a"),
                    ("oidc.config", "{issuer: 'https://i', clientID: c, clientSecret: $none}"),
                ],
                Some("https://i"),
                vec!["oidc.config: there is no $none"],
            ),
            ("no url", vec![("oidc.config", good)], Some("https://i"), vec!["url: is needed"]),
            (
                "no URLs",
                vec![("url", "x"), ("additionalUrls", "{}"), ("oidc.config", good)],
                Some("https://i"),
                vec!["additionalUrls: a list", "url: a URL of http or https", "url: is needed"],
            ),
            ("gone", vec![("url", "https://a")], None, vec![]),
        ] {
            let config = config.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            let (settings, mut problems) = (Snapshot { config, ..Snapshot::default() }, Vec::new());
            let sso = Sso::read(&settings, &Proxies::default(), None, before.as_ref(), &mut problems);
            let found = sso.provider.as_ref().map(|provider| provider.config().issuer.as_str());
            assert_eq!(found, issuer, "{name}");
            assert_eq!(problems.len(), lines.len(), "{name}: {problems:?}");
            assert!(
                problems.iter().zip(&lines).all(|(problem, line)| problem.starts_with(line)),
                "{name}: {problems:?}"
            );
            before = Some(sso);
        }
    }

    #[test]
    fn a_provider_that_stays_as_it_is_goes_on_with_what_it_knows() {
        let read = |text: &str, before: Option<&Sso>| {
            let config = [("oidc.config", text)].map(|(key, value)| (key.to_owned(), value.to_owned()));
            let settings = Snapshot { config: config.into(), ..Snapshot::default() };
            Sso::read(&settings, &Proxies::default(), None, before, &mut Vec::new())
        };
        let first = read("{issuer: 'https://i', clientID: c}", None);
        let same = read("{clientID: c, issuer: 'https://i'}", Some(&first));
        let other = read("{issuer: 'https://i', clientID: d}", Some(&first));
        let provider = |sso: &Sso| sso.provider.clone().unwrap();
        assert!(Arc::ptr_eq(&provider(&first), &provider(&same)));
        assert!(!Arc::ptr_eq(&provider(&first), &provider(&other)));
    }

    #[test]
    fn browsers_are_sent_back_to_us_alone() {
        let own = sso(&["https://argo.example.com/argo-cd", "http://localhost:8080"]);
        for (place, expected) in [
            ("", Some("https://argo.example.com/argo-cd")),
            ("https://argo.example.com/argo-cd", Some("https://argo.example.com/argo-cd")),
            (
                "https://argo.example.com/argo-cd/applications?a=b#c",
                Some("https://argo.example.com/argo-cd/applications?a=b#c"),
            ),
            ("HTTPS://ARGO.example.com:443/argo-cd/", Some("https://argo.example.com/argo-cd/")),
            ("/argo-cd/applications", Some("https://argo.example.com/argo-cd/applications")),
            ("http://localhost:8080/x", Some("http://localhost:8080/x")),
            // A93
            ("//evil.example.com", None),
            ("///evil.example.com", None),
            ("/\\evil.example.com", None),
            ("\\\\evil.example.com", None),
            ("/\t/evil.example.com", None),
            ("https:evil.example.com", None),
            ("javascript:alert(1)", None),
            ("java\nscript:alert(1)", None),
            ("data:text/html,x", None),
            ("https://argo.example.com:8443/argo-cd", None),
            ("http://argo.example.com/argo-cd", None),
            ("https://argo.example.com.evil.example.com/argo-cd", None),
            ("https://argo.example.com@evil.example.com/argo-cd", None),
            ("https://someone@argo.example.com/argo-cd", None),
            ("https://argo.example.com/argo-cd-evil", None),
            ("https://argo.example.com/argo-cd/../evil", None),
            ("https://argo.example.com/argo-cd/%2e%2e/evil", None),
            ("https://argo.example.com/", None),
            ("http://localhost:8081/x", None),
            ("https://argo.example.com/argo-cd\r\nSet-Cookie: a=b", None),
        ] {
            assert_eq!(own.return_url(place).as_ref().map(Url::as_str), expected, "{place:?}");
        }
        assert_eq!(own.return_url(&format!("/argo-cd/{}", "x".repeat(RETURN_BYTES))), None);
        assert_eq!(sso(&[]).return_url("/"), None);
    }

    #[test]
    fn who_asks_by_a_name_of_ours_is_answered_by_it() {
        let own = sso(&["https://argo.example.com", "http://localhost:8080/argo"]);
        for (host, expected) in [
            (Some("argo.example.com"), "https://argo.example.com/"),
            (Some("Localhost:8080"), "http://localhost:8080/argo"),
            (Some("localhost"), "https://argo.example.com/"),
            (Some("evil.example.com"), "https://argo.example.com/"),
            (None, "https://argo.example.com/"),
        ] {
            assert_eq!(own.own_url(host).map(Url::as_str), Some(expected), "{host:?}");
        }
    }
}
