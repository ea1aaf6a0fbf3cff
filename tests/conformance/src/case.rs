//! Requests as text: see `cases/*.txt`.

use anyhow::{Context, Result, bail, ensure};

/// One request, and what of the answer is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case {
    /// What it shows; unique in its file.
    pub name: String,
    /// An HTTP method; or `WATCH`, a GET whose events are collected until the server ends it; or `UNTIL`, a GET
    /// that is repeated until it shows what is wanted.
    pub method: String,
    /// Path and query; `${name}` stands for a saved value.
    pub path: String,
    /// `content-type:`, by default JSON.
    pub content_type: Option<String>,
    /// `accept:`, by default JSON.
    pub accept: Option<String>,
    /// `save: name=/pointer …`: values of the answer that later requests use.
    pub save: Vec<(String, String)>,
    /// `same: name=/pointer …`: values that must be the saved ones.
    pub same: Vec<(String, String)>,
    /// `pick: /pointer`: only this part of a good answer is compared.
    pub pick: Option<String>,
    /// `until: /pointer JSON`: what `UNTIL` waits for.
    pub until: Option<(String, serde_json::Value)>,
    /// `code-only: yes`: only the HTTP status is compared.
    pub code_only: bool,
    /// `headers: warning`: the answer's `Warning` headers are compared, too.
    pub warnings: bool,
    /// The body as it is sent.
    pub body: String,
}

/// Reads a file of cases. Shape: `=== name`, then the request line, then `key: value` lines, then the body.
///
/// # Errors
/// A case without a request, an unknown method, or a name that is used twice.
pub fn parse(text: &str) -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    for block in text.split("\n=== ").skip(1) {
        let (name, rest) = block.split_once('\n').context("a case has a request")?;
        let case = one(name, rest).with_context(|| format!("case {name:?}"))?;
        ensure!(!cases.iter().any(|c| c.name == case.name), "two cases are called {name:?}");
        cases.push(case);
    }
    Ok(cases)
}

fn one(name: &str, text: &str) -> Result<Case> {
    let mut lines = text.lines().peekable();
    let request = lines.next().unwrap_or_default();
    let (method, path) = request.split_once(' ').context("no request line")?;
    if !["GET", "POST", "PUT", "PATCH", "DELETE", "WATCH", "UNTIL"].contains(&method) {
        bail!("unknown method {method}");
    }
    let mut case =
        Case { name: name.to_owned(), method: method.to_owned(), path: path.to_owned(), ..Case::default() };
    while let Some((key, value)) = lines.peek().and_then(|line| line.split_once(": ")) {
        match key {
            "content-type" => case.content_type = Some(value.to_owned()),
            "accept" => case.accept = Some(value.to_owned()),
            "save" => case.save = pairs(value)?,
            "same" => case.same = pairs(value)?,
            "pick" => case.pick = Some(value.to_owned()),
            "until" => {
                let (pointer, wanted) = value.split_once(' ').context("until: /pointer value")?;
                let wanted = serde_json::from_str(wanted).context("until: the value is JSON")?;
                case.until = Some((pointer.to_owned(), wanted));
            }
            "code-only" => case.code_only = true,
            "headers" => case.warnings = true,
            _ => break,
        }
        lines.next();
    }
    let body: Vec<&str> = lines.collect();
    body.join("\n").trim().clone_into(&mut case.body);
    Ok(case)
}

fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let pair = |part: &str| part.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()));
    text.split(' ').map(|part| pair(part).with_context(|| format!("{part}: name=/pointer"))).collect()
}
