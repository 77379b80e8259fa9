//! Starts the test cluster by hand, to try the tool on it.
//!
//! `cargo run --example bed -- healthy` starts a cluster with the stack in that state, prints how to connect to it, and
//! runs until Ctrl-C.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "mod.rs"]
mod bed;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use tokio::sync::oneshot;

/// Start a temporary cluster with Meshery's stack in a given state.
#[derive(Debug, Parser)]
struct Args {
    /// State of the stack; --list prints all states.
    #[arg(default_value = "healthy")]
    state: String,
    /// Namespace [default: meshery; meshplay for the state meshplay].
    #[arg(short, long)]
    namespace: Option<String>,
    /// Also stop at the end of standard input.
    #[arg(long)]
    until_eof: bool,
    /// Print the states and exit.
    #[arg(long)]
    list: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match start(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start(args: &Args) -> Result<()> {
    if args.list {
        for bed::states::Situation { name, summary, .. } in bed::states::ALL {
            println!("{name:40} {summary}");
        }
        return Ok(());
    }
    tokio::select! {
        result = run(args) => result,
        result = tokio::signal::ctrl_c() => Ok(result?),
    }
}

async fn run(args: &Args) -> Result<()> {
    let situation = bed::states::named(&args.state)?;
    let namespace = args.namespace.as_deref().unwrap_or(situation.profile());
    let start = Instant::now();
    let cluster = bed::Cluster::start().await?;
    println!("The cluster is ready after {:.1} s.", start.elapsed().as_secs_f32());
    cluster.create_namespace(namespace).await?;
    let start = Instant::now();
    let stack = bed::states::apply(&args.state, &cluster, namespace).await?;
    println!(
        "The stack is in state {} after another {:.1} s. In another terminal, run:\n",
        args.state,
        start.elapsed().as_secs_f32()
    );
    println!("  export KUBECONFIG={}", cluster.kubeconfig().display());
    println!("  export PATH=$PATH:{}   # kubectl", bed::folder()?.display());
    let option = if namespace == "meshery" { String::new() } else { format!(" --namespace {namespace}") };
    println!("  meshdoctor system check{option}");
    println!("  meshdoctor system status{option}\n");
    println!("Ctrl-C stops the cluster and removes its files.");
    if args.until_eof {
        // A thread that is never joined, because a read from standard input cannot be canceled.
        let (sender, receiver) = oneshot::channel();
        std::thread::spawn(move || sender.send(std::io::copy(&mut std::io::stdin(), &mut std::io::sink())));
        receiver.await??;
    } else {
        std::future::pending::<()>().await;
    }
    drop(stack);
    Ok(())
}
