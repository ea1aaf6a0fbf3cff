//! What makes workloads ready: small workload controllers, and nodes that pretend to run pods.
//!
//! Both are API clients like any other. On the simulator run [`spawn_controllers`] and [`spawn_nodes`]; on a real
//! API server with its controller manager, [`spawn_nodes`] alone. They watch, decide from what they have seen (pure
//! functions, one file a kind), and write; nothing polls, and an event costs what depends on it, whatever else there
//! is in the cluster.
//!
//! They know nothing of containers: a pod's fate is told from its image's name ([`NodeOptions::fate`]).

mod autoscaler;
mod claim;
mod cloud;
mod condition;
mod cronjob;
mod daemonset;
mod deployment;
mod disruption;
mod engine;
mod hash;
mod job;
mod kinds;
mod kubelet;
mod nodes;
mod plan;
mod podspec;
mod reflector;
mod replicaset;
mod schedule;
mod scheduler;
mod service;
mod statefulset;
mod store;
mod template;
#[cfg(test)]
mod tests;
mod value;

pub use engine::Handle;
pub use nodes::{Fate, FateRule, NodeOptions, fate_by_name, spawn_nodes};

use std::sync::Arc;

use engine::{Controller, Engine};

/// Settings of [`spawn_controllers`].
#[derive(Clone)]
pub struct ControllerOptions {
    /// The time that goes into statuses and that deadlines and schedules are judged by.
    pub clock: crate::Clock,
}

impl Default for ControllerOptions {
    fn default() -> Self {
        Self { clock: Arc::new(jiff::Timestamp::now) }
    }
}

/// Starts what kube-controller-manager does for workloads: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job,
/// CronJob, EndpointSlices of Services, binding of claims, PodDisruptionBudgets, and HorizontalPodAutoscalers (by their
/// bounds only). Ends when the handle is dropped. Must be called on a tokio runtime.
///
/// Source: the kinds' controllers in Kubernetes v1.34; left out are adoption of orphans, proportional scaling in
/// mid-rollout, pod failure policies and topology hints.
pub fn spawn_controllers(client: kube::Client, options: ControllerOptions) -> Handle {
    let controllers: Vec<Controller> = vec![
        deployment::CONTROLLER,
        replicaset::CONTROLLER,
        statefulset::CONTROLLER,
        daemonset::CONTROLLER,
        job::CONTROLLER,
        cronjob::CONTROLLER,
        service::CONTROLLER,
        claim::CONTROLLER,
        autoscaler::CONTROLLER,
        disruption::CONTROLLER,
    ];
    let world = engine::World { clock: options.clock, nodes: None };
    Engine::spawn(client, "kube-controller-manager", controllers, world)
}
