//! Deep links: what operators want shown beside applications, objects and projects, as templates of addresses with conditions.
//!
//! It refuses to know settings, users and objects: the time is an argument, and so is the data. Main types: [`Link`], [`Shown`];
//! [`parse`] reads the setting, [`evaluate`] gives what is to be shown and says what was left out.
//!
//! ```
//! use serde_json::json;
//! let links = links::parse("- {title: Logs, url: 'https://logs.example/{{.app.metadata.name}}', if: app.kind == 'Application'}")?;
//! let data = json!({"app": {"kind": "Application", "metadata": {"name": "web"}}});
//! let (shown, problems) = links::evaluate(&links, &data, 0);
//! assert_eq!(shown[0].url, "https://logs.example/web");
//! assert!(problems.is_empty());
//! # Ok::<(), links::ParseError>(())
//! ```

mod condition;

use std::rc::Rc;

use gotemplate::{Budget, Limits, Numbers, Run, Templates, Value as Data};
use serde::Deserialize;
use serde_json::Value;
use sprig::{Dialect, Fixed, Host, Moment};

/// Links of one setting.
const LINKS: usize = 200;
/// Bytes of an address.
const ADDRESS: usize = 8 << 10;
/// What templates may not ask: of the peer's functions, those that look at its surroundings.
const HIDDEN: [&str; 3] = ["env", "expandenv", "getHostByName"];

/// A link as operators write it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Link {
    /// Template of the address.
    pub url: String,
    /// What it is called.
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// An icon's class.
    #[serde(default, rename = "icon.class")]
    pub icon_class: Option<String>,
    /// When it is shown; always where nothing is said.
    #[serde(default, rename = "if")]
    pub condition: Option<String>,
}

/// A link as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it is called.
    pub title: String,
    /// The address.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// An icon's class.
    pub icon_class: Option<String>,
}

/// The setting cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error unmarshalling deep links: {0}")]
pub struct ParseError(String);

/// Reads `application.links`, `resource.links` or `project.links`.
pub fn parse(text: &str) -> Result<Vec<Link>, ParseError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let value = goyaml::parse_one(text.as_bytes(), &goyaml::Limits::default())
        .map_err(|error| ParseError(error.to_string()))?;
    let links: Option<Vec<Link>> =
        serde_json::from_value(value).map_err(|error| ParseError(error.to_string()))?;
    let links = links.unwrap_or_default();
    if links.len() > LINKS {
        return Err(ParseError(format!("there are more than {LINKS} links")));
    }
    Ok(links)
}

/// The links that are shown for some data, and why others are not. `now` is in seconds since 1970.
///
/// **Source.** `server/deeplinks`: a link whose condition or template fails is left out. **Where we differ.** An address that is neither
/// `http` nor `https` nor a path of the server itself is left out, too; of the language of conditions there is what [`condition`] lists.
pub fn evaluate(links: &[Link], data: &Value, now: i64) -> (Vec<Shown>, Vec<String>) {
    let (mut shown, mut problems) = (Vec::new(), Vec::new());
    for link in links {
        match one(link, data, now) {
            Ok(Some(url)) => shown.push(Shown {
                title: link.title.clone(),
                url,
                description: link.description.clone(),
                icon_class: link.icon_class.clone(),
            }),
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    (shown, problems)
}

/// The address; `None` where the condition says no.
fn one(link: &Link, data: &Value, now: i64) -> Result<Option<String>, String> {
    if let Some(text) = &link.condition {
        match condition::evaluate(text, data) {
            Ok(Value::Bool(true)) => {}
            Ok(Value::Bool(false)) => return Ok(None),
            Ok(_) => return Err(format!("link condition '{text}' evaluated to non-boolean value")),
            Err(error) => return Err(format!("failed to evaluate link condition '{text}': {error}")),
        }
    }
    let failed = |error: String| format!("failed to evaluate link template '{}': {error}", link.url);
    let mut templates = Templates::new(sprig::functions(Dialect::Sprig).without(&HIDDEN));
    templates
        .parse("deep-link", &link.url)
        .map_err(|error| format!("failed to parse link template '{}': {error}", link.url))?;
    let data = Data::from_json(data, Numbers::Int64).map_err(|error| failed(error.to_string()))?;
    let world = Fixed::new(Moment { seconds: now, nanos: 0 }, 1);
    let mut run = Run::new(Budget::new(Limits::default())).with(Rc::new(Host::new(world)));
    let url = templates.execute(&mut run, "deep-link", &data).map_err(|error| failed(error.to_string()))?;
    if !is_safe(&url) {
        return Err(failed("it is no address of http or https".to_owned()));
    }
    Ok(Some(url))
}

/// What may become a link in a page: nothing that runs.
fn is_safe(url: &str) -> bool {
    let web = ["http://", "https://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)));
    (web || url.starts_with('/')) && url.len() <= ADDRESS && !url.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(url: &str, condition: Option<&str>) -> Link {
        Link {
            url: url.to_owned(),
            title: "t".to_owned(),
            description: None,
            icon_class: None,
            condition: condition.map(str::to_owned),
        }
    }

    #[test]
    fn addresses_are_made_of_data() {
        let data = json!({"application": {"metadata": {"name": "web"}}, "resource": {"kind": "Pod"}});
        for (url, condition, expected) in [
            ("https://x/{{.application.metadata.name | upper}}", None, Ok(Some("https://x/WEB"))),
            ("/own/{{.resource.kind}}", Some("resource.kind == \"Pod\""), Ok(Some("/own/Pod"))),
            ("https://x", Some("resource.kind == 'Job'"), Ok(None)),
            ("https://x", Some("resource.kind"), Err("non-boolean")),
            ("https://x", Some("resource.kind =="), Err("failed to evaluate link condition")),
            ("https://x/{{.application", None, Err("failed to parse link template")),
            ("https://x/{{fail \"no\"}}", None, Err("failed to evaluate link template")),
            ("https://x/{{env \"HOME\"}}", None, Err("failed to parse link template")),
            ("javascript:alert(1)", None, Err("no address")),
            (" java\tscript:alert(1)", None, Err("no address")),
            ("vbscript:x", None, Err("no address")),
            ("{{.application.metadata.name}}", None, Err("no address")),
        ] {
            let (shown, problems) = evaluate(&[of(url, condition)], &data, 0);
            match expected {
                Ok(expected) => {
                    assert_eq!(shown.first().map(|link| link.url.as_str()), expected, "{url} {problems:?}");
                }
                Err(text) => {
                    assert!(problems.iter().any(|problem| problem.contains(text)), "{url} {problems:?}")
                }
            }
        }
    }

    #[test]
    fn the_setting_is_a_list() {
        assert_eq!(parse("").unwrap(), []);
        let read = parse("- url: https://x\n  title: X\n  icon.class: fa-bug\n  if: 'true'\n").unwrap();
        assert_eq!(
            (read[0].icon_class.as_deref(), read[0].condition.as_deref()),
            (Some("fa-bug"), Some("true"))
        );
        for wrong in ["a: b", "- 3", "- {title: x}", "\t-"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
