//! The conditions of an Application: a set of findings, written so that nothing changes while nothing changed.

use api::{ApplicationCondition, ConditionType};

/// What a pass found wrong or strange. Order and repetition of findings do not show in the status.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Findings(Vec<(ConditionType, String)>);

impl Findings {
    pub(crate) fn add(&mut self, kind: ConditionType, message: impl Into<String>) {
        let finding = (kind, message.into());
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        for (kind, message) in other.0 {
            self.add(kind, message);
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(|(kind, _)| kind.is_error())
    }

    pub(crate) fn has(&self, kind: &ConditionType) -> bool {
        self.0.iter().any(|(found, _)| found == kind)
    }

    /// One finding and no other.
    pub(crate) fn one(kind: ConditionType, message: impl Into<String>) -> Self {
        Self(vec![(kind, message.into())])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(ConditionType, String)> {
        self.0.iter()
    }

    /// The first one's text.
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(|(_, message)| message.as_str())
    }

    pub(crate) fn into_list(self) -> Vec<(ConditionType, String)> {
        self.0
    }

    /// The new list of conditions: sorted, with the time of the old one where the finding is the same.
    /// Conditions of types that this controller does not write stay as they are.
    pub(crate) fn conditions(&self, old: &[ApplicationCondition], now: &str) -> Vec<ApplicationCondition> {
        let foreign = old.iter().filter(|c| matches!(c.condition_type, ConditionType::Other(_))).cloned();
        let mut new: Vec<ApplicationCondition> = self
            .0
            .iter()
            .map(|(kind, message)| {
                let same = old.iter().find(|c| c.condition_type == *kind && c.message == *message);
                same.cloned().unwrap_or_else(|| ApplicationCondition {
                    condition_type: kind.clone(),
                    message: message.clone(),
                    last_transition_time: Some(now.to_owned()),
                    ..ApplicationCondition::default()
                })
            })
            .chain(foreign)
            .collect();
        new.sort_by(|a, b| (&a.condition_type, &a.message).cmp(&(&b.condition_type, &b.message)));
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(kind: ConditionType, message: &str, at: &str) -> ApplicationCondition {
        ApplicationCondition {
            condition_type: kind,
            message: message.to_owned(),
            last_transition_time: Some(at.to_owned()),
            ..ApplicationCondition::default()
        }
    }

    #[test]
    fn a_finding_keeps_its_time_while_it_stays() {
        let old = [
            condition(ConditionType::SyncError, "gone", "t0"),
            condition(ConditionType::ComparisonError, "same", "t0"),
            condition(ConditionType::Other("Custom".to_owned()), "not ours", "t0"),
        ];
        let mut findings = Findings::default();
        findings.add(ConditionType::LintWarning, "new");
        findings.add(ConditionType::ComparisonError, "same");
        findings.add(ConditionType::ComparisonError, "same");
        assert_eq!(
            findings.conditions(&old, "t1"),
            [
                condition(ConditionType::ComparisonError, "same", "t0"),
                condition(ConditionType::LintWarning, "new", "t1"),
                condition(ConditionType::Other("Custom".to_owned()), "not ours", "t0"),
            ]
        );
        assert!(findings.has_errors());
    }
}
