//! Compiles the `.proto` in pure Rust: nobody needs `protoc`.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto/issues.proto");
    let descriptors = protox::compile(["issues.proto"], ["proto"])?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("issues.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
