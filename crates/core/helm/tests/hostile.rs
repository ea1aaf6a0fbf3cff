//! Charts that would not end.

#![expect(clippy::unwrap_used, reason = "a test")]

use helm::{Cache, Chart, Error, LoadLimits, Release, RenderLimits, Rendered, Request};
use std::rc::Rc;
use std::sync::Arc;

fn chart(template: &str) -> Arc<Chart> {
    let files =
        [("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"), ("c/templates/a.yaml", template)];
    let store = filetree::MemoryStore::from_files(files).unwrap();
    let tree = Arc::new(filetree::FileTree::new(Arc::new(store), filetree::Limits::default()));
    let path = filetree::TreePath::parse("c").unwrap();
    Arc::new(Chart::from_tree(&tree, &path, &LoadLimits::default()).unwrap())
}

fn render(chart: &Arc<Chart>, limits: &RenderLimits, cache: Option<&Cache>) -> Result<Rendered, Error> {
    helm::render(&Request {
        chart,
        release: &Release { name: "r".into(), namespace: "ns".into(), revision: 1, is_upgrade: false },
        values: &serde_json::Map::new(),
        capabilities: &helm::Capabilities::default(),
        world: Rc::new(sprig::Host::new(sprig::Fixed::new(sprig::Moment { seconds: 0, nanos: 0 }, 7))),
        lookup: None,
        include_crds: false,
        skip_schema: false,
        limits,
        cancelled: None,
        cache,
    })
}

#[test]
fn a30_recursion_ends() {
    let nested = "rendering template has a nested reference name: r: unable to execute template";
    // (row, template, what the error ends with)
    let rows = [
        ("include of itself", r#"{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}"#, nested),
        (
            "two that include each other",
            r#"{{ define "r" }}{{ include "s" . }}{{ end }}{{ define "s" }}{{ include "r" . }}{{ end }}{{ include "r" . }}"#,
            nested,
        ),
        (
            "tpl of tpl, by an include",
            r#"{{ define "r" }}{{ tpl "{{ include `r` . }}" . }}{{ end }}{{ include "r" . }}"#,
            "unable to execute template",
        ),
        ("template of itself", r#"{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}"#, ""),
    ];
    for (row, template, end) in rows {
        let error = render(&chart(template), &RenderLimits::default(), None).unwrap_err();
        let text = error.to_string();
        assert!(
            text.ends_with(end),
            "{row}: …{}",
            text.chars().rev().take(200).collect::<String>().chars().rev().collect::<String>()
        );
        assert!(error.is_rendering(), "{row}");
    }
}

#[test]
fn a_thousand_includes_are_allowed() {
    // As in helm: 1,001 times inside of itself renders, once more does not.
    for (depth, fine) in [(1000, true), (1001, false)] {
        let template = format!(
            r#"{{{{ define "r" }}}}{{{{ if gt . 0 }}}}{{{{ include "r" (sub . 1 | int) }}}}{{{{ end }}}}{{{{ end }}}}a: x{{{{ include "r" {depth} }}}}"#
        );
        let rendered = render(&chart(&template), &RenderLimits::default(), None);
        assert_eq!(rendered.is_ok(), fine, "{depth}");
    }
}

#[test]
fn budgets_end_what_would_not() {
    let mut limits = RenderLimits::default();
    limits.templates.steps = 200_000;
    limits.templates.output = 1 << 20;
    limits.templates.allocated = 8 << 20;
    let rows = [
        ("A31 loop", "{{ range until 1000000000 }}{{ end }}"),
        ("A31 product", "{{ range until 1000 }}{{ range until 1000 }}{{ . }}{{ end }}{{ end }}"),
        ("A24 output", "{{ range until 10000 }}{{ repeat 1000 \"x\" }}{{ end }}"),
        ("A33 repeat", "{{ repeat 1000000000 \"x\" | len }}"),
        ("tpl", "{{ range until 100000 }}{{ tpl \"{{ 1 }}\" . }}{{ end }}"),
    ];
    for (row, template) in rows {
        let error = render(&chart(template), &limits, None).unwrap_err();
        assert!(matches!(error, Error::Exceeded { .. }), "{row}: {error}");
    }
}

#[test]
fn templates_have_a_size() {
    let limits = RenderLimits { template_bytes: 10, ..RenderLimits::default() };
    let error = render(&chart("a: {{ 1 }} and more"), &limits, None).unwrap_err();
    assert_eq!(error.to_string(), "the templates have 19 bytes together, the limit is 10");
}

#[test]
fn a_cache_changes_nothing() {
    let cache = Cache::new(1000);
    let texts: Vec<String> = (0..20).map(|n| format!("a: {{{{ {n} }}}} {}", "x".repeat(n * 20))).collect();
    for text in texts.iter().chain(&texts) {
        let chart = chart(text);
        let (fresh, cached) = (
            render(&chart, &RenderLimits::default(), None),
            render(&chart, &RenderLimits::default(), Some(&cache)),
        );
        assert_eq!(fresh.unwrap().manifests, cached.unwrap().manifests, "{text}");
    }
    assert!(format!("{cache:?}").contains("templates"));
}

#[test]
fn deep_values_do_not_use_up_the_stack() {
    let deep = format!("sub: {}1{}\n", "{a: ".repeat(490), "}".repeat(490));
    let files = [
        (
            "c/Chart.yaml",
            "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.x, import-values: [{child: a, parent: b}]}]\n",
        ),
        ("c/values.yaml", &deep),
        (
            "c/values.schema.json",
            r##"{"$ref":"#/$defs/x","$defs":{"x":{"additionalProperties":{"$ref":"#/$defs/x"}}}}"##,
        ),
        ("c/templates/a.yaml", "a: {{ toYaml .Values | len }}"),
        ("c/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
        ("c/charts/sub/values.yaml", &deep),
    ];
    let mut store = filetree::MemoryStore::from_files(files).unwrap();
    let path = |text| filetree::TreePath::parse(text).unwrap();
    let load = |store: &filetree::MemoryStore| {
        let store = Arc::new(store.clone());
        let tree = Arc::new(filetree::FileTree::new(store, filetree::Limits::default()));
        Arc::new(Chart::from_tree(&tree, &path("c"), &LoadLimits::default()).unwrap())
    };
    let error = render(&load(&store), &RenderLimits::default(), None).unwrap_err();
    assert!(matches!(error, Error::Schema(_)), "{error}");
    store.remove(&path("c/values.schema.json"));
    let rendered = render(&load(&store), &RenderLimits::default(), None).unwrap();
    assert!(rendered.manifests[0].text.starts_with("a: "), "{}", rendered.manifests[0].text);
}
