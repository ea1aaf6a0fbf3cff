//! Indexes and values files: fetched again only when they have changed, and kept on the disk.

use crate::charts::{Inner, blocking};
use crate::digest::Digest;
use crate::error::ChartError;
use crate::http::{Request, read_text, refusal, within};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT_ENCODING, ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Longest `ETag` or `Last-Modified` that is sent back, in bytes.
const VALIDATOR_BYTES: usize = 1024;

/// What a server's text says, and how to ask whether it still does.
#[derive(Clone, Debug)]
pub(crate) struct Document<T> {
    pub(crate) value: T,
    note: Note,
}

/// The first line of a file that is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Note {
    /// Of what follows the line.
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
}

impl<T> Document<T> {
    pub(crate) fn new(value: T, note: Note) -> Self {
        Self { value, note }
    }
}

impl Note {
    pub(crate) fn of(content: &[u8]) -> Self {
        Self { digest: Digest::of(content).to_string(), ..Self::default() }
    }
}

/// What makes a value of a text; the error says what is wrong with the text.
pub(crate) type Reader<T> = fn(&Inner, &[u8]) -> Result<T, String>;

impl Inner {
    /// What the disk has in answer to a question.
    pub(crate) async fn recall<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        question: Digest,
        read: Reader<T>,
    ) -> Option<Arc<Document<T>>> {
        let inner = Arc::clone(self);
        let recalled = blocking("", move || {
            let Some((note, content)) = inner.kept(&question) else { return Ok(None) };
            Ok(read(&inner, &content).ok().map(|value| Arc::new(Document { value, note })))
        });
        recalled.await.ok().flatten()
    }

    /// A file of answers: its note, and what follows.
    pub(crate) fn kept(&self, question: &Digest) -> Option<(Note, Vec<u8>)> {
        let mut note = None;
        let file = self.answers.read(question, |file| {
            let read = parts(file).filter(|(note, body)| note.digest == Digest::of(body).to_string());
            note = read.map(|(note, body)| (note, file.len() - body.len()));
            note.is_some()
        });
        let (mut file, (note, body)) = (file?, note?);
        Some((note, file.split_off(body)))
    }

    /// Keeps an answer; that it cannot be kept is no reason not to use it.
    pub(crate) fn keep(&self, question: &Digest, note: &Note, content: &[u8]) {
        let line = serde_json::to_vec(note).unwrap_or_default();
        if let Err(error) = self.answers.write(question, &[&line, b"\n", content]) {
            tracing::warn!(error = %error, "an answer of a chart repository could not be kept");
        }
    }

    /// Asks for a text, or whether the one from `before` still holds.
    pub(crate) async fn document<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        request: Request<'_>,
        question: Digest,
        (what, limit): (&'static str, u64),
        before: Option<Arc<Document<T>>>,
        read: Reader<T>,
    ) -> Result<Arc<Document<T>>, ChartError> {
        let answer = async {
            let mut asked = request.clone().header(ACCEPT_ENCODING, "gzip");
            if let Some(document) = &before {
                let validators =
                    [(IF_NONE_MATCH, &document.note.etag), (IF_MODIFIED_SINCE, &document.note.modified)];
                for (name, value) in validators {
                    asked = value.iter().fold(asked, |asked, value| asked.header(name.clone(), value));
                }
            }
            let response = self.http.send(&asked).await?;
            match (response.status(), before) {
                (StatusCode::NOT_MODIFIED, Some(before)) => return Ok(before),
                (StatusCode::OK, _) => {}
                _ => return Err(refusal(&asked, response).await),
            }
            let header = |name: HeaderName| {
                let value = response.headers().get(name)?.to_str().ok()?;
                (value.len() <= VALIDATOR_BYTES).then(|| value.to_owned())
            };
            let (etag, modified) = (header(ETAG), header(LAST_MODIFIED));
            let content = read_text(&asked, response, what, limit).await?;
            let note = Note { etag, modified, ..Note::of(&content) };
            let inner = Arc::clone(self);
            let name = request.name.to_owned();
            blocking(request.name, move || {
                inner.keep(&question, &note, &content);
                match read(&inner, &content) {
                    Ok(value) => Ok(Arc::new(Document { value, note })),
                    Err(detail) => {
                        inner.answers.remove(&question);
                        Err(ChartError::Protocol { repo: name, detail })
                    }
                }
            })
            .await
        };
        within(self.http.options.timeouts.answer, request.name, what, answer).await
    }
}

fn parts(file: &[u8]) -> Option<(Note, &[u8])> {
    let end = file.iter().position(|byte| *byte == b'\n')?;
    let (line, body) = file.split_at_checked(end)?;
    Some((serde_json::from_slice(line).ok()?, body.get(1..)?))
}
