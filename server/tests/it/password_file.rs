//! The file with PostgreSQL's password.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    thread,
};

use crate::support::program::{Outcome, program};

/// A PostgreSQL that refuses every password.
fn refusing_postgres() -> SocketAddr {
    const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();
    const FIELDS: &[u8] =
        b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"zone\"\0\0";
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a caller");
            loop {
                let mut length = [0; 4];
                if stream.read_exact(&mut length).is_err() {
                    break;
                }
                let mut message = vec![0; u32::from_be_bytes(length) as usize - 4];
                stream.read_exact(&mut message).expect("a message");
                if message == SSL_REQUEST {
                    stream.write_all(b"N").expect("sent");
                    continue;
                }
                let length = u32::try_from(FIELDS.len() + 4).expect("short");
                let refusal = [b"E", &length.to_be_bytes()[..], FIELDS].concat();
                stream.write_all(&refusal).expect("sent");
                break;
            }
        }
    });
    address
}

fn migrate(url: &str, passwords: &Path, more: Option<(&str, &str)>) -> Outcome {
    let mut command = program(url, &["migrate"]);
    command
        .env_remove("PGPASSWORD")
        .env("PGPASSFILE", passwords)
        .envs(more);
    Outcome::of(&mut command)
}

/// PostgreSQL's refusal alone would not say that the file was ignored.
#[test]
fn a_password_file_that_is_ignored_is_named_with_the_reason() {
    let address = refusing_postgres();
    let url = format!("postgres://zone@{address}/zone");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("passwords");
    let ignored = "passwords was ignored, because ";

    let missing = migrate(&url, &file, None);
    missing.assert_failed(&format!("{ignored}it cannot be read: No such file"));

    fs::write(&file, "*:*:*:*:canary-1\n").expect("written");
    let allow = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set");
    for mode in [0o640, 0o604, 0o620, 0o644] {
        allow(mode);
        let refused = migrate(&url, &file, None);
        refused.assert_failed(&format!(
            "{ignored}other users may read or write it; use chmod 600"
        ));
        assert!(
            refused.stderr.contains("password authentication failed"),
            "{refused:?}"
        );
        assert!(!refused.stderr.contains("canary"), "{refused:?}");
    }

    let with_password = format!("postgres://zone:canary-2@{address}/zone");
    let unused = [
        migrate(&with_password, &file, None),
        migrate(&url, &file, Some(("PGPASSWORD", "canary-2"))),
    ];
    allow(0o600);
    for refused in unused.into_iter().chain([migrate(&url, &file, None)]) {
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let words = "password authentication failed";
        assert!(refused.stderr.contains(words), "{refused:?}");
        assert!(!refused.stderr.contains("ignored"), "{refused:?}");
        assert!(!refused.stderr.contains("canary"), "{refused:?}");
    }
}
