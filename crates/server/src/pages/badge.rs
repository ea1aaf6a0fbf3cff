//! `/api/badge`: how an application or the applications of projects are, as a picture for a README.

use ::api::{Application, HealthStatusCode, SyncStatusCode};
use http::{HeaderValue, Response, StatusCode, header};

use super::TEXT;
use crate::body::{Body, answer as reply};
use crate::server::Backend;

/// Width of the part with the health, in pixels, and of the whole without a revision.
const LEFT: usize = 77;
const WHOLE: usize = 131;
/// Width of the whole with a revision, short or full.
const SHORT: usize = 192;
const FULL: usize = 400;
const ROW: usize = 20;
/// Width of a letter.
const LETTER: usize = 6;
const GREY: &str = "#6e7681";

/// What is asked for.
#[derive(Debug, Default)]
struct Wish {
    name: Option<String>,
    namespace: Option<String>,
    projects: Vec<String>,
    revision: bool,
    full_revision: bool,
    width: Option<usize>,
    show_name: bool,
}

/// What is shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    left: String,
    right: String,
    revision: String,
    name: String,
}

/// The picture. Where `statusbadge.enabled` does not say that everybody may see how applications are, it shows nothing of them.
///
/// **Source**: `server/badge`: the same parameters and sizes, in a drawing of our own.
pub(super) fn answer(backend: &Backend, query: &str) -> Response<Body> {
    let settings = backend.settings.current();
    let wish = if settings.config.get("statusbadge.enabled").is_some_and(|text| text == "true") {
        match Wish::read(query) {
            Ok(wish) => wish,
            Err(why) => return reply(StatusCode::BAD_REQUEST, TEXT, format!("{why}\n")),
        }
    } else {
        Wish::default()
    };
    let mut apps = Vec::new();
    let namespace = wish.namespace.as_deref().unwrap_or(&backend.namespace);
    if backend.apps.knows(namespace) && (wish.name.is_some() || !wish.projects.is_empty()) {
        backend.controller.each_app(|app| {
            let one = wish.name.as_ref().is_none_or(|name| *name == app.metadata.name);
            let of =
                wish.projects.is_empty() || wish.projects.iter().any(|name| name == app.spec.project_name());
            if one && of && app.metadata.namespace == namespace {
                apps.push(app.clone());
            }
        });
    }
    let mut response = reply(StatusCode::OK, "image/svg+xml", draw(&shown(&wish, &apps), &wish));
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

impl Wish {
    fn read(query: &str) -> Result<Self, &'static str> {
        let mut wish = Self::default();
        let fits = |text: &str| {
            text.len() <= 253
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let yes = value.eq_ignore_ascii_case("true");
            let value = value.into_owned();
            match &*name {
                "name" | "namespace" | "project" if !fits(&value) => return Err("that is no name"),
                "name" => wish.name = Some(value),
                "namespace" => wish.namespace = Some(value),
                "project" => wish.projects.push(value),
                "revision" => wish.revision = yes,
                "keepFullRevision" => wish.full_revision = yes,
                "showAppName" => wish.show_name = yes,
                "width" => wish.width = value.parse().ok().filter(|width| *width <= 2_000),
                _ => {}
            }
        }
        Ok(wish)
    }
}

fn shown(wish: &Wish, apps: &[Application]) -> Shown {
    let unknown = || "Unknown".to_owned();
    match (&wish.name, apps) {
        (None, _) if wish.projects.is_empty() => {
            Shown { left: unknown(), right: unknown(), ..Shown::default() }
        }
        (None, []) => Shown { left: unknown(), right: unknown(), ..Shown::default() },
        (Some(_), []) => Shown { left: "Not Found".to_owned(), ..Shown::default() },
        (Some(name), [app, ..]) => {
            let result = app.status.operation_state.as_ref().and_then(|state| state.sync_result.as_ref());
            let revision = result.map_or("", |result| match result.revisions.first() {
                Some(first) => first,
                None => &result.revision,
            });
            let length = if wish.full_revision { usize::MAX } else { 7 };
            Shown {
                left: app
                    .status
                    .health
                    .status
                    .as_ref()
                    .map_or_else(unknown, |health| health.as_str().to_owned()),
                right: app.status.sync.status.as_str().to_owned(),
                revision: if wish.revision { revision.chars().take(length).collect() } else { String::new() },
                name: if wish.show_name { name.clone() } else { String::new() },
            }
        }
        (None, apps) => {
            let healthy = apps.iter().all(|app| app.status.health.status == Some(HealthStatusCode::Healthy));
            let synced = apps.iter().all(|app| app.status.sync.status == SyncStatusCode::Synced);
            let word = |good: bool, yes: &str, no: &str| if good { yes.to_owned() } else { no.to_owned() };
            Shown {
                left: word(healthy, "Healthy", "Degraded"),
                right: word(synced, "Synced", "OutOfSync"),
                ..Shown::default()
            }
        }
    }
}

