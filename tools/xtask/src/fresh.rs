//! A cache on disk: work whose inputs did not change is not repeated.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

const STAMP: &str = "stamp";

/// Lets `make` fill an empty `folder`, unless the folder already holds its result for these inputs.
///
/// A stamp file with the hash of the inputs is written last. After a failure it is missing, so the next call retries.
pub(crate) fn fill(
    folder: &Path,
    inputs: &[&[u8]],
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let stamp = folder.join(STAMP);
    let hash = hash(inputs);
    if fs::read_to_string(&stamp).is_ok_and(|last| last == hash) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    make(folder)?;
    fs::write(&stamp, hash).with_context(|| format!("could not write {}", stamp.display()))
}

/// Each input is hashed with its length: `ab`, `c` and `a`, `bc` have different hashes.
fn hash(inputs: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for input in inputs {
        hasher.update((input.len() as u64).to_le_bytes());
        hasher.update(input);
    }
    format!("{:x}", hasher.finalize())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    /// Calls [`fill`], and returns whether it did the work.
    fn fills(folder: &Path, inputs: &[&[u8]]) -> bool {
        let mut worked = false;
        fill(folder, inputs, |folder| {
            worked = true;
            assert_eq!(fs::read_dir(folder)?.count(), 0, "the folder is empty");
            Ok(fs::write(folder.join("product"), "")?)
        })
        .unwrap();
        worked
    }

    #[test]
    fn the_work_is_done_once_for_the_same_inputs() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("folder");
        assert!(fills(&folder, &[b"wasm", b"tools"]));
        assert!(!fills(&folder, &[b"wasm", b"tools"]));
        assert!(fills(&folder, &[b"wasm 2", b"tools"]));
        assert!(fills(&folder, &[b"wasm", b" 2tools"]));
    }

    #[test]
    fn failed_work_is_retried() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("folder");
        assert!(fill(&folder, &[b"wasm"], |_| bail!("failed")).is_err());
        assert!(fills(&folder, &[b"wasm"]));
    }
}
