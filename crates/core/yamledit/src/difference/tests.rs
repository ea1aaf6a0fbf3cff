use dice::Dice;
use serde_json::{Value, json};

use super::changes;
use crate::Path;

fn check(old: &Value, new: &Value) -> usize {
    let (mut out, mut value) = (Vec::new(), old.clone());
    changes(&Path::root(), old, new, &mut out);
    for change in &out {
        assert!(change.apply(&mut value).is_some(), "{change:?} on {value}, from {old} to {new}");
    }
    assert_eq!(&value, new, "from {old} by {out:?}");
    out.len()
}

#[test]
fn changes_are_few() {
    let rows = [
        (json!({"a": 1}), json!({"a": 1}), 0),
        (json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3}), 1),
        (json!([1, 2, 3]), json!([1, 3]), 1),
        (json!([1, 2, 3]), json!([0, 1, 2, 3]), 1),
        (json!([1, 2, 3]), json!([1, 4, 3]), 1),
        (json!([{"name": "a", "x": 1}, {"name": "b", "x": 1}]), json!([{"name": "b", "x": 2}]), 2),
        (json!([{"name": "b", "x": 1}]), json!([{"name": "a"}, {"name": "b", "x": 2}]), 2),
        (json!({"a": []}), json!({"a": [1, 2]}), 1),
        (json!({"a": [1, 2]}), json!({"a": []}), 1),
        (json!({"a": [1]}), json!({"a": {"b": 1}}), 1),
        (json!(null), json!({"a": 1}), 1),
    ];
    for (old, new, count) in rows {
        assert_eq!(check(&old, &new), count, "{old} {new}");
    }
}

#[test]
fn any_value_becomes_any_other() {
    let mut dice = Dice::new(7);
    for _ in 0..20_000 {
        let (old, new) = (value(&mut dice, 3), value(&mut dice, 3));
        check(&old, &new);
    }
}

fn value(dice: &mut Dice, depth: usize) -> Value {
    let count = dice.roll(4);
    match dice.roll(if depth == 0 { 2 } else { 5 }) {
        0 => Value::Null,
        1 => dice.roll(3).into(),
        2 | 3 => (0..count).map(|_| value(dice, depth - 1)).collect(),
        _ => Value::Object(
            (0..count)
                .map(|_| (["name", "b", "c"][dice.roll(3)].to_owned(), value(dice, depth - 1)))
                .collect(),
        ),
    }
}
