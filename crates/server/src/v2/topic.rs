//! What a stream follows, and how it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::frame::{self, Told};
use super::question::{Question, Which};
use super::refusal::Refusal;
use super::{Place, same_policy};
use crate::guard::Guard;
use crate::index::Name;
use crate::server::Backend;

/// Steps that are kept for streams which are not all at the same entry.
const STEPS: usize = 4;
/// States of one application that are kept to make patches from.
const DETAILS: usize = 4;

/// What is followed: the path of a GET of this API, as in `applications?filter=health:Degraded` or `applications/argocd/web`.
#[derive(Debug)]
pub(super) enum Topic {
    List(Which),
    Application(Name),
    /// The objects of an application; see [`super::trees`].
    Tree(Name),
}

impl Topic {
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        match Place::at(path) {
            Some(Place::Applications) => Ok(Self::List(Question::parse(query)?.which)),
            Some(Place::Application { namespace, name }) if query.is_empty() => {
                Ok(Self::Application((namespace, name)))
            }
            Some(Place::Tree { namespace, name }) if query.is_empty() => Ok(Self::Tree((namespace, name))),
            _ => {
                let shown: String = text.chars().take(200).collect();
                Err(Refusal::malformed(format!(
                    "{shown:?} is no topic; topics are applications?filter=…, applications/<namespace>/<name> and that with /tree"
                )))
            }
        }
    }
}

/// How far somebody was told, by which rights and at which time.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) guard: Guard,
}

/// All who may see the same and follow the same: what is told to one is told to the others, and made once.
pub(super) struct Class {
    pub(super) topic: Topic,
    made: Mutex<Made>,
}

/// What was made for a class of late.
#[derive(Default)]
pub(super) struct Made {
    steps: VecDeque<Step>,
    /// States of the application by their versions.
    details: VecDeque<(String, Arc<Value>)>,
}

/// From one look to another.
struct Step {
    from: View,
    to: View,
    told: Told,
}

impl Made {
    pub(super) fn detail(&self, version: &str) -> Option<Arc<Value>> {
        self.details.iter().find(|(known, _)| known == version).map(|(_, value)| Arc::clone(value))
    }

    pub(super) fn keep_detail(&mut self, version: &str, value: Arc<Value>) {
        self.details.push_back((version.to_owned(), value));
        if self.details.len() > DETAILS {
            self.details.pop_front();
        }
    }
}

impl Class {
    fn new(topic: Topic) -> Self {
        Self { topic, made: Mutex::default() }
    }

    /// The class of whoever asks and what they ask for.
    pub(super) fn of(backend: &Backend, guard: &Guard, text: &str) -> Result<Arc<Self>, Refusal> {
        let key = (guard.who(), text.to_owned());
        let mut classes = backend.hub.classes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(class) = classes.get(&key).and_then(std::sync::Weak::upgrade) {
            return Ok(class);
        }
        classes.retain(|_, class| class.strong_count() > 0);
        let class = Arc::new(Self::new(Topic::parse(text)?));
        classes.insert(key, Arc::downgrade(&class));
        Ok(class)
    }

    /// What is new since a view, for whoever asks with these rights now; and the view then.
    pub(super) fn advance(&self, backend: &Backend, from: &View, guard: &Guard) -> (View, Told) {
        // Whoever comes second takes what the first one made.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let log = backend.hub.log();
        let to = View { seq: log.seq, at: log.at, guard: guard.clone() };
        if let Some(step) =
            made.steps.iter().find(|step| self.same(&step.from, from) && self.same(&step.to, &to))
        {
            return (to, step.told.clone());
        }
        let told = frame::tell(backend, &log, &self.topic, (from, &to), &mut made);
        drop(log);
        made.steps.push_back(Step { from: from.clone(), to: to.clone(), told: told.clone() });
        if made.steps.len() > STEPS {
            made.steps.pop_front();
        }
        (to, told)
    }

    fn same(&self, a: &View, b: &View) -> bool {
        a.seq == b.seq && same_policy(&a.guard, &b.guard) && (a.at == b.at || !self.is_of_time())
    }

    fn is_of_time(&self) -> bool {
        match &self.topic {
            Topic::List(which) => which.is_of_time(),
            Topic::Application(_) | Topic::Tree(_) => false,
        }
    }
}

/// The lines of an event. `data` may have line breaks only where JSON may.
pub(super) fn event(kind: &str, id: Option<&str>, data: &[&[u8]]) -> Bytes {
    let mut out = Vec::with_capacity(data.iter().map(|part| part.len()).sum::<usize>() + 96);
    if let Some(id) = id {
        out.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    out.extend_from_slice(format!("event: {kind}\ndata: ").as_bytes());
    data.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(b"\n\n");
    out.into()
}
