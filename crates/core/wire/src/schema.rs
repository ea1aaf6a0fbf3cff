//! What the `.proto` files say, in the form in which it is walked.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind as PoolKind, MessageDescriptor, MethodDescriptor,
    Value as PoolValue,
};

#[cfg(test)]
mod tests;

/// The compiled `.proto` files: a `google.protobuf.FileDescriptorSet` in protobuf, which is what gRPC's reflection tells.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors"));

/// Packages of files that are not the API's, and that reflection tells, too.
const FOREIGN: [&str; 3] = ["google.protobuf", "capstan", "grpc.health.v1"];

/// All messages and methods.
#[derive(Debug)]
pub struct Schema {
    messages: Vec<Message>,
    by_name: BTreeMap<String, usize>,
    methods: Vec<Method>,
}

/// A message's fields. It converts between protobuf, JSON and parameters.
#[derive(Debug)]
pub struct Message {
    /// The full name, as in `application.ApplicationQuery`.
    pub name: String,
    pub(crate) form: Form,
    /// By number.
    pub(crate) fields: Vec<Field>,
}

/// A method of a service.
#[derive(Debug)]
pub struct Method {
    /// The service's full name, as in `application.ApplicationService`.
    pub service: String,
    /// Its name, as in `List`.
    pub name: String,
    /// The request.
    pub input: String,
    /// The answer, or each of the answers.
    pub output: String,
    /// Whether the client sends a stream of requests.
    pub takes_stream: bool,
    /// Whether the server sends a stream of answers.
    pub gives_stream: bool,
    /// Where it is found over REST.
    pub rest: Vec<Rest>,
    /// The peer's version that first has it, as in `3.6`, where that is later than 3.2.
    pub since: Option<String>,
}

/// A place of a method over REST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// The verb, as in `GET`.
    pub verb: String,
    /// The path, as in `/api/v1/applications/{name}`; `{id.value}` names a field inside of another one, and `{rest=**}` takes
    /// several segments.
    pub path: String,
    /// The field that the request's body is; empty for none, `*` for the whole request.
    pub body: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Object,
    Time,
    MicroTime,
    IntOrString,
    Raw,
    Only,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    /// Its name in JSON.
    pub(crate) json: String,
    /// Its name in the `.proto` file.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    /// Its fields stand among those of the message around it.
    pub(crate) inline: bool,
    /// It is a string of YAML in JSON.
    pub(crate) yaml: bool,
    /// It is always written.
    pub(crate) required: bool,
    /// Go writes it in JSON even where it is zero.
    pub(crate) always: bool,
    /// The peer's version that first has it, where that is later than 3.2.
    pub(crate) since: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Left out where it is zero.
    Plain,
    /// Zero is a value, too.
    Pointer,
    Many,
    /// Strings to values of the field's kind.
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int32,
    Int64,
    Bool,
    Text,
    Bytes,
    /// An index into the schema's messages.
    Message(usize),
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the build script made it, and every test reads it")]
    let pool = DescriptorPool::decode(DESCRIPTORS).expect("descriptors");
    Schema::from_pool(&pool)
});

/// The API's.
pub fn schema() -> &'static Schema {
    &SCHEMA
}

impl Schema {
    /// The message of a full name.
    pub fn message(&self, name: &str) -> Option<&Message> {
        self.index(name).map(|index| self.at(index))
    }

    /// All messages.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter()
    }

    /// All methods, by service and name.
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn at(&self, index: usize) -> &Message {
        &self.messages[index]
    }

    fn from_pool(pool: &DescriptorPool) -> Self {
        let ours = |message: &MessageDescriptor| {
            let foreign = FOREIGN.contains(&message.package_name());
            message.full_name() == "google.protobuf.Empty" || !foreign && !message.is_map_entry()
        };
        let messages: Vec<MessageDescriptor> = pool.all_messages().filter(ours).collect();
        let by_name: BTreeMap<String, usize> =
            messages.iter().enumerate().map(|(n, message)| (message.full_name().to_owned(), n)).collect();
        let messages = messages.iter().map(|message| Message::from_pool(message, &by_name)).collect();
        let mut methods: Vec<Method> = pool
            .services()
            .filter(|service| !FOREIGN.contains(&service.package_name()))
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|m| Method::from_pool(&m))
            .collect();
        methods.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
        Self { messages, by_name, methods }
    }
}

