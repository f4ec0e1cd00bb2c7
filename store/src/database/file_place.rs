//! Where a SQLite file may be.
//!
//! SQLite keeps the latest changes in a file beside the database (`-wal`), and finds it by the name of the database. So
//! the database must have one name, in a folder that lasts as long as the file itself.

use std::{fs, io, path::Path};

use crate::error::OpenError;

const SEVERAL_NAMES: &str = "it has several names (hard links). A program that opens it under another name does not see \
     the latest changes, such as a deactivation, and damages the file. Remove the other names, or copy the file";

const MOUNTED_ALONE: &str = "it is mounted without its folder. SQLite keeps the latest changes in a file beside it, which \
     would stay in the container and be lost with it. Mount the folder instead";

/// Checks the place of a file before SQLite opens it. A missing file is left to SQLite, which reports it.
///
/// # Errors
/// [`OpenError::Place`], and [`OpenError::File`] if this user may not write to the file.
pub(super) fn check(file: &Path) -> Result<(), OpenError> {
    // SQLite follows symbolic links too, and keeps its files beside their target.
    let Ok(target) = file.canonicalize() else {
        return Ok(());
    };
    let refuse = |problem| {
        let file = file.to_owned();
        Err(OpenError::Place { file, problem })
    };
    if has_several_names(&target) {
        return refuse(SEVERAL_NAMES);
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if is_mount_point(&target, &mounts) {
        return refuse(MOUNTED_ALONE);
    }
    // Otherwise SQLite opens the file, and only the first change fails.
    require_writable(&target).map_err(|error| OpenError::File(file.to_owned(), error.into()))
}

#[cfg(unix)]
fn has_several_names(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|data| data.nlink() > 1)
}

#[cfg(unix)]
fn require_writable(file: &Path) -> io::Result<()> {
    // Opening and closing the file would release the locks of this process.
    Ok(rustix::fs::access(file, rustix::fs::Access::WRITE_OK)?)
}

#[cfg(not(unix))]
fn has_several_names(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn require_writable(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether `file` itself is mounted, by a list of mounts as Linux has it (proc(5)): the fifth word is the place, in which
/// spaces and some other characters are octal.
fn is_mount_point(file: &Path, mounts: &str) -> bool {
    let Some(file) = file.to_str() else {
        return false;
    };
    let escaped: String = file.chars().map(escaped).collect();
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    places.into_iter().any(|place| place == escaped)
}

fn escaped(c: char) -> String {
    match c {
        ' ' | '\t' | '\n' | '\\' => format!("\\{:03o}", u32::from(c)),
        _ => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_mounted_without_its_folder_is_noticed() {
        let mounts = "\
22 1 0:21 / / rw,relatime - overlay overlay rw
30 22 8:1 /srv/zone.db /data/zone.db rw - ext4 /dev/sda1 rw
31 22 8:1 /srv/x /data/my\\040zone.db rw shared:1 - ext4 /dev/sda1 rw
32 22 8:1 /srv /folder rw - ext4 /dev/sda1 rw
";
        for (file, expected) in [
            ("/data/zone.db", true),
            ("/data/my zone.db", true),
            ("/data/other.db", false),
            ("/srv/zone.db", false),
            ("/folder/zone.db", false),
        ] {
            assert_eq!(is_mount_point(Path::new(file), mounts), expected, "{file}");
        }
        assert!(!is_mount_point(Path::new("/data/zone.db"), ""));
    }
}
