//! The demo's originals: the same real picture under each name, so that users can try downloads.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use super::object_name::ObjectName;

const PICTURE: &[u8] = include_bytes!("demo.jpg");

/// Writes the picture to `folder` under each name that does not exist yet. Existing files are kept.
///
/// # Errors
/// Those of the file system.
pub(super) fn create(
    folder: &Path,
    names: impl IntoIterator<Item = impl AsRef<str>>,
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for name in names {
        let Some(name) = ObjectName::parse(name.as_ref()) else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        let file = folder.join(name.as_str());
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        match File::create_new(&file) {
            Ok(mut file) => file.write_all(PICTURE)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn existing_files_are_kept_and_missing_ones_created() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("new");
        let read = |name: &str| fs::read(inner.join(name)).expect("readable");
        create(&inner, ["456/1.jpg"]).expect("made");
        assert_eq!(read("456/1.jpg"), PICTURE);
        fs::write(inner.join("456/1.jpg"), "mine").expect("written");
        create(&inner, ["456/1.jpg", "456/2.jpg"]).expect("made");
        assert_eq!(read("456/1.jpg"), b"mine");
        assert_eq!(read("456/2.jpg"), PICTURE);
    }

    #[test]
    fn nothing_is_created_outside_the_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("inner");
        create(&inner, ["../outside.jpg"]).expect_err("refused");
        assert!(!folder.path().join("outside.jpg").exists());
    }

    #[test]
    fn the_picture_is_a_small_jpeg() {
        assert!(PICTURE.starts_with(&[0xff, 0xd8, 0xff]) && PICTURE.ends_with(&[0xff, 0xd9]));
        assert!(PICTURE.len() <= 3 * 1024, "{}", PICTURE.len());
    }
}
