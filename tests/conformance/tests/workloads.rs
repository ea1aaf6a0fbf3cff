//! The same stories on every combination of API server and controllers.

use kubesim::workloads::{ControllerOptions, NodeOptions, spawn_controllers, spawn_nodes};
use testkit::{RealCluster, RealOptions};

#[tokio::test]
async fn real_server_and_controller_manager_with_simulated_nodes() {
    let options = RealOptions { controller_manager: true, scheduler: true, ..RealOptions::default() };
    let Some(cluster) = RealCluster::start(options).await.unwrap() else { return };
    let _nodes = spawn_nodes(cluster.client(), NodeOptions { schedule: false, ..NodeOptions::default() });
    assert_eq!(conformance::stories::play(&cluster.client()).await, Vec::<String>::new());
}

#[tokio::test]
async fn real_server_with_simulated_controllers_and_nodes() {
    let Some(cluster) = RealCluster::start(RealOptions::default()).await.unwrap() else { return };
    let _controllers = spawn_controllers(cluster.client(), ControllerOptions::default());
    let _nodes = spawn_nodes(cluster.client(), NodeOptions::default());
    assert_eq!(conformance::stories::play(&cluster.client()).await, Vec::<String>::new());
}

#[tokio::test]
async fn simulated_server_with_simulated_controllers_and_nodes() {
    let sim = kubesim::KubeSim::new(kubesim::Options::default());
    let _controllers = spawn_controllers(sim.client(), ControllerOptions::default());
    let _nodes = spawn_nodes(sim.client(), NodeOptions::default());
    assert_eq!(conformance::stories::play(&sim.client()).await, Vec::<String>::new());
}
