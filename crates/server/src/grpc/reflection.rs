//! `grpc.reflection.v1.ServerReflection` and `v1alpha`, which are alike: what methods and messages there are, for those who came in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::{Ready, ready};
use futures::stream::BoxStream;
use http::{Request, Response};
use prost::Message as _;
use tonic::server::{Grpc, StreamingService};
use tonic::{Code, Response as Answer, Status, Streaming};

use super::Plain;
use crate::body::Body;

/// Bytes of a request.
const REQUEST: usize = 4 * 1024;

/// What the `.proto` files say, by what is asked for.
#[derive(Default)]
struct Known {
    services: Vec<String>,
    by_file: BTreeMap<String, Bytes>,
    /// Services, methods, messages and enumerations by their full names.
    by_symbol: BTreeMap<String, Bytes>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known::default();
    // A file that cannot be read is not told; a test reads all of them.
    for bytes in FileSet::decode(wire::DESCRIPTORS).unwrap_or_default().file {
        if let Ok(file) = File::decode(bytes.as_ref()) {
            known.add(&file, &bytes);
        }
    }
    known
});

#[derive(Clone, PartialEq, prost::Message)]
struct FileSet {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    file: Vec<Bytes>,
}

/// Of a `google.protobuf.FileDescriptorProto`, the names.
#[derive(Clone, PartialEq, prost::Message)]
struct File {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "4")]
    message: Vec<Named>,
    #[prost(message, repeated, tag = "5")]
    enumeration: Vec<Leaf>,
    #[prost(message, repeated, tag = "6")]
    service: Vec<Service>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "3")]
    message: Vec<Self>,
    #[prost(message, repeated, tag = "4")]
    enumeration: Vec<Leaf>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Leaf {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    method: Vec<Leaf>,
}

impl Known {
    fn add(&mut self, file: &File, bytes: &Bytes) {
        let mut symbols = Vec::new();
        for service in &file.service {
            let name = format!("{}.{}", file.package, service.name);
            symbols.extend(service.method.iter().map(|method| format!("{name}.{}", method.name)));
            symbols.push(name.clone());
            self.services.push(name);
        }
        symbols.extend(file.enumeration.iter().map(|leaf| format!("{}.{}", file.package, leaf.name)));
        messages(&file.package, &file.message, &mut symbols);
        self.by_symbol.extend(symbols.into_iter().map(|name| (name, bytes.clone())));
        self.by_file.insert(file.name.clone(), bytes.clone());
    }

    fn answer(&self, asked: &Asked) -> Told {
        let file = |found: Option<&Bytes>, name: &str| match found {
            Some(bytes) => Told { file: Some(FileSet { file: vec![bytes.clone()] }), ..Told::default() },
            None => refused(Code::NotFound, format!("{name} not found")),
        };
        let mut told = match asked {
            Asked { list: Some(_), .. } => {
                let service = self.services.iter().map(|name| Leaf { name: name.clone() }).collect();
                Told { services: Some(Services { service }), ..Told::default() }
            }
            Asked { file: Some(name), .. } => file(self.by_file.get(name), name),
            Asked { symbol: Some(name), .. } => file(self.by_symbol.get(name), name),
            // The options of our files are for ourselves.
            Asked { extensions: Some(name), .. } => {
                Told { extensions: Some(Leaf { name: name.clone() }), ..Told::default() }
            }
            Asked { extension: Some(_), .. } => refused(Code::NotFound, "extensions are not told".to_owned()),
            _ => refused(Code::InvalidArgument, "nothing is asked".to_owned()),
        };
        (told.host, told.asked) = (asked.host.clone(), Some(asked.clone()));
        told
    }
}

fn messages(scope: &str, all: &[Named], symbols: &mut Vec<String>) {
    for message in all {
        let name = format!("{scope}.{}", message.name);
        symbols.extend(message.enumeration.iter().map(|leaf| format!("{name}.{}", leaf.name)));
        messages(&name, &message.message, symbols);
        symbols.push(name);
    }
}

