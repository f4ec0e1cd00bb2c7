//! The release binary embeds the front end, so the server is compiled again after each build of it. A debug binary
//! reads the front end from its folder.

fn main() {
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../target/site/manifest.json");
    } else {
        println!("cargo::rerun-if-changed=build.rs");
    }
}
