//! The browser's part. Cargo compiles the crate `frontend` to WASM. What is loaded later is split off. wasm-bindgen
//! generates JavaScript for the rest, and wasm-opt and esbuild minimise all of it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context, Result, anyhow, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    bundle::bundle,
    command::{cargo, npm_tool, root, run, step},
    fresh,
    mode::Mode,
};

/// A folder of its own, so that the build for the browser and cargo commands for the server do not block each other.
const TARGET_FOLDER: &str = "target/front";

/// The folder of the parts that are loaded later.
const PARTS: &str = "parts";

/// The files of the main part, as wasm-bindgen names them.
const SCRIPT: &str = "app.js";
const WASM: &str = "app_bg.wasm";

/// An ES module and its WASM. The module exports `hydrate`; its default export loads the WASM.
pub(crate) struct Bindings {
    pub(crate) script: Vec<u8>,
    pub(crate) wasm: Vec<u8>,
    /// What is loaded later: the file names by which the script loads them, and the WASM.
    pub(crate) parts: Vec<(String, Vec<u8>)>,
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
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder.join(PARTS))? {
        let path = entry?.path();
        parts.push((file_name(&path)?, fs::read(path)?));
    }
    parts.sort();
    Ok(Bindings {
        script: fs::read(folder.join(SCRIPT))?,
        wasm: fs::read(folder.join(WASM))?,
        parts,
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
    let main = raw.join("main.wasm");
    let parts = step("split", || split(compiled, &main, raw))?;
    step("bindings", || generate(&main, raw))?;
    fs::create_dir(folder.join(PARTS))?;
    step("wasm-opt", || {
        finish(&raw.join(WASM), mode, &folder.join(WASM))?;
        parts.iter().try_for_each(|part| {
            let finished = folder.join(PARTS).join(file_name(part)?);
            finish(part, mode, &finished)
        })
    })?;
    // The generated script imports the loader of the parts, and may import snippets of JavaScript from crates. The
    // bundle is one file.
    let script = step("script", || bundle(&raw.join(SCRIPT), mode))?;
    Ok(fs::write(folder.join(SCRIPT), script)?)
}

/// Splits off the functions marked with `wasm_split`, and what only they use. Writes the rest to `main`, and the parts
/// with the script that loads them to `folder`. Returns the parts' files.
fn split(compiled: &Path, main: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let compiled = fs::read(compiled)?;
    let script = format!("./{SCRIPT}");
    let mut options = wasm_split_cli_support::Options::new(&compiled);
    options.output_dir = folder;
    options.main_out_path = main;
    options.main_module = &script;
    let split = wasm_split_cli_support::transform(options);
    let split = split.map_err(|error| anyhow!("the WASM could not be split: {error:#}"))?;
    Ok(split.split_modules)
}

fn generate(main: &Path, raw: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(main)
        .out_name("app")
        .web(true)?
        .typescript(false)
        // The parts import them.
        .keep_lld_exports(true)
        .generate(raw)
        .context("wasm-bindgen could not make the bindings")
}

/// Writes the finished file. A release is optimised.
fn finish(raw: &Path, mode: Mode, finished: &Path) -> Result<()> {
    match mode {
        Mode::Release => {
            let optimised = npm_tool("wasm-opt")?
                .args(["-Oz", "--strip-debug", "--strip-producers"])
                .arg(raw)
                .arg("--output")
                .arg(finished)
                .output()
                .context("wasm-opt could not be started")?;
            // Of the splitter's names, which it removes, it warns that it does not know them.
            let messages = String::from_utf8_lossy(&optimised.stderr);
            ensure!(optimised.status.success(), "wasm-opt failed: {messages}");
            Ok(())
        }
        Mode::Dev => Ok(fs::rename(raw, finished)?),
    }
}

fn file_name(path: &Path) -> Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.context("a file's name is not UTF-8")?.to_owned())
}

fn could_not_read(path: &Path) -> String {
    format!("{} could not be read", path.display())
}
