//! Durations and system errors as text.

use std::{io, time::Duration};

use k8s_openapi::jiff::SignedDuration;

/// A duration as text: `250 ms`, `2 s`, `1.5 s`.
pub(crate) fn span(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        return format!("{} ms", duration.as_millis());
    }
    let text = format!("{:.1}", duration.as_secs_f64());
    format!("{} s", text.trim_end_matches(".0"))
}

/// A short duration with three significant digits: `0.42 ms`, `12.3 ms`, `1.53 s`.
#[expect(clippy::cast_precision_loss, reason = "only three digits are shown")]
pub(crate) fn short_span(micros: u64) -> String {
    let (value, unit) =
        if micros < 1_000_000 { (micros as f64 / 1000.0, "ms") } else { (micros as f64 / 1_000_000.0, "s") };
    let decimals = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

/// How long ago something was, roughly: `12 s`, `3 min`, `5 h`, `2 days`.
pub(crate) fn age(age: SignedDuration) -> String {
    match age.as_secs().max(0) {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds @ 7_200..=172_799 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A number with its noun: `1 error`, `2 errors`.
pub(crate) fn count(n: usize, one: &str, several: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { several })
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

/// An error of a file or a program, without the system's error number.
pub(crate) fn io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::InvalidData => "it is not text".into(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().into()
        }
    }
}

/// An error of a JSON or YAML parser without the value that it quotes, because that may be a secret.
///
/// The parsers print the value between the type and what was expected: `invalid type: string "…", expected u16 at line
/// 1`.
pub(crate) fn malformed(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let (fault, rest) = match text.rsplit_once(", expected ") {
        Some((fault, expected)) => (fault, format!(", expected {expected}")),
        None => match text.rfind(" at line ") {
            Some(at) => (&text[..at], text[at..].to_owned()),
            None => (text.as_str(), String::new()),
        },
    };
    let fault = quoted_value(fault).map_or(fault, |at| fault[..at].trim_end());
    format!("{fault}{rest}")
}

/// Where a quoted value begins. A single character between quotes belongs to the grammar, as in "did not find `,`".
fn quoted_value(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find(['"', '`', '\'']).map(|at| from + at) {
        let quote = &text[at..=at];
        match text[at + 1..].find(quote) {
            Some(length) if length <= 1 => from = at + length + 2,
            _ => return Some(at),
        }
    }
    None
}

/// A word quoted for a shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@=+,".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_when_printed_have_no_needless_digits() {
        assert_eq!(span(Duration::from_millis(250)), "250 ms");
        assert_eq!(span(Duration::from_secs(2)), "2 s");
        assert_eq!(span(Duration::from_nanos(1_998_323_777)), "2 s");
        assert_eq!(span(Duration::from_millis(1500)), "1.5 s");
        assert_eq!(span(Duration::from_secs(10)), "10 s");
    }

    #[test]
    fn ages_are_rounded_down_to_one_unit() {
        for (seconds, text) in
            [(-3, "0 s"), (12, "12 s"), (119, "119 s"), (150, "2 min"), (7_200, "2 h"), (200_000, "2 days")]
        {
            assert_eq!(age(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn short_durations_have_three_digits() {
        assert_eq!(short_span(420), "0.42 ms");
        assert_eq!(short_span(12_345), "12.3 ms");
        assert_eq!(short_span(123_456), "123 ms");
        assert_eq!(short_span(1_534_000), "1.53 s");
    }

    #[test]
    fn parser_errors_do_not_repeat_the_value() {
        let wrong = serde_json::from_str::<u16>("\"s3, expected \\\"x\"").expect_err("no number");
        assert_eq!(malformed(&wrong), "invalid type: string, expected u16 at line 1 column 18");
        let wrong = serde_yaml::from_str::<std::collections::BTreeMap<String, u16>>("a: s3\n").expect_err("no number");
        assert_eq!(malformed(&wrong), "a: invalid type: string, expected u16 at line 1 column 4");
        for grammar in ["did not find expected ',' or ']' at line 2 column 1", "expected `:` at line 1 column 5"] {
            assert_eq!(malformed(&grammar), grammar);
        }
    }

    #[test]
    fn io_errors_have_no_error_number() {
        let error = io::Error::from_raw_os_error(28);
        assert!(!io(&error).contains("os error"), "{}", io(&error));
    }
}
