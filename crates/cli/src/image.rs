//! `capstan image set`: the half of a pipeline that writes to git. It needs a right to push and nothing else: no cluster, no checkout,
//! no git program.

mod arguments;
mod attempt;
pub(crate) mod credentials;
mod report;

pub use arguments::{ImageCommand, SetArgs};

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use source::{Options, Person, Sources, Timeouts};

use crate::escape;
use crate::failure::{Failure, Kind};
use crate::look::Look;
use attempt::{Ended, Task};
use report::Report;

/// Shortest and longest wait between two attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How often in a row a server may fail before that is the answer.
const FAILURES: usize = 3;

/// Author where nobody is named.
const NOBODY: (&str, &str) = ("Capstan", "capstan@localhost");

/// What a command takes from the process that it runs in.
pub struct Surroundings<'a> {
    /// Environment variables.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Where objects of git may lie while the command runs.
    pub temp_dir: PathBuf,
}

/// Runs a command and returns its exit code: 0 done or nothing to do, 1 nothing to do where that was asked to count, 2 usage, 3 not found,
/// 4 denied, 5 not reachable, 6 too late, 8 races lost, 20 anything else.
pub async fn image(command: ImageCommand, surroundings: Surroundings<'_>) -> u8 {
    let ImageCommand::Set(arguments) = command;
    match set(&arguments, &surroundings).await {
        Ok(report) => {
            let text = if arguments.output.is_json() { report.json() } else { report.text() };
            // Where nobody reads, nothing is lost.
            drop(std::io::stdout().write_all(text.as_bytes()));
            u8::from(report.is_unchanged() && arguments.fail_unchanged)
        }
        Err(failure) => {
            say(&failure.render(Look::default(), Timestamp::now()));
            failure.kind.exit_code(crate::Style::Native)
        }
    }
}

fn say(text: &str) {
    drop(std::io::stderr().write_all(text.as_bytes()));
}

fn note(text: &str) {
    say(&format!("note: {}\n", escape::line(text)));
}

async fn set(arguments: &SetArgs, surroundings: &Surroundings<'_>) -> Result<Report, Failure> {
    let remote = credentials::remote(arguments.into(), surroundings.environment)?;
    let scratch = tempfile::Builder::new()
        .prefix("capstan-image-")
        .tempdir_in(&surroundings.temp_dir)
        .map_err(|error| Failure::new(Kind::Other, "no room for git's objects").because(&error))?;
    let seconds = Duration::from_secs(arguments.timeout);
    let options = Options {
        allow_file: true,
        timeouts: Timeouts { idle: seconds, ls_refs: seconds, fetch: seconds, ..Timeouts::default() },
        ..Options::new(scratch.path())
    };
    let sources = Sources::new(options)
        .map_err(|error| Failure::new(Kind::Other, "no room for git's objects").because(&error))?;
    let task = task(arguments, surroundings, remote)?;
    let attempts = arguments.retries.saturating_add(1);
    if credentials::in_the_open(&task.remote) {
        note("the credentials go over plain http: whoever is on the way can read them");
    }
    let (mut broken, mut last) = (0, String::new());
    for attempt in 1..=attempts {
        if attempt > 1 {
            note(&format!("{last}; attempt {attempt} of {attempts}"));
            tokio::time::sleep(wait(attempt)).await;
        }
        match attempt::once(&sources, &task).await {
            Ok(Ended::Done(report)) => {
                report.notes.iter().for_each(|text| note(text));
                return Ok(Report { attempts: attempt, ..*report });
            }
            Ok(Ended::Lost(reason)) => {
                broken = 0;
                last = match reason {
                    Some(reason) => format!("somebody else moved {}: {reason}", task.branch_name()),
                    None => format!("somebody else moved {}", task.branch_name()),
                };
            }
            Err(failure) if failure.again && broken + 1 < FAILURES && attempt < attempts => {
                broken += 1;
                last = failure.failure.causes.last().cloned().unwrap_or(failure.failure.what);
            }
            Err(failure) => return Err(failure.failure),
        }
    }
    Err(Failure::new(Kind::Conflict, format!("gave up after {attempts} attempts: nothing was pushed"))
        .cause(last)
        .next("run it again, or with more --retries"))
}

/// Between half and the whole of a time that doubles with each attempt.
fn wait(attempt: usize) -> Duration {
    let mut dice = [0; 4];
    sprig::World::random(&world::System, &mut dice);
    let chance = f64::from(u32::from_le_bytes(dice)) / f64::from(u32::MAX);
    let doublings = u32::try_from(attempt.saturating_sub(2)).unwrap_or(u32::MAX).min(16);
    let most = (BACKOFF.0 * 2_u32.pow(doublings)).min(BACKOFF.1);
    most.mul_f64(0.5 + chance / 2.0)
}

fn task(
    arguments: &SetArgs,
    surroundings: &Surroundings<'_>,
    remote: source::Remote,
) -> Result<Task, Failure> {
    let usage = |error: &dyn std::error::Error| Failure::usage("that cannot be set").because(error);
    let variable = |name: &str| (surroundings.environment)(name).filter(|text| !text.is_empty());
    let from = |role: &str| {
        let (name, email) = (variable(&format!("GIT_{role}_NAME")), variable(&format!("GIT_{role}_EMAIL")));
        name.zip(email).map(|(name, email)| Person::new(&name, &email))
    };
    let author = match &arguments.author {
        Some(text) => Person::parse(text),
        None => from("AUTHOR").unwrap_or_else(|| Person::new(NOBODY.0, NOBODY.1)),
    };
    let author = author.map_err(|error| usage(&error))?;
    let committer = from("COMMITTER").unwrap_or_else(|| Ok(author.clone())).map_err(|error| usage(&error))?;
    let paths = arguments.path.iter().map(|text| filetree::TreePath::parse(text));
    let paths = paths.collect::<Result<Vec<_>, _>>().map_err(|error| usage(&error))?;
    let trailers = arguments.trailer.iter().map(|text| {
        let pair = text.split_once(':').map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
        pair.ok_or_else(|| Failure::usage(format!("'{text}' is not of the form 'Key: value'")))
    });
    Ok(Task {
        remote,
        branch: arguments.branch.clone(),
        from: arguments.from.clone(),
        scope: image::Scope { paths, files: arguments.file.clone() },
        request: image::Request {
            images: arguments.images.clone(),
            values_keys: arguments.values_key.clone(),
            add_to_kustomization: arguments.add,
        },
        message: arguments.message.clone().unwrap_or_else(|| message(&arguments.images)),
        author,
        committer,
        trailers: trailers.collect::<Result<_, _>>()?,
        dry_run: arguments.dry_run,
    })
}

/// What a commit is called where nobody says.
fn message(images: &[image::Wanted]) -> String {
    let shown = |wanted: &image::Wanted| {
        let name = wanted.new_name.clone().unwrap_or_else(|| wanted.name.clone());
        image::ImageRef { name, tag: wanted.tag.clone(), digest: wanted.digest.clone() }.to_string()
    };
    match images {
        [one] => format!("Set image {}", shown(one)),
        more => {
            let list: Vec<String> = more.iter().map(|wanted| format!("- {}", shown(wanted))).collect();
            format!("Set {} images\n\n{}", more.len(), list.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests;