impl Message {
    fn from_pool(message: &MessageDescriptor, by_name: &BTreeMap<String, usize>) -> Self {
        let form = match number(&message.options(), "form") {
            1 => Form::Time,
            2 => Form::MicroTime,
            3 => Form::IntOrString,
            4 => Form::Raw,
            5 => Form::Only,
            _ => Form::Object,
        };
        let mut fields: Vec<Field> =
            message.fields().filter_map(|field| Field::from_pool(&field, by_name)).collect();
        fields.sort_by_key(|field| field.number);
        Self { name: message.full_name().to_owned(), form, fields }
    }
}

impl Field {
    fn from_pool(field: &FieldDescriptor, by_name: &BTreeMap<String, usize>) -> Option<Self> {
        let (kind, shape) = if field.is_map() {
            let value = match field.kind() {
                PoolKind::Message(entry) => entry.map_entry_value_field().kind(),
                other => other,
            };
            (Kind::from_pool(&value, by_name)?, Shape::Map)
        } else {
            let shape = match (field.is_list(), field.field_descriptor_proto().proto3_optional()) {
                (true, _) => Shape::Many,
                (false, true) => Shape::Pointer,
                (false, false) => Shape::Plain,
            };
            (Kind::from_pool(&field.kind(), by_name)?, shape)
        };
        let options = field.options();
        Some(Self {
            number: field.number(),
            json: field.json_name().to_owned(),
            name: field.name().to_owned(),
            kind,
            shape,
            inline: number(&options, "inline") == 1,
            yaml: number(&options, "yaml") == 1,
            required: number(&options, "required") == 1,
            always: number(&options, "always") == 1,
            since: since(&options, "since"),
        })
    }
}

impl Kind {
    /// `None` for what the API has nowhere.
    fn from_pool(kind: &PoolKind, by_name: &BTreeMap<String, usize>) -> Option<Self> {
        Some(match kind {
            PoolKind::Int32 => Self::Int32,
            PoolKind::Int64 => Self::Int64,
            PoolKind::Bool => Self::Bool,
            PoolKind::String => Self::Text,
            PoolKind::Bytes => Self::Bytes,
            PoolKind::Message(message) => Self::Message(*by_name.get(message.full_name())?),
            _ => return None,
        })
    }
}

impl Method {
    fn from_pool(method: &MethodDescriptor) -> Self {
        let rest = option(&method.options(), "rest");
        let rest = rest.as_ref().and_then(PoolValue::as_list).unwrap_or_default();
        Self {
            service: method.parent_service().full_name().to_owned(),
            name: method.name().to_owned(),
            input: method.input().full_name().to_owned(),
            output: method.output().full_name().to_owned(),
            takes_stream: method.is_client_streaming(),
            gives_stream: method.is_server_streaming(),
            rest: rest.iter().filter_map(|rest| Rest::from_pool(rest.as_message()?)).collect(),
            since: since(&method.options(), "method_since"),
        }
    }
}

impl Rest {
    fn from_pool(rest: &DynamicMessage) -> Option<Self> {
        let text = |name| Some(rest.get_field_by_name(name)?.as_str()?.to_owned());
        let path = text("path")?;
        let (verb, path) = path.split_once(' ')?;
        Some(Self { verb: verb.to_owned(), path: path.to_owned(), body: text("body")? })
    }
}

/// An option of ours.
fn option(options: &DynamicMessage, name: &str) -> Option<PoolValue> {
    let (_, value) =
        options.extensions().find(|(extension, _)| extension.full_name() == format!("capstan.{name}"))?;
    Some(value.clone())
}

fn since(options: &DynamicMessage, name: &str) -> Option<String> {
    Some(option(options, name)?.as_str()?.to_owned())
}

/// An option of ours that is an enum or a flag, as a number.
fn number(options: &DynamicMessage, name: &str) -> i32 {
    match option(options, name) {
        Some(PoolValue::EnumNumber(number)) => number,
        Some(PoolValue::Bool(true)) => 1,
        _ => 0,
    }
}
