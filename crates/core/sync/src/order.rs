use std::cmp::Reverse;

use resource::ResourceKey;

/// Kinds that others build on come first; whatever is not named comes after all of these.
/// The list is the peer's documented order.
const KIND_ORDER: &[&str] = &[
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// Place of an object inside its wave: kind by the list above, then kind, name and namespace.
pub(crate) fn apply_order(key: &ResourceKey) -> (usize, &str, &str, &str) {
    let place = KIND_ORDER.iter().position(|kind| *kind == key.kind).unwrap_or(KIND_ORDER.len());
    (place, &key.kind, &key.name, &key.namespace)
}

/// Objects leave in the reverse of the order in which they came.
pub(crate) fn prune_order(key: &ResourceKey) -> Reverse<(usize, &str, &str, &str)> {
    Reverse(apply_order(key))
}

/// Mirrors waves for removal: with waves a < b < c, what was in c goes first and what was in a goes last.
/// Only the waves that something is pruned from take part, as in the peer.
pub(crate) fn mirrored(waves: &[i32]) -> impl Fn(i32) -> i32 {
    let mut sorted = waves.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    move |wave| match sorted.binary_search(&wave) {
        Ok(place) => sorted[sorted.len() - 1 - place],
        Err(_) => wave,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, name: &str) -> ResourceKey {
        ResourceKey::new("", kind, "ns", name)
    }

    #[test]
    fn kinds_come_in_the_order_in_which_they_need_each_other() {
        let mut keys = [
            key("Widget", "a"),
            key("Deployment", "b"),
            key("Deployment", "a"),
            key("Namespace", "z"),
            key("Secret", "s"),
        ];
        keys.sort_by(|a, b| apply_order(a).cmp(&apply_order(b)));
        let names: Vec<_> = keys.iter().map(|k| format!("{}/{}", k.kind, k.name)).collect();
        assert_eq!(names, ["Namespace/z", "Secret/s", "Deployment/a", "Deployment/b", "Widget/a"]);
        keys.sort_by(|a, b| prune_order(a).cmp(&prune_order(b)));
        assert_eq!(keys[0].kind, "Widget");
        assert_eq!(keys[4].kind, "Namespace");
    }

    #[test]
    fn waves_are_mirrored_for_pruning() {
        let mirror = mirrored(&[5, -1, 0, 0]);
        assert_eq!([mirror(-1), mirror(0), mirror(5)], [5, 0, -1]);
        assert_eq!(mirrored(&[3])(3), 3);
    }
}
