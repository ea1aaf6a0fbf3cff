//! Where traces go, as flags, variables and settings say.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use api::names::config_map::CMD_PARAMS;
use api::settings::parse_bool;
use http::{HeaderMap, HeaderName, HeaderValue};
use kube::core::Request;
use kube::core::params::GetParams;
use serde_json::Value;

/// How long the settings are waited for.
const READING: Duration = Duration::from_secs(10);

/// Flags about traces; the peer's.
#[derive(Debug, clap::Args)]
pub(crate) struct Flags {
    /// Send traces to this collector by OTLP (gRPC), as in collector:4317; else as otlp.address of argocd-cmd-params-cm or the variables OTEL_EXPORTER_OTLP_* say
    #[arg(long, value_name = "ADDR")]
    otlp_address: Option<String>,
    /// Whether to speak to the collector without TLS
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    otlp_insecure: Option<bool>,
    /// Headers for the collector, separated by commas
    #[arg(long, value_name = "NAME=VALUE,…")]
    otlp_headers: Option<Private>,
    /// What to say of this process in traces, separated by commas
    #[arg(long, value_name = "NAME:VALUE,…")]
    otlp_attrs: Option<String>,
}

/// A text that may be secret.
#[derive(Clone)]
struct Private(String);

impl From<String> for Private {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Private {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Private(…)")
    }
}

/// Where traces go.
pub(crate) struct Wanted {
    /// With its scheme.
    pub(crate) endpoint: String,
    headers: String,
    /// Of this process.
    pub(crate) attributes: Vec<(String, String)>,
    /// A file of certificates to trust beside the machine's.
    pub(crate) certificate: Option<String>,
    /// Whether `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` gives the service a name.
    pub(crate) is_named: bool,
}

