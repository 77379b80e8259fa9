//! Checks that the generated files in the repository are up to date: completions, man pages, the picture in the README,
//! examples in the documentation.
//!
//! `SNAPSHOTS=overwrite` updates them.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{fixture::fixture, tool::meshdoctor};
use clap::CommandFactory;
use meshdoctor::cli::args::Cli;

fn assert_folder(folder: &str, expected: &BTreeMap<String, String>) {
    let folder = Path::new(folder);
    for (name, text) in expected {
        snapbox::assert_data_eq!(text.clone(), snapbox::Data::read_from(&folder.join(name), None).raw());
    }
    for entry in fs::read_dir(folder).expect("the folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(expected.contains_key(&name), "{} is no longer generated", folder.join(name).display());
    }
}

#[test]
fn completions_are_up_to_date() {
    let shells = [
        ("bash", "meshdoctor.bash"),
        ("zsh", "_meshdoctor"),
        ("fish", "meshdoctor.fish"),
        ("powershell", "_meshdoctor.ps1"),
        ("elvish", "meshdoctor.elv"),
    ];
    let expected = shells
        .iter()
        .map(|(shell, file)| {
            let ran = meshdoctor(&format!("completion {shell}")).run().exits(0);
            ((*file).to_owned(), ran.stdout)
        })
        .collect();
    let mut expected: BTreeMap<String, String> = expected;
    // The script for kubectl asks for candidates in the same way; it is written by hand.
    let plugin = "kubectl_complete-meshdoctor";
    expected.insert(plugin.into(), fs::read_to_string(Path::new("completions").join(plugin)).expect("the script"));
    assert_folder("completions", &expected);
}

#[test]
fn man_pages_are_up_to_date() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let command = Cli::command().propagate_version(true);
    clap_mangen::generate_to(command, scratch.path()).expect("man pages");
    let expected = fs::read_dir(scratch.path())
        .expect("the pages")
        .map(|entry| {
            let entry = entry.expect("a page");
            let text = fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    assert_folder("man", &expected);
}

/// An example may end early. The lines that it shows must be what the program prints.
const MORE: &str = "…\n";

/// Precedes an example of a live run and names the fixture that replaces the cluster.
const FIXTURE: &str = "<!-- fixture: ";

/// What the program prints. For a fixture that replaces a cluster, the line that names the recording is left out.
fn printed(arguments: &str, before: &str) -> String {
    let last = before.lines().last().unwrap_or_default();
    let Some(name) = last.strip_prefix(FIXTURE) else {
        return meshdoctor(arguments).env("COLUMNS", "100").run().stdout;
    };
    let name = name.trim_end_matches(" -->");
    let path = fixture(name);
    let root = path.ancestors().nth(2).expect("the folder above fixtures/");
    let mut tool = meshdoctor(&format!("{arguments} --from fixtures/{name}"));
    tool.command().current_dir(root).env("COLUMNS", "100");
    let stdout = tool.run().stdout;
    let lines = stdout.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("recording fixtures/"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn examples_in_the_documentation_match_the_program_output() {
    let mut pages: Vec<_> =
        fs::read_dir("docs").expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    pages.push("README.md".into());
    let mut examples = 0;
    for page in pages.iter().filter(|page| page.extension().is_some_and(|ending| ending == "md")) {
        let text = fs::read_to_string(page).expect("the page");
        let mut fresh = text.clone();
        let parts: Vec<&str> = text.split("```console\n").collect();
        for pair in parts.windows(2) {
            examples += 1;
            let block = pair[1].split("```").next().expect("the end of the block");
            fresh = fresh.replace(block, &fresh_example(block, pair[0]));
        }
        snapbox::assert_data_eq!(fresh, snapbox::Data::read_from(page, None).raw());
    }
    assert!(examples > 1, "the documentation has examples");
}

/// An example with what the program prints today. It keeps its length.
fn fresh_example(block: &str, before: &str) -> String {
    let (command, shown) = block.split_once('\n').expect("a command and its output");
    let arguments = command.strip_prefix("$ meshdoctor ").expect("a command of ours");
    let (shown, more) = shown.strip_suffix(MORE).map_or((shown, ""), |shown| (shown, MORE));
    let lines = shown.lines().count();
    assert!(lines > 3, "{command} shows no output");
    let stdout = printed(arguments, before);
    let mut printed: Vec<&str> = stdout.lines().take(lines).collect();
    printed.push("");
    format!("{command}\n{}{more}", printed.join("\n"))
}

#[test]
fn picture_in_the_readme_shows_the_program_output() {
    let ran = meshdoctor("check --from fixtures/connected-but-blind --color always").env("COLUMNS", "96").run();
    let prompt = "\u{1b}[2m$\u{1b}[0m \u{1b}[1mmeshdoctor check\u{1b}[0m\n";
    let recorded = |line: &&str| !line.contains("recording fixtures/");
    // The picture's library reads one attribute in a sequence, so color and weight get one each.
    let screen: Vec<String> =
        ran.stdout.lines().filter(recorded).map(|line| line.replace(";1m", "m\u{1b}[1m")).collect();
    let picture = anstyle_svg::Term::new().render_svg(&format!("{prompt}{}\n", screen.join("\n")));
    snapbox::assert_data_eq!(picture, snapbox::Data::read_from(Path::new("docs/check.svg"), None).raw());
}

#[cfg(unix)]
#[test]
fn completion_of_the_plugin_asks_the_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin = folder.path().join("kubectl-meshdoctor");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_meshdoctor"), plugin).expect("a link");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let complete = |words: &[&str]| {
        let mut command = std::process::Command::new("completions/kubectl_complete-meshdoctor");
        let output = command.args(words).env("PATH", &path).output().expect("the script");
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(complete(&["explain", "broker-l"]), "broker-lame-duck\n:4\n");
    let first = complete(&[""]);
    assert_eq!(first.lines().next(), Some("check"), "{first}");
    assert!(!first.lines().any(|line| line == "-"), "{first}");
}

#[test]
fn completion_knows_codes_components_and_contexts() {
    let folder = tempfile::tempdir().expect("a folder");
    let kubeconfig = folder.path().join("config");
    let contexts = "contexts: [{name: prod-eu, context: {cluster: a, user: b, namespace: mesh-prod}}]";
    fs::write(&kubeconfig, format!("apiVersion: v1\nkind: Config\n{contexts}\n")).expect("a kubeconfig");
    fs::create_dir(folder.path().join(".meshery")).expect("a folder");
    let configuration = "contexts: {local: {endpoint: 'http://localhost:9081'}}\n";
    fs::write(folder.path().join(".meshery/config.yaml"), configuration).expect("a configuration");
    for (words, expected) in [
        (&["check", "--only", "brok"][..], "broker"),
        (&["check", "--only", "broker,meshsync-not-c"], "broker,meshsync-not-connected"),
        (&["explain", "stat"], "states"),
        (&["explain", "operator-ro"], "operator-role-incomplete"),
        (&["status", "--context", ""], "prod-eu"),
        (&["status", "-n", "mesh-"], "mesh-prod"),
        (&["check", "--meshery-context", "lo"], "local"),
    ] {
        let ran = meshdoctor("")
            .args(&["--", "meshdoctor"])
            .args(words)
            .env("MESHDOCTOR_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
            .env("_CLAP_IFS", "\n")
            .env("HOME", folder.path())
            .kubeconfig(&kubeconfig)
            .run();
        assert!(ran.stdout.lines().any(|line| line == expected), "{words:?}: {}", ran.stdout);
    }
}
