//! The release binary embeds the built front end: a new one is a reason to compile the server anew.

fn main() {
    println!("cargo::rerun-if-changed=../target/site/manifest.json");
}
