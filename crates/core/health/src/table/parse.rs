//! Reads the table's files.

use std::collections::BTreeMap;

use resource::GroupKind;

use super::cond::Condition;
use super::template::{Path, Template};
use super::{Deletion, Rule, Step, Table};
use crate::{Status, custom};

/// How deep conventions may use each other.
const MAX_DEPTH: usize = 8;

/// A line with what is indented below it.
#[derive(Debug, Clone)]
struct Line {
    at: String,
    words: Vec<String>,
    below: Vec<Self>,
}

/// A shared list of lines, with `$1`, `$2`, … for the texts that its users give.
type Conventions = BTreeMap<String, Vec<Line>>;

pub(super) fn files(files: &[(&str, &str)]) -> Result<Table, String> {
    let (mut table, mut conventions) = (Table::default(), Conventions::new());
    for (file, text) in files {
        for line in outline(file, text)? {
            let at = line.at.clone();
            let named = |error: String| format!("{at}: {error}");
            match line.words.split_first() {
                Some((word, [name])) if word == "rule" => {
                    conventions.insert(name.clone(), line.below);
                }
                Some((word, kinds)) if word == "kind" => {
                    let rule = rule(&line.below, &conventions).map_err(named)?;
                    add(&mut table, kinds, rule).map_err(named)?;
                }
                _ => return Err(named(format!("{:?} is neither a rule nor a kind", line.words.join(" ")))),
            }
        }
    }
    Ok(table)
}

fn add(table: &mut Table, kinds: &[String], rule: Rule) -> Result<(), String> {
    table.rules.push(rule);
    let at = table.rules.len() - 1;
    for word in kinds {
        let (group, names) = word.split_once('/').ok_or_else(|| format!("{word} is no group/Kind"))?;
        for name in names.split(',') {
            let before = if group.contains('*') || name.contains('*') {
                table.patterns.insert((group.to_owned(), name.to_owned()), at)
            } else {
                table.exact.insert(GroupKind { group: group.to_owned(), kind: name.to_owned() }, at)
            };
            if before.is_some() {
                return Err(format!("{group}/{name} stands in the table twice"));
            }
        }
    }
    Ok(())
}

/// Lines by their indentation; comments and empty lines are left out.
fn outline(file: &str, text: &str) -> Result<Vec<Line>, String> {
    let mut open: Vec<(usize, Line)> = Vec::new();
    let mut roots = Vec::new();
    for (number, raw) in text.lines().enumerate() {
        let trimmed = raw.trim_start_matches(' ');
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let indent = raw.len() - trimmed.len();
        close(&mut open, &mut roots, indent);
        let at = format!("{file}.rules:{}", number + 1);
        let words = words(trimmed).map_err(|error| format!("{at}: {error}"))?;
        open.push((indent, Line { at, words, below: Vec::new() }));
    }
    close(&mut open, &mut roots, 0);
    Ok(roots)
}

/// Ends the lines that are not around a line of this indentation.
fn close(open: &mut Vec<(usize, Line)>, roots: &mut Vec<Line>, indent: usize) {
    while open.last().is_some_and(|(at, _)| *at >= indent) {
        let Some((_, line)) = open.pop() else { return };
        match open.last_mut() {
            Some((_, around)) => around.below.push(line),
            None => roots.push(line),
        }
    }
}

/// Words of a line; a text in double quotes is one word.
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let (word, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or_else(|| format!("a quote is open in {text}"))?,
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.replace("\\n", "\n"));
        rest = behind.trim_start();
    }
    Ok(words)
}

fn rule(lines: &[Line], conventions: &Conventions) -> Result<Rule, String> {
    let mut rule = Rule::default();
    let mut body = Vec::new();
    for line in lines {
        match line.words.split_first() {
            Some((word, [text, finalizers @ ..])) if word == "deleting" => {
                let finalizers = finalizers.chunks_exact(2).filter_map(|pair| match pair {
                    [name, why] => Some((name.clone(), why.clone())),
                    _ => None,
                });
                let text = Template::parse(text)?;
                rule.deletion = Some(Deletion { text, finalizers: finalizers.collect() });
            }
            _ => body.push(line.clone()),
        }
    }
    rule.body = steps(&body, conventions, 0)?;
    Ok(rule)
}

fn steps(lines: &[Line], conventions: &Conventions, depth: usize) -> Result<Vec<Step>, String> {
    if depth > MAX_DEPTH {
        return Err("conventions use each other without end".to_owned());
    }
    let mut steps = Vec::new();
    for line in lines {
        let at = &line.at;
        step(line, conventions, depth, &mut steps).map_err(|error| format!("{at}: {error}"))?;
    }
    Ok(steps)
}

fn step(line: &Line, conventions: &Conventions, depth: usize, into: &mut Vec<Step>) -> Result<(), String> {
    let (first, rest) = line.words.split_first().ok_or("an empty line")?;
    if let Some(word) = line.words.iter().find(|word| word.contains('$')) {
        return Err(format!("{word:?} wants a text that its user does not give"));
    }
    let below = || steps(&line.below, conventions, depth);
    match (first.as_str(), rest) {
        ("when", tests) => into.push(Step::When { when: Condition::parse(tests)?, body: below()? }),
        ("each", [list]) => into.push(Step::Each { list: Path::parse(list)?, by: None, body: below()? }),
        ("each", [list, by, field]) if by == "by" => {
            into.push(Step::Each { list: Path::parse(list)?, by: Some(field.clone()), body: below()? });
        }
        ("code", [name, args @ ..]) => {
            let function = custom::function(name).ok_or_else(|| format!("there is no function {name}"))?;
            into.push(Step::Code { function, args: args.to_vec() });
        }
        ("use", [name, args @ ..]) => {
            let shared = conventions.get(name).ok_or_else(|| format!("there is no rule {name}"))?;
            let filled: Vec<Line> = shared.iter().map(|line| fill(line, args)).collect();
            into.extend(steps(&filled, conventions, depth + 1)?);
        }
        (word, [text, rest @ ..]) => {
            let status = Status::parse(word).ok_or_else(|| format!("{word} is no word of a rule"))?;
            let when = match rest.split_first() {
                None => Condition::default(),
                Some((word, tests)) if word == "if" => Condition::parse(tests)?,
                Some((word, _)) => return Err(format!("{word} stands where `if` should")),
            };
            into.push(Step::Say { status, text: Template::parse(text)?, when });
        }
        (word, []) => return Err(format!("{word} says nothing")),
    }
    Ok(())
}

fn fill(line: &Line, args: &[String]) -> Line {
    let put = |word: &String| {
        let numbered = args.iter().enumerate();
        numbered.fold(word.clone(), |word, (at, arg)| word.replace(&format!("${}", at + 1), arg))
    };
    Line {
        at: line.at.clone(),
        words: line.words.iter().map(put).collect(),
        below: line.below.iter().map(|line| fill(line, args)).collect(),
    }
}
