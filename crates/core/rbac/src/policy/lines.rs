//! Lines of a policy: read, or refused one by one.

use std::sync::Arc;

use crate::csv;
use crate::decision::Rule;
use crate::pattern::Pattern;
use crate::permission::Resource;
use crate::problem::{Place, Problem, Weight};
use crate::table::{Effect, Patterns, Permit, Table};

/// Most problems of one policy that are named.
const MAX_PROBLEMS: usize = 1_000;
/// Longest line, in bytes.
const MAX_LINE_BYTES: usize = 64 << 10;
/// How much of a line a problem shows, in characters.
const SHOWN: usize = 200;
/// The words that are no paths.
const WORDS: [&str; 8] = ["get", "create", "update", "delete", "sync", "override", "rollback", "invoke"];

/// What is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    /// How many more there were.
    more: usize,
}

impl Problems {
    pub(crate) fn add(&mut self, mut problem: Problem) {
        if self.list.len() >= MAX_PROBLEMS {
            self.more += 1;
            return;
        }
        if let Some((cut, _)) = problem.text.char_indices().nth(SHOWN) {
            problem.text.truncate(cut);
            problem.text.push('…');
        }
        self.list.push(problem);
    }

    fn line(&mut self, place: &Place, text: &str, why: impl Into<String>, weight: Weight) {
        self.add(Problem { place: place.clone(), text: text.to_owned(), why: why.into(), weight });
    }

    pub(crate) fn into_list(mut self) -> Vec<Problem> {
        if let (Some(last), 1..) = (self.list.last(), self.more) {
            let why = format!("{} more lines are wrong", self.more);
            self.list.push(Problem {
                place: last.place.clone(),
                text: String::new(),
                why,
                weight: Weight::Refused,
            });
        }
        self.list
    }
}

/// Reads one line into the table; what a `g` line binds is given back: the member, the role.
pub(crate) fn read_line(
    line: &str,
    place: &Place,
    order: u64,
    patterns: &mut Patterns,
    table: &mut Table,
    problems: &mut Problems,
) -> Option<(String, String)> {
    let text = line.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let fields = match split(text) {
        Ok(fields) => fields,
        Err(why) => {
            problems.line(place, text, why, Weight::Refused);
            return None;
        }
    };
    if fields.iter().any(|field| field.trim_end().len() < field.len()) {
        problems.line(place, text, "a blank before a comma belongs to its field", Weight::Suspicious);
    }
    match fields.as_slice() {
        [kind, member, role] if kind == "g" => {
            table.bind(member, role);
            Some((member.clone(), role.clone()))
        }
        [_, subject, resource, action, object, effect] => {
            let rule = Rule::new(order, place.clone(), text.to_owned());
            if let Some(permit) =
                permit([subject, resource, action, object, effect], rule, patterns, problems)
            {
                table.add(permit);
            }
            None
        }
        _ => None,
    }
}

/// The fields of a line that has as many of them as its kind wants.
fn split(text: &str) -> Result<Vec<String>, String> {
    if text.len() > MAX_LINE_BYTES {
        return Err(format!("a line of more than {MAX_LINE_BYTES} bytes"));
    }
    let fields = csv::fields(text)?;
    let (wanted, shape) = match fields.first().map(String::as_str) {
        Some("p") => (6, "p, subject, resource, action, object, effect"),
        Some("g") => (3, "g, member, role"),
        Some("") | None => return Err("a line begins with p or g".to_owned()),
        Some(other) => return Err(format!("a line begins with p or g, not with {other}")),
    };
    if fields.len() != wanted {
        return Err(format!("{} fields instead of {wanted}: {shape}", fields.len()));
    }
    let named = if wanted == 3 { 1..3 } else { 1..2 };
    if fields.get(named).is_some_and(|names| names.iter().any(String::is_empty)) {
        return Err("an empty name would stand for everybody".to_owned());
    }
    Ok(fields)
}

fn permit(
    [subject, resource, action, object, effect]: [&String; 5],
    rule: Rule,
    patterns: &mut Patterns,
    problems: &mut Problems,
) -> Option<Permit> {
    let (place, text) = (rule.place().clone(), rule.text().to_owned());
    let effect = match effect.as_str() {
        "allow" => Effect::Allow,
        "deny" => Effect::Deny,
        other => {
            let why = format!("an effect is allow or deny, not {other:?}");
            problems.line(&place, &text, why, Weight::Refused);
            return None;
        }
    };
    let mut field = |name: &str, written: &str| match patterns.get(written) {
        Ok(pattern) => Some(pattern),
        // Of what cannot be read, an allowance is nothing, and a denial everything.
        Err(why) => {
            let why = format!("{name}: {why}");
            let weight = if effect == Effect::Deny { Weight::DeniesAll } else { Weight::Refused };
            problems.line(&place, &text, why, weight);
            (effect == Effect::Deny).then(|| Arc::new(Pattern::Any))
        }
    };
    let kinds = field("resource", resource)?;
    let (action_pattern, object) = (field("action", action)?, field("object", object)?);
    let resources: Vec<_> =
        Resource::ALL.into_iter().filter(|resource| kinds.matches(resource.as_str())).collect();
    if resources.is_empty() {
        problems.line(&place, &text, format!("there is no resource {resource}"), Weight::Suspicious);
    }
    if !action.contains(['/', '*']) && !WORDS.iter().any(|word| action_pattern.matches(word)) {
        problems.line(&place, &text, format!("there is no action {action}"), Weight::Suspicious);
    }
    Some(Permit { subject: subject.clone(), resources, action: action_pattern, object, effect, rule })
}
