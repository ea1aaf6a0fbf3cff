use super::*;

#[test]
fn paths_are_places() {
    let name = |text: &str| text.to_owned();
    for (path, place) in [
        ("applications", Some(Place::Applications)),
        ("applications/a/b", Some(Place::Application { namespace: name("a"), name: name("b") })),
        ("applications/a/b%2Fc", Some(Place::Application { namespace: name("a"), name: name("b/c") })),
        ("applications/a/b/tree", Some(Place::Tree { namespace: name("a"), name: name("b") })),
        ("events", Some(Place::Events)),
        ("events/x/topics", Some(Place::Topics { stream: name("x") })),
        ("applications/a", None),
        ("applications//b", None),
        ("applications/", None),
        ("applications/%ff/b", None),
        ("", None),
    ] {
        assert_eq!(Place::at(path), place, "{path}");
    }
}

#[test]
fn questions_are_read_or_say_what_is_wrong() {
    for (query, parameter, nearest) in [
        ("filtre=a", "filtre", Some("filter")),
        ("filter=helth:x", "filter", Some("health")),
        ("health=Degradet", "health", Some("Degraded")),
        ("sort=nam", "sort", Some("name")),
        ("fields=labls", "fields", Some("labels")),
        ("facets=helth", "facets", Some("health")),
        ("limit=0", "limit", None),
        ("limit=501", "limit", None),
        ("limit=x", "limit", None),
        ("cursor=x", "cursor", None),
        ("labels=a in b", "labels", None),
    ] {
        let refusal = Question::parse(query).unwrap_err().value();
        assert_eq!(
            (&refusal["code"], &refusal["detail"]["parameter"]),
            (&"E2001".into(), &parameter.into()),
            "{refusal}"
        );
        assert_eq!(refusal["detail"]["nearest"].as_str(), nearest, "{refusal}");
        assert!(refusal["next"].as_str().is_some_and(|next| !next.is_empty()), "{refusal}");
    }
    let now = "2026-01-02T00:00:00Z".parse().unwrap();
    let row = query::Row::of(&serde_json::json!({
        "metadata": {"name": "web", "labels": {"env": "prod", "team": "shop"}}, "spec": {"project": "shop"},
        "status": {"health": {"status": "Degraded"}},
    }));
    for (query, takes) in [
        ("", true),
        ("proj=shop&health=Healthy,Degraded&limit=5&sort=-created&fields=name&facets=health", true),
        ("proj=shop&proj=other", true),
        ("proj=other", false),
        ("health=Healthy&health=Degraded", true),
        ("filter=health:Degraded&filter=project:other", false),
        ("labels=env%3Dprod,team!%3Dother", true),
        ("labels=env%3Dprod&labels=team%3Dother", false),
        ("search=web+SHOP", true),
        ("search=web&search=other", false),
    ] {
        assert_eq!(Question::parse(query).unwrap().which.takes(&row, now), takes, "{query}");
    }
}
