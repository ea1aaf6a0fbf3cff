//! What must hold for any objects: random ones from a seeded generator, in a built-in type, a custom one, and none.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its own input has failed")]

use merge::{
    FieldSet, Manager, Schemas, TypeRef, deduced, default, field_set_of, json_merge_patch, json_patch,
    managed_fields, prune, server_side_apply, strategic_merge_patch, three_way_strategic, track_update,
    type_from_crd, validate,
};
use resource::Gvk;
use serde_json::{Map, Value, json};

const ROUNDS: u64 = 100;
const THEN: &str = "2020-01-01T00:00:00Z";
const NOW: &str = "2030-01-01T00:00:00Z";

/// A small generator of pseudo-random numbers (an LCG; the high bits are used).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap();
        &from[index]
    }

    /// Any JSON at all.
    fn junk(&mut self, depth: u64) -> Value {
        match self.below(if depth > 4 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.chance(50)),
            2 => json!(self.below(3)),
            3 => json!(1.5),
            4 | 5 => json!(self.pick(&["a", "web", "", "TCP", "<&>"])),
            6 => (0..self.below(4)).map(|_| self.junk(depth + 1)).collect(),
            _ => {
                let keys = [
                    "name",
                    "port",
                    "spec",
                    "metadata",
                    "$patch",
                    "f:a",
                    "containers",
                    "$setElementOrder/ports",
                ];
                (0..self.below(4)).map(|_| ((*self.pick(&keys)).to_owned(), self.junk(depth + 1))).collect()
            }
        }
    }

    fn deployment(&mut self) -> Value {
        let containers: Vec<_> =
            ["a", "b", "c"].iter().filter(|_| self.chance(60)).map(|name| name.to_string()).collect();
        let containers: Vec<_> = containers
            .iter()
            .map(|name| {
                let env: Vec<_> = ["X", "Y"].iter().filter(|_| self.chance(50)).collect();
                let env: Vec<_> =
                    env.iter().map(|key| json!({"name": key, "value": self.pick(&["1", "2"])})).collect();
                json!({"name": name, "image": self.pick(&["i:1", "i:2"]), "env": env})
            })
            .collect();
        let mut spec = json!({"template": {"spec": {"containers": containers}}});
        if self.chance(60) {
            spec["replicas"] = json!(self.below(3) + 1);
        }
        if self.chance(30) {
            spec["strategy"] = json!({"type": self.pick(&["Recreate", "RollingUpdate"])});
        }
        let mut labels = Map::new();
        for key in ["x", "y", "z"] {
            if self.chance(50) {
                labels.insert(key.to_owned(), json!(self.pick(&["1", "2"])));
            }
        }
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop", "labels": labels}, "spec": spec,
        })
    }
}

fn deployment() -> TypeRef {
    Schemas::builtin().get(&Gvk::new("apps", "v1", "Deployment")).unwrap().clone()
}

fn widget() -> TypeRef {
    type_from_crd(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "replicas": {"type": "integer", "default": 1, "minimum": 0},
        "strategy": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"type": {"type": "string"}}},
        "template": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "ports": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port"],
                  "items": {"type": "object", "properties": {"port": {"type": "integer"}}}}}}}}))
    .unwrap()
}

