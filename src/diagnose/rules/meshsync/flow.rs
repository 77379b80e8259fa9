//! What every check of the synthetic test needs. They are judged only where the test was made.

use crate::{
    diagnose::rules::prelude::*,
    facts::{FlowTest, HeldBack},
};

/// Judges what the test saw; without one there is nothing to judge.
pub(crate) fn with(context: &RuleContext<'_>, judge: impl FnOnce(&FlowTest) -> Judgement) -> Judgement {
    match context.facts.test.as_ref().and_then(|test| test.flow.as_ref()) {
        Some(flow) => judge(flow),
        None => Outcome::skip("the flow of events was not tested"),
    }
}

/// Why there are no changes to judge.
pub(crate) fn untried(flow: &FlowTest) -> Option<String> {
    Some(match flow.held_back.as_ref() {
        None if flow.passive.is_some() => "nothing was written: --passive".into(),
        None => return None,
        Some(
            HeldBack::NobodyToHear(why)
            | HeldBack::NobodyToPublish(why)
            | HeldBack::NotWatched { why, .. }
            | HeldBack::CutShort(why),
        ) => why.clone(),
        Some(HeldBack::Refused(refusal)) => refusal.message.clone(),
    })
}

/// A time for people.
pub(crate) fn span(micros: u64) -> String {
    crate::stack::base::words::short_span(micros)
}

/// A time that was asked for.
pub(crate) fn said(micros: u64) -> String {
    crate::stack::base::words::span(std::time::Duration::from_micros(micros))
}

/// What was done, and how far it came.
pub(crate) fn course(flow: &FlowTest) -> Vec<String> {
    let Some(object) = &flow.object else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let made = flow.changes.iter().filter(|c| c.acknowledged.is_some());
    let words: Vec<&str> = made.map(|change| change.event.as_str()).collect();
    lines.push(format!(
        "{} {}/{}-1: the API server acknowledged {}",
        object.kind,
        object.namespace,
        object.name,
        words.join(", ")
    ));
    let told = flow.changes.iter().filter(|c| c.watched.is_some()).count();
    if told > 0 {
        let all = if told == words.len() { "all".to_owned() } else { told.to_string() };
        lines.push(format!("a watch of our own was told of {all} of them"));
    }
    lines
}
