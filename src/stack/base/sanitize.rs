//! Characters that could control a terminal or change the reading order of a text.
//!
//! Everything that leaves the process passes one of these functions: [`plain`] for foreign strings inside a text for
//! people, [`escaped`] for JSON, [`yaml`] for YAML, and [`for_terminal`] for the final output.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// Whether a character may control a terminal, end a line, or change the direction of writing.
///
/// These are C0 and C1 controls, DEL, the bidirectional controls and the two Unicode line separators.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// A foreign string for use in a text: on one line, without unsafe characters.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter_map(|c| match c {
        '\n' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if is_unsafe(c) => None,
        c => Some(c),
    });
    Cow::Owned(kept.collect())
}

/// A serialized JSON document with every unsafe character escaped, so that its values do not change.
///
/// Outside strings, line breaks are the only such characters in a JSON document. The serializer escapes C0 itself.
pub fn escaped(json: String) -> String {
    if !json.chars().any(|c| c != '\n' && is_unsafe(c)) {
        return json;
    }
    escape(&json, |c| c == '\n')
}

fn escape(text: &str, allowed: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) && !allowed(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// A value as one escaped JSON document.
pub fn json(value: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(value).unwrap_or_else(|error| Value::String(error.to_string()).to_string());
    text.push('\n');
    escaped(text)
}

/// A value as one YAML document. Strings with unsafe characters are written in double quotes with escapes.
pub fn yaml(value: &Value) -> String {
    let write = |value: &Value| serde_yaml::to_string(value).unwrap_or_else(|error| format!("error: {error}\n"));
    if !holds_unsafe(value) {
        return write(value);
    }
    // The serializer does not escape some of these characters. Each such string is replaced by a placeholder.
    let mut strings = Vec::new();
    let mut value = value.clone();
    let mark = free_mark(&value);
    replace(&mut value, &mark, &mut strings);
    let text = write(&value);
    let mut parts = text.split(mark.as_str());
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('E').unwrap_or((part, ""));
        let string = number.parse::<usize>().ok().and_then(|n| strings.get(n));
        let quoted = string.map_or("", String::as_str);
        out.push_str(quoted);
        out.push_str(rest.get(quoted.len()..).unwrap_or_default());
    }
    out
}

/// Line breaks and tabs are safe in YAML. The serializer writes them as block scalars or escapes.
fn is_unsafe_in_yaml(text: &str) -> bool {
    text.chars().any(|c| is_unsafe(c) && !matches!(c, '\n' | '\t'))
}

fn holds_unsafe(value: &Value) -> bool {
    match value {
        Value::String(text) => is_unsafe_in_yaml(text),
        Value::Array(items) => items.iter().any(holds_unsafe),
        Value::Object(fields) => fields.iter().any(|(key, value)| is_unsafe_in_yaml(key) || holds_unsafe(value)),
        _ => false,
    }
}

/// A word that does not occur in the document.
fn free_mark(value: &Value) -> String {
    let text = value.to_string();
    let mut mark = "Escaped".to_owned();
    while text.contains(&mark) {
        mark.push('x');
    }
    mark
}

fn replace(value: &mut Value, mark: &str, strings: &mut Vec<String>) {
    let stand_in = |text: &mut String, strings: &mut Vec<String>| {
        if is_unsafe_in_yaml(text) {
            // A JSON string is a double-quoted scalar of YAML.
            let quoted = escape(&Value::String(std::mem::take(text)).to_string(), |_| false);
            // As long as the string it replaces, because YAML writes long keys differently from short ones.
            let filler = "x".repeat(quoted.len());
            *text = format!("{mark}{}E{filler}", strings.len());
            strings.push(quoted);
        }
    };
    match value {
        Value::String(text) => stand_in(text, strings),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, mark, strings)),
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(mut key, mut value)| {
                    stand_in(&mut key, strings);
                    replace(&mut value, mark, strings);
                    (key, value)
                })
                .collect();
        }
        _ => {}
    }
}

