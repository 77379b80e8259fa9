//! Redacts free text: everything that looks like a credential is masked, and the rest stays unchanged.
//!
//! Each pass scans the text once. Masking a masked text changes nothing.

mod names;
mod urls;

use std::borrow::Cow;

use super::{REDACTED, registry};
pub(crate) use names::is_secret_name;
use names::{Sensitivity, sensitivity, words};
use urls::bare_user_parts;
pub use urls::urls;

/// Masks credentials in free text: user parts and queries of URLs, `token=…`, `Bearer …`, JSON Web Tokens, private
/// keys, and every secret that this run has read.
pub fn text(text: &str) -> Cow<'_, str> {
    let mut text = registry::mask(Cow::Borrowed(text));
    for (sign, pass) in PASSES {
        if text.contains(sign)
            && let Some(masked) = pass(&text)
        {
            text = Cow::Owned(masked);
        }
    }
    text
}

type Pass = fn(&str) -> Option<String>;

/// The passes, each with the characters that a text must contain for it to match.
const PASSES: &[(&str, Pass)] = &[
    ("-----BEGIN ", private_keys),
    ("://", |text| Some(urls(text))),
    ("@", bare_user_parts),
    ("=", |text| assignments(text, '=')),
    (":", |text| assignments(text, ':')),
    ("-", flags),
    ("earer ", schemes),
    ("EARER ", schemes),
    ("asic ", schemes),
    ("eyJ", web_tokens),
];

/// Where a word ends that may be a URL or a value.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '`' | '<' | '>')
}

/// Whether a text refers to a variable, `$(NATS_TOKEN)`, `${TOKEN}` or `$TOKEN`, and so is not a secret.
pub(crate) fn is_reference(text: &str) -> bool {
    let name = text
        .strip_prefix("$(")
        .and_then(|rest| rest.strip_suffix(')'))
        .or_else(|| text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')))
        .or_else(|| text.strip_prefix('$'));
    name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

/// Whether a text is a placeholder for a secret, as instructions use it.
fn is_placeholder(text: &str) -> bool {
    matches!(text, "TOKEN" | "USER" | "PASSWORD" | "SECRET" | "USER:PASSWORD")
}

/// Whether a word may be a generated credential: it is long, or mixes letters and digits.
fn is_random(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let digit = word.contains(|c: char| c.is_ascii_digit());
    let letter = word.contains(|c: char| c.is_ascii_alphabetic());
    word.len() >= 24 || (word.len() >= 6 && digit && letter)
}

/// Masks the value after a secret name: `token=…`, `"password": "…"`, `Authorization: …`.
fn assignments(text: &str, sign: char) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices(sign) {
        if at < copied {
            continue;
        }
        let before = text[..at].trim_end_matches(' ');
        // In a document inside a text, quotes are escaped.
        let name_end = before.trim_end_matches(['"', '\'', '\\']);
        let quoted = name_end.len() < before.len();
        let start = name_start(name_end);
        let name = without_style(&name_end[..start], &name_end[start..]);
        let kind = match sensitivity(name) {
            Some(kind) if sign == '=' || quoted || kind == Sensitivity::Header => kind,
            // In a sentence a colon may follow any word.
            Some(kind) if at == before.len() && ends_secret(name) => kind,
            _ => continue,
        };
        let after = &text[at + 1..];
        let value = after.trim_start_matches(' ');
        let from = at + 1 + (after.len() - value.len());
        let Some(value) = value_of(value, kind) else {
            continue;
        };
        let sure = sign == '=' || quoted || kind == Sensitivity::Header;
        if is_harmless_value(value.text) || !(sure || is_random(value.text)) {
            continue;
        }
        out.push_str(&text[copied..from + value.start]);
        out.push_str(REDACTED);
        copied = from + value.start + value.text.len();
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Whether the last word of a name usually has its value after a colon, as in a configuration file.
fn ends_secret(name: &str) -> bool {
    words(name)
        .last()
        .is_some_and(|word| word == "key" || word == "pass" || word.ends_with("token") || word.starts_with("passw"))
}

/// A name without the rest of a style sequence directly before it: `ESC [` is not part of names, but `31m` could be.
fn without_style<'a>(before: &str, name: &'a str) -> &'a str {
    match name.split_once('m') {
        Some((code, name)) if before.ends_with("\u{1b}[") && !code.contains(char::is_alphabetic) => name,
        _ => name,
    }
}

/// Where the name at the end of a text begins.
fn name_start(text: &str) -> usize {
    const LONGEST: usize = 64;
    text.char_indices()
        .rev()
        .take(LONGEST)
        .take_while(|(_, c)| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        .last()
        .map_or(text.len(), |(at, _)| at)
}

/// The value within a text.
struct Slot<'a> {
    start: usize,
    text: &'a str,
}

fn value_of(text: &str, kind: Sensitivity) -> Option<Slot<'_>> {
    if text.starts_with(['{', '[', '…', '*']) {
        return None;
    }
    let opening = text.trim_start_matches('\\');
    let slashes = text.len() - opening.len();
    let quote = opening.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (start, end) = match quote {
        Some(quote) => {
            let start = slashes + 1;
            (start, closing(&text[start..], quote, slashes))
        }
        // The value of a header is the whole rest of the line.
        None if kind == Sensitivity::Header => (0, text.find(['\n', '\r', '"']).unwrap_or(text.len())),
        None => (0, text.find(|c: char| ends_word(c) || c == '&').unwrap_or(text.len())),
    };
    let value = text[start..start + end].trim_end_matches('\\');
    // Punctuation after an unquoted value in a sentence is not part of it.
    let value = match quote {
        None if kind == Sensitivity::Name && value.contains('(') => value.trim_end_matches([':', ',', ';']),
        None if kind == Sensitivity::Name => value.trim_end_matches([':', ')', ',', ';']),
        _ => value,
    };
    (!value.is_empty()).then_some(Slot { start, text: value })
}

