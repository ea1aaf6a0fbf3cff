//! What a `g` line is likely not meant to say.

use std::collections::{BTreeMap, BTreeSet};

use super::lines::Problems;
use crate::problem::{Place, Problem, Weight};
use crate::project_role_of;
use crate::table::Table;

/// Names lines that bind somebody to a role without lines, or a role to itself. Both count, and do nothing.
///
/// **Source**: `rbac.CheckUserDefinedRoleReferentialIntegrity` logs the former.
pub(super) fn bindings(table: &Table, bindings: &[(Place, (String, String))], problems: &mut Problems) {
    let (filled, circular) = (filled(table), circular(table));
    for (place, (member, role)) in bindings {
        let why = if circular.contains(role.as_str()) && circular.contains(member.as_str()) {
            "the role has itself, by this line or others"
        } else if !filled.contains(role.as_str()) && project_role_of(role).is_none() {
            "no line says what the role may do"
        } else {
            continue;
        };
        problems.add(Problem {
            place: place.clone(),
            text: format!("g, {member}, {role}"),
            why: why.to_owned(),
            weight: Weight::Suspicious,
        });
    }
}

/// Names with lines, of their own or of a role of theirs.
fn filled(table: &Table) -> BTreeSet<&str> {
    let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, roles) in table.names() {
        for role in roles {
            members.entry(role).or_default().push(name);
        }
    }
    let mut filled: BTreeSet<&str> =
        table.names().map(|(name, _)| name).filter(|name| table.has_lines(name)).collect();
    let mut open: Vec<&str> = filled.iter().copied().collect();
    while let Some(name) = open.pop() {
        let new = members.get(name).into_iter().flatten().filter(|member| filled.insert(member));
        open.extend(new);
    }
    filled
}

/// Names that cannot be put in an order in which each comes after its roles and its members: they are on a circle, or between two.
fn circular(table: &Table) -> BTreeSet<&str> {
    let mut edges: Vec<(&str, &str)> =
        table.names().flat_map(|(name, roles)| roles.iter().map(move |role| (name, role.as_str()))).collect();
    // Peeled from both ends: what has no role left, and what has no member left.
    for _ in 0..2 {
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        let mut before: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, role) in &edges {
            *left.entry(name).or_default() += 1;
            left.entry(role).or_default();
            before.entry(role).or_default().push(name);
        }
        let mut open: Vec<&str> =
            left.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
        while let Some(name) = open.pop() {
            left.remove(name);
            for member in before.get(name).into_iter().flatten() {
                if let Some(count) = left.get_mut(member) {
                    *count -= 1;
                    if *count == 0 {
                        open.push(member);
                    }
                }
            }
        }
        edges.retain(|(name, role)| left.contains_key(name) && left.contains_key(role));
        edges.iter_mut().for_each(|(name, role)| std::mem::swap(name, role));
    }
    edges.into_iter().flat_map(|(name, role)| [name, role]).collect()
}
