//! Embeds the example config repository, which the playground serves, and says how the program is linked.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    link();
    let root = Path::new("../../examples/config-repo").canonicalize()?;
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    walk(&root, &mut files)?;
    files.sort();
    let mut code = String::from("[\n");
    for file in files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        writeln!(code, "    ({name:?}, include_str!({file:?})),").map_err(io::Error::other)?;
    }
    code.push(']');
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?;
    fs::write(Path::new(&out).join("config_repo.rs"), code)
}

/// At a fixed address, as the peers' programs are: to move 60,000 pointers at every start costs more than to build most kustomizations.
/// Heap, stack and libraries lie at random places all the same.
fn link() {
    let target = |part: &str, wanted: &str| {
        env::var_os(format!("CARGO_CFG_TARGET_{part}")).is_some_and(|value| value == wanted)
    };
    if target("OS", "linux") && target("ENV", "gnu") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
