//! Candidates for shell completion. They come from this program, the kubeconfig and mesheryctl's configuration, never
//! from a cluster.

use std::ffi::OsStr;

use clap_complete::{CompleteEnv, Shell, engine::CompletionCandidate, env::Shells};

use crate::{
    cluster::{
        kubeconfig::{self, Named},
        server_access,
    },
    diagnose::codes,
    stack::{component::Component, error_codes, profile::MESHERY},
};

/// The variable by which a completion script asks for candidates.
const VARIABLE: &str = "MESHDOCTOR_COMPLETE";

/// Prints the candidates and ends the program if a completion script asks for them.
pub fn answer(command: &clap::Command) {
    if std::env::var_os(VARIABLE).is_some() {
        CompleteEnv::with_factory(|| command.clone()).var(VARIABLE).complete();
    }
}

/// The script of a shell, which asks this program for candidates.
///
/// # Errors
///
/// If writing to memory fails, which does not happen.
pub(crate) fn script(shell: Shell) -> std::io::Result<String> {
    let name = shell.to_string();
    let shells = Shells::builtins();
    let completer = shells.completer(&name).ok_or(std::io::ErrorKind::Unsupported)?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "meshdoctor", "meshdoctor", "meshdoctor", &mut script)?;
    String::from_utf8(script).map_err(std::io::Error::other)
}

/// The words that begin as typed, each with a help text.
fn starting(typed: &OsStr, words: impl Iterator<Item = (String, Option<String>)>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    words
        .filter(|(word, _)| word.starts_with(&*typed))
        .map(|(word, help)| CompletionCandidate::new(word).help(help.map(Into::into)))
        .collect()
}

fn diagnoses() -> impl Iterator<Item = (String, Option<String>)> {
    codes::all().map(|known| (known.code(), Some(known.title(&MESHERY))))
}

fn checks() -> impl Iterator<Item = (String, Option<String>)> {
    codes::checks().map(|check| (check.id.to_owned(), Some(check.title.to_owned())))
}

/// Codes, checks and components, as `--only` and `--skip` accept them.
pub(crate) fn selection(typed: &OsStr) -> Vec<CompletionCandidate> {
    let components =
        Component::ALL.map(|component| (component.code().to_owned(), Some(component.title(&MESHERY).into_owned())));
    starting(typed, components.into_iter().chain(diagnoses()).chain(checks()))
}

/// The codes and topics of `explain`.
pub(crate) fn explained(typed: &OsStr) -> Vec<CompletionCandidate> {
    let topics = codes::TOPICS.iter().map(|(word, help)| ((*word).to_owned(), Some((*help).to_owned())));
    let stack = error_codes::all().filter_map(|section| {
        let (program, code) = section.lines().next()?.split_once(' ')?;
        Some((code.to_owned(), Some(program.to_owned())))
    });
    starting(typed, topics.chain(diagnoses()).chain(checks()).chain(stack))
}

/// Contexts of the kubeconfig.
pub(crate) fn contexts(typed: &OsStr) -> Vec<CompletionCandidate> {
    named(typed, Named::Contexts)
}

/// Clusters of the kubeconfig.
pub(crate) fn clusters(typed: &OsStr) -> Vec<CompletionCandidate> {
    named(typed, Named::Clusters)
}

/// Users of the kubeconfig.
pub(crate) fn users(typed: &OsStr) -> Vec<CompletionCandidate> {
    named(typed, Named::Users)
}

/// Namespaces of the kubeconfig's contexts.
pub(crate) fn namespaces(typed: &OsStr) -> Vec<CompletionCandidate> {
    named(typed, Named::Namespaces)
}

/// Contexts of mesheryctl.
pub(crate) fn meshery_contexts(typed: &OsStr) -> Vec<CompletionCandidate> {
    starting(typed, server_access::context_names().into_iter().map(|name| (name, None)))
}

fn named(typed: &OsStr, of: Named) -> Vec<CompletionCandidate> {
    starting(typed, kubeconfig::names(of).into_iter().map(|name| (name, None)))
}
