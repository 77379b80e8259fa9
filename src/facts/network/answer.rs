//! What the pod of a network test writes to its log. The image is the user's choice, so every log is checked as if a
//! stranger had written it.

use serde::{Deserialize, Serialize};

use super::{Address, EndpointProbe, ProbeStep};
use crate::{facts::redact, stack::base::limits};

/// The maximum length of a detail, in characters.
const LONGEST_DETAIL: usize = 200;

/// The longest time that a step can take.
const LONGEST_STEP_MICROS: u64 = 600_000_000;

const API_VERSION: &str = "meshdoctor/v1";
const KIND: &str = "NetworkProbe";

/// The document in the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProbeAnswer {
    api_version: String,
    kind: String,
    endpoints: Vec<EndpointProbe>,
}

impl ProbeAnswer {
    /// With these results.
    pub fn of(endpoints: Vec<EndpointProbe>) -> Self {
        Self { api_version: API_VERSION.into(), kind: KIND.into(), endpoints }
    }
}

/// Why a log is not the result of the probe.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexpected {
    /// It is empty.
    #[error("its log is empty")]
    Empty,
    /// It is too long.
    #[error("its log has more than {} KiB", limits::PROBE_LOG / 1024)]
    TooLong,
    /// It is another text.
    #[error("its log is not a result of meshdoctor of this version; it begins with \"{0}\"")]
    NotAnAnswer(String),
    /// It is the result of another probe.
    #[error("its log is the result of another test")]
    OtherTest,
}

/// The results in a log, for exactly these addresses.
///
/// # Errors
///
/// [`Unexpected`] if it is anything else.
pub fn parse(log: &str, addresses: &[Address]) -> Result<Vec<EndpointProbe>, Unexpected> {
    if log.len() > limits::PROBE_LOG {
        return Err(Unexpected::TooLong);
    }
    if log.trim().is_empty() {
        return Err(Unexpected::Empty);
    }
    let Ok(answer) = serde_json::from_str::<ProbeAnswer>(log) else {
        return Err(Unexpected::NotAnAnswer(shortened(log.trim().lines().next().unwrap_or_default(), 80)));
    };
    let same = answer.endpoints.iter().map(|endpoint| &endpoint.address).eq(addresses);
    let possible = |step: &ProbeStep| step.micros <= LONGEST_STEP_MICROS;
    let possible = answer.endpoints.iter().all(|endpoint| endpoint.steps().into_iter().all(|(_, step)| possible(step)));
    if answer.api_version != API_VERSION || answer.kind != KIND || !same || !possible {
        return Err(Unexpected::OtherTest);
    }
    let mut endpoints = answer.endpoints;
    for endpoint in &mut endpoints {
        let EndpointProbe { resolve, connect, greeting, tls, monitor, .. } = endpoint;
        for step in [resolve, connect, greeting, tls, monitor] {
            step.detail = shortened(&step.detail, LONGEST_DETAIL);
        }
    }
    Ok(endpoints)
}

/// A foreign text for people: clean, and at most this long.
fn shortened(text: &str, longest: usize) -> String {
    // A character may become several when it is cleaned, so the length is limited before and after.
    let text: String = text.chars().take(LONGEST_DETAIL * 2).collect();
    let text = redact::clean(&text);
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::facts::network::Outcome;

    fn address() -> Address {
        Address { host: "meshery-nats.meshery.svc".into(), port: 4222, monitor_port: 8222 }
    }

    fn answer(change: impl FnOnce(&mut Value)) -> String {
        let passed = ProbeStep { outcome: Outcome::Passed, micros: 300, detail: "198.18.0.7".into() };
        let endpoint = EndpointProbe {
            address: address(),
            resolve: passed.clone(),
            connect: passed.clone(),
            greeting: passed.clone(),
            tls: ProbeStep::skipped("not offered"),
            monitor: passed,
        };
        let mut value = serde_json::to_value(ProbeAnswer::of(vec![endpoint])).expect("JSON");
        change(&mut value);
        value.to_string()
    }

    #[test]
    fn own_answer_is_read_back() {
        let read = parse(&answer(|_| ()), &[address()]).expect("an answer");
        assert_eq!(read[0].resolve.detail, "198.18.0.7");
        assert_eq!(read[0].failed().count(), 0);
    }

    #[test]
    fn anything_else_is_refused() {
        let refused = |log: &str| parse(log, &[address()]).expect_err("refused");
        assert_eq!(refused(" \n"), Unexpected::Empty);
        assert_eq!(refused(&" ".repeat(limits::PROBE_LOG + 1)), Unexpected::TooLong);
        assert!(matches!(refused("hello"), Unexpected::NotAnAnswer(_)));
        let twice = format!("{0}\n{0}", answer(|_| ()));
        assert!(matches!(refused(&twice), Unexpected::NotAnAnswer(_)));
        let deep = "[".repeat(50_000);
        assert!(matches!(refused(&deep), Unexpected::NotAnAnswer(_)));
        for (pointer, value) in [
            ("/extra", json!(1)),
            ("/endpoints/0/extra", json!(1)),
            ("/endpoints/0/connect/micros", json!(-1)),
            ("/endpoints/0/connect/micros", json!(1e30)),
            ("/endpoints/0/connect/outcome", json!("great")),
            ("/endpoints/0/address/port", json!(70000)),
            ("/endpoints", json!(null)),
        ] {
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            let log = answer(|answer| answer.pointer_mut(parent).expect("there")[key] = value);
            assert!(matches!(refused(&log), Unexpected::NotAnAnswer(_)), "{pointer}");
        }
        for (pointer, value) in [
            ("/kind", json!("Report")),
            ("/endpoints", json!([])),
            ("/endpoints/0/address/host", json!("elsewhere")),
            ("/endpoints/0/connect/micros", json!(u64::MAX)),
        ] {
            let log = answer(|answer| *answer.pointer_mut(pointer).expect("there") = value);
            assert_eq!(refused(&log), Unexpected::OtherTest, "{pointer}");
        }
    }

    #[test]
    fn texts_cannot_control_a_terminal_and_have_a_limit() {
        let log = answer(|answer| {
            answer["endpoints"][0]["connect"]["detail"] = format!("\u{1b}[2J\u{202e}{}", "x".repeat(9999)).into();
            answer["endpoints"][0]["monitor"]["detail"] = "nats://user:hunter2@host".into();
        });
        let read = parse(&log, &[address()]).expect("an answer");
        let detail = &read[0].connect.detail;
        assert!(!detail.contains(['\u{1b}', '\u{202e}']), "{detail}");
        assert_eq!(detail.chars().count(), LONGEST_DETAIL + 1);
        assert!(!read[0].monitor.detail.contains("hunter2"));
        let Err(Unexpected::NotAnAnswer(first)) = parse("\u{1b}]0;title\u{7}\nmore", &[address()]) else {
            panic!("refused")
        };
        assert!(!first.contains(['\u{1b}', '\u{7}', '\n']), "{first:?}");
    }
}
