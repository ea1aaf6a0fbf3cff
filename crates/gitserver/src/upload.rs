//! `git-upload-pack`, protocol version 2: what `git clone` and `git fetch` ask.

use gix::{ObjectId, Repository};

use crate::GitError;
use crate::pack::pack;
use crate::pkt::{self, Line};

/// The answer to `GET info/refs?service=git-upload-pack`.
pub(crate) fn advertise() -> Vec<u8> {
    let mut out = Vec::new();
    pkt::put_text(&mut out, "# service=git-upload-pack");
    pkt::flush(&mut out);
    for line in ["version 2", "agent=capstan", "ls-refs=unborn", "fetch=shallow", "object-format=sha1"] {
        pkt::put_text(&mut out, line);
    }
    pkt::flush(&mut out);
    out
}

/// The answer to one command.
pub(crate) fn answer(repository: &Repository, request: &[u8]) -> Result<Vec<u8>, GitError> {
    let mut input = request;
    let mut command = String::new();
    let mut arguments = Vec::new();
    let mut in_arguments = false;
    while let Some(line) = pkt::next(&mut input) {
        match (&line, line.text()) {
            (Line::Flush, _) => break,
            (Line::Delimiter, _) => in_arguments = true,
            (Line::Data(_), Some(text)) if in_arguments => arguments.push(text.to_owned()),
            (Line::Data(_), Some(text)) => {
                if let Some(name) = text.strip_prefix("command=") {
                    name.clone_into(&mut command);
                }
            }
            (Line::Data(_), None) => return Err(GitError::request("a line is no text")),
        }
    }
    match command.as_str() {
        "ls-refs" => ls_refs(repository, &arguments),
        "fetch" => fetch(repository, &arguments),
        other => {
            Err(GitError::request(format!("unknown command {other:?}: only protocol version 2 is spoken")))
        }
    }
}

fn ls_refs(repository: &Repository, arguments: &[String]) -> Result<Vec<u8>, GitError> {
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    let (peel, symrefs, unborn) = (asked("peel"), asked("symrefs"), asked("unborn"));
    let prefixes: Vec<&str> =
        arguments.iter().filter_map(|argument| argument.strip_prefix("ref-prefix ")).collect();
    let wanted = |name: &str| prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix));
    let mut out = Vec::new();
    let head = repository.head().map_err(GitError::repository)?;
    let branch = head.referent_name().map(|name| name.as_bstr().to_string());
    if wanted("HEAD") {
        let target = match (&branch, symrefs) {
            (Some(branch), true) => format!(" symref-target:{branch}"),
            _ => String::new(),
        };
        match head.id() {
            Some(id) => pkt::put_text(&mut out, &format!("{id} HEAD{target}")),
            None if unborn => pkt::put_text(&mut out, &format!("unborn HEAD{target}")),
            None => {}
        }
    }
    for (name, id, peeled) in refs(repository)? {
        if wanted(&name) {
            let peeled = peeled.filter(|_| peel).map(|id| format!(" peeled:{id}")).unwrap_or_default();
            pkt::put_text(&mut out, &format!("{id} {name}{peeled}"));
        }
    }
    pkt::flush(&mut out);
    Ok(out)
}

/// Branches and tags by name; for an annotated tag also what it stands for.
pub(crate) fn refs(repository: &Repository) -> Result<Vec<(String, ObjectId, Option<ObjectId>)>, GitError> {
    let mut all = Vec::new();
    let platform = repository.references().map_err(GitError::repository)?;
    for reference in platform.all().map_err(GitError::repository)? {
        let mut reference = reference.map_err(GitError::repository)?;
        let Some(id) = reference.try_id().map(gix::Id::detach) else { continue };
        let name = reference.name().as_bstr().to_string();
        let peeled = reference.peel_to_id().map_err(GitError::repository)?.detach();
        all.push((name, id, (peeled != id).then_some(peeled)));
    }
    all.sort();
    Ok(all)
}

fn fetch(repository: &Repository, arguments: &[String]) -> Result<Vec<u8>, GitError> {
    let ids = |prefix: &str| -> Result<Vec<ObjectId>, GitError> {
        let texts = arguments.iter().filter_map(|argument| argument.strip_prefix(prefix));
        texts.map(|text| ObjectId::from_hex(text.as_bytes()).map_err(GitError::request)).collect()
    };
    let (wants, haves) = (ids("want ")?, ids("have ")?);
    let tips: Vec<ObjectId> =
        refs(repository)?.into_iter().flat_map(|(_, id, peeled)| [Some(id), peeled]).flatten().collect();
    if let Some(foreign) = wants.iter().find(|want| !tips.contains(want) && !repository.has_object(**want)) {
        return Err(GitError::request(format!("not our ref {foreign}")));
    }
    let depth = arguments.iter().find_map(|argument| argument.strip_prefix("deepen "));
    let depth = depth.map(str::parse::<usize>).transpose().map_err(GitError::request)?;
    let done = arguments.iter().any(|argument| argument == "done");
    let common: Vec<ObjectId> = haves.iter().copied().filter(|id| repository.has_object(*id)).collect();
    let mut out = Vec::new();
    if !done {
        pkt::put_text(&mut out, "acknowledgments");
        if common.is_empty() {
            pkt::put_text(&mut out, "NAK");
            pkt::flush(&mut out);
            return Ok(out);
        }
        for id in &common {
            pkt::put_text(&mut out, &format!("ACK {id}"));
        }
        pkt::put_text(&mut out, "ready");
        pkt::delimiter(&mut out);
    }
    let (pack, cut) = pack(repository, &wants, &common, depth)?;
    if depth.is_some() {
        pkt::put_text(&mut out, "shallow-info");
        for id in cut {
            pkt::put_text(&mut out, &format!("shallow {id}"));
        }
        pkt::delimiter(&mut out);
    }
    pkt::put_text(&mut out, "packfile");
    for piece in pack.chunks(pkt::MAX_BAND) {
        let mut line = Vec::with_capacity(piece.len() + 1);
        line.push(1);
        line.extend_from_slice(piece);
        pkt::put(&mut out, &line);
    }
    pkt::flush(&mut out);
    Ok(out)
}
