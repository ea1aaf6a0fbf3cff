//! Runs the cases on an API server and compares the answers with the recorded ones.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};

use crate::case::{Case, parse};
use crate::normal::{differences, normal};

/// How long an answer, or an `UNTIL`, may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an API server said, without what differs from run to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The case's name.
    pub name: String,
    /// `{"code": …, "body": …}`, and `"warnings"` where asked for.
    pub content: Value,
}

/// The cases of a file, by the file's name without its ending.
pub type Suite = BTreeMap<String, Vec<Case>>;

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Reads `cases/*.txt`.
///
/// # Errors
/// A file cannot be read or parsed.
pub fn read() -> Result<Suite> {
    let mut suite = Suite::new();
    for entry in std::fs::read_dir(folder("cases"))? {
        let path = entry?.path();
        let name = path.file_stem().context("a file has a name")?.to_string_lossy().into_owned();
        let cases = parse(&std::fs::read_to_string(&path)?).with_context(|| name.clone())?;
        suite.insert(name, cases);
    }
    Ok(suite)
}

/// Sends every request, file by file in order, and returns the answers by file.
///
/// # Errors
/// The server does not answer at all, or an `UNTIL` or `same` does not hold.
pub async fn run(client: &kube::Client, suite: &Suite) -> Result<BTreeMap<String, Vec<Answer>>> {
    let mut answers = BTreeMap::new();
    for (file, cases) in suite {
        let mut saved = BTreeMap::new();
        let mut of_file = Vec::new();
        for case in cases {
            let content = ask(client, case, &mut saved)
                .await
                .with_context(|| format!("{file}, case {:?}", case.name))?;
            of_file.push(Answer { name: case.name.clone(), content });
        }
        answers.insert(file.clone(), of_file);
    }
    Ok(answers)
}

async fn ask(client: &kube::Client, case: &Case, saved: &mut BTreeMap<String, String>) -> Result<Value> {
    let start = tokio::time::Instant::now();
    loop {
        let answer = tokio::time::timeout(PATIENCE, send(client, case, saved)).await;
        let (code, warnings, bytes) = answer.context("no answer in time")??;
        let body = if case.method == "WATCH" {
            let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
            lines.map(serde_json::from_slice::<Value>).collect::<Result<Value, _>>()?
        } else {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into())
        };
        if let Some((pointer, wanted)) = &case.until
            && body.pointer(pointer) != Some(wanted)
        {
            ensure!(start.elapsed() < PATIENCE, "{pointer} is not {wanted}: {body}");
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        }
        let value_at = |pointer: &str| match body.pointer(pointer) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Ok(other.to_string()),
            None => bail!("the answer has no {pointer}: {body}"),
        };
        for (name, pointer) in &case.save {
            // A server that refuses the request has nothing to save; the difference shows in the answer.
            saved.insert(name.clone(), value_at(pointer).unwrap_or_else(|_| "0".to_owned()));
        }
        let mut content = json!({"code": code});
        for (name, pointer) in &case.same {
            content["same"] = json!(saved.get(name) == value_at(pointer).ok().as_ref());
        }
        if !case.code_only {
            let picked = case.pick.as_ref().filter(|_| code < 300);
            let part = picked.map(|pointer| body.pointer(pointer).cloned().unwrap_or_default());
            content["body"] = normal(part.unwrap_or(body));
        }
        if case.warnings {
            content["warnings"] = json!(warnings);
        }
        return Ok(content);
    }
}

async fn send(
    client: &kube::Client,
    case: &Case,
    saved: &BTreeMap<String, String>,
) -> Result<(u16, Vec<String>, Vec<u8>)> {
    let fill = |text: &str| {
        saved.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
    };
    let mut path = fill(&case.path);
    let method = match case.method.as_str() {
        "WATCH" => {
            path.push_str("&watch=1");
            "GET"
        }
        "UNTIL" => "GET",
        other => other,
    };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("user-agent", "conformance")
        .header("accept", case.accept.as_deref().unwrap_or("application/json"))
        .header("content-type", case.content_type.as_deref().unwrap_or("application/json"))
        .body(Body::from(fill(&case.body).into_bytes()))?;
    let response = client.send(request).await?;
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings.filter_map(|v| v.to_str().ok().map(str::to_owned)).collect();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await?.to_bytes().to_vec();
    Ok((code, warnings, bytes))
}