impl Wanted {
    /// What is wanted: by a flag, else by a variable of the peer's (`ARGOCD_APPLICATION_CONTROLLER_OTLP_…`, `ARGOCD_SERVER_OTLP_…`), else by
    /// `argocd-cmd-params-cm`, else by OpenTelemetry's own variables, which the library reads where it needs no more of them than that.
    /// `None`: nothing.
    ///
    /// # Errors
    /// Something of it cannot be read.
    pub(crate) fn new(
        flags: &Flags,
        variable: &dyn Fn(&str) -> Option<String>,
        params: &BTreeMap<String, String>,
    ) -> Result<Option<Self>> {
        let said = |flag: Option<&str>, name: &str| {
            let of = |process: &str| variable(&format!("ARGOCD_{process}_OTLP_{}", name.to_uppercase()));
            let own = of("APPLICATION_CONTROLLER").or_else(|| of("SERVER"));
            let text =
                flag.map(str::to_owned).or(own).or_else(|| params.get(&format!("otlp.{name}")).cloned());
            text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let insecure = flags.otlp_insecure.map(|insecure| insecure.to_string());
        let secure = match said(insecure.as_deref(), "insecure") {
            None => false,
            Some(text) => !parse_bool(&text)
                .with_context(|| format!("otlp.insecure is {text:?}, which is neither true nor false"))?,
        };
        let general = || {
            variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT"))
        };
        let endpoint = match said(flags.otlp_address.as_deref(), "address") {
            Some(address) if address.contains("://") => address,
            Some(address) if secure => format!("https://{address}"),
            Some(address) => format!("http://{address}"),
            None => match general().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) {
                Some(endpoint) => endpoint,
                None => return Ok(None),
            },
        };
        let protocol = variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
            .or_else(|| variable("OTEL_EXPORTER_OTLP_PROTOCOL"));
        if let Some(other) = protocol.filter(|protocol| !matches!(protocol.trim(), "" | "grpc")) {
            bail!(
                "traces are sent by gRPC only, and OTEL_EXPORTER_OTLP_PROTOCOL asks for {other:?}: name the collector's gRPC port, with grpc"
            );
        }
        let attributes = said(flags.otlp_attrs.as_deref(), "attrs").unwrap_or_default();
        let attributes = parts(&attributes).map(|part| {
            let (name, value) =
                part.split_once(':').with_context(|| format!("--otlp-attrs: {part:?} is not name:value"))?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        });
        let named = variable("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|text| text.contains("service.name="));
        Ok(Some(Self {
            endpoint,
            headers: said(flags.otlp_headers.as_ref().map(|text| text.0.as_str()), "headers")
                .unwrap_or_default(),
            attributes: attributes.collect::<Result<_>>()?,
            certificate: variable("OTEL_EXPORTER_OTLP_CERTIFICATE").filter(|path| !path.is_empty()),
            is_named: named || variable("OTEL_SERVICE_NAME").is_some_and(|name| !name.is_empty()),
        }))
    }

    /// The headers for the collector. The errors do not repeat their values.
    pub(crate) fn headers(&self) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for part in parts(&self.headers) {
            let (name, value) = part.split_once('=').context("--otlp-headers: a part is not name=value")?;
            let name: HeaderName = name
                .trim()
                .to_lowercase()
                .parse()
                .context("--otlp-headers: a name cannot be one of a header")?;
            let mut value: HeaderValue =
                value.trim().parse().with_context(|| format!("--otlp-headers: the value of {name}"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// What `argocd-cmd-params-cm` says now; nothing where it is not there or cannot be read, which others will say.
pub(crate) async fn params(client: &kube::Client, namespace: &str) -> BTreeMap<String, String> {
    let request = Request::new(format!("/api/v1/namespaces/{namespace}/configmaps"));
    let Ok(request) = request.get(CMD_PARAMS, &GetParams::default()) else { return BTreeMap::new() };
    let read = tokio::time::timeout(READING, client.request_text(request)).await;
    let text = read.ok().and_then(Result::ok).unwrap_or_default();
    let object: Value = serde_json::from_str(&text).unwrap_or_default();
    let data = object.get("data").and_then(Value::as_object).into_iter().flatten();
    data.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    type Pairs = &'static [(&'static str, &'static str)];

    fn wanted(flags: &str, variables: Pairs, params: Pairs) -> Result<Option<Wanted>> {
        let line = Line::parse_from(std::iter::once("capstan").chain(flags.split_whitespace()));
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let params = params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Wanted::new(&line.flags, &variable, &params)
    }

    #[test]
    fn flags_go_before_variables_and_these_before_settings() {
        let rows: [(&str, &str, Pairs, Pairs, Option<&str>); 9] = [
            ("nothing", "", &[], &[], None),
            (
                "a flag",
                "--otlp-address a:1",
                &[("ARGOCD_SERVER_OTLP_ADDRESS", "b:1")],
                &[],
                Some("http://a:1"),
            ),
            ("with TLS", "--otlp-address a:1 --otlp-insecure=false", &[], &[], Some("https://a:1")),
            (
                "a variable",
                "",
                &[("ARGOCD_SERVER_OTLP_ADDRESS", "b:1")],
                &[("otlp.address", "c:1")],
                Some("http://b:1"),
            ),
            (
                "both processes'",
                "",
                &[
                    ("ARGOCD_SERVER_OTLP_ADDRESS", "b:1"),
                    ("ARGOCD_APPLICATION_CONTROLLER_OTLP_ADDRESS", "d:1"),
                ],
                &[],
                Some("http://d:1"),
            ),
            (
                "a setting",
                "",
                &[],
                &[("otlp.address", "c:1"), ("otlp.insecure", "false")],
                Some("https://c:1"),
            ),
            (
                "OpenTelemetry's",
                "",
                &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://e:1")],
                &[],
                Some("https://e:1"),
            ),
            ("an empty one", "", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], &[("otlp.address", " ")], None),
            ("a URL", "--otlp-address https://a:1", &[], &[], Some("https://a:1")),
        ];
        for (name, flags, variables, params, expected) in rows {
            let found = wanted(flags, variables, params).unwrap();
            assert_eq!(found.map(|wanted| wanted.endpoint).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_and_headers_are_not_shown() {
        let all = "--otlp-address a:1 --otlp-headers Authorization=canary,x-scope=b=c --otlp-attrs env:prod,zone:a:b";
        let line = Line::parse_from(std::iter::once("capstan").chain(all.split_whitespace()));
        assert!(!format!("{:?}", line.flags).contains("canary"));
        let found = wanted(all, &[("OTEL_SERVICE_NAME", "x")], &[]).unwrap().unwrap();
        assert_eq!(found.attributes, [("env".into(), "prod".into()), ("zone".into(), "a:b".into())]);
        let headers = found.headers().unwrap();
        assert_eq!(
            (&headers["authorization"], &headers["x-scope"]),
            (&"canary".parse().unwrap(), &"b=c".parse().unwrap())
        );
        assert!(found.is_named && !format!("{headers:?}").contains("canary"));
        let rows: [(&str, Pairs, &str); 4] = [
            ("--otlp-attrs env", &[], "is not name:value"),
            ("", &[("ARGOCD_SERVER_OTLP_INSECURE", "maybe")], "neither true nor false"),
            ("", &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], "by gRPC only"),
            ("--otlp-headers canary", &[], "is not name=value"),
        ];
        for (flags, variables, expected) in rows {
            let flags = format!("--otlp-address a:1 {flags}");
            let refused = wanted(&flags, variables, &[]).and_then(|found| found.unwrap().headers().map(drop));
            let text = format!("{:#}", refused.unwrap_err());
            assert!(text.contains(expected) && !text.contains("canary"), "{flags}: {text}");
        }
    }
}
