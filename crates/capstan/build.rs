//! How the program is linked.

/// At a fixed address, as the peers' programs are: to move 60,000 pointers costs more than to build most kustomizations, at every start of a
/// command. Heap, stack and libraries lie at random places all the same.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
