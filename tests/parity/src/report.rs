//! What a run of a corpus found.

use crate::Options;
use anyhow::Context;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

/// How one case went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Verdict {
    /// The pass mark: the same data, or that it fails where it must.
    pub(crate) passed: bool,
    /// The documents are in the same order.
    pub(crate) order: bool,
    /// Every byte is the same.
    pub(crate) bytes: bool,
    /// For a case that must fail: the text is the same.
    pub(crate) text: Option<bool>,
}

/// All cases of a corpus.
#[derive(Default)]
pub(crate) struct Report {
    cases: Vec<(String, Verdict)>,
    /// Cases are about a status and a message, not about a render.
    health: bool,
}

impl Report {
    /// A report about health: a case passes by its status, and its message is what the bytes of a render are.
    pub(crate) fn of_health() -> Self {
        Self { health: true, ..Self::default() }
    }

    pub(crate) fn add(&mut self, id: String, verdict: Verdict) {
        self.cases.push((id, verdict));
    }

    /// How many cases there are.
    pub(crate) fn len(&self) -> usize {
        self.cases.len()
    }

    /// Prints the figures, and holds them against the committed list.
    pub(crate) fn finish(&self, corpus: &str, options: &Options) -> anyhow::Result<ExitCode> {
        if self.health {
            return self.finish_health(corpus, options);
        }
        let must_fail = self.cases.iter().filter(|(_, verdict)| verdict.text.is_some()).count();
        let renders = self.cases.len() - must_fail;
        let count =
            |mark: fn(&Verdict) -> bool| self.cases.iter().filter(|(_, verdict)| mark(verdict)).count();
        self.list("fails", |verdict| !verdict.passed);
        self.list("other bytes", |verdict| verdict.passed && verdict.text.is_none() && !verdict.bytes);
        self.list("other error text", |verdict| verdict.passed && verdict.text == Some(false));
        let passed = count(|verdict| verdict.passed);
        say(&format!("data        {passed} of {} ({})", self.cases.len(), percent(passed, self.cases.len())));
        let order = count(|verdict| verdict.text.is_none() && verdict.order);
        say(&format!("order       {order} of {renders} ({})", percent(order, renders)));
        let bytes = count(|verdict| verdict.text.is_none() && verdict.bytes);
        say(&format!("bytes       {bytes} of {renders} ({})", percent(bytes, renders)));
        let texts = count(|verdict| verdict.text == Some(true));
        say(&format!("error texts {texts} of {must_fail} ({})", percent(texts, must_fail)));
        self.conclude(corpus, options, passed)
    }

    fn finish_health(&self, corpus: &str, options: &Options) -> anyhow::Result<ExitCode> {
        self.list("other status", |verdict| !verdict.passed);
        self.list("other message", |verdict| verdict.passed && !verdict.bytes);
        let count =
            |mark: fn(&Verdict) -> bool| self.cases.iter().filter(|(_, verdict)| mark(verdict)).count();
        let (passed, same) = (count(|verdict| verdict.passed), count(|verdict| verdict.bytes));
        say(&format!("status      {passed} of {} ({})", self.cases.len(), percent(passed, self.cases.len())));
        say(&format!("message     {same} of {} ({})", self.cases.len(), percent(same, self.cases.len())));
        self.conclude(corpus, options, passed)
    }

    fn conclude(&self, corpus: &str, options: &Options, passed: usize) -> anyhow::Result<ExitCode> {
        let fallen = self.fallen(corpus, options.update)?;
        for id in &fallen {
            say(&format!("passed before, fails now: {id}"));
        }
        say(&format!("{passed} passed, {} failed", self.cases.len() - passed));
        Ok(if fallen.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn list(&self, what: &str, mark: fn(&Verdict) -> bool) {
        for (id, _) in self.cases.iter().filter(|(_, verdict)| mark(verdict)) {
            say(&format!("{what}: {id}"));
        }
    }

    /// Cases of the committed list that do not pass; those of another corpus are not looked at.
    fn fallen(&self, corpus: &str, update: bool) -> anyhow::Result<Vec<String>> {
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("passing").join(format!("{corpus}.txt"));
        let passing: BTreeSet<&str> =
            self.cases.iter().filter(|(_, verdict)| verdict.passed).map(|(id, _)| id.as_str()).collect();
        if update {
            let text: String = passing.iter().map(|id| format!("{id}\n")).collect();
            std::fs::write(&list, text).with_context(|| format!("cannot write {}", list.display()))?;
        }
        let before = std::fs::read_to_string(&list).unwrap_or_default();
        let here: BTreeSet<&str> = self.cases.iter().map(|(id, _)| id.as_str()).collect();
        let fell = |id: &&str| here.contains(*id) && !passing.contains(*id);
        Ok(before.lines().filter(fell).map(str::to_owned).collect())
    }
}

fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "none".to_owned();
    }
    let tenths = part * 1000 / whole;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[expect(clippy::print_stdout, reason = "printing figures is what this program is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
