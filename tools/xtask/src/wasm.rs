//! The browser's part. Cargo compiles the crate `frontend` to WASM, wasm-bindgen generates JavaScript for it, and
//! wasm-opt and esbuild minimise both.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    bundle::bundle,
    command::{cargo, npm_tool, root, run, step},
    fresh,
    mode::Mode,
};

/// A folder of its own, so that the build for the browser and cargo commands for the server do not block each other.
const TARGET_FOLDER: &str = "target/front";

/// An ES module and its WASM. The module exports `hydrate`; its default export loads the WASM.
pub(crate) struct Bindings {
    pub(crate) script: Vec<u8>,
    pub(crate) wasm: Vec<u8>,
}

/// Builds the bindings. If the WASM did not change, the last ones are reused.
pub(crate) fn build(mode: Mode) -> Result<Bindings> {
    let compiled = step("cargo", || compile(mode))?;
    let folder = root()
        .join(TARGET_FOLDER)
        .join("bindings")
        .join(profile(mode));
    let wasm = fs::read(&compiled).with_context(|| could_not_read(&compiled))?;
    let tools = fs::read(root().join("end2end/package-lock.json"))?;
    fresh::fill(&folder, &[&wasm, &tools, &version_of_this()?], |folder| {
        bind(&compiled, mode, folder)
    })?;
    Ok(Bindings {
        script: fs::read(folder.join("app.js"))?,
        wasm: fs::read(folder.join("app.wasm"))?,
    })
}

/// A profile of the workspace's `Cargo.toml`.
fn profile(mode: Mode) -> &'static str {
    match mode {
        Mode::Release => "wasm",
        Mode::Dev => "wasm-dev",
    }
}

fn compile(mode: Mode) -> Result<PathBuf> {
    run(cargo()
        // `make test` lets Clippy compile, which turns optimisations off.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .args(["build", "--package", "frontend", "--lib"])
        .args(["--target", "wasm32-unknown-unknown"])
        .args(["--target-dir", TARGET_FOLDER])
        .args(["--profile", profile(mode)]))?;
    Ok(root()
        .join(TARGET_FOLDER)
        .join("wasm32-unknown-unknown")
        .join(profile(mode))
        .join("frontend.wasm"))
}

/// Changes with each build of this program, so that bindings are not reused after a change of the steps below.
fn version_of_this() -> Result<[u8; 16]> {
    let built = env::current_exe()?.metadata()?.modified()?;
    Ok(built.duration_since(UNIX_EPOCH)?.as_nanos().to_le_bytes())
}

fn bind(compiled: &Path, mode: Mode, folder: &Path) -> Result<()> {
    let raw = tempfile::tempdir_in(folder)?;
    let raw = raw.path();
    step("bindings", || generate(compiled, raw))?;
    match mode {
        Mode::Release => step("wasm-opt", || optimise(raw, folder))?,
        Mode::Dev => fs::rename(raw.join("app_bg.wasm"), folder.join("app.wasm"))?,
    }
    // The generated script may import snippets of JavaScript from crates. The bundle is one file.
    let script = step("script", || bundle(&raw.join("app.js"), mode))?;
    Ok(fs::write(folder.join("app.js"), script)?)
}

fn generate(compiled: &Path, raw: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(compiled)
        .out_name("app")
        .web(true)?
        .typescript(false)
        .generate(raw)
        .context("wasm-bindgen could not make the bindings")
}

fn optimise(raw: &Path, folder: &Path) -> Result<()> {
    run(npm_tool("wasm-opt")?
        .args(["-Oz", "--strip-debug", "--strip-producers"])
        .arg(raw.join("app_bg.wasm"))
        .arg("--output")
        .arg(folder.join("app.wasm")))
}

fn could_not_read(path: &Path) -> String {
    format!("{} could not be read", path.display())
}
