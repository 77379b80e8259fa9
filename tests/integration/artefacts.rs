//! What is generated and checked in is what would be generated today: completions, man pages, the README's picture.
//!
//! `SNAPSHOTS=overwrite` brings them up to date.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{fixture::fixture, tool::meshdoctor};
use clap::CommandFactory;
use meshdoctor::cli::args::Cli;

fn assert_folder(folder: &str, wanted: &BTreeMap<String, String>) {
    let folder = Path::new(folder);
    for (name, text) in wanted {
        snapbox::assert_data_eq!(text.clone(), snapbox::Data::read_from(&folder.join(name), None).raw());
    }
    for entry in fs::read_dir(folder).expect("the folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(wanted.contains_key(&name), "{} is no longer generated", folder.join(name).display());
    }
}

#[test]
fn completions_are_fresh() {
    let shells = [
        ("bash", "meshdoctor.bash"),
        ("zsh", "_meshdoctor"),
        ("fish", "meshdoctor.fish"),
        ("powershell", "_meshdoctor.ps1"),
        ("elvish", "meshdoctor.elv"),
    ];
    let wanted = shells
        .iter()
        .map(|(shell, file)| {
            let ran = meshdoctor(&format!("completion {shell}")).run().exits(0);
            ((*file).to_owned(), ran.stdout)
        })
        .collect();
    assert_folder("completions", &wanted);
}

#[test]
fn man_pages_are_fresh() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let mut command = Cli::command();
    // The default follows the environment of whoever runs this.
    command = command.disable_help_flag(false);
    clap_mangen::generate_to(command, scratch.path()).expect("man pages");
    let wanted = fs::read_dir(scratch.path())
        .expect("the pages")
        .map(|entry| {
            let entry = entry.expect("a page");
            let text = fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    assert_folder("man", &wanted);
}

/// The picture may stop early; what it shows must be what the program prints.
const MORE: &str = "…\n";

/// In front of a picture of a live run: the fixture that stands for the cluster.
const FIXTURE: &str = "<!-- fixture: ";

/// What the program prints; of a fixture that stands for a cluster without the line that names the recording.
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
fn the_readme_shows_what_the_program_prints() {
    let readme = fs::read_to_string("README.md").expect("the README");
    let mut fresh = readme.clone();
    let parts: Vec<&str> = readme.split("```console\n").collect();
    assert!(parts.len() > 1, "the README has a picture");
    for pair in parts.windows(2) {
        let block = pair[1].split("```").next().expect("the end of the block");
        let (command, shown) = block.split_once('\n').expect("a command and its output");
        let arguments = command.strip_prefix("$ meshdoctor ").expect("a command of ours");
        let (shown, more) = shown.strip_suffix(MORE).map_or((shown, ""), |shown| (shown, MORE));
        let lines = shown.lines().count();
        assert!(lines > 3, "{command} shows nothing");
        let stdout = printed(arguments, pair[0]);
        let mut printed: Vec<&str> = stdout.lines().take(lines).collect();
        printed.push("");
        let printed = printed.join("\n");
        fresh = fresh.replace(block, &format!("{command}\n{printed}{more}"));
    }
    snapbox::assert_data_eq!(fresh, snapbox::Data::read_from(Path::new("README.md"), None).raw());
}
