//! The folder with the cluster's programs, which are built on first use.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};

/// The folder with the cluster's programs. The first call on a machine builds them and prints that; it takes minutes.
pub fn folder() -> Result<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOLDER.get_or_init(|| build("tests/bed/build").map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(path),
        Err(message) => Err(anyhow!("{message}")),
    }
}

/// The folder with the programs of a node that runs containers; likewise.
pub fn node_folder() -> Result<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOLDER.get_or_init(|| build("tests/node/build").map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(path),
        Err(message) => Err(anyhow!("{message}")),
    }
}

/// The path of a program.
pub fn program(name: &str) -> Result<PathBuf> {
    Ok(folder()?.join(name))
}

fn build(script: &str) -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let output = Command::new(&script).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{} failed; its message is above", script.display());
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// The test bed's MeshSync, an example of this package. Building a test target does not build examples, so the first
/// call builds it in the target folder of the running program.
pub fn meshsync() -> Result<&'static Path> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match PROGRAM.get_or_init(|| example("meshsync").map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(path),
        Err(message) => Err(anyhow!("{message}")),
    }
}

/// Builds an example of this package if needed, and returns its path.
pub fn example(name: &str) -> Result<PathBuf> {
    cargo_build(&["--example", name])?;
    Ok(output_folder()?.join("examples").join(name))
}

/// The folder of the running program's profile with `meshdoctor` in it, which is built only if it is missing.
pub fn folder_of_meshdoctor() -> Result<PathBuf> {
    let folder = output_folder()?;
    if !folder.join("meshdoctor").exists() {
        eprintln!("Building meshdoctor. This takes a moment.");
        // Together with an example, cargo selects the same features of the dependencies as for the running program.
        cargo_build(&["--bin", "meshdoctor", "--example", "meshsync"])?;
    }
    Ok(folder)
}

/// Cargo's output folder for the profile of the running program.
fn output_folder() -> Result<PathBuf> {
    // target/<profile>/deps/<test>, or `examples` instead of `deps`.
    let running = std::env::current_exe()?;
    Ok(running.ancestors().nth(2).context("no profile folder")?.to_owned())
}

fn cargo_build(targets: &[&str]) -> Result<()> {
    let profile = output_folder()?;
    let target = profile.parent().context("no target folder")?;
    let name = match profile.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Cargo sets these variables for a test. With them, dependencies that read them would be rebuilt.
    for (name, _) in std::env::vars_os() {
        let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    let output = command
        .args(["build", "--frozen", "--quiet"])
        .args(targets)
        .args(["--profile", name, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()?;
    ensure!(
        output.status.success(),
        "cargo build {} failed:\n{}",
        targets.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
