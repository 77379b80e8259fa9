use std::collections::BTreeSet;

use super::*;
use crate::diagnose::diagnosis;

#[test]
fn every_check_stands_behind_those_it_depends_on() {
    let mut earlier = BTreeSet::new();
    for check in every() {
        for dependency in check.after {
            assert!(
                earlier.contains(dependency.id),
                "{} depends on {}, which is not before it",
                check.id,
                dependency.id
            );
        }
        assert!(earlier.insert(check.id), "{} is there twice", check.id);
    }
}

#[test]
fn every_code_is_found_by_a_check_and_every_check_finds_a_code() {
    let known: BTreeSet<&str> = diagnoses().map(|diagnosis| diagnosis.code).collect();
    let mut found = BTreeSet::new();
    for check in every() {
        assert!(!check.finds.is_empty(), "{} finds nothing", check.id);
        found.extend(check.finds.iter().map(|diagnosis| diagnosis.code));
    }
    assert_eq!(known, found);
}

/// A code's file is its rest after the component, in the folder of its component.
fn file_of(known: diagnosis::Code) -> String {
    let code = known.diagnosis.code;
    let prefix = crate::stack::component::Component::ALL
        .iter()
        .find_map(|it| Some((it.code(), code.strip_prefix(it.code())?.strip_prefix('-')?)));
    let (folder, rest) = match (code.strip_prefix("{component}-"), prefix) {
        (Some(rest), _) => ("workload", rest),
        (None, Some(found)) => found,
        (None, None) => (known.component.code(), code),
    };
    format!("src/diagnose/rules/{folder}/{}", rest.replace('-', "_"))
}

#[test]
fn every_code_has_its_file_and_its_explanation() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for known in diagnosis::all() {
        let file = file_of(known);
        let source = std::fs::read_to_string(root.join(format!("{file}.rs")))
            .unwrap_or_else(|error| panic!("{}: {file}.rs: {error}", known.code()));
        let declared = format!("code: \"{}\"", known.diagnosis.code);
        assert!(
            source.contains(&declared),
            "{file}.rs is not of {}",
            known.code()
        );
        assert!(root.join(format!("{file}.md")).exists(), "{file}.md");
    }
}