fn color(word: &str) -> &'static str {
    match word {
        "Healthy" | "Synced" => "#1a7f4b",
        "Progressing" => "#0b7285",
        "Suspended" => "#7048a8",
        "Degraded" => "#c92a3a",
        "OutOfSync" => "#b35900",
        "Missing" => "#8a6d00",
        _ => GREY,
    }
}

fn draw(shown: &Shown, wish: &Wish) -> String {
    let revised = !shown.revision.is_empty();
    let default = match (revised, wish.full_revision) {
        (false, _) => WHOLE,
        (true, false) => SHORT,
        (true, true) => FULL,
    };
    let width = wish.width.unwrap_or(default).max(shown.name.chars().count() * LETTER).max(WHOLE);
    let top = if shown.name.is_empty() { 0 } else { ROW };
    let height = top + ROW;
    let right = if revised { WHOLE - LEFT } else { width - LEFT };
    let label = format!("{} {} {} {}", shown.name, shown.left, shown.right, shown.revision);
    let label = escaped(label.trim());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{label}\"><title>{label}</title>\
         <clipPath id=\"round\"><rect width=\"{width}\" height=\"{height}\" rx=\"3\"/></clipPath>\
         <g clip-path=\"url(#round)\" fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\" text-anchor=\"middle\">"
    );
    let mut part = |id: &str, x: usize, y: usize, width: usize, fill: &str, text: &str| {
        svg += &format!(
            "<rect id=\"{id}Rect\" fill=\"{fill}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{ROW}\"/>\
             <text id=\"{id}Text\" x=\"{}\" y=\"{}\">{}</text>",
            x + width / 2,
            y + 14,
            escaped(text)
        );
    };
    if !shown.name.is_empty() {
        part("title", 0, 0, width, "#30363d", &shown.name);
    }
    part("left", 0, top, LEFT, color(&shown.left), &shown.left);
    part("right", LEFT, top, right, color(&shown.right), &shown.right);
    if revised {
        part("revision", WHOLE, top, width - WHOLE, color(&shown.right), &format!("({})", shown.revision));
    }
    svg + "</g></svg>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn app(name: &str, health: &str, sync: &str) -> Application {
        Application::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name, "namespace": "argocd"},
            "spec": {"project": "default", "destination": {}, "source": {"repoURL": "https://x/y"}},
            "status": {"health": {"status": health}, "sync": {"status": sync}, "operationState": {
                "operation": {}, "phase": "Succeeded", "startedAt": "2026-01-01T00:00:00Z",
                "syncResult": {"revision": "0123456789abcdef", "source": {"repoURL": "https://x/y"}}}},
        }))
        .unwrap()
    }

    #[test]
    fn a_badge_shows_what_is_asked_for() {
        let apps = [app("a", "Healthy", "Synced"), app("b", "Progressing", "Synced")];
        for (query, apps, texts) in [
            ("", &apps[..0], vec!["Unknown", "Unknown"]),
            ("name=a", &apps[..1], vec!["Healthy", "Synced"]),
            ("name=x", &apps[..0], vec!["Not Found", ""]),
            ("name=b&showAppName=true", &apps[1..], vec!["b", "Progressing", "Synced"]),
            ("name=a&revision=TRUE", &apps[..1], vec!["Healthy", "Synced", "(0123456)"]),
            (
                "name=a&revision=true&keepFullRevision=true",
                &apps[..1],
                vec!["Healthy", "Synced", "(0123456789abcdef)"],
            ),
            ("project=default", &apps, vec!["Degraded", "Synced"]),
            ("project=default", &apps[..1], vec!["Healthy", "Synced"]),
        ] {
            let wish = Wish::read(query).unwrap();
            let svg = draw(&shown(&wish, apps), &wish);
            let found: Vec<&str> = svg
                .split("</text>")
                .filter_map(|part| Some(part.rsplit_once("<text ")?.1.split_once('>')?.1))
                .collect();
            assert_eq!(found, texts, "{query}: {svg}");
        }
    }

    #[test]
    fn widths_are_the_peers() {
        let apps = [app("an-application-with-a-very-long-name", "Healthy", "Synced")];
        for (query, width) in [
            ("name=a", 131),
            ("name=a&revision=true", 192),
            ("name=a&revision=true&keepFullRevision=true", 400),
            ("name=a&width=300", 300),
            ("name=a&width=100000000", 131),
            ("name=an-application-with-a-very-long-name&showAppName=true", 216),
        ] {
            let wish = Wish::read(query).unwrap();
            let svg = draw(&shown(&wish, &apps), &wish);
            assert!(svg.contains(&format!("width=\"{width}\" height")), "{query}: {svg}");
        }
        assert!(Wish::read("name=<script>").is_err());
    }
}
