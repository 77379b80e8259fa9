//! Writes files completely or not at all, readable only by their owner.
//!
//! The text is first written to a temporary file in the same folder. That file is created exclusively, has an
//! unpredictable name, and is flushed to disk before it is renamed. After a full disk or a killed run, the old content
//! is still there.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use tempfile::NamedTempFile;

use super::{os, words};

/// Random characters in the name of a temporary file.
const RANDOM: usize = 16;

/// What to do with an existing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Keep it and fail.
    Keep,
    /// Replace it.
    Replace,
}

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The path exists and is not a regular file. It is never replaced.
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    /// The operating system returned an error.
    #[error("{}", words::io(.0))]
    Io(#[from] io::Error),
}

/// Whether the path is a regular file. Symbolic links are not followed, because their target is not known.
///
/// # Errors
///
/// [`WriteError::NotRegular`] if the path is anything else.
pub fn exists(path: &Path) -> Result<bool, WriteError> {
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
    } else {
        os::kind_of_file(kind)
    };
    Err(WriteError::NotRegular(what))
}

/// Writes a file.
///
/// # Errors
///
/// [`WriteError`] if it cannot be written. The old content stays, and no temporary file is left.
pub fn write(path: &Path, text: &str, existing: Existing) -> Result<(), WriteError> {
    let mut file = temporary(path)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    // Checked immediately before the rename, because the file may have been created in the meantime.
    exists(path)?;
    match existing {
        Existing::Keep => file.persist_noclobber(path),
        Existing::Replace => file.persist(path),
    }
    .map_err(|failure| failure.error)?;
    // Some file systems cannot flush a folder. The file itself is complete.
    let _ = fs::File::open(folder(path)).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Checks that a file can be created at this path later.
///
/// # Errors
///
/// [`WriteError`] if it cannot be created.
pub fn try_out(path: &Path) -> Result<(), WriteError> {
    exists(path)?;
    temporary(path)?.close()?;
    Ok(())
}

/// Creates a temporary file next to `path`, which is removed on drop. On Unix its mode is 0600.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".meshdoctor-").rand_bytes(RANDOM).tempfile_in(folder(path))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
