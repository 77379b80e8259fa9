//! The stack's own error codes, as its programs print them in their logs, with the related diagnoses.
//!
//! The text is `error_codes.md`, with a section for each code of each program.

/// The sections of `error_codes.md`, each beginning with its heading: `Operator 1005`.
pub fn all() -> impl Iterator<Item = &'static str> {
    include_str!("error_codes.md").split("\n## ").skip(1)
}

/// The meanings of a code. The operator and MeshSync use the same numbers. `operator-1005` selects one of them.
pub fn find(word: &str) -> Vec<&'static str> {
    let is_meant = |section: &&str| {
        let heading = section.lines().next().unwrap_or_default();
        let (program, code) = heading.split_once(' ').unwrap_or_default();
        word == code || word.strip_prefix(&format!("{}-", program.to_lowercase())) == Some(code)
    };
    all().filter(is_meant).collect()
}

/// These sections as one text under a heading.
pub fn text(word: &str, sections: &[&str]) -> String {
    sections.iter().fold(format!("# {word}\n"), |text, section| text + "\n## " + section)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_by_number_and_by_name() {
        let programs =
            |word: &str| find(word).iter().filter_map(|section| section.split(' ').next()).collect::<Vec<_>>();
        assert_eq!(programs("1005"), ["Operator", "MeshSync"]);
        assert_eq!(programs("operator-1005"), ["Operator"]);
        assert_eq!(programs("meshkit-11118"), ["Meshery"]);
        assert!(programs("9999").is_empty());
    }

    #[test]
    fn every_code_of_operator_and_meshsync_has_a_section() {
        let numbers = |program: &str| all().filter(|section| section.starts_with(program)).count();
        assert_eq!((numbers("Operator "), numbers("MeshSync ")), (21, 16));
    }
}
