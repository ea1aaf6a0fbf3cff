//! The two questions of git's protocol: which names are there, and give me this commit.

use gix::ObjectId;
use gix::progress::Discard;
use gix::protocol::fetch::negotiate::{Action, Round, one_round};
use gix::protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags};
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::{Handshake, LsRefsCommand};
use gix_transport::client::blocking_io::Transport;
use std::path::Path;
use std::sync::atomic::AtomicBool;

type GixResult<T> = Result<T, gix::Error>;

/// What a server may list: `HEAD`, branches, tags. Merge requests' names can be hundreds of thousands, and nobody deploys them.
const PREFIXES: [&str; 3] = ["HEAD", "refs/heads/", "refs/tags/"];

fn agent() -> gix::protocol::command::Feature {
    ("agent", Some(concat!("capstan/", env!("CARGO_PKG_VERSION")).to_owned()))
}

fn shake_hands(transport: &mut impl Transport) -> GixResult<Handshake> {
    // Credentials are sent by the transports themselves, so nothing is left to ask.
    gix::protocol::handshake(
        transport,
        gix_transport::Service::UploadPack,
        |_| Ok(None),
        Vec::new(),
        &mut Discard,
    )
}

/// Lists the names of a repository.
pub(crate) fn ls_refs(transport: &mut impl Transport) -> GixResult<Vec<Ref>> {
    let handshake = shake_hands(transport)?;
    let refs = match handshake.refs {
        Some(refs) => refs,
        None => {
            let mut prefixes = RefPrefixes::new();
            prefixes.extend(PREFIXES.map(Into::into));
            LsRefsCommand::new(Some(prefixes), &handshake.capabilities, agent()).invoke_blocking(
                &mut *transport,
                &mut Discard,
                false,
            )?
        }
    };
    // A courtesy to ssh servers; what was asked for has come.
    if let Err(error) = gix::protocol::indicate_end_of_interaction(transport, false) {
        tracing::debug!(%error, "the end of a conversation was not sent");
    }
    Ok(refs)
}

/// What to fetch and what is there already.
pub(crate) struct Want<'a> {
    /// The commits.
    pub(crate) commits: &'a [ObjectId],
    /// Commits that are here whole (as far as the history goes that was fetched).
    pub(crate) have: &'a [ObjectId],
    /// Commits of history; all when none.
    pub(crate) depth: Option<std::num::NonZeroU32>,
    /// Where the ends of a cut-off history are kept.
    pub(crate) shallow_file: &'a Path,
}

/// Asks for commits in one round and hands the pack to `consume`.
pub(crate) fn fetch(
    transport: &mut impl Transport,
    want: &Want<'_>,
    interrupt: &AtomicBool,
    consume: impl FnOnce(&mut dyn std::io::BufRead) -> GixResult<()>,
) -> GixResult<()> {
    let mut handshake = shake_hands(transport)?;
    let shallow = want.depth.map_or(Shallow::NoChange, Shallow::DepthAtRemote);
    let options = Options {
        shallow_file: want.shallow_file.to_owned(),
        shallow: &shallow,
        tags: Tags::None,
        reject_shallow_remote: false,
    };
    let context = Context {
        handshake: &mut handshake,
        transport: &mut *transport,
        user_agent: agent(),
        trace_packetlines: false,
    };
    let consume =
        |pack: &mut dyn std::io::BufRead, _: &mut dyn gix::progress::DynNestedProgress, _: &AtomicBool| {
            consume(pack)?;
            Ok(true)
        };
    gix::protocol::fetch(&mut OneRound { want }, consume, Discard, interrupt, context, options)?;
    if let Err(error) = gix::protocol::indicate_end_of_interaction(transport, false) {
        tracing::debug!(%error, "the end of a conversation was not sent");
    }
    Ok(())
}

/// All that we have is said at once: the few commits that are kept as tips stand for everything below them, and a server that
/// knows one of them sends only what is new. Where histories have parted, more is sent than needed; never less.
struct OneRound<'a> {
    want: &'a Want<'a>,
}

impl Negotiate for OneRound<'_> {
    fn mark_complete_and_common_ref(&mut self) -> GixResult<Action> {
        Ok(Action::MustNegotiate { remote_ref_target_known: vec![false; self.want.commits.len()] })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _remote_ref_target_known: &[bool]) -> bool {
        self.want.commits.iter().for_each(|commit| arguments.want(commit));
        true
    }

    fn one_round(
        &mut self,
        _state: &mut one_round::State,
        arguments: &mut Arguments,
        _previous_response: Option<&Response>,
    ) -> GixResult<(Round, bool)> {
        let have = self.want.have;
        have.iter().for_each(|commit| arguments.have(commit));
        let round = Round {
            haves_sent: have.len(),
            in_vain: 0,
            haves_to_send: have.len(),
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
