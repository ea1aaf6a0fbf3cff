//! Keys and certificates, made by the run's [`World`](crate::World).

use std::any::Any;

use gotemplate::{Call, CallError, Function, Object, Type, Value};

use super::{Answer, give, refuse};
use crate::host::world;
use crate::world::{CertificateRequest, KeyKind, Pair};
use crate::{base64, show};

const STRING: Type = Type::String;
const LIST: Type = Type::List;
const INT: Type = Type::Int;
const PAIR: Type = Type::Named("sprig.certificate");

pub(crate) const TABLE: &[Function] = &[
    Function::new("genPrivateKey", &[STRING], gen_private_key),
    Function::new("genCA", &[STRING, INT], |call| authority(call, None)),
    Function::new("genCAWithKey", &[STRING, INT, STRING], |call| authority(call, Some(2))),
    Function::new("genSelfSignedCert", &[STRING, LIST, LIST, INT], |call| leaf(call, None, None)),
    Function::new("genSelfSignedCertWithKey", &[STRING, LIST, LIST, INT, STRING], |call| {
        leaf(call, None, Some(4))
    }),
    Function::new("genSignedCert", &[STRING, LIST, LIST, INT, PAIR], |call| leaf(call, Some(4), None)),
    Function::new("genSignedCertWithKey", &[STRING, LIST, LIST, INT, PAIR, STRING], |call| {
        leaf(call, Some(4), Some(5))
    }),
    Function::new("buildCustomCert", &[STRING, STRING], build_custom_cert),
];

/// What a key counts for: RSA of 4096 bits takes up to some seconds.
const KEY_STEPS: u64 = 2_000_000;

/// A `sprig.certificate`: the fields `Cert` and `Key`.
struct Certificate(Pair);

impl Object for Certificate {
    fn type_name(&self) -> &str {
        "sprig.certificate"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(self.0.cert.as_str().into()),
            "Key" => Some(self.0.key.as_str().into()),
            _ => None,
        }
    }

    fn field_names(&self) -> &[&'static str] {
        &["Cert", "Key"]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.downcast::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn gen_private_key(call: &mut Call<'_>) -> Answer {
    let kind = match call.text(0).as_ref() {
        "" | "rsa" => KeyKind::Rsa,
        "dsa" => KeyKind::Dsa,
        "ecdsa" => KeyKind::Ecdsa,
        "ed25519" => KeyKind::Ed25519,
        other => return give(format!("Unknown type {other}")),
    };
    call.budget().step(KEY_STEPS)?;
    match world(call)?.private_key(kind) {
        Ok(pem) => give(pem),
        Err(error) => give(format!("failed to generate private key: {error}")),
    }
}

fn authority(call: &mut Call<'_>, key: Option<usize>) -> Answer {
    let (name, key) = (call.text(0), key.map(|at| call.text(at)));
    let request = CertificateRequest {
        common_name: &name,
        addresses: Vec::new(),
        names: Vec::new(),
        days: call.int(1),
        authority: true,
        key: key.as_deref(),
        signer: None,
    };
    issue(call, &request)
}

fn leaf(call: &mut Call<'_>, signer: Option<usize>, key: Option<usize>) -> Answer {
    let (name, key) = (call.text(0), key.map(|at| call.text(at)));
    let signer = match signer.map(|at| call.arg(at).as_object::<Certificate>()) {
        Some(None) => return refuse("unable to decode certificate"),
        signer => signer.flatten(),
    };
    let request = CertificateRequest {
        common_name: &name,
        addresses: addresses(call.arg(1))?,
        names: names(call.arg(2))?,
        days: call.int(3),
        authority: false,
        key: key.as_deref(),
        signer: signer.map(|signer| &signer.0),
    };
    issue(call, &request)
}

fn issue(call: &mut Call<'_>, request: &CertificateRequest<'_>) -> Answer {
    call.budget().step(KEY_STEPS)?;
    let pair = world(call)?.certificate(request)?;
    give(Value::object(Certificate(pair)))
}

fn addresses(list: &Value) -> Result<Vec<String>, CallError> {
    texts(list, "error parsing ip")?
        .into_iter()
        .map(|text| match text.parse::<std::net::IpAddr>() {
            Ok(_) => Ok(text),
            Err(_) => Err(format!("error parsing ip: {text}").into()),
        })
        .collect()
}

fn names(list: &Value) -> Result<Vec<String>, CallError> {
    texts(list, "error processing alternate dns name")
}

fn texts(list: &Value, what: &str) -> Result<Vec<String>, CallError> {
    let items = list.as_list().map(gotemplate::List::items).unwrap_or_default();
    let text = |item: &Value| match item {
        Value::String(text) => Ok(text.to_text().into_owned()),
        other => {
            let shown = String::from_utf8_lossy(&show::plain(other)?).into_owned();
            Err(format!("{what}: {shown} is not a string").into())
        }
    };
    items.iter().map(text).collect()
}

fn build_custom_cert(call: &mut Call<'_>) -> Answer {
    let text = |at: usize, what: &str| {
        base64::decode(call.bytes(at))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|_| CallError::Message(format!("unable to decode base64 {what}")))
    };
    let pair = Pair { cert: text(0, "certificate")?, key: text(1, "private key")? };
    if !has_pem(&pair.cert) {
        return refuse("unable to decode certificate");
    }
    if !has_pem(&pair.key) {
        return refuse("error parsing private key: no PEM data in input");
    }
    world(call)?.check_pair(&pair.cert, &pair.key)?;
    give(Value::object(Certificate(pair)))
}

/// Whether there is a PEM block: base64 between lines that name the same thing.
fn has_pem(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        rest = after;
        let block = after.split_once("-----").and_then(|(label, after)| {
            let (body, _) = after.split_once(&format!("-----END {label}-----"))?;
            let body =
                body.split_once("\n\n").filter(|(head, _)| head.contains(':')).map_or(body, |(_, body)| body);
            base64::decode(body.replace(|c: char| c.is_whitespace(), "").as_bytes()).ok()
        });
        if block.is_some() {
            return true;
        }
    }
    false
}
