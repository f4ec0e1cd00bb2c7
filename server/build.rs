//! The release binary embeds the built front end: a new one is a reason to compile the server anew. A debug
//! binary reads it from its folder.

fn main() {
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../target/site/manifest.json");
    } else {
        println!("cargo::rerun-if-changed=build.rs");
    }
}
