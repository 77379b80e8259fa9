//! Writes files: whole or not at all, and readable by their owner only.
//!
//! The text goes into a temporary file in the same folder, which is created exclusively and under an unpredictable name,
//! is flushed to the disk, and is then moved to its place. A full disk or a killed run leaves what was there before.

use std::{
    fmt, fs,
    io::{self, Write},
    path::Path,
};

use tempfile::NamedTempFile;

use crate::stack::base::words;

/// Random characters in the name of a temporary file.
const RANDOM: usize = 16;

/// What to do with a file that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Keep it and fail.
    Keep,
    /// Replace it.
    Replace,
}

/// Why a file cannot be written.
#[derive(Debug)]
pub enum WriteError {
    /// Something other than a regular file is there, which is never replaced.
    NotRegular(&'static str),
    /// The system refused.
    Io(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegular(what) => write!(f, "it is {what}, not a regular file"),
            Self::Io(error) => f.write_str(&words::io(error)),
        }
    }
}

impl std::error::Error for WriteError {}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Whether a regular file is there. Symbolic links are not followed: nobody knows what is at their end.
///
/// # Errors
///
/// [`WriteError::NotRegular`] for anything else that is there.
pub fn exists(path: &Path) -> Result<bool, WriteError> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let what = if kind.is_file() {
        return Ok(true);
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(WriteError::NotRegular(what))
}

/// Writes a file.
///
/// # Errors
///
/// [`WriteError`] if it cannot be written; what was there stays as it was, and no temporary file is left.
pub fn write(path: &Path, text: &str, existing: Existing) -> Result<(), WriteError> {
    let mut file = temporary(path)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    // Right before the move: it must not replace what came meanwhile either.
    exists(path)?;
    match existing {
        Existing::Keep => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    }
    .map_err(|failure| failure.error)?;
    // Some file systems cannot flush a folder; the file itself is complete.
    let _ = fs::File::open(folder(path)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Whether a file could be created there, for one that is written later.
///
/// # Errors
///
/// [`WriteError`] if it could not.
pub fn try_out(path: &Path) -> Result<(), WriteError> {
    exists(path)?;
    temporary(path)?.close()?;
    Ok(())
}

/// A new file with mode 0600 next to `path`; dropping it removes it.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".meshdoctor-")
        .rand_bytes(RANDOM)
        .tempfile_in(folder(path))
}

fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    };

    use super::*;

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
    fn files_are_private_and_leave_no_temporary() {
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
    fn only_regular_files_are_replaced() {
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
                    // Nobody but root may create a file next to devices.
                    Err(WriteError::Io(error)) if what == "a device" => {
                        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
                    }
                    other => panic!("{}: {other:?}", path.display()),
                }
            }
        }
        assert_eq!(fs::read_to_string(at("target")).expect("text"), "kept");
        assert_eq!(
            names(folder.path()),
            ["dangling", "folder", "link", "socket", "target"]
        );
    }
}