fn types() -> [(&'static str, TypeRef); 3] {
    [("deployment", deployment()), ("widget", widget()), ("deduced", deduced())]
}

fn apply(ty: &TypeRef, live: Option<&Value>, applied: &Value, name: &str, time: &str) -> Value {
    server_side_apply(ty, live, applied, &Manager::apply(name, "apps/v1", time), true).unwrap()
}

/// What `name` owns by apply.
fn owned(object: &Value, name: &str) -> FieldSet {
    let entries = managed_fields(object).unwrap();
    entries.into_iter().find(|entry| entry.manager == name).map(|entry| entry.fields).unwrap_or_default()
}

#[test]
fn apply_is_idempotent() {
    for (name, ty) in types() {
        let mut dice = Dice(1);
        for round in 0..ROUNDS {
            let (first, second) = (dice.deployment(), dice.deployment());
            let live = apply(&ty, None, &first, "first", THEN);
            let once = apply(&ty, Some(&live), &second, "second", THEN);
            let twice = apply(&ty, Some(&once), &second, "second", NOW);
            assert_eq!(once, twice, "{name}, round {round}");
        }
    }
}

#[test]
fn an_applier_owns_what_it_applied() {
    for (name, ty) in types() {
        let mut dice = Dice(2);
        for round in 0..ROUNDS {
            let (first, second) = (dice.deployment(), dice.deployment());
            let live = apply(&ty, None, &first, "first", THEN);
            let live = apply(&ty, Some(&live), &second, "second", NOW);
            let identity = FieldSet::from_fields_v1(&json!({
                "f:apiVersion": {}, "f:kind": {}, "f:metadata": {"f:name": {}, "f:namespace": {}}
            }));
            let applied = field_set_of(&ty, &second).unwrap().difference(&identity.unwrap());
            let applied =
                applied.difference(&FieldSet::from_paths([vec![merge::PathElement::field("metadata")]]));
            assert!(applied.is_subset(&owned(&live, "second")), "{name}, round {round}");
            assert_eq!(owned(&live, "second").difference(&applied), FieldSet::new(), "{name}, round {round}");
        }
    }
}

#[test]
fn withdrawing_all_restores_the_other() {
    for (name, ty) in types() {
        let mut dice = Dice(3);
        for round in 0..ROUNDS {
            // What both have alike is shared and stays; here they have nothing alike but the identity.
            let mut first = dice.deployment();
            first["spec"] = json!({});
            first["metadata"]["labels"] = json!({"mine": "1"});
            let second = dice.deployment();
            let before = apply(&ty, None, &first, "first", THEN);
            let both = apply(&ty, Some(&before), &second, "second", THEN);
            let mut nothing = second.clone();
            nothing.as_object_mut().unwrap().remove("spec");
            nothing["metadata"].as_object_mut().unwrap().remove("labels");
            let after = apply(&ty, Some(&both), &nothing, "second", NOW);
            assert_eq!(after["metadata"]["labels"], before["metadata"]["labels"], "{name}, round {round}");
            assert!(after["spec"].get("replicas").is_none(), "{name}, round {round}");
            assert!(owned(&after, "second").is_empty(), "{name}, round {round}");
        }
    }
}

#[test]
fn a_three_way_patch_brings_what_was_modified() {
    let ty = deployment();
    let mut dice = Dice(4);
    for round in 0..ROUNDS {
        let (original, modified, current) = (dice.deployment(), dice.deployment(), dice.deployment());
        let patch = three_way_strategic(&ty, &original, &modified, &current).unwrap();
        let patched = strategic_merge_patch(&ty, &current, &patch).unwrap();
        // The result has everything that `modified` has, with its values.
        let change = merge::compare(&ty, &modified, &patched).unwrap();
        assert!(change.modified.is_empty() && change.removed.is_empty(), "round {round}: {patch}");
        let again = three_way_strategic(&ty, &modified, &modified, &patched).unwrap();
        assert_eq!(strategic_merge_patch(&ty, &patched, &again).unwrap(), patched, "round {round}");
    }
}

#[test]
fn nothing_panics_on_junk() {
    for (_, ty) in types() {
        let mut dice = Dice(5);
        for _ in 0..ROUNDS {
            let (mut a, b) = (dice.deployment(), dice.junk(0));
            let spec = dice.junk(0);
            a["spec"] = spec;
            let manager = Manager::apply("m", "apps/v1", NOW);
            for (live, new) in [(&a, &b), (&b, &a)] {
                // Results are errors as often as not; only that there is one counts.
                drop(server_side_apply(&ty, Some(live), new, &manager, true));
                drop(track_update(&ty, Some(live), new.clone(), &manager));
                drop(strategic_merge_patch(&ty, live, new));
                drop(three_way_strategic(&ty, live, new, live));
                drop(json_merge_patch(live.clone(), new));
                drop(json_patch(live, new));
                drop(FieldSet::from_fields_v1(new));
                drop(type_from_crd(new));
                let mut copy = new.clone();
                merge::normalize(&ty, &mut copy);
                default(&ty, &mut copy);
                drop(validate(&ty, &copy));
                drop(prune(&ty, &mut copy));
            }
        }
    }
}

#[test]
fn only_an_object_can_be_applied() {
    let manager = Manager::apply("m", "v1", NOW);
    let live =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}});
    for applied in [Value::Null, json!([]), json!("text"), json!(1)] {
        for live in [None, Some(&live)] {
            let refused = server_side_apply(&deduced(), live, &applied, &manager, true).unwrap_err();
            assert!(matches!(refused, merge::ApplyError::BadRequest(_)), "{applied}: {refused}");
        }
    }
}

#[test]
fn depth_is_bounded() {
    let mut deep = json!({});
    for _ in 0..2000 {
        deep = json!({"a": deep});
    }
    let object = json!({"apiVersion": "v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": deep});
    let manager = Manager::apply("m", "v1", NOW);
    let refused = server_side_apply(&deduced(), None, &object, &manager, true).unwrap_err().to_string();
    assert!(refused.contains("nested deeper than 128 levels"), "{refused}");
    let fields = FieldSet::from_fields_v1(&object).unwrap_err().to_string();
    assert!(fields.contains("fieldsV1"), "{fields}");
}

#[test]
fn set_algebra_holds() {
    let ty = deployment();
    let mut dice = Dice(6);
    for round in 0..ROUNDS {
        let a = field_set_of(&ty, &dice.deployment()).unwrap();
        let b = field_set_of(&ty, &dice.deployment()).unwrap();
        assert_eq!(a.union(&b), b.union(&a), "round {round}");
        assert_eq!(a.difference(&b).union(&a.intersection(&b)), a, "round {round}");
        assert!(a.difference(&b).intersection(&b).is_empty(), "round {round}");
        assert!(a.intersection(&b).is_subset(&a) && a.is_subset(&a.union(&b)), "round {round}");
        assert_eq!(FieldSet::from_paths(a.paths()), a, "round {round}");
        assert_eq!(a.paths().len(), a.len(), "round {round}");
        assert!(a.paths().iter().all(|path| a.contains(path)), "round {round}");
    }
}
