//! AWS's security token service: roles that are taken on.

use jiff::Timestamp;
use net::{Secret, excerpt};

use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::error::AwsError;
use crate::http::{Http, send};
use crate::profile::read_file;
use crate::sign::{Request, Scope, authorization, escape};

/// How long a role is taken on, in seconds: the least that STS gives, and the default of the SDK. A token ends before.
const SESSION_SECONDS: &str = "900";
/// Version of the service's interface.
pub(crate) const VERSION: &str = "2011-06-15";
const FORM: &str = "application/x-www-form-urlencoded";

/// Where the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    /// What signatures name.
    pub(crate) name: String,
    /// `https://` and a host; where a test says so, another.
    pub(crate) url: String,
}

/// Regions that `AWS_STS_REGIONAL_ENDPOINTS=legacy` sends to the one service of the early years.
const LEGACY: &[&str] = &[
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "aws-global",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

impl Region {
    /// The service of a region; `AWS_ENDPOINT_URL_STS` and `AWS_ENDPOINT_URL` name another.
    ///
    /// **Source**: the SDK's endpoint rules: regional unless the environment says `legacy`.
    pub(crate) fn new(name: &str, env: &Environment) -> Result<Self, AwsError> {
        let simple = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(simple) {
            return Err(AwsError::Settings(format!("{name:?} is no AWS region")));
        }
        let legacy =
            env.get("AWS_STS_REGIONAL_ENDPOINTS").is_some_and(|way| way.eq_ignore_ascii_case("legacy"));
        let global = name == "aws-global" || legacy && LEGACY.contains(&name);
        let given = env.get("AWS_ENDPOINT_URL_STS").or_else(|| env.get("AWS_ENDPOINT_URL"));
        let suffix = if name.starts_with("cn-") { ".cn" } else { "" };
        let url = match given {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if global => "https://sts.amazonaws.com".to_owned(),
            None => format!("https://sts.{name}.amazonaws.com{suffix}"),
        };
        Ok(Self { name: if global { "us-east-1" } else { name }.to_owned(), url })
    }

    /// Host, with a port where one is said.
    pub(crate) fn host(&self) -> &str {
        self.url.split_once("://").map_or(self.url.as_str(), |(_, host)| host)
    }
}

/// Takes on a role as whoever a file's token says, which Kubernetes keeps fresh.
pub(crate) async fn assume_with_web_identity(
    env: &Environment,
    region: &Region,
    http: &Http,
    role: &str,
    file: &str,
    now: Timestamp,
) -> Result<Credentials, AwsError> {
    let token = read_file("the web identity token", file).await?;
    let session = session(env, now);
    let token = Secret::new(token.trim());
    let form = form(&[
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", VERSION),
        ("RoleArn", role),
        ("RoleSessionName", &session),
        ("WebIdentityToken", token.expose()),
    ]);
    let request = http.far.post(format!("{}/", region.url)).header("content-type", FORM).body(form);
    let what = format!("AssumeRoleWithWebIdentity of {role}");
    answer(send(request, &what).await?, &what, &token)
}

/// Takes on a role with other credentials.
pub(crate) async fn assume(
    env: &Environment,
    region: &Region,
    http: &Http,
    role: &str,
    who: &Credentials,
    now: Timestamp,
) -> Result<Credentials, AwsError> {
    let session = session(env, now);
    let form = form(&[
        ("Action", "AssumeRole"),
        ("Version", VERSION),
        ("RoleArn", role),
        ("RoleSessionName", &session),
        ("DurationSeconds", SESSION_SECONDS),
    ]);
    let scope = Scope { region: &region.name, service: "sts", at: now };
    let date = scope.date();
    let mut headers = vec![("content-type", FORM), ("x-amz-date", &*date)];
    if let Some(token) = &who.session_token {
        headers.push(("x-amz-security-token", token.expose()));
    }
    let signed = Request {
        method: "POST",
        host: region.host(),
        path: "/",
        query: &[],
        headers: &headers,
        body: form.as_bytes(),
    };
    let authorization = authorization(&signed, &scope, who);
    let mut request = http.far.post(format!("{}/", region.url)).header("authorization", authorization);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let what = format!("AssumeRole of {role}");
    answer(send(request.body(form), &what).await?, &what, &who.secret_access_key)
}

/// How sessions are called in AWS's logs.
fn session(env: &Environment, now: Timestamp) -> String {
    env.get("AWS_ROLE_SESSION_NAME").map_or_else(|| format!("capstan-{}", now.as_second()), str::to_owned)
}

fn form(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(name, value)| format!("{name}={}", escape(value)));
    fields.collect::<Vec<_>>().join("&")
}

fn answer(
    (status, body): (reqwest::StatusCode, String),
    what: &str,
    secret: &Secret,
) -> Result<Credentials, AwsError> {
    let refused = |why: String| AwsError::Refused { what: what.to_owned(), why };
    if !status.is_success() {
        let why = match (element(&body, "Code"), element(&body, "Message")) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            _ => format!("{status}: {body}"),
        };
        return Err(refused(net::without(&why, &[secret])));
    }
    let credentials = element(&body, "Credentials").unwrap_or_default();
    let part = |name: &str| {
        element(credentials, name)
            .map(str::trim)
            .filter(|text| !text.is_empty() && !text.contains('&'))
            .map(str::to_owned)
            .ok_or_else(|| refused(format!("the answer has no {name} in it")))
    };
    let expires = part("Expiration")?;
    let expires = expires
        .parse()
        .map_err(|_| refused(format!("the answer's Expiration is no time: {}", excerpt(&expires))))?;
    Ok(Credentials {
        access_key_id: part("AccessKeyId")?,
        secret_access_key: Secret::new(part("SecretAccessKey")?),
        session_token: Some(Secret::new(part("SessionToken")?)),
        expires: Some(expires),
    })
}

/// The inside of the first element of a name. The service's answers have no attributes, comments or sections where this looks, and
/// what it looks for is base64 and times, which XML does not escape.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_its_service() {
        for (name, variables, region, url) in [
            ("eu-west-1", &[][..], "eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
            ("cn-north-1", &[], "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
            ("aws-global", &[], "us-east-1", "https://sts.amazonaws.com"),
            (
                "eu-west-1",
                &[("AWS_STS_REGIONAL_ENDPOINTS", "legacy")],
                "us-east-1",
                "https://sts.amazonaws.com",
            ),
            (
                "eu-south-1",
                &[("AWS_STS_REGIONAL_ENDPOINTS", "legacy")],
                "eu-south-1",
                "https://sts.eu-south-1.amazonaws.com",
            ),
            (
                "eu-west-1",
                &[("AWS_ENDPOINT_URL", "https://vpce.example/")],
                "eu-west-1",
                "https://vpce.example",
            ),
        ] {
            let env = Environment::default().with(variables.iter().copied());
            let expected = Region { name: region.to_owned(), url: url.to_owned() };
            assert_eq!(Region::new(name, &env), Ok(expected), "{name} {variables:?}");
        }
        assert!(Region::new("evil.example/", &Environment::default()).is_err());
    }
}
