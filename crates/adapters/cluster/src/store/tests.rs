use serde_json::json;

use super::*;
use crate::changes::Notice;

struct Bench {
    store: Store,
    hub: Arc<Hub>,
    source: Source,
}

fn bench() -> Bench {
    let hub = Arc::new(Hub::default());
    let mut store = Store::new(Arc::clone(&hub));
    let gvk = Arc::new(Gvk::new("", "v1", "ConfigMap"));
    store.open(&gvk, 1, [String::new()]);
    let source = Source { kind: gvk.group_kind(), generation: 1, scope: String::new(), mode: Mode::Full };
    Bench { store, hub, source }
}

fn seen(name: &str, uid: &str, version: u64) -> Seen {
    let value = json!({"metadata": {"name": name, "namespace": "shop", "uid": uid,
        "resourceVersion": version.to_string()}, "data": {"x": version}});
    let mut seen = Seen::parse(value.to_string().into()).unwrap();
    seen.instance = Some("app".to_owned());
    seen
}

impl Bench {
    fn list(&mut self, pages: Vec<Vec<Seen>>, version: &str, rewound: bool) {
        self.store.listing(&self.source, false);
        let last = pages.len() - 1;
        for (index, page) in pages.into_iter().enumerate() {
            let moment = Moment { resource_version: version.to_owned(), rewound };
            self.store.page(&self.source, page, &moment, index == last);
        }
    }

    /// Name, uid and resourceVersion of all that is held.
    fn held(&self) -> Vec<(String, String, String)> {
        let all = self.store.of_kind(&self.source.kind);
        let text = |object: &Arc<LiveObject>| {
            (object.name().to_owned(), object.uid().to_owned(), object.resource_version().to_owned())
        };
        let mut all: Vec<_> = all.iter().map(text).collect();
        all.sort();
        all
    }

    fn check(&self, row: &str, expect: &[(&str, &str, &str)]) {
        let expect: Vec<_> =
            expect.iter().map(|(n, u, v)| ((*n).to_owned(), (*u).to_owned(), (*v).to_owned())).collect();
        assert_eq!(self.held(), expect, "{row}");
        assert_eq!(self.store.owned_by("app").len(), expect.len(), "{row}: by instance");
        assert_eq!(self.store.sizes().0, expect.len(), "{row}: count");
    }
}

#[test]
fn older_news_do_not_replace_newer_ones() {
    let gvk = Gvk::new("", "v1", "ConfigMap");
    let mut bench = bench();
    bench.list(vec![vec![seen("a", "u1", 5)]], "6", false);
    bench.store.answered(&gvk, seen("a", "u2", 10));
    bench.store.applied(&bench.source.clone(), seen("a", "u1", 7));
    bench.check("an event from before our write", &[("a", "u2", "10")]);
    bench.store.deleted(&bench.source.clone(), &seen("a", "u1", 8));
    bench.check("the end of the object before ours", &[("a", "u2", "10")]);
    bench.list(vec![vec![seen("b", "u3", 4)]], "9", false);
    bench.check("a list from before our write", &[("a", "u2", "10"), ("b", "u3", "4")]);
    bench.list(vec![vec![]], "11", false);
    bench.check("a list from after it", &[]);
}

#[test]
fn a_rewound_history_replaces_all_on_every_page() {
    let mut bench = bench();
    bench.list(vec![vec![seen("a", "u1", 50), seen("b", "u2", 51), seen("c", "u3", 52)]], "60", false);
    bench.list(vec![vec![seen("a", "u1", 5)], vec![seen("b", "u2", 6)]], "9", true);
    bench.check("older versions are the newer truth", &[("a", "u1", "5"), ("b", "u2", "6")]);
}

#[test]
fn a_list_is_true_up_to_its_moment() {
    let gvk = Gvk::new("", "v1", "ConfigMap");
    let mut bench = bench();
    bench.list(vec![vec![seen("a", "u1", 50), seen("b", "u2", 51)]], "60", false);
    bench.store.answered(&gvk, seen("c", "u3", 120));
    bench.list(vec![vec![seen("a", "u1", 5), seen("b", "u2", 51), seen("c", "u3", 7)]], "100", false);
    let expect = [("a", "u1", "5"), ("b", "u2", "51"), ("c", "u3", "120")];
    bench.check("an object that was put back, and one that was written since", &expect);
}

#[test]
fn a_list_that_does_not_end_takes_nothing_away() {
    let mut bench = bench();
    bench.list(vec![vec![seen("a", "u1", 5), seen("b", "u2", 5)]], "6", false);
    let moment = Moment { resource_version: "9".to_owned(), rewound: false };
    bench.store.listing(&bench.source.clone(), false);
    bench.store.page(&bench.source.clone(), vec![seen("a", "u1", 5)], &moment, false);
    assert_eq!(bench.store.known(&bench.source.kind), Some(&Knowledge::Loading));
    bench.store.listing(&bench.source.clone(), false);
    bench.store.page(&bench.source.clone(), vec![seen("b", "u2", 5)], &moment, true);
    bench.check("the pages of two lists are not one", &[("b", "u2", "5")]);
}

