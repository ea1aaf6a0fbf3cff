//! `git-receive-pack`: what `git push` asks.

use std::sync::atomic::AtomicBool;

use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};
use gix::{ObjectId, Repository};

use crate::GitError;
use crate::pkt::{self, Line};
use crate::upload::refs;

const CAPABILITIES: &str = "report-status delete-refs ofs-delta object-format=sha1 agent=capstan";

/// The answer to `GET info/refs?service=git-receive-pack`.
pub(crate) fn advertise(repository: &Repository) -> Result<Vec<u8>, GitError> {
    let mut out = Vec::new();
    pkt::put_text(&mut out, "# service=git-receive-pack");
    pkt::flush(&mut out);
    let refs = refs(repository)?;
    if refs.is_empty() {
        let null = ObjectId::null(gix::hash::Kind::Sha1);
        pkt::put_text(&mut out, &format!("{null} capabilities^{{}}\0{CAPABILITIES}"));
    }
    for (place, (name, id, _)) in refs.iter().enumerate() {
        let capabilities = if place == 0 { format!("\0{CAPABILITIES}") } else { String::new() };
        pkt::put_text(&mut out, &format!("{id} {name}{capabilities}"));
    }
    pkt::flush(&mut out);
    Ok(out)
}

struct Command {
    old: ObjectId,
    new: ObjectId,
    name: String,
}

/// Takes a push: first the objects, then each ref by compare-and-swap. The second part says whether any ref moved.
pub(crate) fn answer(repository: &Repository, request: &[u8]) -> Result<(Vec<u8>, bool), GitError> {
    let mut input = request;
    let mut commands = Vec::new();
    while let Some(line) = pkt::next(&mut input) {
        match (&line, line.text()) {
            (Line::Flush, _) => break,
            // A shallow clone says where its history ends; what it pushes builds on what is here.
            (Line::Data(_), Some(text)) if text.starts_with("shallow ") => {}
            (Line::Data(_), Some(text)) => commands.push(command(text)?),
            (Line::Data(_) | Line::Delimiter, _) => return Err(GitError::request("malformed command")),
        }
    }
    if commands.iter().any(|command| !command.new.is_null()) {
        take_pack(repository, input)?;
    }
    let mut out = Vec::new();
    let mut moved = false;
    pkt::put_text(&mut out, "unpack ok");
    for command in commands {
        let name = command.name.clone();
        match update(repository, command) {
            Ok(()) => {
                moved = true;
                pkt::put_text(&mut out, &format!("ok {name}"));
            }
            Err(error) => pkt::put_text(&mut out, &format!("ng {name} {error}")),
        }
    }
    pkt::flush(&mut out);
    Ok((out, moved))
}

fn command(text: &str) -> Result<Command, GitError> {
    let text = text.split('\0').next().unwrap_or_default();
    let mut words = text.splitn(3, ' ');
    let mut id = || {
        let word = words.next().unwrap_or_default();
        ObjectId::from_hex(word.as_bytes()).map_err(GitError::request)
    };
    let (old, new) = (id()?, id()?);
    let name = words
        .next()
        .filter(|name| name.starts_with("refs/"))
        .ok_or_else(|| GitError::request("no ref named"))?;
    Ok(Command { old, new, name: name.to_owned() })
}

fn take_pack(repository: &Repository, pack: &[u8]) -> Result<(), GitError> {
    let directory = repository.objects.store_ref().path().join("pack");
    std::fs::create_dir_all(&directory).map_err(GitError::repository)?;
    let options = gix::odb::pack::bundle::write::Options {
        thread_limit: Some(1),
        iteration_mode: gix::odb::pack::data::input::Mode::Verify,
        ..Default::default()
    };
    let mut input = pack;
    gix::odb::pack::Bundle::write_to_directory(
        &mut input,
        Some(&directory),
        &mut gix::progress::Discard,
        &AtomicBool::new(false),
        Some(repository.objects.clone()),
        gix::hash::Kind::Sha1,
        options,
    )
    .map_err(GitError::repository)?;
    Ok(())
}

fn update(repository: &Repository, command: Command) -> Result<(), GitError> {
    let name: FullName = command.name.try_into().map_err(GitError::request)?;
    let expected = if command.old.is_null() {
        PreviousValue::MustNotExist
    } else {
        PreviousValue::MustExistAndMatch(Target::Object(command.old))
    };
    let change = if command.new.is_null() {
        Change::Delete { expected, log: RefLog::AndReference }
    } else if repository.has_object(command.new) {
        let log =
            LogChange { mode: RefLog::AndReference, force_create_reflog: false, message: "push".into() };
        Change::Update { log, expected, new: Target::Object(command.new) }
    } else {
        return Err(GitError::request("missing necessary objects"));
    };
    let edit = RefEdit { change, name, deref: false };
    // In git's own words: clients know by them that somebody else was faster, or is about to be.
    let failed = |error| GitError::repository(format!("failed to update ref: {error}"));
    repository.edit_reference(edit).map(drop).map_err(failed)
}
