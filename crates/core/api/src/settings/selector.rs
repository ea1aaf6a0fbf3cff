//! Label selectors, in their long form and in the one of command lines.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde::Deserialize;

/// A label selector as Kubernetes' `LabelSelector`: all parts must hold; an empty one matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels with their values.
    pub match_labels: BTreeMap<String, String>,
    /// Conditions.
    pub match_expressions: Vec<LabelExpression>,
}

/// One condition on a label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LabelExpression {
    /// Label.
    pub key: String,
    /// What must hold.
    pub operator: LabelOperator,
    /// Values, for `In` and `NotIn`.
    #[serde(default)]
    pub values: Vec<String>,
}

/// What must hold for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum LabelOperator {
    /// It is there with one of the values.
    In,
    /// It is not there, or with none of the values.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
}

impl LabelSelector {
    /// Reads the form of command lines: `app=web,tier!=db,env in (a, b),zone notin (c),owner,!old`.
    ///
    /// # Errors
    /// The part that is none, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut match_expressions = Vec::new();
        let (mut rest, mut depth) = (text, 0usize);
        while !rest.is_empty() {
            let end = rest.find(|c: char| {
                match c {
                    '(' => depth += 1,
                    ')' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                c == ',' && depth == 0
            });
            let (part, after) = end.and_then(|end| rest.split_at_checked(end)).unwrap_or((rest, ""));
            if !part.trim().is_empty() {
                match_expressions.push(LabelExpression::parse(part.trim())?);
            }
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        Ok(Self { match_labels: BTreeMap::new(), match_expressions })
    }

    /// Whether labels satisfy the selector.
    pub fn matches<T: Borrow<str> + Ord>(&self, labels: &BTreeMap<T, T>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key.as_str()).map(T::borrow) == Some(value))
            && self.match_expressions.iter().all(|expression| expression.matches(labels))
    }
}

impl LabelExpression {
    fn parse(part: &str) -> Result<Self, String> {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        let (absent, body) = part.strip_prefix('!').map_or((false, part), |rest| (true, rest.trim_start()));
        let end = body.find(|c: char| !word(c)).unwrap_or(body.len());
        let (key, rest) = body.split_at_checked(end).unwrap_or((body, ""));
        let rest = rest.trim();
        let one = |value: &str| vec![value.trim().to_owned()];
        let set = |text: &str| {
            let inner = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
            inner.map(|inner| inner.split(',').map(|value| value.trim().to_owned()).collect::<Vec<_>>())
        };
        let (operator, values) = if rest.is_empty() {
            let operator = if absent { LabelOperator::DoesNotExist } else { LabelOperator::Exists };
            (operator, Some(Vec::new()))
        } else if let Some(value) = rest.strip_prefix("!=") {
            (LabelOperator::NotIn, Some(one(value)))
        } else if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
            (LabelOperator::In, Some(one(value)))
        } else if let Some(text) = rest.strip_prefix("notin") {
            (LabelOperator::NotIn, set(text))
        } else if let Some(text) = rest.strip_prefix("in") {
            (LabelOperator::In, set(text))
        } else {
            (LabelOperator::Exists, None)
        };
        let readable = |values: &Vec<String>| values.iter().all(|value| value.chars().all(word));
        match values.filter(readable) {
            Some(values) if !key.is_empty() && (!absent || rest.is_empty()) => {
                Ok(Self { key: key.to_owned(), operator, values })
            }
            _ => Err(format!(
                "unable to parse requirement: {part:?} is none of key, !key, key=value, key!=value, key in (a,b), key notin (a,b)"
            )),
        }
    }

    fn matches<T: Borrow<str> + Ord>(&self, labels: &BTreeMap<T, T>) -> bool {
        let value = labels.get(self.key.as_str()).map(T::borrow);
        let listed = value.is_some_and(|value| self.values.iter().any(|listed| listed == value));
        match self.operator {
            LabelOperator::In => listed,
            LabelOperator::NotIn => !listed,
            LabelOperator::Exists => value.is_some(),
            LabelOperator::DoesNotExist => value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_command_lines_say() {
        let labels = [("app", "web"), ("example.com/tier", "2")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let labels = BTreeMap::from(labels);
        for (text, matches) in [
            ("", true),
            ("app=web", true),
            ("app == web , example.com/tier", true),
            ("app!=web", false),
            ("none!=web", true),
            ("app in (web, db),!none", true),
            ("app notin (web)", false),
            ("!app", false),
            ("app=", false),
        ] {
            assert_eq!(
                LabelSelector::parse(text).map(|selector| selector.matches(&labels)),
                Ok(matches),
                "{text}"
            );
        }
        for text in ["app in web", "app like web", "=web", "!app=web", "app in (a", "app=a b", "app>1"] {
            assert!(
                LabelSelector::parse(text).unwrap_err().contains("unable to parse requirement"),
                "{text}"
            );
        }
    }
}
