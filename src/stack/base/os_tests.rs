//! Tests for file modes and file types on Unix.

use std::{
    fs, io,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    },
    path::Path,
};

use crate::stack::base::{
    files::{Existing, WriteError, try_out, write},
    limits, reader,
};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string())
        .collect::<Result<_, _>>()
        .expect("text");
    names.sort();
    names
}

#[test]
fn files_when_written_are_private_and_leave_no_temporary_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    write(&path, "one", Existing::Keep).expect("a new file");
    assert!(write(&path, "two", Existing::Keep).is_err());
    assert_eq!(fs::read_to_string(&path).expect("text"), "one");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
    write(&path, "three", Existing::Replace).expect("a replaced file");
    assert_eq!(fs::read_to_string(&path).expect("text"), "three");
    let mode = fs::metadata(&path).expect("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    try_out(&path).expect("it could be written");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn files_that_are_not_regular_are_never_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("target"), "kept").expect("a file");
    symlink(at("target"), at("link")).expect("a link");
    symlink(at("nowhere"), at("dangling")).expect("a link");
    fs::create_dir(at("folder")).expect("a folder");
    let _socket = UnixListener::bind(at("socket")).expect("a socket");
    for (path, what) in [
        (at("link"), "a symbolic link"),
        (at("dangling"), "a symbolic link"),
        (at("folder"), "a folder"),
        (at("socket"), "a socket"),
        ("/dev/null".into(), "a device"),
    ] {
        for existing in [Existing::Keep, Existing::Replace] {
            match write(&path, "text", existing) {
                Err(WriteError::NotRegular(found)) => assert_eq!(found, what),
                // Only root may create a file in /dev.
                Err(WriteError::Io(error)) if what == "a device" => {
                    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
                }
                other => panic!("{}: {other:?}", path.display()),
            }
        }
    }
    assert_eq!(fs::read_to_string(at("target")).expect("text"), "kept");
    assert_eq!(names(folder.path()), ["dangling", "folder", "link", "socket", "target"]);
}

#[test]
fn endless_files_are_refused_at_the_limit() {
    let error = reader::bytes(Path::new("/dev/zero"), limits::MIB).expect_err("too long");
    assert_eq!(error.to_string(), "it is longer than 1 MiB");
}
