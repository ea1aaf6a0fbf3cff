//! Compiles the `.proto` files into one set of descriptors, which the crate carries.

use std::error::Error;
use std::path::PathBuf;

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir("proto")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).open_files(files)?;
    std::fs::write(
        PathBuf::from(std::env::var("OUT_DIR")?).join("descriptors"),
        compiler.encode_file_descriptor_set(),
    )?;
    Ok(())
}
