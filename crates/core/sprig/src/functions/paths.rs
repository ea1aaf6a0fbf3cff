//! Slash-separated paths. The `os…` forms are those of a Unix, which differ in nothing here.
//!
//! **Source**: Go's `path`.

use gotemplate::{Call, Function, Type};

use super::{Answer, give};

const STRING: &[Type] = &[Type::String];

pub(crate) const TABLE: &[Function] = &[
    Function::new("base", STRING, base),
    Function::new("dir", STRING, dir),
    Function::new("clean", STRING, |call| give(cleaned(&call.text(0)))),
    Function::new("ext", STRING, ext),
    Function::new("isAbs", STRING, |call| give(call.bytes(0).starts_with(b"/"))),
    Function::new("osBase", STRING, base),
    Function::new("osDir", STRING, dir),
    Function::new("osClean", STRING, |call| give(cleaned(&call.text(0)))),
    Function::new("osExt", STRING, ext),
    Function::new("osIsAbs", STRING, |call| give(call.bytes(0).starts_with(b"/"))),
];

fn base(call: &mut Call<'_>) -> Answer {
    let path = call.text(0);
    if path.is_empty() {
        return give(".");
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return give("/");
    }
    give(trimmed.rsplit('/').next().unwrap_or(trimmed))
}

fn dir(call: &mut Call<'_>) -> Answer {
    let path = call.text(0);
    let end = path.rfind('/').map_or(0, |at| at + 1);
    give(cleaned(path.get(..end).unwrap_or_default()))
}

fn ext(call: &mut Call<'_>) -> Answer {
    let path = call.text(0);
    let name = path.rsplit('/').next().unwrap_or_default();
    give(name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default())
}

/// Without empty and `.` elements, and without `..` where it can be resolved by text alone.
fn cleaned(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            element => kept.push(element),
        }
    }
    let joined = kept.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}
