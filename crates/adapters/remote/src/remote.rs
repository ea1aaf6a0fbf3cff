use std::str::FromStr as _;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use futures::{Stream, TryFutureExt as _};
use http::uri::PathAndQuery;
use serde_json::{Value, json};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, AsciiMetadataKey, MetadataMap, MetadataValue};
use tonic::{Request, Status, Streaming};
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;
use wire::{Message, Method, schema};

use crate::native::Plain;
use crate::{Error, Options, Secret, native, web};

/// Bytes of one message, as in the peer's client.
const MESSAGE_BYTES: usize = 200 << 20;

/// The header of the token.
const TOKEN: &str = "token";

const VERSION: &str = "version.VersionService/Version";

/// Either transport.
type Line = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Status>;

/// A server that can be called. Clones share the connection.
#[derive(Clone)]
pub struct Remote {
    line: Line,
    sent: MetadataMap,
    fell_back: bool,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("fell_back", &self.fell_back).finish_non_exhaustive()
    }
}

impl Remote {
    /// Connects. Where gRPC does not get through and gRPC-Web does, calls go by the latter ([`Self::fell_back`]).
    ///
    /// # Errors
    /// Nobody answers, TLS does not come about, or the options cannot be used.
    pub async fn connect(options: Options) -> Result<Self, Error> {
        let sent = metadata(&options)?;
        let web = || {
            web::transport(&options).map(|web| Self { line: line(web), sent: sent.clone(), fell_back: false })
        };
        if options.web {
            return web();
        }
        let native = native::connect(&options).await;
        let native = native.map(|channel| Self { line: line(channel), sent: sent.clone(), fell_back: false });
        let asked = match &native {
            Ok(native) => native.call(VERSION, &json!({})).await.is_ok(),
            Err(Error::Setup(_)) => true,
            Err(_) => false,
        };
        if asked {
            return native;
        }
        let web = web()?;
        match web.call(VERSION, &json!({})).await {
            Ok(_) => Ok(Self { fell_back: true, ..web }),
            Err(_) => native,
        }
    }

    /// Whether gRPC did not get through: the next time may begin with [`Options::web`].
    pub fn fell_back(&self) -> bool {
        self.fell_back
    }

    /// The same connection for whoever has this token.
    ///
    /// # Errors
    /// It has characters that no token has.
    pub fn with_token(&self, token: &Secret) -> Result<Self, Error> {
        let mut with = self.clone();
        put_token(&mut with.sent, token)?;
        Ok(with)
    }

    /// Calls a method, as in `project.ProjectService/List`, and has its answer.
    ///
    /// # Errors
    /// The server refuses, or cannot be reached; the request is not what the method takes.
    pub async fn call(&self, method: &str, request: &Value) -> Result<Value, Error> {
        let (asked, mut grpc) = self.ready(method).await?;
        let message = self.request(asked.encode(request)?);
        let answer = grpc.unary(message, asked.path.clone(), Plain).await?;
        asked.decode(answer.get_ref())
    }

    /// Calls a method that answers again and again. The stream ends with the server's, or after an error.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn stream(
        &self,
        method: &str,
        request: &Value,
    ) -> Result<BoxStream<'static, Result<Value, Error>>, Error> {
        let (asked, mut grpc) = self.ready(method).await?;
        let message = self.request(asked.encode(request)?);
        let answers: Streaming<Bytes> =
            grpc.server_streaming(message, asked.path.clone(), Plain).await?.into_inner();
        Ok(answers.map(move |bytes| asked.decode(&bytes?)).boxed())
    }

    /// Calls a method that takes messages one after another, and has its answer.
    ///
    /// # Errors
    /// As [`Self::call`]; a message that the method does not take ends the call.
    pub async fn send<S>(&self, method: &str, requests: S) -> Result<Value, Error>
    where
        S: Stream<Item = Value> + Send + 'static,
    {
        let (asked, mut grpc) = self.ready(method).await?;
        let (tell, mut told) = tokio::sync::oneshot::channel();
        let (input, mut tell) = (asked.clone(), Some(tell));
        let messages = requests.scan((), move |(), request| {
            let encoded = input.encode(&request).map_err(|error| {
                // Nobody listens any more where the call is over.
                drop(tell.take().map(|tell| tell.send(error)));
            });
            futures::future::ready(encoded.ok())
        });
        let answer = grpc.client_streaming(self.request(messages), asked.path.clone(), Plain).await;
        if let Ok(error) = told.try_recv() {
            return Err(error);
        }
        asked.decode(answer?.get_ref())
    }

    async fn ready(&self, method: &str) -> Result<(Asked, Grpc<Line>), Error> {
        let asked = Asked::find(method)?;
        let mut grpc = Grpc::new(self.line.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        grpc.ready().map_err(Error::from).await?;
        Ok((asked, grpc))
    }

    fn request<T>(&self, message: T) -> Request<T> {
        Request::from_parts(self.sent.clone(), http::Extensions::new(), message)
    }
}

/// A method, and how its messages are written.
#[derive(Clone)]
struct Asked {
    method: &'static Method,
    input: &'static Message,
    output: &'static Message,
    path: PathAndQuery,
}

impl Asked {
    fn find(name: &str) -> Result<Self, Error> {
        let unknown = || Error::Setup(format!("the API has no method {name}"));
        let (service, called) = name.split_once('/').ok_or_else(unknown)?;
        let found = |method: &&Method| method.service == service && method.name == called;
        let method = schema().methods().iter().find(found).ok_or_else(unknown)?;
        let message = |name: &str| schema().message(name).ok_or_else(unknown);
        let path = PathAndQuery::from_str(&format!("/{name}")).map_err(|_| unknown())?;
        Ok(Self { method, input: message(&method.input)?, output: message(&method.output)?, path })
    }

    fn encode(&self, request: &Value) -> Result<Bytes, Error> {
        self.input.encode(request).map(Bytes::from).map_err(|error| self.unlike(error))
    }

    fn decode(&self, bytes: &[u8]) -> Result<Value, Error> {
        self.output.decode(bytes).map_err(|error| self.unlike(error))
    }

    fn unlike(&self, error: wire::WireError) -> Error {
        Error::Message { method: format!("{}/{}", self.method.service, self.method.name), error }
    }
}

fn line<S, B>(service: S) -> Line
where
    S: tower::Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = service
        .map_response(|response| response.map(Body::new))
        .map_err(|error| Status::from_error(error.into()));
    BoxCloneSyncService::new(service)
}

/// What goes with every call.
fn metadata(options: &Options) -> Result<MetadataMap, Error> {
    let mut sent = MetadataMap::new();
    for header in &options.headers {
        let wrong = || {
            Error::Setup(format!(
                "additional headers key/values must be separated by a colon(:): {}",
                net::excerpt(header.split(':').next().unwrap_or_default())
            ))
        };
        let (name, value) = header.split_once(':').ok_or_else(wrong)?;
        let name = AsciiMetadataKey::from_str(&name.trim().to_ascii_lowercase()).map_err(|_| wrong())?;
        let mut value = MetadataValue::<Ascii>::from_str(value.trim()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        sent.append(name, value);
    }
    if let Some(token) = &options.token {
        put_token(&mut sent, token)?;
    }
    Ok(sent)
}

fn put_token(sent: &mut MetadataMap, token: &Secret) -> Result<(), Error> {
    let value = MetadataValue::<Ascii>::from_str(token.expose().trim());
    let mut value =
        value.map_err(|_| Error::Setup("the token has characters that no token has".to_owned()))?;
    value.set_sensitive(true);
    sent.insert(TOKEN, value);
    Ok(())
}
