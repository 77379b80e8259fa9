//! Writes files: whole or not at all, and readable by their owner only.
//!
//! The text goes into a temporary file in the same folder, which is created exclusively and under an unpredictable name,
//! is flushed to the disk, and is then moved to its place. A full disk or a killed run leaves what was there before.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use tempfile::NamedTempFile;

use super::{os, words};

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
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something other than a regular file is there, which is never replaced.
    #[error("it is {0}, not a regular file")]
    NotRegular(&'static str),
    /// The system refused.
    #[error("{}", words::io(.0))]
    Io(#[from] io::Error),
}

/// Whether a regular file is there. Symbolic links are not followed: nobody knows what is at their end.
///
/// # Errors
///
/// [`WriteError::NotRegular`] for anything else that is there.
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

/// A new file next to `path`; dropping it removes it. On Unix its mode is 0600.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".meshdoctor-").rand_bytes(RANDOM).tempfile_in(folder(path))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
