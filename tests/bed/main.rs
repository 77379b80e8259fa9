//! The test cluster, to start by hand and try the tool on.
//!
//! `cargo run --example bed -- healthy` starts a cluster with the stack in that state, says how to reach it and stays
//! until Ctrl-C.

#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "mod.rs"]
mod bed;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use tokio::sync::oneshot;

/// Starts a throw-away cluster with Meshery's stack in a chosen state.
#[derive(Debug, Parser)]
struct Args {
    /// The stack's state; --list shows them all.
    #[arg(default_value = "healthy")]
    state: String,
    /// The namespace [default: meshery, or meshplay for its state].
    #[arg(short, long)]
    namespace: Option<String>,
    /// Also end when standard input does.
    #[arg(long)]
    until_eof: bool,
    /// Print the states and stop.
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
    println!("The cluster is up after {:.1} s.", start.elapsed().as_secs_f32());
    cluster.create_namespace(namespace).await?;
    let start = Instant::now();
    let stack = bed::states::apply(&args.state, &cluster, namespace).await?;
    println!(
        "The state {} is there after another {:.1} s. In another terminal:\n",
        args.state,
        start.elapsed().as_secs_f32()
    );
    println!("  export KUBECONFIG={}", cluster.kubeconfig().display());
    println!("  export PATH=$PATH:{}   # kubectl", bed::folder()?.display());
    let option = if namespace == "meshery" { String::new() } else { format!(" --namespace {namespace}") };
    println!("  meshdoctor system check{option}");
    println!("  meshdoctor system status{option}\n");
    println!("Ctrl-C ends it and leaves nothing.");
    if args.until_eof {
        // A thread that nobody waits for: a read of the standard input cannot be called off.
        let (tell, told) = oneshot::channel();
        std::thread::spawn(move || tell.send(std::io::copy(&mut std::io::stdin(), &mut std::io::sink())));
        told.await??;
    } else {
        std::future::pending::<()>().await;
    }
    drop(stack);
    Ok(())
}