fn refused(code: Code, text: String) -> Told {
    Told { error: Some(Refused { code: code as i32, text }), ..Told::default() }
}

/// One of the optional fields is what is asked for.
#[derive(Clone, PartialEq, prost::Message)]
struct Asked {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(string, optional, tag = "3")]
    file: Option<String>,
    #[prost(string, optional, tag = "4")]
    symbol: Option<String>,
    #[prost(bytes = "bytes", optional, tag = "5")]
    extension: Option<Bytes>,
    #[prost(string, optional, tag = "6")]
    extensions: Option<String>,
    #[prost(string, optional, tag = "7")]
    list: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Told {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(message, optional, tag = "2")]
    asked: Option<Asked>,
    #[prost(message, optional, tag = "4")]
    file: Option<FileSet>,
    #[prost(message, optional, tag = "5")]
    extensions: Option<Leaf>,
    #[prost(message, optional, tag = "6")]
    services: Option<Services>,
    #[prost(message, optional, tag = "7")]
    error: Option<Refused>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    service: Vec<Leaf>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Refused {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    text: String,
}

struct Info;

impl StreamingService<Bytes> for Info {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future = Ready<Result<Answer<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Bytes>>) -> Self::Future {
        let answers = request.into_inner().map(|bytes| {
            let asked = Asked::decode(bytes?.as_ref());
            let asked = asked.map_err(|error| Status::invalid_argument(error.to_string()))?;
            Ok(KNOWN.answer(&asked).encode_to_vec().into())
        });
        ready(Ok(Answer::new(answers.boxed())))
    }
}

/// Answers its one method.
pub(super) async fn answer(method: &str, request: Request<Body>) -> Response<Body> {
    match method {
        "ServerReflectionInfo" => {
            Grpc::new(Plain).max_decoding_message_size(REQUEST).streaming(Info, request).await
        }
        _ => Status::unimplemented(format!("reflection has no method {method}")).into_http(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_told() {
        let symbol = |name: &str| Asked { symbol: Some(name.to_owned()), ..Asked::default() };
        let file = |name: &str| Asked { file: Some(name.to_owned()), ..Asked::default() };
        for (asked, expected) in [
            (symbol("application.ApplicationService"), Ok("application.proto")),
            (symbol("application.ApplicationService.Sync"), Ok("application.proto")),
            (symbol("grpc.health.v1.HealthCheckResponse.ServingStatus"), Ok("grpc_health_v1.proto")),
            (symbol("google.protobuf.FieldDescriptorProto.Type"), Ok("google/protobuf/descriptor.proto")),
            (file("session.proto"), Ok("session.proto")),
            (symbol("application.Nothing"), Err(Code::NotFound)),
            (file("nothing.proto"), Err(Code::NotFound)),
            (Asked { extension: Some(Bytes::new()), ..Asked::default() }, Err(Code::NotFound)),
            (Asked::default(), Err(Code::InvalidArgument)),
        ] {
            let told = KNOWN.answer(&asked);
            let name = told.file.map(|set| File::decode(set.file[0].as_ref()).unwrap().name);
            let found = name.ok_or_else(|| Code::from_i32(told.error.unwrap().code));
            assert_eq!(found.as_deref(), expected.as_ref().copied(), "{asked:?}");
        }
        let listed = KNOWN.answer(&Asked { list: Some(String::new()), ..Asked::default() });
        let names: Vec<String> = listed.services.unwrap().service.into_iter().map(|leaf| leaf.name).collect();
        for method in wire::schema().methods() {
            assert!(names.contains(&method.service), "{}", method.service);
        }
        assert!(names.iter().any(|name| name == "grpc.health.v1.Health"));
        let files = FileSet::decode(wire::DESCRIPTORS).unwrap().file.len();
        assert_eq!(KNOWN.by_file.len(), files);
    }
}
