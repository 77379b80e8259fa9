//! The temporary folder of one cluster: data, keys, kubeconfigs and logs. It is removed even if the process is killed.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// If this variable is set, the folder is kept and its path printed.
pub const KEEP: &str = "MESHDOCTOR_BED_KEEP";

/// Waits for the end of its input, which is the end of the test process, and then removes the folder. It retries
/// because programs that are killed at the same time may still write files.
const CLEANER: &str = r#"
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$1" 2>/dev/null && exit 0
  sleep 0.2
done
"#;

/// A temporary folder with the shell that removes it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    cleaner: Option<Child>,
}

impl Scratch {
    /// Creates a new folder in the system's temporary folder.
    pub fn new() -> Result<Self> {
        let path = tempfile::Builder::new().prefix("meshdoctor-bed-").tempdir()?.keep();
        let cleaner = if std::env::var_os(KEEP).is_some() {
            eprintln!("{KEEP} is set: {} will be kept", path.display());
            None
        } else {
            let child = Command::new("sh")
                .args(["-c", CLEANER, "sh"])
                .arg(&path)
                .current_dir("/")
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .context("cannot start the shell that removes the temporary folder")?;
            Some(child)
        };
        Ok(Self { path, cleaner })
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(cleaner) = &mut self.cleaner {
            drop(cleaner.stdin.take());
            let _ = cleaner.wait();
        }
    }
}
