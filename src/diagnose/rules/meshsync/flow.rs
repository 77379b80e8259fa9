//! What every check of the dataflow test needs. They apply only if that test was run.

use crate::{
    diagnose::rules::prelude::*,
    facts::{FlowTest, HeldBack},
};

/// The test's results; without them there is nothing to judge.
pub(crate) fn tested<'a>(context: &RuleContext<'a>) -> Result<&'a FlowTest, Undecided> {
    let flow = context.facts.test.as_ref().and_then(|test| test.flow.as_ref());
    flow.ok_or_else(|| Undecided::Skip("the event flow was not tested".into()))
}

/// Why there are no changes to judge.
pub(crate) fn untried(flow: &FlowTest) -> Option<String> {
    Some(match flow.held_back.as_ref() {
        None if flow.passive.is_some() => "nothing was written (--passive)".into(),
        None => return None,
        Some(
            HeldBack::NoConnection(why)
            | HeldBack::NoPublisher(why)
            | HeldBack::NotWatched { why, .. }
            | HeldBack::CutShort(why)
            | HeldBack::NoServer(why),
        ) => why.clone(),
        Some(HeldBack::Refused(refusal)) => refusal.message.clone(),
    })
}

/// A measured time in readable form.
pub(crate) fn span(micros: u64) -> String {
    crate::stack::base::words::short_span(micros)
}

/// A configured time in readable form.
pub(crate) fn said(micros: u64) -> String {
    crate::stack::base::words::span(std::time::Duration::from_micros(micros))
}

/// What the test did, and how far it got.
pub(crate) fn progress(flow: &FlowTest) -> Vec<String> {
    let Some(object) = &flow.object else {
        return Vec::new();
    };
    let made = flow.changes.iter().filter(|c| c.acknowledged.is_some());
    let words: Vec<&str> = made.map(|change| change.event.as_str()).collect();
    let acknowledged = format!("the API server acknowledged {}", words.join(", "));
    let mut lines = vec![format!("{} {}/{}-1: {acknowledged}", object.kind, object.namespace, object.name)];
    let watched = flow.changes.iter().filter(|c| c.watched.is_some()).count();
    if watched > 0 {
        let all = if watched == words.len() { "all".to_owned() } else { watched.to_string() };
        lines.push(format!("meshdoctor's own watch received {all} of them"));
    }
    lines
}
