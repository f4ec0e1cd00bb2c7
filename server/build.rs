//! The release binary embeds the front end, so the server is compiled again after each build of the front end. A debug
//! binary reads the front end from its folder. This folder must exist when the server is compiled: otherwise the binary
//! never looks there.

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("../target/site")?;
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed=../target/site/manifest.json");
    } else {
        println!("cargo::rerun-if-changed=build.rs");
    }
    Ok(())
}
