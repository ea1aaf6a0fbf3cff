//! Calls to one plugin.

use std::path::Path;
use std::time::Duration;

use futures::stream;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::UnixStream;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::messages::{About, Announced, Chunk, Content, Made, Matched, Nothing, Piece, Setup, Variable};
use crate::{Announcement, Archive, Error, Job, Limits, shown};

/// Bytes of an archive that go together.
const CHUNK_BYTES: usize = 64 << 10;

/// Bytes of headers and trailers; a plugin's error is in them.
const HEADER_BYTES: u32 = 1 << 20;

/// How much later than it is given up a plugin may believe that it is waited for.
const LATER: Duration = Duration::from_secs(1);

/// A plugin that can be called.
pub(crate) struct Plugin {
    name: String,
    channel: Channel,
    setup: Setup,
    answer_bytes: usize,
    time: Duration,
}

impl Plugin {
    /// Connects to a socket and asks how the plugin is set up.
    pub(crate) async fn connect(socket: &Path, name: &str, limits: &Limits) -> Result<Self, Error> {
        let failed = |error: &(dyn std::error::Error + 'static), doing| Error::Failed {
            plugin: name.to_owned(),
            doing,
            message: shown(&net::chain(error)),
        };
        let path = socket.to_owned();
        let connector = tower::service_fn(move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        // The address is for the protocol alone: where it goes the connector says.
        let endpoint = Endpoint::from_static("http://plugin")
            .connect_timeout(limits.connect)
            .http2_max_header_list_size(HEADER_BYTES);
        let channel =
            endpoint.connect_with_connector(connector).await.map_err(|error| failed(&error, "connecting"))?;
        let (answer_bytes, time) = (limits.answer_bytes, limits.time);
        let mut plugin = Self { name: name.to_owned(), channel, setup: Setup::default(), answer_bytes, time };
        let mut asked = plugin.grpc("asking for its configuration").await?;
        let path =
            PathAndQuery::from_static("/plugin.ConfigManagementPluginService/CheckPluginConfiguration");
        let codec = ProstCodec::<Nothing, Setup>::default();
        let answer =
            tokio::time::timeout(limits.connect, asked.unary(plugin.request(Nothing {}), path, codec));
        let answer = answer.await.map_err(|_| Error::Timeout(limits.connect))?;
        plugin.setup =
            answer.map_err(|status| plugin.failed("asking for its configuration", &status))?.into_inner();
        Ok(plugin)
    }

    /// Whether it has rules for which repositories are for it.
    pub(crate) fn has_rules(&self) -> bool {
        self.setup.has_rules
    }

    /// Whether its programs want the repository's credentials.
    pub(crate) fn wants_credentials(&self) -> bool {
        self.setup.wants_credentials
    }

    /// Whether a repository is for it.
    pub(crate) async fn matches(&self, job: &Job) -> Result<Matched, Error> {
        let path = PathAndQuery::from_static("/plugin.ConfigManagementPluginService/MatchRepository");
        let sent = Sent { archive: &job.repository, app: &job.path, more: &[] };
        self.send(job, sent, path, "matching the repository").await
    }

    /// Has manifests made, its programs being told `more` beside what the job says.
    pub(crate) async fn make(&self, job: &Job, more: &[(String, String)]) -> Result<crate::Made, Error> {
        let (archive, app) =
            job.part.as_ref().map_or((&job.repository, &job.path), |(part, app)| (part, app));
        let path = PathAndQuery::from_static("/plugin.ConfigManagementPluginService/GenerateManifest");
        let made: Made = self.send(job, Sent { archive, app, more }, path, "generating manifests").await?;
        Ok(crate::Made { plugin: self.name.clone(), manifests: made.manifests, lent_nothing: None })
    }

    /// Which parameters it takes for an application of the repository.
    pub(crate) async fn announcements(&self, job: &Job) -> Result<Vec<Announcement>, Error> {
        let path =
            PathAndQuery::from_static("/plugin.ConfigManagementPluginService/GetParametersAnnouncement");
        let (archive, app) =
            job.part.as_ref().map_or((&job.repository, &job.path), |(part, app)| (part, app));
        let sent = Sent { archive, app, more: &[] };
        let announced: Announced = self.send(job, sent, path, "asking for its parameters").await?;
        Ok(announced.announcements.into_iter().map(Announcement::from).collect())
    }

    async fn send<T: Message + Default + Send + 'static>(
        &self,
        job: &Job,
        sent: Sent<'_>,
        path: PathAndQuery,
        doing: &'static str,
    ) -> Result<T, Error> {
        let mut grpc = self.grpc(doing).await?;
        let request = self.request(stream::iter(pieces(job, sent)));
        let answer = grpc.client_streaming(request, path, ProstCodec::<Piece, T>::default()).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.failed(doing, &status))
    }

    /// The plugin is told when it will have been given up, so that its programs end. The call itself ends then, too, with other words:
    /// whoever gives it up is to be the first.
    fn request<T>(&self, content: T) -> Request<T> {
        let mut request = Request::new(content);
        request.set_timeout(self.time + LATER);
        request
    }

    async fn grpc(&self, doing: &'static str) -> Result<Grpc<Channel>, Error> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(self.answer_bytes);
        let ready = grpc.ready().await;
        ready.map_err(|error| Error::Failed {
            plugin: self.name.clone(),
            doing,
            message: shown(&net::chain(&error)),
        })?;
        Ok(grpc)
    }

    fn failed(&self, doing: &'static str, status: &Status) -> Error {
        let said = match status.message() {
            "" => format!("{:?}", status.code()),
            said => said.to_owned(),
        };
        Error::Failed { plugin: self.name.clone(), doing, message: shown(&said) }
    }
}

/// What is sent beside what the job says.
#[derive(Clone, Copy)]
struct Sent<'a> {
    archive: &'a Archive,
    app: &'a str,
    more: &'a [(String, String)],
}

/// What is sent: what it is about, then the archive.
fn pieces(job: &Job, sent: Sent<'_>) -> Vec<Piece> {
    let Sent { archive, app, more } = sent;
    let variable = |(name, value): &(String, String)| Variable { name: name.clone(), value: value.clone() };
    let about = About {
        name: job.path.rsplit('/').next().unwrap_or_default().to_owned(),
        path: if app.is_empty() { ".".to_owned() } else { app.to_owned() },
        checksum: archive.checksum.clone(),
        size: i64::try_from(archive.bytes.len()).unwrap_or(i64::MAX),
        environment: job.environment.iter().chain(more).map(variable).collect(),
    };
    let starts = (0..archive.bytes.len()).step_by(CHUNK_BYTES);
    let chunks = starts.map(|at| archive.bytes.slice(at..(at + CHUNK_BYTES).min(archive.bytes.len())));
    let chunks = chunks.map(|bytes| Content::Chunk(Chunk { bytes }));
    std::iter::once(Content::About(about))
        .chain(chunks)
        .map(|content| Piece { content: Some(content) })
        .collect()
}
