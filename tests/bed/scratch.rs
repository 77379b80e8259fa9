//! The folder of one cluster: data, keys, kubeconfigs and logs; removed in the end, however that end comes.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// When this variable is set, the folder is kept and its place printed.
pub const KEEP: &str = "MESHDOCTOR_BED_KEEP";

/// Waits for the end of its input, which is the end of the test process, and then removes the folder. Programs that
/// are being killed at the same moment may still write a file, hence the repetition.
const JANITOR: &str = r#"
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$1" 2>/dev/null && exit 0
  sleep 0.2
done
"#;

/// A scratch folder with its janitor.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    janitor: Option<Child>,
}

impl Scratch {
    /// Makes a folder of its own under the system's temporary one.
    pub fn new() -> Result<Self> {
        let path = tempfile::Builder::new().prefix("meshdoctor-bed-").tempdir()?.keep();
        let janitor = if std::env::var_os(KEEP).is_some() {
            eprintln!("{KEEP} is set: {} will be kept", path.display());
            None
        } else {
            let child = Command::new("sh")
                .args(["-c", JANITOR, "sh"])
                .arg(&path)
                .current_dir("/")
                .process_group(0)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .context("cannot start the shell that removes the scratch folder")?;
            Some(child)
        };
        Ok(Self { path, janitor })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(janitor) = &mut self.janitor {
            drop(janitor.stdin.take());
            let _ = janitor.wait();
        }
    }
}
