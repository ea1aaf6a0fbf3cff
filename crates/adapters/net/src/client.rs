//! The parts of an HTTP client that settings decide. Errors are sentences for a user, without secrets.

use crate::mask::{Secret, excerpt};
use reqwest::{Certificate, Identity, NoProxy};

/// Hosts that no proxy of the environment is used for.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Makes a way out of its URL.
type Make = fn(&str) -> reqwest::Result<reqwest::Proxy>;

/// A way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// `http://`, `https://`, `socks5://` or `socks5h://`, credentials in it allowed. Empty: none at all.
    pub url: Secret,
    /// Hosts that go without it, separated by commas, as in the environment variable of that name.
    pub no_proxy: Option<String>,
}

/// The ways out for what has no [`Proxy`] of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For https.
    pub https: Option<Secret>,
    /// For plain http.
    pub http: Option<Secret>,
    /// Hosts that go without, separated by commas.
    pub no_proxy: Option<String>,
}

impl Proxies {
    /// As the environment says: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, each in small letters, too. `variable` reads one.
    ///
    /// **Source**: Go's `http.ProxyFromEnvironment`, which the peer's clients use: the large letters win, empty is absent.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| {
            [name.to_owned(), name.to_ascii_lowercase()]
                .iter()
                .find_map(|name| variable(name).filter(|value| !value.is_empty()))
        };
        let way = |name: &str| {
            // Go takes an address without a scheme, too.
            read(name).map(|way| Secret::new(if way.contains("://") { way } else { format!("http://{way}") }))
        };
        Self { https: way("HTTPS_PROXY"), http: way("HTTP_PROXY"), no_proxy: read("NO_PROXY") }
    }

    /// What a client is to be built with: `own` where there is one (an empty one stands for none at all), else these.
    ///
    /// # Errors
    /// A proxy is no URL; it is not repeated, for it may have a password in it.
    pub fn ways(&self, own: Option<&Proxy>) -> Result<Vec<reqwest::Proxy>, String> {
        let without = match own {
            Some(own) => own.no_proxy.clone().unwrap_or_default(),
            // As in Go, what the environment says is not about this machine.
            None => format!("{},{LOOPBACK}", self.no_proxy.as_deref().unwrap_or_default()),
        };
        let no_proxy = || NoProxy::from_string(&without);
        let ways: [(Option<&Secret>, Make); 2] = match own {
            Some(own) => {
                [(Some(&own.url), |url| reqwest::Proxy::all(url)), (None, |url| reqwest::Proxy::all(url))]
            }
            None => [
                (self.https.as_ref(), |url| reqwest::Proxy::https(url)),
                (self.http.as_ref(), |url| reqwest::Proxy::http(url)),
            ],
        };
        let ways = ways.into_iter().filter_map(|(url, make)| Some((url?.expose(), make)));
        ways.filter(|(url, _)| !url.is_empty())
            .map(|(url, make)| make(url).map(|way| way.no_proxy(no_proxy())))
            .collect::<Result<_, _>>()
            .map_err(|_| "the proxy is no URL".to_owned())
    }
}

/// The certificates that a host is trusted by, and no others.
///
/// # Errors
/// They are not PEM, or there are none.
pub fn certificates(pem: &str) -> Result<Vec<Certificate>, String> {
    let no_pem = "the CA certificates for the host are not PEM";
    match Certificate::from_pem_bundle(pem.as_bytes()) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(no_pem.to_owned()),
        Err(error) => Err(format!("{no_pem}: {}", excerpt(&error.to_string()))),
    }
}

/// What we show to a server that asks for a certificate.
///
/// # Errors
/// One comes without the other, or they are not PEM.
pub fn identity(certificate: Option<&str>, key: Option<&Secret>) -> Result<Option<Identity>, String> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            let pem = format!("{certificate}\n{}\n", key.expose());
            let identity = Identity::from_pem(pem.as_bytes());
            identity.map(Some).map_err(|_| "the TLS client certificate and key are not PEM".to_owned())
        }
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => {
            Err("a TLS client certificate and its key come together".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_environment(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read_as_go_reads_it() {
        let proxies = |https: &str, http: &str, no_proxy: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Proxies {
                https: some(https).map(Secret::new),
                http: some(http).map(Secret::new),
                no_proxy: some(no_proxy),
            }
        };
        type Row<'a> = (&'a [(&'a str, &'a str)], Proxies, &'a str);
        let rows: [Row<'_>; 5] = [
            (&[], proxies("", "", ""), "nothing"),
            (
                &[("HTTPS_PROXY", "http://a:1"), ("NO_PROXY", "b,.c")],
                proxies("http://a:1", "", "b,.c"),
                "https only",
            ),
            (
                &[("http_proxy", "socks5://a"), ("https_proxy", "")],
                proxies("", "socks5://a", ""),
                "small letters",
            ),
            (
                &[("HTTPS_PROXY", "http://a"), ("https_proxy", "http://b")],
                proxies("http://a", "", ""),
                "both",
            ),
            (&[("HTTPS_PROXY", "a:3128")], proxies("http://a:3128", "", ""), "without a scheme"),
        ];
        for (variables, expected, why) in rows {
            assert_eq!(from(variables), expected, "{why}");
        }
    }

    #[test]
    fn ways_are_those_of_the_repository_or_of_the_environment() {
        let environment = from(&[("HTTPS_PROXY", "http://a"), ("HTTP_PROXY", "http://b")]);
        let own = |url: &str| Proxy { url: Secret::new(url), no_proxy: None };
        let rows = [
            (None, Ok(2), "the environment's"),
            (Some(own("http://c")), Ok(1), "its own"),
            (Some(own("")), Ok(0), "none at all"),
            (Some(own("http://me:hush@[x")), Err("the proxy is no URL"), "no URL"),
        ];
        for (own, expected, why) in rows {
            let got = environment.ways(own.as_ref()).map(|ways| ways.len());
            assert_eq!(
                got.as_ref().map_err(String::as_str),
                expected.as_ref().map_err(|text| *text),
                "{why}"
            );
        }
    }
}
