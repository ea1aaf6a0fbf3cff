//! The methods of the API, and what each does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde_json::Value;
use tonic::{Code, Status};
use tracing::{Instrument as _, Span};
use wire::{Message, Method, WireError, schema};

/// What is asked: a request and who makes it.
#[derive(Debug)]
pub struct Ask<C> {
    /// Who asks.
    pub caller: C,
    /// The request.
    pub request: Value,
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// To be put into the form that the client reads.
    Value(Arc<Value>),
    /// What makes both forms by itself.
    Made(Arc<dyn Encode>),
}

/// An answer that is put together from parts which were encoded before.
pub trait Encode: std::fmt::Debug + Send + Sync {
    /// The text of its JSON.
    fn json(&self) -> Bytes;

    /// Its protobuf, as this message.
    ///
    /// # Errors
    /// Where it is no such message.
    fn protobuf(&self, message: &Message) -> Result<Bytes, Status>;
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self::Value(Arc::new(value))
    }
}

impl Reply {
    /// The text of its JSON, as the peer's gateway writes this message.
    pub(crate) fn json(&self, message: &'static Message) -> Bytes {
        match self {
            Self::Value(value) => message.gateway_json(value).into(),
            Self::Made(made) => made.json(),
        }
    }

    /// Its protobuf.
    pub(crate) fn protobuf(&self, message: &Message) -> Result<Bytes, Status> {
        let inner =
            |error: WireError| Status::internal(format!("the answer is no {}: {error}", message.name));
        match self {
            Self::Value(value) => Ok(message.encode(value).map_err(inner)?.into()),
            Self::Made(made) => made.protobuf(message),
        }
    }
}

/// Answers that come one after the other.
pub type Answers = BoxStream<'static, Result<Reply, Status>>;

/// Requests that come one after the other.
pub type Requests = BoxStream<'static, Result<Value, Status>>;

type Gather<C> = Arc<dyn Fn(Ask<C>, Requests) -> BoxFuture<'static, Result<Reply, Status>> + Send + Sync>;
type One<C> = Arc<dyn Fn(Ask<C>) -> BoxFuture<'static, Result<Reply, Status>> + Send + Sync>;
type Many<C> = Arc<dyn Fn(Ask<C>) -> BoxFuture<'static, Result<Answers, Status>> + Send + Sync>;

pub(crate) enum Run<C> {
    One(One<C>),
    Many(Many<C>),
    /// The first request is asked, the others follow.
    Gather(Gather<C>),
    /// Nobody does it.
    Nobody,
}

impl<C> Clone for Run<C> {
    fn clone(&self) -> Self {
        match self {
            Self::One(run) => Self::One(Arc::clone(run)),
            Self::Many(run) => Self::Many(Arc::clone(run)),
            Self::Gather(run) => Self::Gather(Arc::clone(run)),
            Self::Nobody => Self::Nobody,
        }
    }
}

/// A method with its messages.
pub(crate) struct Call<C> {
    pub(crate) method: &'static Method,
    pub(crate) input: &'static Message,
    pub(crate) output: &'static Message,
    pub(crate) run: Run<C>,
    /// How often it ended, by how.
    ended: Arc<[AtomicU64; CODES]>,
}

/// Ways in which a call ends: the codes of gRPC.
const CODES: usize = 17;

/// A call under way, which is counted when it ends, however it ends.
#[derive(Debug)]
pub(crate) struct UnderWay {
    ended: Arc<[AtomicU64; CODES]>,
    code: Code,
}

impl UnderWay {
    /// As it goes on, and so ends: with this answer.
    pub(crate) fn with<T>(&mut self, outcome: Result<T, Status>) -> Result<T, Status> {
        self.code = outcome.as_ref().map_or_else(Status::code, |_| Code::Ok);
        outcome
    }

    /// It ends with this.
    pub(crate) fn refuse(mut self, status: Status) -> Status {
        self.code = status.code();
        status
    }

    fn ended_well(mut self) {
        self.code = Code::Ok;
    }

    /// A stream that is counted when it ends; whoever turns away before has cancelled it.
    pub(crate) fn stream(mut self, answers: Answers) -> Answers {
        self.code = Code::Cancelled;
        let rest = futures::stream::unfold((answers, self), |(mut answers, mut under_way)| async move {
            let Some(answer) = answers.next().await else {
                under_way.ended_well();
                return None;
            };
            if let Err(status) = &answer {
                under_way.code = status.code();
            }
            Some((answer, (answers, under_way)))
        });
        rest.boxed()
    }
}

