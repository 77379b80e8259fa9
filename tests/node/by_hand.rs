//! Starts the test cluster with a node that runs containers, to try the tool on it.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::bed::{self, node, states};

/// Starts the cluster with the stack in a state, opens a shell in its network, and stops the cluster at the shell's end.
pub(crate) async fn start(state: &str, namespace: &str) -> Result<()> {
    ensure!(
        matches!(state, "healthy" | "nothing-installed"),
        "on a node that runs containers, the states are healthy and nothing-installed"
    );
    if std::env::var_os(node::IMAGES).is_none() {
        return enter();
    }
    let programs = bed::folder_of_meshdoctor()?;
    let started = Instant::now();
    let options = bed::Options { runs_containers: true, ..bed::Options::default() };
    let cluster = bed::Cluster::start_with(&options).await?;
    cluster.create_namespace(namespace).await?;
    println!("The node is ready after {:.1} s.", started.elapsed().as_secs_f32());
    if state == "healthy" {
        states::on_node(&cluster, namespace).await?;
        println!("The stack runs after {:.1} s.", started.elapsed().as_secs_f32());
    }
    println!(
        "\nThis shell runs in the cluster's network. Try:\n\n  meshdoctor check\n  meshdoctor test dataflow\n  kubectl get pods -A\n\nIts end stops the cluster and removes its files."
    );
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}:{}", programs.display(), bed::folder()?.display());
    let shell = std::env::var("SHELL").unwrap_or_else(|_| "sh".to_owned());
    let run = move |kubeconfig: std::path::PathBuf| {
        Command::new(&shell).env("KUBECONFIG", kubeconfig).env("PATH", &path).status().context("cannot start a shell")
    };
    let kubeconfig = cluster.kubeconfig();
    tokio::task::spawn_blocking(move || run(kubeconfig)).await??;
    Ok(())
}

/// Starts this program again in namespaces of its own.
fn enter() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    let built = Command::new(folder.join("images")).status()?;
    ensure!(built.success(), "the images of the node could not be built; the message is above");
    let mut command = Command::new(folder.join("enter"));
    Err(command.arg(std::env::current_exe()?).args(std::env::args_os().skip(1)).exec())
        .context("cannot run tests/node/enter")
}
