//! The bounds on what is read from outside. `docs/limits.md` lists them for users.
//!
//! Every file, stream and answer has a bound, so that a hostile or broken peer can cost neither all the memory nor all
//! the time. What exceeds a bound is reported as that; it is never cut off silently.

/// One mebibyte.
pub const MIB: usize = 1024 * 1024;

/// One bound, as users read it.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What is read.
    pub source: &'static str,
    /// The most that is read of it.
    pub most: &'static str,
}

/// Every bound, in the order of `docs/limits.md`.
pub const LIMITS: &[Limit] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_lists_every_limit() {
        let page = include_str!("../docs/limits.md");
        let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
        let expected: Vec<String> = std::iter::once("| What is read | Limit |".to_owned())
            .chain(
                LIMITS
                    .iter()
                    .map(|limit| format!("| {} | {} |", limit.source, limit.most)),
            )
            .collect();
        assert_eq!(documented, expected);
    }
}
