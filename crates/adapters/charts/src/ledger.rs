//! What servers have answered, how old it is, and what went wrong since.

use crate::digest::Digest;
use crate::error::ChartError;
use crate::http::lock;
use net::Flights;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a failure without any good answer is told again before the server is, where nobody needs to know it fresh.
const DAMPED: Duration = Duration::from_secs(10);

/// How old an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Any answer that was ever had, from before a restart as well. Asks only where there is none, and after a failure not again
    /// for some seconds.
    Known,
    /// An answer to a question that was asked at this moment or later; a failure since then counts as one.
    Since(Instant),
}

/// An answer, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The last good one.
    pub value: T,
    /// When the server was asked; `None` where that was before this process began.
    pub asked: Option<Instant>,
    /// Why there is no newer one: the last question failed.
    pub error: Option<ChartError>,
}

impl<T> Answer<T> {
    /// The same about something that follows from the value.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: change(self.value), asked: self.asked, error: self.error }
    }
}

/// Answers by question, the oldest used ones forgotten when there are too many.
pub(crate) struct Ledger<T> {
    states: Mutex<States<T>>,
    flights: Flights<Digest, Result<Answer<T>, ChartError>>,
    budget: usize,
    weight: fn(&T) -> usize,
}

struct States<T> {
    by_question: HashMap<Digest, State<T>>,
    bytes: usize,
    uses: u64,
}

struct State<T> {
    good: Option<(T, Option<Instant>)>,
    failed: Option<(ChartError, Instant)>,
    weight: usize,
    used: u64,
}

/// What a question costs in memory beside its answer.
const QUESTION_BYTES: usize = 512;

impl<T: Clone> Ledger<T> {
    /// `budget` is in bytes, of which `weight` says how many an answer takes.
    pub(crate) fn new(budget: usize, weight: fn(&T) -> usize) -> Self {
        let states = States { by_question: HashMap::new(), bytes: 0, uses: 0 };
        Self { states: Mutex::new(states), flights: Flights::default(), budget, weight }
    }

    /// The answer to `question`, fresh enough. Where there is none in memory, `recall` looks for one on the disk; `ask` gets the
    /// last good one. When asking fails, the last good one comes with the error; without one the error comes alone.
    pub(crate) async fn answer<R, A>(
        &self,
        question: Digest,
        fresh: Freshness,
        recall: impl Fn() -> R,
        ask: impl Fn(Option<T>) -> A,
    ) -> Result<Answer<T>, ChartError>
    where
        R: Future<Output = Option<T>>,
        A: Future<Output = Result<T, ChartError>>,
    {
        // In a box: there are several layers of such questions, and their futures would add up.
        let fly = || {
            Box::pin(async {
                if self.good(&question).is_none()
                    && let Some(value) = recall().await
                {
                    self.note(question, |state| state.good = Some((value, None)));
                }
                if let Some(answer) = self.settled(&question, fresh) {
                    return answer;
                }
                let asked = Instant::now();
                let before = self.good(&question);
                match ask(before.clone().map(|(value, _)| value)).await {
                    Ok(value) => {
                        let kept = (value.clone(), Some(asked));
                        self.note(question, |state| (state.good, state.failed) = (Some(kept), None));
                        Ok(Answer { value, asked: Some(asked), error: None })
                    }
                    Err(error) => {
                        self.note(question, |state| state.failed = Some((error.clone(), asked)));
                        let Some((value, asked)) = before else { return Err(error) };
                        Ok(Answer { value, asked, error: Some(error) })
                    }
                }
            })
        };
        if let Some(answer) = self.settled(&question, fresh) {
            return answer;
        }
        let answer = self.flights.join(question, fly()).await;
        if fresh == Freshness::Known {
            return answer;
        }
        // The question that was joined may have been asked before the moment that counts here.
        match self.settled(&question, fresh) {
            Some(answer) => answer,
            None => self.flights.join(question, fly()).await,
        }
    }

    /// Whether the question was answered in this process since `moment`, well or not.
    fn settled(&self, question: &Digest, fresh: Freshness) -> Option<Result<Answer<T>, ChartError>> {
        let mut states = lock(&self.states);
        states.uses += 1;
        let uses = states.uses;
        let state = states.by_question.get_mut(question)?;
        state.used = uses;
        let since = |moment: Option<Instant>| match fresh {
            Freshness::Known => true,
            Freshness::Since(least) => moment.is_some_and(|moment| moment >= least),
        };
        let failed = state.failed.as_ref();
        match &state.good {
            Some((value, asked))
                if since(*asked) || failed.is_some_and(|(_, moment)| since(Some(*moment))) =>
            {
                let error = failed.map(|(error, _)| error.clone());
                Some(Ok(Answer { value: value.clone(), asked: *asked, error }))
            }
            Some(_) => None,
            None if fresh == Freshness::Known => {
                failed.filter(|(_, moment)| moment.elapsed() < DAMPED).map(|(error, _)| Err(error.clone()))
            }
            None => failed.filter(|(_, moment)| since(Some(*moment))).map(|(error, _)| Err(error.clone())),
        }
    }

    fn good(&self, question: &Digest) -> Option<(T, Option<Instant>)> {
        lock(&self.states).by_question.get(question)?.good.clone()
    }

    pub(crate) fn forget(&self, question: &Digest) {
        let mut states = lock(&self.states);
        if let Some(state) = states.by_question.remove(question) {
            states.bytes -= state.weight;
        }
    }

    fn note(&self, question: Digest, change: impl FnOnce(&mut State<T>)) {
        let mut states = lock(&self.states);
        let States { by_question, bytes, uses } = &mut *states;
        *uses += 1;
        let new = || State { good: None, failed: None, weight: 0, used: 0 };
        let state = by_question.entry(question).or_insert_with(new);
        change(state);
        let weight = QUESTION_BYTES + state.good.as_ref().map_or(0, |(value, _)| (self.weight)(value));
        *bytes = *bytes - state.weight + weight;
        (state.weight, state.used) = (weight, *uses);
        while *bytes > self.budget {
            let others = by_question.iter().filter(|(key, _)| **key != question);
            let Some(oldest) = others.min_by_key(|(_, state)| state.used).map(|(key, _)| *key) else { break };
            if let Some(state) = by_question.remove(&oldest) {
                *bytes -= state.weight;
            }
        }
    }
}
