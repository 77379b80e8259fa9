//! Every code, in the order of the data path, and lookup by name.

use super::{
    Check,
    diagnosis::{Code, WORKLOADS},
    rules,
};

/// Every code; diagnoses of workloads are expanded for each component.
pub fn all() -> impl Iterator<Item = Code> {
    rules::diagnoses().flat_map(|diagnosis| {
        let components = match &diagnosis.component {
            Some(component) => std::slice::from_ref(component),
            None => WORKLOADS.as_slice(),
        };
        components.iter().map(move |component| Code { diagnosis, component: *component })
    })
}

/// The code with that name.
pub fn find(code: &str) -> Option<Code> {
    all().find(|known| known.code() == code)
}

/// Every check of a cluster, a test or a preflight.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    rules::every()
}

/// The check with this ID.
pub fn check(id: &str) -> Option<&'static Check> {
    checks().find(|check| check.id == id)
}

/// The codes that a check can find.
pub fn found_by(check: &Check) -> impl Iterator<Item = Code> {
    all().filter(|known| check.can_find(known))
}

/// Topics that have an explanation besides codes, with their titles.
pub const TOPICS: &[(&str, &str)] = &[("states", "What each state means")];

/// The text of a topic.
pub fn topic(word: &str) -> Option<&'static str> {
    match word {
        "state" | "states" => Some(include_str!("states.md")),
        _ => None,
    }
}

/// The codes, checks and topics that are most similar to this word.
pub fn nearest(word: &str) -> Vec<String> {
    let topics = TOPICS.iter().map(|(topic, _)| (*topic).to_owned());
    let ids = checks().map(|check| check.id.to_owned());
    nearest_of(word, all().map(|known| known.code()).chain(ids).chain(topics))
}

/// The three candidates that are most similar to this word.
pub fn nearest_of(word: &str, words: impl Iterator<Item = String>) -> Vec<String> {
    let mut near: Vec<(usize, String)> = words
        .map(|code| (strsim::levenshtein(word, &code), code))
        .filter(|(distance, code)| *distance <= (code.len() / 4).max(1) || (word.len() > 2 && code.contains(word)))
        .collect();
    near.sort();
    near.dedup();
    near.truncate(3);
    near.into_iter().map(|(_, code)| code).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::stack::{component::Component, error_codes, profile::MESHERY};

    #[test]
    fn codes_are_unique_and_explained_codes_exist() {
        let codes: Vec<String> = all().map(|known| known.code()).collect();
        let set: BTreeSet<&String> = codes.iter().collect();
        assert_eq!(codes.len(), set.len());
        for known in all() {
            for (template, code) in known.diagnosis.explains.iter().zip(known.explains()) {
                // Some codes of a template exist only for one component.
                let exists = set.contains(&code)
                    || WORKLOADS.iter().any(|w| set.contains(&template.replace("{component}", w.code())));
                assert!(exists, "{} explains the unknown {code}", known.code());
            }
        }
    }

    #[test]
    fn every_explanation_begins_with_its_code_and_has_every_part() {
        for known in all() {
            let text = known.explanation(&MESHERY);
            let code = known.code();
            assert!(text.starts_with(&format!("# {code}\n")), "{code}");
            for part in ["## What it means", "## Causes", "## How to confirm", "## How to fix", "## Versions"] {
                assert!(text.contains(part), "{code} lacks {part}");
            }
            assert!(!text.contains("{component}"), "{code}");
        }
    }

    #[test]
    fn nearest_suggests_the_code_for_a_typo() {
        assert_eq!(nearest("meshsync-cant-list")[0], "meshsync-cannot-list");
        assert_eq!(nearest("state"), ["states", "states-observable"]);
        assert!(nearest("zzz").is_empty());
    }

    #[test]
    fn error_codes_refer_to_existing_diagnoses() {
        for section in error_codes::all() {
            let see = section.lines().find_map(|line| line.strip_prefix("Diagnosed as: ")?.strip_suffix('.'));
            for see in see.into_iter().flat_map(|see| see.split(", ")) {
                assert!(find(see).is_some(), "{section} refers to {see}");
            }
        }
    }

    /// The file name is the code without the component, in the component's folder.
    fn file_of(known: Code) -> String {
        let code = known.diagnosis.code;
        let prefix =
            Component::ALL.iter().find_map(|it| Some((it.code(), code.strip_prefix(it.code())?.strip_prefix('-')?)));
        let (folder, rest) = match (code.strip_prefix("{component}-").map(|rest| ("workload", rest)), prefix) {
            _ if code.starts_with("smh-") => ("hub", &code["smh-".len()..]),
            (Some(found), _) | (None, Some(found)) => found,
            (None, None) => (known.component.code(), code),
        };
        format!("src/diagnose/rules/{folder}/{}", rest.replace('-', "_"))
    }

    #[test]
    fn every_code_has_its_file_and_its_explanation() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for known in all() {
            let file = file_of(known);
            let source = std::fs::read_to_string(root.join(format!("{file}.rs")))
                .unwrap_or_else(|error| panic!("{}: {file}.rs: {error}", known.code()));
            let declared = format!("code: \"{}\"", known.diagnosis.code);
            assert!(source.contains(&declared), "{file}.rs is not of {}", known.code());
            assert!(root.join(format!("{file}.md")).exists(), "{file}.md");
        }
    }
}