#[test]
fn a_watch_that_was_replaced_has_nothing_to_say() {
    let mut bench = bench();
    bench.list(vec![vec![seen("a", "u1", 5)]], "6", false);
    let gvk = Arc::new(Gvk::new("", "v1", "ConfigMap"));
    bench.store.open(&gvk, 2, [String::new()]);
    bench.list(vec![vec![]], "9", false);
    bench.store.deleted(&bench.source.clone(), &seen("a", "u1", 8));
    bench.store.state(&bench.source.clone(), Knowledge::Complete);
    bench.check("nothing is taken away", &[("a", "u1", "5")]);
    assert_eq!(bench.store.known(&bench.source.kind), Some(&Knowledge::Loading));
}

#[test]
fn the_same_state_is_no_news() {
    let mut bench = bench();
    bench.list(vec![vec![seen("a", "u1", 5)]], "6", false);
    let mut changes = bench.hub.subscribe();
    bench.store.applied(&bench.source.clone(), seen("a", "u1", 5));
    bench.list(vec![vec![seen("a", "u1", 5)]], "7", false);
    let told = std::iter::from_fn(|| changes.try_next());
    assert_eq!(told.filter(|notice| matches!(notice, Notice::Changed(_))).count(), 0);
}

#[test]
fn answers_outside_the_watch_are_left_to_it() {
    let mut bench = bench();
    bench.store.answered(&Gvk::new("", "v1beta1", "ConfigMap"), seen("a", "u1", 5));
    bench.store.answered(&Gvk::new("", "v1", "Pod"), seen("a", "u1", 5));
    bench.check("another version, another kind", &[]);
    bench.store.open(&Arc::new(Gvk::new("", "v1", "ConfigMap")), 2, ["other".to_owned()]);
    bench.store.answered(&Gvk::new("", "v1", "ConfigMap"), seen("a", "u1", 5));
    bench.check("another namespace", &[]);
}

#[test]
fn an_answer_that_the_watch_overtook_revives_nothing() {
    let gvk = Gvk::new("", "v1", "ConfigMap");
    let mut bench = bench();
    bench.list(vec![vec![seen("a", "u1", 5)]], "6", false);
    // Deleted in the foreground: the answer (7) comes after the object's end (8).
    bench.store.deleted(&bench.source.clone(), &seen("a", "u1", 8));
    bench.store.answered(&gvk, seen("a", "u1", 7));
    bench.check("the object is gone", &[]);
    bench.store.answered(&gvk, seen("a", "u2", 9));
    bench.check("the next of its name is not", &[("a", "u2", "9")]);
    bench.list(vec![vec![]], "12", false);
    bench.store.answered(&gvk, seen("b", "u3", 11));
    bench.check("nor is one revived that a list no longer had", &[]);
    bench.list(vec![vec![]], "3", true);
    bench.store.answered(&gvk, seen("b", "u4", 4));
    bench.check("versions that begin anew count anew", &[("b", "u4", "4")]);
}

#[test]
fn what_ended_at_our_word_stays_gone() {
    let gvk = Gvk::new("", "v1", "ConfigMap");
    let mut bench = bench();
    let source = bench.source.clone();
    let key = ResourceKey::new("", "ConfigMap", "shop", "a");
    bench.list(vec![vec![seen("a", "u1", 5)]], "6", false);
    bench.store.ended(&key, "u0");
    bench.check("the end of another object of this name", &[("a", "u1", "5")]);
    let mut changes = bench.hub.subscribe();
    bench.store.ended(&key, "u1");
    bench.check("gone before its event", &[]);
    let told = std::iter::from_fn(|| changes.try_next());
    assert_eq!(
        told.filter(|notice| matches!(notice, Notice::Changed(change) if change.what == What::Deleted))
            .count(),
        1
    );
    bench.store.applied(&source, seen("a", "u1", 7));
    bench.check("an event from before its end", &[]);
    bench.store.answered(&gvk, seen("a", "u1", 7));
    bench.check("an answer from before its end", &[]);
    bench.store.answered(&gvk, seen("a", "u2", 9));
    bench.check("the next of its name", &[("a", "u2", "9")]);
    bench.store.deleted(&source, &seen("a", "u1", 8));
    bench.check("the event of its end", &[("a", "u2", "9")]);
    assert!(
        bench.store.tables.values().all(|table| table.ended.is_empty()),
        "nothing is remembered for ever"
    );
    bench.store.ended(&key, "u2");
    bench.store.applied(&source, seen("a", "u3", 12));
    bench.check("the next of its name, by its event", &[("a", "u3", "12")]);
    bench.list(vec![vec![seen("a", "u2", 9)]], "10", true);
    bench.check("a history that was put back", &[("a", "u2", "9")]);
}

#[test]
fn nothing_is_left_behind() {
    let mut bench = bench();
    bench.list(vec![vec![seen("a", "u1", 5), seen("b", "u2", 5)]], "6", false);
    bench.store.applied(&bench.source.clone(), seen("a", "u1", 7));
    bench.store.close(&bench.source.kind.clone());
    assert_eq!(bench.store.sizes(), (0, 0, 0));
    assert!(
        bench.store.by_uid.is_empty() && bench.store.by_instance.is_empty() && bench.store.tables.is_empty()
    );
}
