//! The way down from an object to what makes it unwell.

use health::{Health, Status};

/// How deep a chain goes: a CronJob has Jobs, these have Pods; what operators build has a few levels more.
pub const DEEPEST: usize = 6;

/// A dependent of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// Its health; `None` where its kind has none.
    pub health: Option<Health>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Its kind and name, to tell it apart.
    pub name: String,
}

/// Which of the dependents makes their owner unwell: of the unhealthiest the newest, which is the one that the owner tries to bring
/// up; `None` where all are well.
///
/// **Shape**: an index. The answer does not depend on the order.
pub fn culprit(children: &[Child]) -> Option<usize> {
    let ill = children.iter().enumerate().filter_map(|(at, child)| Some((at, child, severity(child)?)));
    let first = ill.min_by(|(_, a, ill_a), (_, b, ill_b)| {
        ill_a.cmp(ill_b).then_with(|| b.created.cmp(&a.created)).then_with(|| a.name.cmp(&b.name))
    });
    first.map(|(at, ..)| at)
}

/// How ill, the worst first; `None` where it is well or cannot be told.
fn severity(child: &Child) -> Option<u8> {
    match child.health.as_ref()?.status {
        Status::Degraded => Some(0),
        Status::Missing => Some(1),
        Status::Progressing => Some(2),
        Status::Unknown => Some(3),
        Status::Suspended | Status::Healthy => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_and_then_the_newest_child_is_the_culprit() {
        let child = |name: &str, status: Option<Status>, created: &str| Child {
            health: status.map(|status| Health { status, message: String::new() }),
            created: created.to_owned(),
            name: name.to_owned(),
        };
        let (ill, works, well) = (Some(Status::Degraded), Some(Status::Progressing), Some(Status::Healthy));
        for (reason, children, expected) in [
            ("none", vec![], None),
            ("all well", vec![child("a", well, "1"), child("b", None, "2")], None),
            ("the worst", vec![child("a", works, "9"), child("b", ill, "1")], Some("b")),
            ("the newest", vec![child("a", ill, "1"), child("b", ill, "2")], Some("b")),
            ("by name", vec![child("b", ill, "1"), child("a", ill, "1")], Some("a")),
        ] {
            for children in [children.clone(), children.into_iter().rev().collect()] {
                let found = culprit(&children).map(|at| children[at].name.as_str());
                assert_eq!(found, expected, "{reason}");
            }
        }
    }
}
