//! Signatures of requests to AWS, version 4.
//!
//! Written by hand: the algorithm is four HMACs over a text of fixed form, while the crate for it brings a framework of some thirty
//! others. AWS's published examples are its tests.

use std::fmt::Write as _;

use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use crate::credentials::Credentials;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// Host, with its port where that is not the scheme's own.
    pub host: &'a str,
    /// Path, as it is sent.
    pub path: &'a str,
    /// Parameters of the query, in any order, not escaped.
    pub query: &'a [(&'a str, &'a str)],
    /// Headers beside `host`, names in small letters.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// For which part of AWS, and when.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// As in `eu-west-1`.
    pub region: &'a str,
    /// As in `sts`.
    pub service: &'a str,
    /// When it is signed.
    pub at: Timestamp,
}

impl Scope<'_> {
    /// The time, as in `20150830T123600Z`.
    pub fn date(&self) -> String {
        self.at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    fn day(&self) -> String {
        self.at.to_zoned(TimeZone::UTC).strftime("%Y%m%d").to_string()
    }

    fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.day(), self.region, self.service)
    }
}

/// The header `authorization` for a request that has the header `x-amz-date` of [`Scope::date`] (and `x-amz-security-token`, where the
/// credentials have a session) among its headers.
pub fn authorization(request: &Request<'_>, scope: &Scope<'_>, who: &Credentials) -> String {
    let headers = headers_of(request);
    let query: Vec<(String, String)> = escaped(request.query);
    let signature = signature(request, &query, &headers, scope, who);
    let (id, names) = (&who.access_key_id, signed_names(&headers));
    format!("{ALGORITHM} Credential={id}/{}, SignedHeaders={names}, Signature={signature}", scope.text())
}

/// The URL of a `GET` that carries its signature in its query, good for so many seconds as the reader grants it.
///
/// **Units**: `expires` is what the URL says of itself, in seconds.
pub fn presigned(request: &Request<'_>, scope: &Scope<'_>, who: &Credentials, expires: u32) -> String {
    let headers = headers_of(request);
    let mut query = escaped(request.query);
    let credential = format!("{}/{}", who.access_key_id, scope.text());
    let (date, expires, names) = (scope.date(), expires.to_string(), signed_names(&headers));
    let mut own = vec![
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &date),
        ("X-Amz-Expires", &expires),
        ("X-Amz-SignedHeaders", &names),
    ];
    if let Some(session) = &who.session_token {
        own.push(("X-Amz-Security-Token", session.expose()));
    }
    query.extend(escaped(&own));
    query.sort();
    let signature = signature(request, &query, &headers, scope, who);
    format!("https://{}{}?{}&X-Amz-Signature={signature}", request.host, request.path, joined(&query))
}

fn headers_of<'a>(request: &Request<'a>) -> Vec<(&'a str, &'a str)> {
    let mut headers = request.headers.to_vec();
    headers.push(("host", request.host));
    headers.sort_unstable();
    headers
}

fn signed_names(headers: &[(&str, &str)]) -> String {
    headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
}

fn escaped(query: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut query: Vec<_> = query.iter().map(|(name, value)| (escape(name), escape(value))).collect();
    query.sort();
    query
}

fn joined(query: &[(String, String)]) -> String {
    query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn signature(
    request: &Request<'_>,
    query: &[(String, String)],
    headers: &[(&str, &str)],
    scope: &Scope<'_>,
    who: &Credentials,
) -> String {
    let mut canonical = format!("{}\n{}\n{}\n", request.method, request.path, joined(query));
    for (name, value) in headers {
        canonical.push_str(&format!("{name}:{}\n", value.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    canonical.push_str(&format!("\n{}\n{}", signed_names(headers), hex(&Sha256::digest(request.body))));
    let digest = hex(&Sha256::digest(canonical.as_bytes()));
    let text = format!("{ALGORITHM}\n{}\n{}\n{digest}", scope.date(), scope.text());
    let mut key = format!("AWS4{}", who.secret_access_key.expose()).into_bytes();
    for part in [&scope.day(), scope.region, scope.service, "aws4_request"] {
        key = hmac(&key, part.as_bytes());
    }
    hex(&hmac(&key, text.as_bytes()))
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every text");
        text
    })
}

/// A text as a query and a form have it: everything but letters, digits and `-._~` escaped.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a string takes every text");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::Secret;

    fn who() -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            expires: None,
        }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn the_published_examples_come_out() {
        const DATE: (&str, &str) = ("x-amz-date", "20150830T123600Z");
        let plain = Request {
            method: "GET",
            host: "example.amazonaws.com",
            path: "/",
            query: &[],
            headers: &[DATE],
            body: b"",
        };
        let form = ("content-type", "application/x-www-form-urlencoded");
        let form_utf8 = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        for (row, request, service, names, signature) in [
            (
                "get-vanilla",
                plain,
                "service",
                "host;x-amz-date",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "post-vanilla",
                Request { method: "POST", ..plain },
                "service",
                "host;x-amz-date",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            (
                "get-vanilla-query-order-key-case",
                Request { query: &[("Param2", "value2"), ("Param1", "value1")], ..plain },
                "service",
                "host;x-amz-date",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "post-x-www-form-urlencoded",
                Request { method: "POST", headers: &[form, DATE], body: b"Param1=value1", ..plain },
                "service",
                "content-type;host;x-amz-date",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                "the guide's ListUsers",
                Request {
                    host: "iam.amazonaws.com",
                    query: &[("Action", "ListUsers"), ("Version", "2010-05-08")],
                    headers: &[form_utf8, DATE],
                    ..plain
                },
                "iam",
                "content-type;host;x-amz-date",
                "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ] {
            let scope = Scope { region: "us-east-1", service, at: at("2015-08-30T12:36:00Z") };
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, SignedHeaders={names}, Signature={signature}"
            );
            assert_eq!(authorization(&request, &scope, &who()), expected, "{row}");
        }
    }

    #[test]
    fn a_url_carries_its_signature() {
        let request = Request {
            method: "GET",
            host: "sts.eu-west-1.amazonaws.com",
            path: "/",
            query: &[("Version", "2011-06-15"), ("Action", "GetCallerIdentity")],
            headers: &[("x-k8s-aws-id", "prod")],
            body: b"",
        };
        let scope = Scope { region: "eu-west-1", service: "sts", at: at("2026-01-02T03:04:05Z") };
        let session = Some(Secret::new("a/b="));
        let url = presigned(&request, &scope, &Credentials { session_token: session, ..who() }, 60);
        let (before, signature) = url.rsplit_once('=').unwrap();
        assert_eq!(
            before,
            "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=60\
             &X-Amz-Security-Token=a%2Fb%3D&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature"
        );
        assert_eq!(signature.len(), 64);
    }
}
