//! `grpc.health.v1.Health`: whether the server is well. Everybody may ask.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::{Ready, ready};
use futures::stream::BoxStream;
use http::{Request, Response};
use prost::Message as _;
use tonic::server::{Grpc, ServerStreamingService, UnaryService};
use tonic::{Response as Answer, Status};

use super::Plain;
use crate::body::Body;

/// Bytes of a request.
const REQUEST: usize = 4 * 1024;
const SERVING: i32 = 1;
const SERVICE_UNKNOWN: i32 = 3;

#[derive(Clone, PartialEq, prost::Message)]
struct Asked {
    /// Empty for the server as a whole, which is all that is known, as in the peer.
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Told {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// Whether it serves what is asked about.
fn serves(request: &tonic::Request<Bytes>) -> Result<bool, Status> {
    let asked = Asked::decode(request.get_ref().as_ref());
    asked.map(|asked| asked.service.is_empty()).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn told(status: i32) -> Bytes {
    Told { status }.encode_to_vec().into()
}

struct Check;

impl UnaryService<Bytes> for Check {
    type Response = Bytes;
    type Future = Ready<Result<Answer<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        ready(serves(&request).and_then(|serves| match serves {
            true => Ok(Answer::new(told(SERVING))),
            false => Err(Status::not_found("unknown service")),
        }))
    }
}

/// Says it once, and then no more: while it answers at all, that does not change.
struct Watch;

impl ServerStreamingService<Bytes> for Watch {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future = Ready<Result<Answer<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        ready(serves(&request).map(|serves| {
            let first = told(if serves { SERVING } else { SERVICE_UNKNOWN });
            Answer::new(futures::stream::iter([Ok(first)]).chain(futures::stream::pending()).boxed())
        }))
    }
}

/// Answers one of its methods.
pub(super) async fn answer(method: &str, request: Request<Body>) -> Response<Body> {
    let mut grpc = Grpc::new(Plain).max_decoding_message_size(REQUEST);
    match method {
        "Check" => grpc.unary(Check, request).await,
        "Watch" => grpc.server_streaming(Watch, request).await,
        _ => Status::unimplemented(format!("grpc.health.v1.Health has no method {method}")).into_http(),
    }
}