/// Where a quote that was escaped with this many backslashes is closed.
fn closing(text: &str, quote: char, slashes: usize) -> usize {
    let mut run = 0;
    for (at, c) in text.char_indices() {
        if c == quote && run <= slashes {
            return at;
        }
        run = if c == '\\' { run + 1 } else { 0 };
        if c == '\n' {
            return at;
        }
    }
    text.len()
}

fn is_harmless_value(value: &str) -> bool {
    let word = value.trim_end_matches(['\'', ')', ']', '}', ',', '.', ';', ':']);
    word.is_empty()
        || word == REDACTED
        || is_reference(value)
        || is_reference(word)
        || is_placeholder(word)
        || matches!(word, "true" | "false" | "null" | "none" | "nil")
}

/// Masks the word after a flag with a secret value: `--password X`.
fn flags(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut start = 0;
    let mut secret = false;
    for word in text.split_inclusive(' ') {
        let begin = start;
        start += word.len();
        let value = &word[..word.find(ends_word).unwrap_or(word.len())];
        if std::mem::take(&mut secret) && !value.starts_with('-') && is_password_like(value) {
            out.push_str(&text[copied..begin]);
            out.push_str(REDACTED);
            copied = begin + value.len();
            continue;
        }
        let word = word.trim_end_matches(' ');
        let flag = word.rsplit(ends_word).next().unwrap_or(word);
        let flag = flag.trim_start_matches(['\'', '(']);
        secret = flag.starts_with('-')
            && flag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && is_secret_name(flag);
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Whether the word after a flag or scheme is a value, and not the next word of a sentence.
fn is_password_like(word: &str) -> bool {
    let word = word.trim_end_matches(['\'', ')', ']', '}', ',', '.', ';', ':']);
    word.len() >= 4
        && !is_harmless_value(word)
        && (word.len() >= 16 || word.chars().skip(1).any(|c| !c.is_ascii_lowercase()))
}

/// Masks the credential after the name of an authentication scheme: `Bearer …`, `Basic …`.
fn schemes(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut start = 0;
    let mut scheme = false;
    for word in text.split_inclusive(' ') {
        let begin = start;
        start += word.len();
        let end = word.find(ends_word).unwrap_or(word.len());
        let value = word[..end].trim_end_matches(['\'', ',', ')', ';', ':']);
        if std::mem::take(&mut scheme) && value.len() >= 6 && is_password_like(value) {
            out.push_str(&text[copied..begin]);
            out.push_str(REDACTED);
            copied = begin + value.len();
        }
        let name = word.trim_end_matches(' ').rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        // A style sequence before the word ends in a letter.
        scheme = ["bearer", "basic"].iter().any(|scheme| name.strip_suffix(scheme).is_some_and(|rest| rest.len() <= 1));
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Masks JSON Web Tokens, which always begin with the same three characters.
fn web_tokens(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut seen = 0;
    for (at, _) in text.match_indices("eyJ") {
        if at < seen {
            continue;
        }
        let token = &text[at..];
        let end = token
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=')))
            .unwrap_or(token.len());
        seen = at + end;
        let token = token[..end].trim_end_matches('.');
        if token.len() >= 16 && token.contains('.') {
            out.push_str(&text[copied..at]);
            out.push_str(REDACTED);
            copied = at + token.len();
        }
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Masks private keys in PEM.
fn private_keys(text: &str) -> Option<String> {
    const END: &str = "PRIVATE KEY-----";
    let mut out = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find("-----BEGIN ") {
        let (before, key) = rest.split_at(at);
        out.push_str(before);
        let head: String = key.chars().take(64).collect();
        let label = head.find(END);
        let Some(label) = label else {
            out.push_str(&key[..11]);
            rest = &key[11..];
            continue;
        };
        found = true;
        out.push_str(REDACTED);
        let body = &key[label + END.len()..];
        rest = body.find(END).map_or("", |end| &body[end + END.len()..]);
    }
    found.then(|| out + rest)
}

#[cfg(test)]
mod tests;
