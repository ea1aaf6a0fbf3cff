use super::*;

fn item(kind: &str, name: &str, wave: i32) -> Item {
    let group = if kind == "CustomResourceDefinition" { "apiextensions.k8s.io" } else { "" };
    let namespace = if matches!(kind, "Namespace" | "CustomResourceDefinition") { "" } else { "shop" };
    Item {
        key: ResourceKey::new(group, kind, namespace, name),
        wanted: true,
        live: false,
        out_of_sync: true,
        wave,
        prune_last: false,
        removal: Removal::Allowed,
    }
}

fn gone(kind: &str, name: &str, wave: i32) -> Item {
    Item { wanted: false, live: true, ..item(kind, name, wave) }
}

fn kept(why: Kept) -> Item {
    Item { removal: Removal::Kept(why), ..gone("ConfigMap", "old", 0) }
}

/// `0: +Secret/s +Deployment/web -ConfigMap/old | 1: …`
fn text(plan: &Plan) -> String {
    let wave = |w: &Wave| {
        let applies = w.applies.iter().map(|k| format!(" +{}/{}", k.kind, k.name));
        let hooks = w.hooks.iter().map(|k| format!(" !{}/{}", k.kind, k.name));
        let prunes = w.prunes.iter().map(|k| format!(" -{}/{}", k.kind, k.name));
        let phase = if w.phase == Phase::Sync { String::new() } else { format!("{} ", w.phase.as_str()) };
        format!("{phase}{}:{}", w.number, applies.chain(hooks).chain(prunes).collect::<String>())
    };
    plan.waves.iter().map(wave).collect::<Vec<_>>().join(" | ")
}

#[test]
fn orders_the_work() {
    let prune = Request { prune: true, ..Request::default() };
    let only_differing = Request { out_of_sync_only: true, ..Request::default() };
    let selected =
        Request { prune: true, only: Some([item("Secret", "s", 0).key].into()), ..Request::default() };
    let same = |i: Item| Item { out_of_sync: false, live: true, ..i };
    let last = |i: Item| Item { prune_last: true, ..i };
    let widget =
        Item { key: ResourceKey::new("example.com", "Widget", "shop", "w"), ..item("Widget", "w", -2) };
    for (reason, items, request, expected) in [
        ("nothing to do", vec![], &prune, ""),
        (
            "kinds in order inside a wave",
            vec![item("Deployment", "web", 0), item("Secret", "s", 0), item("Namespace", "other", 0)],
            &prune,
            "0: +Namespace/other +Secret/s +Deployment/web",
        ),
        (
            "waves ascend, negative first",
            vec![item("Deployment", "b", 5), item("Deployment", "a", -1)],
            &prune,
            "-1: +Deployment/a | 5: +Deployment/b",
        ),
        (
            "a namespace comes before the first thing in it",
            vec![item("Namespace", "shop", 3), item("Secret", "s", -1)],
            &prune,
            "-1: +Namespace/shop +Secret/s",
        ),
        (
            "a definition comes before its objects",
            vec![item("CustomResourceDefinition", "widgets.example.com", 0), widget],
            &prune,
            "-2: +CustomResourceDefinition/widgets.example.com +Widget/w",
        ),
        (
            "removal comes after what replaces it, in reverse kind order",
            vec![gone("Namespace", "n", 0), gone("Deployment", "old", 0), item("Deployment", "new", 0)],
            &prune,
            "0: +Deployment/new -Deployment/old -Namespace/n",
        ),
        (
            "waves of removal are mirrored",
            vec![gone("ConfigMap", "first", 0), gone("ConfigMap", "second", 2)],
            &prune,
            "0: -ConfigMap/second | 2: -ConfigMap/first",
        ),
        (
            "PruneLast waits for every wave",
            vec![last(gone("ConfigMap", "old", -5)), item("Deployment", "a", 0), item("Deployment", "b", 2)],
            &prune,
            "0: +Deployment/a | 2: +Deployment/b | 3: -ConfigMap/old",
        ),
        (
            "unchanged objects are applied too, unless told otherwise",
            vec![same(item("Secret", "s", 0)), item("Deployment", "web", 0)],
            &prune,
            "0: +Secret/s +Deployment/web",
        ),
        (
            "only what differs",
            vec![same(item("Secret", "s", 0)), item("Deployment", "web", 0)],
            &only_differing,
            "0: +Deployment/web",
        ),
        (
            "only what was chosen, pruning included",
            vec![item("Secret", "s", 0), item("Deployment", "web", 0), gone("ConfigMap", "old", 0)],
            &selected,
            "0: +Secret/s",
        ),
    ] {
        assert_eq!(text(&plan(&items, &[], request)), expected, "{reason}");
        let reversed: Vec<Item> = items.into_iter().rev().collect();
        assert_eq!(text(&plan(&reversed, &[], request)), expected, "{reason}: order of input is irrelevant");
    }
}

#[test]
fn keeps_what_may_not_go_and_says_why() {
    for (request_prunes, item, why) in [
        (false, gone("ConfigMap", "old", 0), Kept::PruneOff),
        (true, kept(Kept::PruneFalse), Kept::PruneFalse),
        (true, kept(Kept::EmptyRender), Kept::EmptyRender),
        (true, kept(Kept::Incomplete("forbidden".to_owned())), Kept::Incomplete("forbidden".to_owned())),
    ] {
        let plan = plan(&[item], &[], &Request { prune: request_prunes, ..Request::default() });
        assert_eq!(plan.steps(), 0);
        assert_eq!(plan.kept.into_values().collect::<Vec<_>>(), [why]);
    }
}

#[test]
fn hooks_have_their_place() {
    let hook = |phase, name: &str, wave| HookItem {
        key: ResourceKey::new("batch", "Job", "shop", name),
        phase,
        wave,
    };
    let hooks = [
        hook(Phase::SyncFail, "alarm", 0),
        hook(Phase::PostSync, "notify", 0),
        hook(Phase::PreSync, "migrate", 1),
        hook(Phase::PreSync, "backup", -1),
        hook(Phase::Sync, "seed", 0),
    ];
    let planned = plan(&[item("Deployment", "web", 0)], &hooks, &Request::default());
    let expected = "PreSync -1: !Job/backup | PreSync 1: !Job/migrate | 0: +Deployment/web !Job/seed | PostSync 0: !Job/notify \
         | SyncFail 0: !Job/alarm";
    assert_eq!(text(&planned), expected);
    assert!(planned.gated());
    let last = Item { prune_last: true, ..gone("ConfigMap", "old", 0) };
    let prune = Request { prune: true, ..Request::default() };
    let planned = plan(&[last], &[hook(Phase::Sync, "seed", 4)], &prune);
    assert_eq!(
        text(&planned),
        "4: !Job/seed | 5: -ConfigMap/old",
        "PruneLast waits for hooks beside the objects, too"
    );
}
