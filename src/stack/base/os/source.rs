//! The source, as far as operating systems differ.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What only Unix has.
const UNIX_ONLY: &[&str] = &[
    "os::unix",
    "os::linux",
    "os::fd",
    "signal::unix",
    "rustix",
    "libc::",
    "nix::",
    "process_group",
    "PermissionsExt",
    "\"/proc",
    "\"/dev/",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn unix_api_is_used_in_one_module_only() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let here = ["stack/base/os", "stack/base/os_tests.rs"].map(|place| source.join(place));
    let mut all = Vec::new();
    sources(&source, &mut all);
    assert!(all.len() > 100, "{all:?}");
    let mut wrong = Vec::new();
    let mut used = 0;
    for path in all {
        let text = fs::read_to_string(&path).expect("text");
        for word in UNIX_ONLY.iter().filter(|word| text.contains(**word)) {
            if here.iter().any(|place| path.starts_with(place)) {
                used += 1;
            } else {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(used > 0, "it is nowhere");
}