/// Reads the recorded answers of the real API server, `golden/*.json`.
///
/// # Errors
/// A file cannot be read or parsed.
pub fn golden() -> Result<BTreeMap<String, Vec<Answer>>> {
    let mut answers = BTreeMap::new();
    for entry in std::fs::read_dir(folder("golden"))? {
        let path = entry?.path();
        let name = path.file_stem().context("a file has a name")?.to_string_lossy().into_owned();
        let mut of_file = Vec::new();
        for line in std::fs::read_to_string(&path)?.lines() {
            let (case, content) = line.split_once('\t').context("a line is a name, a tab and an answer")?;
            of_file.push(Answer { name: case.to_owned(), content: serde_json::from_str(content)? });
        }
        answers.insert(name, of_file);
    }
    Ok(answers)
}

/// Writes the recorded answers anew.
///
/// # Errors
/// A file cannot be written.
pub fn record(answers: &BTreeMap<String, Vec<Answer>>) -> Result<()> {
    let folder = folder("golden");
    std::fs::create_dir_all(&folder)?;
    for (file, answers) in answers {
        let mut text = String::new();
        for Answer { name, content } in answers {
            writeln!(text, "{name}\t{content}")?;
        }
        std::fs::write(folder.join(format!("{file}.json")), text)?;
    }
    Ok(())
}

/// A difference that is known and accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    file: String,
    case: String,
    pointer: String,
    reason: String,
}

/// Reads `allowed.txt`: `file | case | pointer | reason` a line. Each of the first three may be `*`, as may a segment
/// of the pointer, which stands for everything under it. A reason that begins with `open:` is to go.
///
/// # Errors
/// A line without its four parts.
pub fn allowed() -> Result<Vec<Allowed>> {
    let text = std::fs::read_to_string(folder("allowed.txt"))?;
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
            let [file, case, pointer, reason] = parts.as_slice() else { bail!("not four parts: {line}") };
            let [file, case, pointer, reason] = [file, case, pointer, reason].map(|part| (*part).to_owned());
            Ok(Allowed { file, case, pointer, reason })
        })
        .collect()
}

impl Allowed {
    fn covers(&self, file: &str, case: &str, pointer: &str) -> bool {
        let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
        let mut segments = pointer.split('/');
        let under = self.pointer.split('/').all(|pattern| segments.next().is_some_and(|s| fits(pattern, s)));
        fits(&self.file, file) && fits(&self.case, case) && (self.pointer == "*" || under)
    }
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Cases with the same answer.
    pub same: usize,
    /// Cases whose differences are all allowed.
    pub allowed: usize,
    /// Of these, cases with a difference that is to go.
    pub open: usize,
    /// Cases with other differences, described.
    pub different: Vec<String>,
    /// Allowed differences that did not occur: they should be taken off the list.
    pub unused: Vec<String>,
}

/// Compares answers with the recorded ones.
pub fn compare(
    golden: &BTreeMap<String, Vec<Answer>>,
    answers: &BTreeMap<String, Vec<Answer>>,
    allowed: &[Allowed],
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut used = vec![false; allowed.len()];
    for (file, wanted) in golden {
        let came = answers.get(file).map(Vec::as_slice).unwrap_or_default();
        for Answer { name, content } in wanted {
            let Some(answer) = came.iter().find(|answer| answer.name == *name) else {
                verdict.different.push(format!("{file}: {name}: recorded, but not asked any more"));
                continue;
            };
            let mut unknown = Vec::new();
            let mut open = 0;
            let all = differences(content, &answer.content);
            for (pointer, wanted, came) in &all {
                match allowed.iter().position(|entry| entry.covers(file, name, pointer)) {
                    Some(index) => {
                        used[index] = true;
                        open |= usize::from(allowed[index].reason.starts_with("open:"));
                    }
                    None => unknown.push(format!("  {pointer}\n    real {wanted}\n    sim  {came}")),
                }
            }
            match (all.is_empty(), unknown.is_empty()) {
                (true, _) => verdict.same += 1,
                (false, true) => {
                    verdict.allowed += 1;
                    verdict.open += open;
                }
                (false, false) => verdict.different.push(format!("{file}: {name}\n{}", unknown.join("\n"))),
            }
        }
    }
    for (file, cases) in answers {
        let known = golden.get(file).map(Vec::as_slice).unwrap_or_default();
        for answer in cases.iter().filter(|answer| !known.iter().any(|k| k.name == answer.name)) {
            verdict.different.push(format!("{file}: {}: not recorded; run with UPDATE=1", answer.name));
        }
    }
    let unused = allowed.iter().zip(used).filter(|(_, used)| !used);
    verdict.unused =
        unused.map(|(a, _)| format!("{} | {} | {} | {}", a.file, a.case, a.pointer, a.reason)).collect();
    verdict
}
