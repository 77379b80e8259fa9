//! The programs in the containers of a real node, in one static binary: the name under which it is called chooses the
//! program, as in busybox.
//!
//! `pause` holds a pod's namespaces. `manager` is the operator and `nats-server-config-reloader` the second container of
//! the broker's pods; each has the flags of the real one. `trouble` fails in a way of choice.

// Their stderr is their log.
#![allow(clippy::print_stderr)]

#[path = "../../bed/mod.rs"]
mod bed;
mod operator;
mod reloader;
mod trouble;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let called = arguments.next().unwrap_or_default();
    let name = Path::new(&called).file_name().unwrap_or_default().to_string_lossy().into_owned();
    match run(&name, &arguments.collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str, arguments: &[String]) -> Result<ExitCode> {
    // An image with this file is a copy of another one whose program fails.
    if name != "trouble" && Path::new("/how-to-fail").exists() {
        return trouble::run_from_file("/how-to-fail");
    }
    match name {
        "pause" => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
        "manager" => operator::run(arguments)?,
        "nats-server-config-reloader" => reloader::run(arguments)?,
        "trouble" => return trouble::run(arguments),
        _ => bail!("there is no program of this name"),
    }
    Ok(ExitCode::SUCCESS)
}
