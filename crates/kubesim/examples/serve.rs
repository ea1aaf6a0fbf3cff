//! Serves a cluster with simulated nodes on loopback and writes a kubeconfig: `cargo run -p kubesim --example serve -- FILE [PORT]`.

use std::{error::Error, net::SocketAddr};

use kubesim::workloads::{ControllerOptions, NodeOptions, spawn_controllers, spawn_nodes};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("the file for the kubeconfig is missing")?;
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let sim = kubesim::KubeSim::new(kubesim::Options::default());
    let serving = sim.serve_https(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let _controllers = spawn_controllers(sim.client(), ControllerOptions::default());
    let _nodes = spawn_nodes(sim.client(), NodeOptions::default());
    std::fs::write(&file, serving.kubeconfig())?;
    tokio::signal::ctrl_c().await?;
    serving.shutdown().await;
    Ok(())
}
