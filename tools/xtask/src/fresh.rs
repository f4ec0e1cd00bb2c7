//! Not doing again what was done for the same inputs.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

const STAMP: &str = "stamp";

/// Has `make` fill an empty `folder`, unless the folder already holds what `make` made of these inputs.
///
/// A stamp, the hash of the inputs, is written last: after a failure there is none, and the next call tries again.
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

/// Each input goes in with its length, so that none can run into the next.
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

    /// Calls [`fill`] and tells whether it did the work.
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
    fn equal_inputs_are_worked_on_once() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("folder");
        assert!(fills(&folder, &[b"wasm", b"tools"]));
        assert!(!fills(&folder, &[b"wasm", b"tools"]));
        assert!(fills(&folder, &[b"wasm 2", b"tools"]));
        assert!(fills(&folder, &[b"wasm", b" 2tools"]));
    }

    #[test]
    fn failed_work_is_tried_again() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("folder");
        assert!(fill(&folder, &[b"wasm"], |_| bail!("out of luck")).is_err());
        assert!(fills(&folder, &[b"wasm"]));
    }
}
