//! Containers that fail.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// [`run`] with the lines of a file as arguments.
pub(crate) fn run_from_file(path: &str) -> Result<ExitCode> {
    let lines: Vec<String> = std::fs::read_to_string(path)?.lines().map(str::to_owned).collect();
    run(&lines)
}

/// `exit CODE MESSAGE`: prints the message and exits. `fill`: allocates memory until it is killed. `wait`: does nothing.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["exit", code, message] => {
            eprintln!("{message}");
            Ok(code.parse::<u8>().context("no exit code")?.into())
        }
        ["fill"] => {
            let mut memory: Vec<Vec<u8>> = Vec::new();
            loop {
                // Ones, because the kernel gives zeros without memory behind them.
                memory.push(vec![1; 4 << 20]);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        ["wait"] => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
        _ => bail!("unknown arguments: {}", words.join(" ")),
    }
}
