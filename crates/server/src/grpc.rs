//! gRPC and gRPC-Web.

mod health;
mod reflection;

use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http::{HeaderValue, Request};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{ClientStreamingService, Grpc, ServerStreamingService, UnaryService};
use tonic::{Response, Status, Streaming};
use tower::{Layer as _, ServiceExt as _};
use tracing::Span;

use crate::agent;
use crate::api::{Api, Door, RENEWED, Visit};
use crate::body::{Body, Incoming};
use crate::call::{Ask, Call, Run, UnderWay, traced};

const MESSAGE: &str = "grpc-message";

/// Messages stay bytes: what they are is decided by the method.
#[derive(Debug, Clone, Copy, Default)]
struct Plain;

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

/// One call by one caller.
struct Asked<C> {
    call: Arc<Call<C>>,
    caller: Option<(C, UnderWay)>,
    span: Span,
}

impl<C: Send + 'static> Asked<C> {
    fn ask(&mut self, bytes: &Bytes) -> Result<(Ask<C>, UnderWay), Status> {
        let (caller, mut under_way) = self.caller.take().ok_or_else(|| Status::internal("asked twice"))?;
        let request = self.call.input.decode(bytes);
        let request = under_way.with(request.map_err(|error| Status::invalid_argument(error.to_string())))?;
        Ok((Ask { caller, request }, under_way))
    }
}

impl<C: Send + 'static> UnaryService<Bytes> for Asked<C> {
    type Response = Bytes;
    type Future = BoxFuture<'static, Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let (asked, call, span) = (self.ask(request.get_ref()), Arc::clone(&self.call), self.span.clone());
        Box::pin(async move {
            let Run::One(run) = &call.run else { return Err(call.nobody()) };
            let (ask, mut under_way) = asked?;
            let outcome = traced(span, run(ask)).await.and_then(|reply| reply.protobuf(call.output));
            under_way.with(outcome).map(Response::new)
        })
    }
}

impl<C: Send + 'static> ClientStreamingService<Bytes> for Asked<C> {
    type Response = Bytes;
    type Future = BoxFuture<'static, Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Bytes>>) -> Self::Future {
        let (caller, call, span) = (self.caller.take(), Arc::clone(&self.call), self.span.clone());
        Box::pin(async move {
            let Run::Gather(run) = &call.run else { return Err(call.nobody()) };
            let input = call.input;
            let mut requests = request.into_inner().map(move |bytes| {
                input.decode(&bytes?).map_err(|error| Status::invalid_argument(error.to_string()))
            });
            let (caller, mut under_way) = caller.ok_or_else(|| Status::internal("asked twice"))?;
            let first = requests.next().await;
            let first = first.unwrap_or_else(|| Err(Status::invalid_argument("there is no request")));
            let request = under_way.with(first)?;
            let outcome = traced(span, run(Ask { caller, request }, requests.boxed())).await;
            let outcome = outcome.and_then(|reply| reply.protobuf(call.output));
            under_way.with(outcome).map(Response::new)
        })
    }
}

impl<C: Send + 'static> ServerStreamingService<Bytes> for Asked<C> {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let (asked, call, span) = (self.ask(request.get_ref()), Arc::clone(&self.call), self.span.clone());
        Box::pin(async move {
            let Run::Many(run) = &call.run else { return Err(call.nobody()) };
            let (ask, mut under_way) = asked?;
            let answers = under_way.with(traced(span, run(ask)).await)?;
            let bytes = under_way.stream(answers).map(move |reply| reply?.protobuf(call.output));
            Ok(Response::new(bytes.boxed()))
        })
    }
}

/// Answers a call over HTTP/2.
pub(crate) async fn native<D: Door>(api: &Api<D>, request: Request<Incoming>) -> http::Response<Body> {
    dispatch(api.clone(), request.map(Body::new)).await
}

/// Answers a call in the form for browsers and proxies, which has no trailers of HTTP.
pub(crate) async fn web<D: Door>(api: &Api<D>, request: Request<Incoming>) -> http::Response<Body> {
    let api = api.clone();
    let inner = tower::service_fn(move |request: Request<Body>| {
        let api = api.clone();
        async move { Ok::<_, std::convert::Infallible>(dispatch(api, request).await) }
    });
    let service = tonic_web::GrpcWebLayer::new().layer(inner);
    match service.oneshot(request.map(Body::new)).await {
        Ok(mut response) => {
            if let Some(message) = response.headers_mut().get_mut(MESSAGE) {
                *message = legible(message);
            }
            response.map(Body::new)
        }
        Err(never) => match never {},
    }
}

/// A message with as few escapes as the protocol allows: the peer's client shows it as it is in this form.
fn legible(message: &HeaderValue) -> HeaderValue {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
    let text = percent_decode(message.as_bytes()).decode_utf8_lossy().into_owned();
    let escaped = utf8_percent_encode(&text, ESCAPED).to_string();
    HeaderValue::from_str(&escaped).unwrap_or_else(|_| message.clone())
}

async fn dispatch<D: Door>(api: Api<D>, request: Request<Body>) -> http::Response<Body> {
    let path = request.uri().path().trim_start_matches('/');
    match path.split_once('/') {
        Some(("grpc.health.v1.Health", method)) => {
            let method = method.to_owned();
            return health::answer(&method, request).await;
        }
        Some((
            "grpc.reflection.v1.ServerReflection" | "grpc.reflection.v1alpha.ServerReflection",
            method,
        )) => {
            let method = method.to_owned();
            let entered = api.door.enter(Visit::new(None, request.headers(), request.extensions())).await;
            return match entered {
                Ok(_) => reflection::answer(&method, request).await,
                Err(status) => status.into_http(),
            };
        }
        _ => {}
    }
    let Some(call) = api.calls.find(path).map(Arc::clone) else {
        return Status::unimplemented(format!("the API has no method {path}")).into_http();
    };
    let mut under_way = call.begin();
    let entered =
        api.door.enter(Visit::new(Some(call.method), request.headers(), request.extensions())).await;
    let entered = entered.and_then(|caller| agent::check(request.headers()).map(|()| caller));
    let caller = match under_way.with(entered) {
        Ok(caller) => caller,
        Err(status) => return status.into_http(),
    };
    let renewed = api.door.renewed(&caller).and_then(|token| HeaderValue::from_str(token).ok());
    let span = api.span(call.method, request.headers());
    let mut grpc = Grpc::new(Plain).max_decoding_message_size(api.door.limit(call.method));
    let mut response = match &call.run {
        Run::One(_) => grpc.unary(Asked { call, caller: Some((caller, under_way)), span }, request).await,
        Run::Many(_) => {
            grpc.server_streaming(Asked { call, caller: Some((caller, under_way)), span }, request).await
        }
        Run::Gather(_) => {
            grpc.client_streaming(Asked { call, caller: Some((caller, under_way)), span }, request).await
        }
        Run::Nobody => under_way.refuse(call.nobody()).into_http(),
    };
    if let Some(renewed) = renewed {
        response.headers_mut().insert(RENEWED, renewed);
    }
    response
}
