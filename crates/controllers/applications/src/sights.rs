//! Who has been looked at, and with which answers of git: nothing is removed before everybody was who might want it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::repositories::RepositoryKey;
use crate::shared::AppName;

/// Which answer of each repository was looked at.
pub(crate) type Seen = BTreeMap<RepositoryKey, u64>;

/// See the module. A question costs by the repositories it is about, not by the number of applications.
#[derive(Debug, Default)]
pub(crate) struct Sights {
    /// Whether all applications are known.
    listed: bool,
    apps: HashMap<AppName, Sight>,
    /// Applications to wait for: not looked at since the start, or since their spec changed.
    unlooked: BTreeSet<AppName>,
    /// Of the others, by the answer that was looked at.
    by_answer: BTreeMap<RepositoryKey, BTreeMap<u64, BTreeSet<AppName>>>,
}

/// One application. Specs are hashes.
#[derive(Debug, Default)]
struct Sight {
    /// What the next look should find; `None` where there will be none, and nobody waits.
    expected: Option<u64>,
    looked: Option<(u64, Seen)>,
}

impl Sights {
    /// Says whether every application is known, which it is not before the first list.
    pub(crate) fn set_listed(&mut self, listed: bool) {
        self.listed = listed;
    }

    /// An application as it is now: its spec, or `None` where it is not going to be looked at.
    pub(crate) fn expect(&mut self, name: &AppName, spec: Option<u64>) {
        if self.apps.get(name).is_some_and(|sight| sight.expected == spec) {
            return;
        }
        self.change(name, |sight| sight.expected = spec);
    }

    /// An application was looked at, and what it wants is on record if it can be told at all.
    pub(crate) fn looked(&mut self, name: &AppName, spec: u64, seen: &Seen) {
        let known = |sight: &Sight| sight.looked.as_ref().is_some_and(|(old, at)| *old == spec && at == seen);
        if self.apps.get(name).is_some_and(known) {
            return;
        }
        self.change(name, |sight| sight.looked = Some((spec, seen.clone())));
    }

    /// What an application wants is the same at this answer; false where nothing is noted of it yet.
    pub(crate) fn saw(&mut self, name: &AppName, repository: &RepositoryKey, answer: u64) -> bool {
        let noted =
            |sight: &Sight| sight.looked.as_ref().is_some_and(|(_, seen)| seen.contains_key(repository));
        if !self.apps.get(name).is_some_and(noted) {
            return false;
        }
        self.change(name, |sight| {
            let seen = sight.looked.as_mut().and_then(|(_, seen)| seen.get_mut(repository));
            if let Some(seen) = seen {
                *seen = answer.max(*seen);
            }
        });
        true
    }

    /// Forgets an application that is gone.
    pub(crate) fn forget(&mut self, name: &AppName) {
        self.change(name, |sight| *sight = Sight::default());
        self.apps.remove(name);
    }

    /// The answers that an application was last looked at with; `None` where nothing is known of what its spec wants now.
    pub(crate) fn seen_by(&self, name: &AppName) -> Option<&Seen> {
        let sight = self.apps.get(name).filter(|_| self.listed && !self.unlooked.contains(name))?;
        sight.looked.as_ref().map(|(_, seen)| seen)
    }

    /// Whether an application other than `name` may be there of which nothing is known, or nothing of what its spec wants now.
    pub(crate) fn anybody_else_unlooked(&self, name: &AppName) -> bool {
        !self.listed || self.unlooked.iter().any(|other| other != name)
    }

    /// Whether an application other than `name` was last looked at with an older answer of this repository.
    pub(crate) fn anybody_else_before(
        &self,
        name: &AppName,
        repository: &RepositoryKey,
        answer: u64,
    ) -> bool {
        let Some(answers) = self.by_answer.get(repository) else { return false };
        answers.range(..answer).any(|(_, apps)| apps.iter().any(|other| other != name))
    }

    /// Who was last looked at with an answer of this repository.
    pub(crate) fn readers(&self, repository: &RepositoryKey) -> BTreeSet<AppName> {
        let answers = self.by_answer.get(repository).into_iter();
        answers.flat_map(BTreeMap::values).flatten().cloned().collect()
    }

    fn change(&mut self, name: &AppName, change: impl FnOnce(&mut Sight)) {
        let sight = self.apps.entry(Arc::clone(name)).or_default();
        if let (Some(_), Some((_, seen))) = (sight.expected, &sight.looked) {
            for (repository, answer) in seen {
                let Some(answers) = self.by_answer.get_mut(repository) else { continue };
                if let Some(apps) = answers.get_mut(answer) {
                    apps.remove(name);
                    if apps.is_empty() {
                        answers.remove(answer);
                    }
                }
                if answers.is_empty() {
                    self.by_answer.remove(repository);
                }
            }
        }
        change(sight);
        self.unlooked.remove(name);
        let Some(expected) = sight.expected else { return };
        if sight.looked.as_ref().is_none_or(|(spec, _)| *spec != expected) {
            self.unlooked.insert(Arc::clone(name));
        }
        for (repository, answer) in sight.looked.iter().flat_map(|(_, seen)| seen) {
            let answers = self.by_answer.entry(repository.clone()).or_default();
            answers.entry(*answer).or_default().insert(Arc::clone(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(project: &str) -> RepositoryKey {
        RepositoryKey::git(&"https://git.example.com/config", project)
    }

    fn name(name: &str) -> AppName {
        AppName::from(name)
    }

    #[test]
    fn everybody_is_waited_for_who_will_be_looked_at() {
        let (a, b) = (name("a"), name("b"));
        let mut sights = Sights::default();
        sights.expect(&a, Some(1));
        sights.looked(&a, 1, &Seen::from([(key("p"), 3)]));
        assert!(sights.anybody_else_unlooked(&a), "others may be there that nobody knows of");
        sights.set_listed(true);
        assert!(!sights.anybody_else_unlooked(&a));
        type Step = fn(&mut Sights, &AppName);
        let steps: [(&str, Step, bool, bool); 8] = [
            ("new", |s, b| s.expect(b, Some(1)), true, false),
            ("looked at, an answer ago", |s, b| s.looked(b, 1, &Seen::from([(key("p"), 2)])), false, true),
            ("told that it is the same", |s, b| assert!(s.saw(b, &key("p"), 3)), false, false),
            ("another spec", |s, b| s.expect(b, Some(2)), true, false),
            ("an old look that comes late", |s, b| s.looked(b, 1, &Seen::from([(key("p"), 1)])), true, true),
            ("on its way out", |s, b| s.expect(b, None), false, false),
            ("back", |s, b| s.expect(b, Some(2)), true, true),
            ("gone", |s, b| s.forget(b), false, false),
        ];
        for (reason, step, unlooked, before) in steps {
            step(&mut sights, &b);
            assert_eq!(sights.anybody_else_unlooked(&a), unlooked, "{reason}");
            assert_eq!(sights.anybody_else_before(&a, &key("p"), 3), before, "{reason}");
            assert!(!sights.anybody_else_before(&a, &key("other"), 3), "{reason}");
        }
        assert!(!sights.saw(&b, &key("p"), 4), "nothing is noted of it");
        assert_eq!(sights.by_answer.len(), 1);
        assert_eq!(sights.readers(&key("p")), BTreeSet::from([Arc::clone(&a)]));
        assert!(sights.anybody_else_before(&b, &key("p"), 4));
    }
}
