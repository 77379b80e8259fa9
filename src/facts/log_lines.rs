//! Reduces logs to the relevant lines. Pure.
//!
//! A line is relevant if it reports an error or a warning. Lines that differ only in numbers are counted as one. If a
//! container that crashed reports neither, its last line is kept if it is plain text. Nothing else of a log is kept,
//! because MeshSync may log whole objects.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::{
    facts::{LogLine, redact},
    stack::signatures,
};

/// The maximum number of lines kept per log.
const MOST: usize = 12;

/// The maximum length of a kept line, in characters.
const LONGEST: usize = 240;

/// The content of a line, in any format.
#[derive(Default)]
struct Parsed {
    message: String,
    /// The stack's own error code in the line.
    code: Option<String>,
}

/// The relevant lines, newest first. Each line of `text` may begin with the kubelet's timestamp. `crashed` means that the
/// container ended after the last line.
pub fn reduce(text: &str, secrets: &[String], crashed: bool) -> Vec<LogLine> {
    let mut lines: BTreeMap<String, (usize, LogLine)> = BTreeMap::new();
    for (place, line) in text.lines().enumerate() {
        let (last, line) = timed(line);
        let Some(parsed) = parse(line) else {
            continue;
        };
        let message = cleaned(&parsed.message, secrets);
        let key: String = message.chars().filter(|c| !c.is_ascii_digit()).collect();
        let count = lines.get(&key).map_or(0, |(_, known)| known.count);
        let kept = LogLine { message, code: parsed.code, count: count + 1, last };
        lines.insert(key, (place, kept));
    }
    let mut lines: Vec<(usize, LogLine)> = lines.into_values().collect();
    if lines.is_empty() && crashed {
        return last_plain(text, secrets).into_iter().collect();
    }
    lines.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    lines.truncate(MOST);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// The last line, if it is plain text: not a structured line, which may contain an object.
fn last_plain(text: &str, secrets: &[String]) -> Option<LogLine> {
    let (last, line) = timed(text.lines().rfind(|line| !timed(line).1.trim().is_empty())?);
    let is_plain = matches!(format(line), Format::Plain) && !line.contains(['{', '}']);
    is_plain.then(|| LogLine { message: cleaned(line.trim(), secrets), code: None, count: 1, last })
}

fn timed(line: &str) -> (Option<Timestamp>, &str) {
    match line.split_once(' ') {
        Some((time, rest)) if time.ends_with('Z') => match time.parse() {
            Ok(time) => (Some(time), rest),
            Err(_) => (None, line),
        },
        _ => (None, line),
    }
}

/// The content of a line, if it is relevant.
fn parse(line: &str) -> Option<Parsed> {
    if let Format::Structured(content) = format(line) {
        return content;
    }
    let lower = line.to_lowercase();
    let is_failure = ["panic:", "fatal", "error"].iter().any(|word| lower.contains(word));
    (is_failure || signatures::find(None, line).is_some()).then(|| plain(line))
}

/// The format of a line.
enum Format {
    /// That of the operator, `MeshSync`, the Kubernetes libraries or NATS. The content, if it is relevant.
    Structured(Option<Parsed>),
    /// None of them.
    Plain,
}

fn format(line: &str) -> Format {
    if line.starts_with('{')
        && let Ok(entry) = serde_json::from_str::<Value>(line)
    {
        return Format::Structured(of_json(&entry));
    }
    if line.starts_with("time=") || line.starts_with("level=") {
        return Format::Structured(of_logfmt(line));
    }
    if is_klog(line) {
        let message = line.split_once("] ").map_or(line, |(_, message)| message);
        return Format::Structured(line.starts_with(['E', 'W', 'F']).then(|| plain(message)));
    }
    let Some((level, message)) = nats(line) else {
        return Format::Plain;
    };
    Format::Structured(matches!(level, "ERR" | "FTL" | "WRN").then(|| plain(message)))
}

/// The level and the message of `[1] 2026/11/20 22:43:36 [ERR] …` or `[1] [ERR] …`.
fn nats(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (_, rest) = rest.split_once('[')?;
    rest.split_once("] ").filter(|(level, _)| level.len() == 3)
}

fn is_klog(line: &str) -> bool {
    line.len() > 5 && line.as_bytes()[1..5].iter().all(u8::is_ascii_digit)
}

fn plain(message: &str) -> Parsed {
    Parsed { message: message.trim().to_owned(), code: None }
}

/// The operator and Gloo Mesh: `{"level":"error","msg":"…","error":"…"}`.
fn of_json(entry: &Value) -> Option<Parsed> {
    let field = |name: &str| entry[name].as_str().unwrap_or_default();
    if !matches!(field("level"), "error" | "warn" | "warning" | "fatal" | "panic" | "dpanic") {
        return None;
    }
    // Most programs call it `error`, and those of Gloo Mesh also `err`.
    let error = if field("error").is_empty() { field("err") } else { field("error") };
    let mut message = match (field("msg"), error) {
        (message, "") => message.to_owned(),
        ("", error) => error.to_owned(),
        (message, error) => format!("{message}: {error}"),
    };
    // What it is about is only in a field of its own: the registered cluster, the object.
    for name in ["name", "resource"] {
        let about = field(name);
        if !about.is_empty() && !message.contains(about) {
            message.push_str(&format!(" ({about})"));
        }
    }
    Some(Parsed { code: first_code(&message), message })
}

/// MeshSync: `time="…" level=error msg="… | Short Description: …" code=1015`.
fn of_logfmt(line: &str) -> Option<Parsed> {
    let level = line.split_once(" level=")?.1;
    if !["error", "warning", "fatal", "panic"].iter().any(|word| level.starts_with(word)) {
        return None;
    }
    let message = quoted(line.split_once(" msg=")?.1);
    let message = message.strip_prefix("Short Description: ").unwrap_or(&message);
    let code = line
        .rsplit_once(" code=")
        .map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default().trim_matches('"').to_owned());
    Some(Parsed {
        message: message.split(" | ").next().unwrap_or_default().to_owned(),
        code: code.filter(|code| !code.is_empty()),
    })
}

