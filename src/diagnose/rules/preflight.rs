//! What every check of a preflight needs.

use crate::{diagnose::rules::prelude::*, facts::Preflight};

/// What was seen, for rules that are judged only where it was.
pub(crate) fn seen<'a>(context: &RuleContext<'a>) -> &'a Preflight {
    static NOTHING: Preflight = Preflight {
        user: Seen::NotLooked,
        objects: Vec::new(),
        pods: Vec::new(),
        nodes: Seen::NotLooked,
    };
    context.facts.preflight.as_ref().unwrap_or(&NOTHING)
}

/// `1 object`, `3 objects`.
pub(crate) fn counted(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}