/// The last check before output: only line breaks, tabs and, with `styled`, the style sequences of our own stylesheet
/// pass. All other control characters become visible escapes.
pub fn for_terminal(text: &str, styled: bool) -> Cow<'_, str> {
    let passes = |c: char| matches!(c, '\n' | '\t') || !is_unsafe(c);
    if text.chars().all(passes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(|c| !passes(c)) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(length) = style_sequence(rest).filter(|_| styled) {
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        } else if let Some(c) = rest.chars().next() {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
            rest = &rest[c.len_utf8()..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The length of the style sequence at the start of a text, if it is one that this program writes: `ESC [ 31 ; 1 m`.
fn style_sequence(text: &str) -> Option<usize> {
    // Reset, bold, dim, italic, underline, the codes that end them, the eight colors and the default color.
    const OURS: &[&str] =
        &["", "0", "1", "2", "3", "4", "22", "23", "24", "30", "31", "32", "33", "34", "35", "36", "37", "39"];
    let inner = text.strip_prefix("\u{1b}[")?;
    let end = inner.find('m').filter(|end| *end <= 12)?;
    let mut codes = inner[..end].split(';');
    while let Some(code) = codes.next() {
        // A foreground color of the 256-color palette: 38;5;N.
        let is_ours = match code {
            "38" => codes.next() == Some("5") && codes.next().is_some_and(|color| color.parse::<u8>().is_ok()),
            code => OURS.contains(&code),
        };
        if !is_ours {
            return None;
        }
    }
    Some(end + 3)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// One example of each kind.
    const UNSAFE: &str =
        "\u{1b}\u{7}\r\u{0}\u{7f}\u{85}\u{9b}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202e}\u{2066}\u{2069}";

    #[test]
    fn foreign_strings_lose_unsafe_characters() {
        assert_eq!(plain("a\u{1b}[31mb\u{7}c\u{202e}d\ne"), "a[31mbcd e");
        assert_eq!(plain(UNSAFE).trim(), "");
        assert!(matches!(plain("ünïcode ✓ 漢字"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_values_and_has_no_unsafe_characters() {
        let value = json!({ format!("key{UNSAFE}"): [UNSAFE, "harmless ✓", 1, null] });
        let text = json(&value);
        assert!(!text.chars().any(|c| c != '\n' && is_unsafe(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
        let harmless = json!({"a": "b ✓\n"});
        assert_eq!(json(&harmless), serde_json::to_string_pretty(&harmless).expect("JSON") + "\n");
    }

    #[test]
    fn yaml_keeps_its_values_and_has_no_unsafe_characters() {
        let value = json!({
            "Escaped0E": "Escapedx",
            format!("key{UNSAFE}"): [UNSAFE, "a\u{85}b", "a\u{202e}b: \"c\"\nd", "harmless ✓", 1, null],
            "nested": { "plain": "a\nb\n", "odd": "\u{2028}" },
            format!("{}\u{7f}", "long".repeat(400)): { "a": "\u{7f}" },
        });
        let text = yaml(&value);
        assert!(!text.chars().any(|c| c != '\n' && is_unsafe(c)), "{text:?}");
        assert_eq!(serde_yaml::from_str::<Value>(&text).expect("YAML"), value);
        let harmless = json!({"a": "b ✓\nc\n", "tab": "a\tb"});
        assert_eq!(yaml(&harmless), serde_yaml::to_string(&harmless).expect("YAML"));
    }

    #[test]
    fn own_styles_pass_and_other_sequences_become_visible() {
        let styled = "\u{1b}[31;1mred\u{1b}[0m\n\ttab";
        assert_eq!(for_terminal(styled, true), styled);
        assert_eq!(for_terminal(styled, false), "\\u001b[31;1mred\\u001b[0m\n\ttab");
        let palette = "\u{1b}[38;5;160;1mred\u{1b}[0m";
        assert_eq!(for_terminal(palette, true), palette);
        for (text, shown) in [
            ("\u{1b}[38;5;256mred", "\\u001b[38;5;256mred"),
            ("\u{1b}[38;2;1;2mred", "\\u001b[38;2;1;2mred"),
            ("\u{1b}]0;title\u{7}", "\\u001b]0;title\\u0007"),
            ("\u{1b}[2J", "\\u001b[2J"),
            ("\u{1b}[8mhidden", "\\u001b[8mhidden"),
            ("\u{1b}[31", "\\u001b[31"),
            ("a\rb\u{9b}31mc", "a\\u000db\\u009b31mc"),
            ("\u{2028}\u{61c}", "\\u2028\\u061c"),
        ] {
            assert_eq!(for_terminal(text, true), shown);
        }
    }
}
