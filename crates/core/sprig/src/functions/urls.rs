//! `urlParse` and `urlJoin`.

use gotemplate::{Call, CallError, Function, Str, Type, Value};

use super::{Answer, NIL_POINTER, give, give_bytes};
use crate::url::{self, Url};

pub(crate) const TABLE: &[Function] = &[
    Function::new("urlParse", &[Type::String], url_parse),
    Function::new("urlJoin", &[Type::Map], url_join),
    Function::new("getHostByName", &[Type::String], |call| {
        give(crate::host::world(call).map(|world| world.host_by_name(&call.text(0))).unwrap_or_default())
    }),
];

fn url_parse(call: &mut Call<'_>) -> Answer {
    let url = url::parse(call.bytes(0)).map_err(|error| format!("unable to parse url: {error}"))?;
    let (hostname, userinfo) = (url.hostname().to_vec(), url.userinfo());
    let parts = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo),
    ];
    let entries = parts.into_iter().map(|(key, bytes)| (Str::from(key), Value::String(bytes.into())));
    give(Value::map(entries.collect()))
}

fn url_join(call: &mut Call<'_>) -> Answer {
    let map = call.map(0)?;
    let part = |key: &str| match map.get(key) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Nil) => Err(CallError::from(NIL_POINTER)),
        Some(other) => {
            let kind = other.kind().name();
            Err(CallError::from(format!(
                "unable to parse {key} key, must be of type string, but {kind} found"
            )))
        }
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let userinfo = part("userinfo")?;
    if !userinfo.is_empty() {
        let text = [b"proto://", userinfo.as_slice(), b"@host"].concat();
        let parsed =
            url::parse(&text).map_err(|error| format!("unable to parse userinfo in dict: {error}"))?;
        url.user = parsed.user;
    }
    give_bytes(url.to_bytes())
}
