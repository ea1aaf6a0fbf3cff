/// A kind that the controllers watch or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    ControllerRevision,
    CronJob,
    DaemonSet,
    Deployment,
    EndpointSlice,
    HorizontalPodAutoscaler,
    Ingress,
    Job,
    Lease,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    ReplicaSet,
    Service,
    StatefulSet,
}

impl Kind {
    /// Folder of the API version, and plural.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::ControllerRevision => ("apis/apps/v1", "controllerrevisions"),
            Self::CronJob => ("apis/batch/v1", "cronjobs"),
            Self::DaemonSet => ("apis/apps/v1", "daemonsets"),
            Self::Deployment => ("apis/apps/v1", "deployments"),
            Self::EndpointSlice => ("apis/discovery.k8s.io/v1", "endpointslices"),
            Self::HorizontalPodAutoscaler => ("apis/autoscaling/v2", "horizontalpodautoscalers"),
            Self::Ingress => ("apis/networking.k8s.io/v1", "ingresses"),
            Self::Job => ("apis/batch/v1", "jobs"),
            Self::Lease => ("apis/coordination.k8s.io/v1", "leases"),
            Self::Node => ("api/v1", "nodes"),
            Self::PersistentVolume => ("api/v1", "persistentvolumes"),
            Self::PersistentVolumeClaim => ("api/v1", "persistentvolumeclaims"),
            Self::Pod => ("api/v1", "pods"),
            Self::PodDisruptionBudget => ("apis/policy/v1", "poddisruptionbudgets"),
            Self::ReplicaSet => ("apis/apps/v1", "replicasets"),
            Self::Service => ("api/v1", "services"),
            Self::StatefulSet => ("apis/apps/v1", "statefulsets"),
        }
    }

    /// As in `Deployment`.
    pub(super) fn name(self) -> String {
        format!("{self:?}")
    }

    /// As in `apps/v1`.
    pub(super) fn api_version(self) -> &'static str {
        let folder = self.names().0;
        folder.strip_prefix("apis/").or_else(|| folder.strip_prefix("api/")).unwrap_or(folder)
    }

    /// Path of the collection, over all namespaces.
    pub(super) fn collection(self) -> String {
        let (folder, plural) = self.names();
        format!("/{folder}/{plural}")
    }

    /// Path of the collection in a namespace (empty for a cluster-wide kind).
    pub(super) fn collection_in(self, namespace: &str) -> String {
        let (folder, plural) = self.names();
        if namespace.is_empty() {
            format!("/{folder}/{plural}")
        } else {
            format!("/{folder}/namespaces/{namespace}/{plural}")
        }
    }
}
