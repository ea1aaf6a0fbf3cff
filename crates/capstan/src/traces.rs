//! Spans of passes and calls, sent to an operator's collector by OTLP over gRPC. Off unless somebody names one.
//!
//! Spans wait in a queue of bounded length (2,048 unless `OTEL_BSP_MAX_QUEUE_SIZE` says otherwise), from which a thread of its own sends them:
//! a collector that is away costs the spans and nothing else.

mod wanted;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context as _, Result};
use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_otlp::{WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, ClientTlsConfig};
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

pub(crate) use wanted::{Flags, Wanted, params};

/// How long what is left may take when the process ends.
const FAREWELL: Duration = Duration::from_secs(5);
/// Whose spans are sent: not those of libraries.
const OURS: [&str; 2] = ["applications", "server"];

/// What sends spans. It ends what is under way by [`Traces::finish`].
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends to what is wanted, from now on. Nothing is asked of the collector here.
    ///
    /// # Errors
    /// The address, a header or the certificate cannot be used.
    pub(crate) fn begin(wanted: &Wanted) -> Result<Self> {
        let mut exporter =
            opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(&wanted.endpoint);
        if wanted.endpoint.starts_with("https://") {
            let mut tls = ClientTlsConfig::new().with_native_roots();
            if let Some(path) = &wanted.certificate {
                let pem =
                    std::fs::read(path).with_context(|| format!("OTEL_EXPORTER_OTLP_CERTIFICATE: {path}"))?;
                tls = tls.ca_certificate(Certificate::from_pem(pem));
            }
            exporter = exporter.with_tls_config(tls);
        }
        exporter = exporter.with_metadata(MetadataMap::from_headers(wanted.headers()?));
        let exporter = exporter.build().context("the collector of traces (OTLP) cannot be used")?;
        let mut resource = Resource::builder();
        if !wanted.is_named {
            resource = resource.with_service_name("capstan");
        }
        let own = [KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))];
        let said = wanted.attributes.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Watched { inner: exporter, fails: AtomicBool::new(false) })
            .with_resource(resource.with_attributes(own.into_iter().chain(said)).build())
            .build();
        Ok(Self(provider))
    }

    /// What takes spans from the rest of the program: ours, and no lines of the log.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let ours = |metadata: &Metadata<'_>| {
            let target = metadata.target().split("::").next().unwrap_or_default();
            metadata.is_span() && *metadata.level() <= Level::DEBUG && OURS.contains(&target)
        };
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("capstan"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(ours).and(LevelFilter::DEBUG))
    }

    /// Sends what is left.
    pub(crate) async fn finish(self) {
        let sent = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FAREWELL)).await;
        if let Ok(Err(error)) = sent {
            tracing::debug!(%error, "the last spans were not sent");
        }
    }
}

/// Makes a span a part of the trace that a request's `traceparent` names.
pub(crate) fn adopt(span: &Span, headers: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract(&Carrier(headers));
    if parent.span().span_context().is_valid() {
        // It fails only where spans are not sent.
        drop(span.set_parent(parent));
    }
}

struct Carrier<'a>(&'a HeaderMap);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// An exporter that says once when the collector does not take spans, and when it takes them again.
struct Watched {
    inner: opentelemetry_otlp::SpanExporter,
    fails: AtomicBool,
}

impl SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let outcome = self.inner.export(batch).await;
        match (&outcome, self.fails.swap(outcome.is_err(), Relaxed)) {
            (Err(error), false) => {
                tracing::warn!(%error, "traces are not sent: the collector (OTLP) does not take them");
            }
            (Ok(()), true) => tracing::info!("traces are sent again"),
            _ => {}
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}