/// Does the work of a call in its span, which tells how it ended.
pub(crate) async fn traced<T>(
    span: Span,
    work: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let outcome = work.instrument(span.clone()).await;
    let code = outcome.as_ref().map_or_else(Status::code, |_| Code::Ok);
    span.record("rpc.grpc.status_code", code as i32);
    // What a caller did wrong is no error of ours.
    let ours = [
        Code::Unknown,
        Code::DeadlineExceeded,
        Code::Unimplemented,
        Code::Internal,
        Code::Unavailable,
        Code::DataLoss,
    ];
    if ours.contains(&code) {
        span.record("otel.status_code", "ERROR");
    }
    outcome
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let counter = usize::try_from(self.code as i32).ok().and_then(|code| self.ended.get(code));
        if let Some(counter) = counter {
            counter.fetch_add(1, Relaxed);
        }
    }
}

/// How often a method ended in some way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// Its service, as in `version.VersionService`.
    pub service: &'static str,
    /// The method.
    pub method: &'static str,
    /// Whether it gives a stream.
    pub stream: bool,
    /// How it ended.
    pub code: Code,
    /// How often.
    pub count: u64,
}

impl<C> Call<C> {
    /// It begins.
    pub(crate) fn begin(&self) -> UnderWay {
        UnderWay { ended: Arc::clone(&self.ended), code: Code::Cancelled }
    }

    /// How often it ended, in each way in which it did.
    fn handled(&self) -> impl Iterator<Item = Handled> {
        let (service, method) = (self.method.service.as_str(), self.method.name.as_str());
        let stream = self.method.gives_stream;
        self.ended.iter().zip(0..).filter_map(move |(count, code)| {
            let count = count.load(Relaxed);
            (count > 0).then(|| Handled { service, method, stream, code: Code::from_i32(code), count })
        })
    }

    /// The answer to somebody who asks for what nobody does.
    pub(crate) fn nobody(&self) -> Status {
        Status::unimplemented(format!(
            "{}/{} is not there yet in Capstan; docs/server.md says what is",
            self.method.service, self.method.name
        ))
    }
}

/// All methods of the API by `<service>/<method>`, each with what it does. `C` is who asks.
pub struct Calls<C> {
    by_path: BTreeMap<String, Arc<Call<C>>>,
}

/// A method that the API does not have, or that answers in another way than said.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} is no method of the API that answers so")]
pub struct NoSuchMethod(pub String);

impl<C: Send + 'static> Calls<C> {
    /// The API's methods, none of which does anything.
    pub fn new() -> Self {
        let known = |method: &'static Method| {
            let (input, output) = (schema().message(&method.input)?, schema().message(&method.output)?);
            let call = Call { method, input, output, run: Run::Nobody, ended: Arc::default() };
            Some((format!("{}/{}", method.service, method.name), Arc::new(call)))
        };
        Self { by_path: schema().methods().iter().filter_map(known).collect() }
    }

    /// Says what a method does that gives one answer.
    ///
    /// # Errors
    /// Where the API has no such method.
    pub fn one<F, R>(&mut self, path: &str, run: F) -> Result<(), NoSuchMethod>
    where
        F: Fn(Ask<C>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, Status>> + Send + 'static,
    {
        self.set(path, (false, false), Run::One(Arc::new(move |ask| Box::pin(run(ask)))))
    }

    /// Says what a method does that gives a stream of answers.
    ///
    /// # Errors
    /// As [`Self::one`].
    pub fn many<F, R>(&mut self, path: &str, run: F) -> Result<(), NoSuchMethod>
    where
        F: Fn(Ask<C>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Answers, Status>> + Send + 'static,
    {
        self.set(path, (false, true), Run::Many(Arc::new(move |ask| Box::pin(run(ask)))))
    }

    /// Says what a method does that takes a stream of requests. It is there over gRPC alone.
    ///
    /// # Errors
    /// As [`Self::one`].
    pub fn gather<F, R>(&mut self, path: &str, run: F) -> Result<(), NoSuchMethod>
    where
        F: Fn(Ask<C>, Requests) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Reply, Status>> + Send + 'static,
    {
        let run: Gather<C> = Arc::new(move |ask, more| Box::pin(run(ask, more)));
        self.set(path, (true, false), Run::Gather(run))
    }

    /// `streams`: whether the method takes one, and whether it gives one.
    fn set(&mut self, path: &str, streams: (bool, bool), run: Run<C>) -> Result<(), NoSuchMethod> {
        let fits = |method: &Method| (method.takes_stream, method.gives_stream) == streams;
        let call = self.by_path.get_mut(path).filter(|call| fits(call.method));
        let call = call.ok_or_else(|| NoSuchMethod(path.to_owned()))?;
        let (method, input, output) = (call.method, call.input, call.output);
        *call = Arc::new(Call { method, input, output, run, ended: Arc::default() });
        Ok(())
    }

    pub(crate) fn find(&self, path: &str) -> Option<&Arc<Call<C>>> {
        self.by_path.get(path)
    }

    /// How often each method ended, in each way in which it did.
    pub fn handled(&self) -> Vec<Handled> {
        self.all().flat_map(|call| call.handled()).collect()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Call<C>>> {
        self.by_path.values()
    }
}

impl<C: Send + 'static> Default for Calls<C> {
    fn default() -> Self {
        Self::new()
    }
}
