//! Checks that the generated files in the repository are up to date: completions, man pages, examples in the README.
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
    assert_folder("completions", &expected);
}

#[test]
fn man_pages_are_up_to_date() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let mut command = Cli::command();
    // The default depends on the environment of the test run.
    command = command.disable_help_flag(false);
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
fn readme_examples_match_the_program_output() {
    let readme = fs::read_to_string("README.md").expect("the README");
    let mut fresh = readme.clone();
    let parts: Vec<&str> = readme.split("```console\n").collect();
    assert!(parts.len() > 1, "the README has an example");
    for pair in parts.windows(2) {
        let block = pair[1].split("```").next().expect("the end of the block");
        let (command, shown) = block.split_once('\n').expect("a command and its output");
        let arguments = command.strip_prefix("$ meshdoctor ").expect("a command of ours");
        let (shown, more) = shown.strip_suffix(MORE).map_or((shown, ""), |shown| (shown, MORE));
        let lines = shown.lines().count();
        assert!(lines > 3, "{command} shows no output");
        let stdout = printed(arguments, pair[0]);
        let mut printed: Vec<&str> = stdout.lines().take(lines).collect();
        printed.push("");
        let printed = printed.join("\n");
        fresh = fresh.replace(block, &format!("{command}\n{printed}{more}"));
    }
    snapbox::assert_data_eq!(fresh, snapbox::Data::read_from(Path::new("README.md"), None).raw());
}

/// Every bound of `stack/base/limits.rs` as users read it, in the order of `docs/limits.md`: what is read, and the most of it.
const LIMITS: &[(&str, &str)] = &[
    ("One answer of the API server", "10 MiB"),
    ("All answers of the API server that are held at once", "20 MiB"),
    ("A list of the API server, all pages together", "512 MiB and 1000 pages, each summed up before the next one"),
    ("Elements of arrays in one answer of the API server", "100 000"),
    ("Repeated requests when the API server is overloaded", "10 for each request, within --timeout"),
    ("A recording, dump or backup (file or standard input)", "32 MiB"),
    ("A folder of recordings", "64 MiB in 2000 files"),
    ("A kubeconfig", "4 MiB"),
    ("A CA, certificate, key or token file", "1 MiB"),
    ("A watch-list", "4 MiB"),
    ("Nesting of JSON and YAML", "100 levels"),
    ("Values in one JSON or YAML text", "1 000 000"),
    ("Aliases in one YAML text", "4 MiB of copies"),
    ("Time for files and standard input", "--timeout"),
    ("Standard output of a credential plugin", "1 MiB"),
    ("Standard error of a credential plugin", "the last 64 KiB"),
    ("`/varz` of a broker server", "1 MiB"),
    ("One page of `/connz` of a broker server", "8 MiB"),
    ("Pages of `/connz` of a broker server", "200, within 5 s"),
    (
        "Connections of a broker server that are kept",
        "500 of MeshSync's and the server's names, 500 others; the others are counted",
    ),
    ("Subjects of one connection that are kept", "100"),
    ("One text in a broker's answer", "256 bytes; cut"),
    ("One line of the NATS protocol", "64 KiB"),
    ("One message from a broker", "8 MiB; a larger one is left out and counted as lost"),
    ("Messages from a broker that wait to be read", "16 384; further ones are left out and counted as lost"),
    ("A kubelet's text about a port", "300 bytes; cut"),
];

#[test]
fn documentation_lists_every_limit() {
    let page = fs::read_to_string("docs/limits.md").expect("the page");
    let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    let rows = LIMITS.iter().map(|(source, most)| format!("| {source} | {most} |"));
    let expected: Vec<String> = std::iter::once("| What is read | Limit |".to_owned()).chain(rows).collect();
    assert_eq!(documented, expected);
}
