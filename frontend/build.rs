//! Links the WASM so that `cargo xtask build` can split it.

fn main() {
    // The splitter moves functions, and needs to know what refers to them.
    println!("cargo::rustc-link-arg-cdylib=--emit-relocs");
}
