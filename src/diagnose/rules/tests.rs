use std::collections::BTreeSet;

use super::*;

#[test]
fn checks_come_after_their_prerequisites() {
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
