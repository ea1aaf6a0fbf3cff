//! gRPC over HTTP/2.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::Uri;
use http::uri::Authority;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};

use crate::error::dialled;
use crate::{Error, Options};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(20);

/// How often a silent server is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Bytes of headers and trailers: an error of the server is in them.
const HEADER_BYTES: u32 = 1 << 20;

/// Messages stay bytes: what they are is decided by the method.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self::Encoder {
        *self
    }

    fn decoder(&mut self) -> Self::Decoder {
        *self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(bytes.copy_to_bytes(bytes.remaining())))
    }
}

/// What is read from and written to.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A connection, which is made anew where it broke.
///
/// # Errors
/// There is no connection, or TLS does not come about.
pub(crate) async fn connect(options: &Options) -> Result<Channel, Error> {
    let authority = options.authority()?;
    let setup = |error: &dyn std::fmt::Display| Error::Setup(format!("the server's address: {error}"));
    let uri = |scheme: &str| format!("{scheme}://{authority}").parse::<Uri>();
    let origin = uri(options.scheme()).map_err(|error| setup(&error))?;
    let tls = match options.plaintext {
        true => None,
        false => {
            let mut config = crate::tls::config(options)?;
            config.alpn_protocols = vec![b"h2".to_vec()];
            Some(Arc::new(config))
        }
    };
    // TLS is the connector's business, so that the transport sees none.
    let endpoint = Endpoint::from(uri("http").map_err(|error| setup(&error))?)
        .origin(origin)
        .user_agent(options.user_agent.as_str())
        .map_err(|_| Error::Setup("the user agent has characters that no header has".to_owned()))?
        .connect_timeout(CONNECT)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_keep_alive_interval(KEEP_ALIVE);
    let said = Arc::new(Mutex::new(None));
    let tell = Arc::clone(&said);
    let connector = tower::service_fn(move |_| {
        let (authority, tls, tell) = (authority.clone(), tls.clone(), Arc::clone(&tell));
        async move {
            let dialled = dial(&authority, tls).await;
            dialled.map(TokioIo::new).map_err(|why| {
                *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
                std::io::Error::other(why)
            })
        }
    });
    endpoint.connect_with_connector(connector).await.map_err(|error| {
        let told = said.lock().unwrap_or_else(PoisonError::into_inner).take();
        Error::Unreachable(told.unwrap_or_else(|| net::excerpt(&net::chain(&error))))
    })
}

/// What a server speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// TLS, with a certificate to believe.
    Trusted,
    /// TLS, with one that is not to be believed, and why.
    Doubtful(String),
    /// No TLS.
    Plain,
}

/// Looks what a server speaks, with the certificates of these options.
///
/// # Errors
/// Nobody answers, or the options cannot be used.
pub async fn probe(options: &Options) -> Result<Probe, Error> {
    let authority = options.authority()?;
    let config = |insecure: bool| {
        let mut config = crate::tls::config(&Options { insecure, ..options.clone() })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Some(Arc::new(config)))
    };
    // Where nobody listens, that is the answer.
    timely(dial(&authority, None)).await?;
    if timely(dial(&authority, config(true)?)).await.is_err() {
        return Ok(Probe::Plain);
    }
    match config(false) {
        Ok(config) => match timely(dial(&authority, config)).await {
            Ok(_) => Ok(Probe::Trusted),
            Err(error) => Ok(Probe::Doubtful(format!("error creating connection: {}", error.message()))),
        },
        Err(Error::Setup(why)) => Ok(Probe::Doubtful(why)),
        Err(error) => Err(error),
    }
}

async fn timely<T>(dialled: impl Future<Output = Result<T, String>>) -> Result<T, Error> {
    let late = |_| Error::Unreachable(format!("no answer within {} s", CONNECT.as_secs()));
    tokio::time::timeout(CONNECT, dialled).await.map_err(late)?.map_err(Error::Unreachable)
}

async fn dial(authority: &Authority, tls: Option<Arc<ClientConfig>>) -> Result<Box<dyn Wire>, String> {
    let tcp = TcpStream::connect(authority.as_str()).await;
    let tcp = tcp.map_err(|error| dialled(authority.as_str(), &error))?;
    // A request is small and is waited for.
    tcp.set_nodelay(true).map_err(|error| dialled(authority.as_str(), &error))?;
    let Some(config) = tls else { return Ok(Box::new(tcp)) };
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|error| format!("{authority}: {error}"))?;
    let stream = TlsConnector::from(config).connect(name, tcp).await;
    Ok(Box::new(stream.map_err(|error| format!("tls: {}", refused(&error)))?))
}

/// Why TLS did not come about, in Go's words where people know them.
fn refused(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => {
            "failed to verify certificate: x509: certificate signed by unknown authority".to_owned()
        }
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!("failed to verify certificate: x509: {}", net::excerpt(&why.to_string()))
        }
        _ => net::excerpt(&net::chain(error)),
    }
}
