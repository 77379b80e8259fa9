//! Properties that hold for every input: parsers neither panic nor exceed their limits, and conversions with an inverse
//! round-trip.
//!
//! Each property is checked with new random inputs for its share of [`total`]. `MESHDOCTOR_PROPERTY_SECONDS=3600` runs
//! them for an hour. A failure prints the smallest failing input.

#[allow(dead_code)] // Each test program uses only a part of this module.
#[path = "../../../tests/fixture/mod.rs"]
mod fixture;

use std::time::{Duration, Instant};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestError, TestRunner},
};
use serde_json::{Value, json};

/// How many properties share the time. If there are more, the whole run takes longer.
const SHARES: u32 = 42;

/// The total time for all properties.
fn total() -> Duration {
    let seconds = std::env::var("MESHDOCTOR_PROPERTY_SECONDS").ok();
    let seconds = seconds.map(|text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds.unwrap_or(20))
}

/// Checks a property with new inputs until its time is up.
#[track_caller]
pub(crate) fn holds<S: Strategy>(strategy: &S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let end = Instant::now() + total() / SHARES;
    let config = Config { cases: 16, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    loop {
        let mut runner = TestRunner::new(config.clone());
        match runner.run(strategy, &property) {
            Ok(()) => {}
            Err(TestError::Fail(why, input)) => panic!("{why}\nsmallest input: {input:?}"),
            Err(TestError::Abort(why)) => panic!("{why}"),
        }
        if Instant::now() >= end {
            return;
        }
    }
}

/// Checks with new inputs that nothing panics.
#[track_caller]
pub(crate) fn survives<S: Strategy>(strategy: &S, work: impl Fn(S::Value)) {
    holds(strategy, |input| {
        work(input);
        Ok(())
    });
}

/// Any text, mostly short, in which the characters that matter to parsers are frequent.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(tokens()).prop_map(str::to_owned),
        2 => vec(any::<char>(), 0..8).prop_map(|chars| chars.into_iter().collect()),
        2 => "[a-zA-Z0-9._-]{0,12}".prop_map(|text| text),
        1 => (proptest::sample::select(tokens()), 0_usize..300)
            .prop_map(|(token, times)| token.repeat(times)),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Any bytes, mostly those of a text.
pub(crate) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        text().prop_map(String::into_bytes),
        vec(any::<u8>(), 0..200),
        (vec(any::<u8>(), 0..4), text()).prop_map(|(mut mark, text)| {
            mark.extend(text.bytes());
            mark
        }),
    ]
}

/// Strings that the parsers of this program treat specially.
pub(crate) fn tokens() -> Vec<&'static str> {
    let short = [
        "[", "]", "{", "}", ":", ": ", ",", ", ", "\n", "\n  ", "\r\n", "\t", " ", "-", "- ", "? ", "&a ", "*a", "*a ",
        "<<: ", "!", "!!str ", "!!int ", "|", "|\n ", ">-\n ", "'", "\"", "\\", "\\u0000", "#", " # ", "---\n",
        "...\n", "\u{feff}", "\u{0}", "\u{7f}", "\u{85}", "\u{202e}", "\u{2028}", "\u{061c}", "é", "😀", "null", "~",
        "true", "-1", "0", "0x1f", "1e999", ".inf", "1.5", "://", "@", "/", "?", "=", "%", "%4", "%41", "nats://",
        "Bearer ", "token=", "INFO ", "PING\r\n", "kind: ", "items:\n", "time=", "level=", "msg=\"", "a.b.c",
        "pods.v1.", "Ki", "Mi", "m", "1h", "30s", "h", "--output", ",,", "..", "$(X)",
    ];
    let long = [
        "%YAML 1.2\n",
        "\u{1b}[31m",
        "18446744073709551616",
        "9223372036854775807",
        "https://u:p@h/",
        "user:pass@host:4222",
        "apiVersion: v1\n",
        "\"managedFields\":[",
        "managedFields:\n",
        "2026-01-01T00:00:00Z ",
        "E1120 10:00:00.000000       1 ",
        "9999999999999s",
        "-outputNamespaces=",
    ];
    [&short[..], &long].concat()
}