/// The quoted text at the beginning, unescaped. A bare word is taken as it is.
fn quoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else {
        return text.split_whitespace().next().unwrap_or_default().to_owned();
    };
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// One of the operator's own codes, 1001 to 1021, at the beginning of a word.
fn first_code(message: &str) -> Option<String> {
    message
        .split(|c: char| !c.is_ascii_digit())
        .find(|word| matches!(word.parse::<u16>(), Ok(1001..=1021)))
        .map(str::to_owned)
}

/// A message without secrets, at most [`LONGEST`] characters long.
fn cleaned(message: &str, secrets: &[String]) -> String {
    shortened(&redact::secrets(redact::text(message).into_owned(), secrets))
}

fn shortened(message: &str) -> String {
    if message.chars().count() <= LONGEST {
        return message.to_owned();
    }
    let mut short: String = message.chars().take(LONGEST).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        reduce(text, &["s3cr3t-token".into()], false).into_iter().map(|line| line.message).collect()
    }

    #[test]
    fn meshsync_lines_are_recognized() {
        let text = concat!(
            "2026-11-20T22:43:29.1Z time=\"2026-11-20T22:43:29Z\" level=info msg=\"meshsync: run started\" app=meshsync\n",
            "2026-11-20T22:43:30.1Z time=\"2026-11-20T22:43:30Z\" level=error msg=\"nats: Authorization Violation | ",
            "Short Description: Connection to broker failed\" app=meshsync code=meshkit-11118 severity=2\n",
        );
        let lines = reduce(text, &[], false);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].message, "nats: Authorization Violation");
        assert_eq!(lines[0].code.as_deref(), Some("meshkit-11118"));
        assert!(lines[0].last.is_some());
    }

    #[test]
    fn the_last_plain_line_of_a_crashed_container_is_kept() {
        let last = |text: &str, crashed| -> Vec<String> {
            reduce(text, &["s3cr3t-token".into()], crashed).into_iter().map(|line| line.message).collect()
        };
        let text = "2026-11-20T22:43:29.1Z waiting\n2026-11-20T22:43:30.1Z no certificates, s3cr3t-token\n\n";
        assert_eq!(last(text, true), ["no certificates, REDACTED"]);
        assert!(last(text, false).is_empty());
        assert_eq!(last("fatal: no\nbye\n", true), ["fatal: no"]);
        for structured in [
            r#"{"kind":"Secret"}"#,
            "level=info msg=x",
            "I1120 23:12:17.575586 object",
            "[1] 2026/11/20 22:43:36 [INF] Server is ready",
            "\n",
        ] {
            assert!(last(structured, true).is_empty(), "{structured}");
        }
    }

    #[test]
    fn repeated_lines_are_counted_and_sorted_newest_first() {
        let text = concat!(
            "time=\"a\" level=warning msg=\"broker connectivity test failed, attempt 1\"\n",
            "E1120 23:12:17.575586   16597 reflector.go:204] \"Failed to watch\" err=\"forbidden\"\n",
            "time=\"b\" level=warning msg=\"broker connectivity test failed, attempt 2\"\n",
        );
        let lines = reduce(text, &[], false);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].message, "broker connectivity test failed, attempt 2");
        assert_eq!(lines[0].count, 2);
    }

    #[test]
    fn operator_and_broker_lines_are_recognized() {
        assert_eq!(
            messages(
                r#"{"level":"error","msg":"problem running manager","error":"open /tmp/tls.crt: no such file or directory"}"#
            ),
            ["problem running manager: open /tmp/tls.crt: no such file or directory"]
        );
        assert!(messages(r#"{"level":"info","msg":"starting manager"}"#).is_empty());
        assert_eq!(
            messages("[1] 2026/11/20 22:43:36.123456 [ERR] 10.0.0.1:1 - authentication error"),
            ["10.0.0.1:1 - authentication error"]
        );
        assert!(messages("[1] 2026/11/20 22:43:36.123456 [INF] Server is ready").is_empty());
        assert_eq!(messages("nats: connection closed"), ["nats: connection closed"]);
    }

    #[test]
    fn payloads_and_secrets_are_not_kept() {
        assert!(messages(r#"{"kind":"Secret","data":{"password":"aHVudGVyMg=="}}"#).is_empty());
        assert!(messages("some object was seen").is_empty());
        assert_eq!(messages("panic: s3cr3t-token in nats://s3cr3t-token@h"), ["panic: REDACTED in nats://REDACTED@h"]);
    }
}