/// A change to a text.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Removes a part.
    Remove(usize, usize),
    /// Inserts something.
    Insert(usize, String),
    /// Repeats a part.
    Repeat(usize, usize),
    /// Cuts off the rest.
    Cut(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<usize>();
    prop_oneof![
        (at, 1_usize..40).prop_map(|(at, length)| Edit::Remove(at, length)),
        (at, proptest::sample::select(tokens())).prop_map(|(at, t)| Edit::Insert(at, t.to_owned())),
        (at, any::<char>()).prop_map(|(at, c)| Edit::Insert(at, c.to_string())),
        (at, 1_usize..200).prop_map(|(at, length)| Edit::Repeat(at, length)),
        at.prop_map(Edit::Cut),
    ]
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for edit in edits {
        let place = |at: usize| at % (text.len() + 1);
        match edit {
            Edit::Remove(at, length) => {
                let start = place(*at);
                text.drain(start..text.len().min(start + length));
            }
            Edit::Insert(at, more) => {
                let start = place(*at);
                text.splice(start..start, more.chars());
            }
            Edit::Repeat(at, length) => {
                let start = place(*at);
                let part = text[start..text.len().min(start + length)].to_vec();
                text.splice(start..start, part);
            }
            // Rarely, because otherwise little of most texts would be left.
            Edit::Cut(at) if at % 4 == 0 => text.truncate(place(*at)),
            Edit::Cut(_) => {}
        }
    }
    text.into_iter().collect()
}

/// One of these texts with random changes.
pub(crate) fn mutated(seeds: Vec<String>) -> impl Strategy<Value = String> {
    (proptest::sample::select(seeds), vec(edit(), 0..12)).prop_map(|(seed, edits)| edited(&seed, &edits))
}

/// Any JSON value with little nesting.
pub(crate) fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::from),
            vec((text(), inner), 0..8).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// One of these values with some parts replaced by unexpected ones.
pub(crate) fn distorted(seeds: Vec<Value>) -> impl Strategy<Value = Value> {
    let odd = prop_oneof![
        proptest::sample::select(odd_values()),
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
    ];
    let change = (any::<usize>(), odd, 0_u8..6);
    (proptest::sample::select(seeds), vec(change, 0..8)).prop_map(|(mut value, changes)| {
        for (at, odd, how) in changes {
            let count = count(&value);
            distort(&mut value, &mut (at % count), &odd, how);
        }
        value
    })
}

fn odd_values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(""),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(true),
        json!([]),
        json!({}),
        json!([null]),
        json!({ "": null }),
        json!("9999-12-31T23:59:59Z"),
        json!("-009999-01-01T00:00:00Z"),
        json!("0.0.0.0/0"),
        json!("::/999"),
        json!("100m"),
        json!("1e99Ei"),
        json!("nats://user:s3cret@host:4222"),
        json!("a".repeat(10_000)),
        json!("\u{1b}]0;title\u{7}\u{202e}"),
    ]
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Changes the value at this position in the document.
fn distort(value: &mut Value, left: &mut usize, odd: &Value, how: u8) -> bool {
    if *left == 0 {
        match (how, &mut *value) {
            (0, Value::Array(items)) => items.extend(items.clone()),
            (0 | 1, Value::Object(fields)) => {
                if let Some(key) = fields.keys().next().cloned() {
                    fields.remove(&key);
                }
            }
            (1, Value::Array(items)) => drop(items.pop()),
            _ => *value = odd.clone(),
        }
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| distort(item, left, odd, how)),
        Value::Object(fields) => fields.values_mut().any(|field| distort(field, left, odd, how)),
        _ => false,
    }
}

/// The recordings of several fixtures.
pub(crate) fn recordings() -> Vec<String> {
    ["adapter-crash-loop", "broker-auth-failed", "broker-crash-loop", "server-status-controllers"]
        .iter()
        .map(|name| fixture::text(name).expect("a fixture"))
        .collect()
}
