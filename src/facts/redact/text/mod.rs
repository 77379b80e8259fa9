//! Redaction of free text: whatever looks like a credential is masked, and everything else stays as it is.
//!
//! Each pass walks over the text once, and a masked text does not change when it is masked again.

use std::borrow::Cow;

use super::{REDACTED, registry};

/// Masks credentials in a free text: user parts and queries of URLs, `token=…`, `Bearer …`, JSON Web Tokens, private
/// keys, and every secret that this run itself has read.
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

/// The passes, each with the characters without which it finds nothing.
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

/// Whether a text refers to a variable, `$(NATS_TOKEN)`, `${TOKEN}` or `$TOKEN`, and so is no secret itself.
pub(crate) fn is_reference(text: &str) -> bool {
    let name = text
        .strip_prefix("$(")
        .and_then(|rest| rest.strip_suffix(')'))
        .or_else(|| {
            text.strip_prefix("${")
                .and_then(|rest| rest.strip_suffix('}'))
        })
        .or_else(|| text.strip_prefix('$'));
    name.is_some_and(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    })
}

/// Whether a text is what instructions write in the place of a secret.
fn is_placeholder(text: &str) -> bool {
    matches!(
        text,
        "TOKEN" | "USER" | "PASSWORD" | "SECRET" | "USER:PASSWORD"
    )
}

/// Masks the user part and the query of every URL: `nats://token@host` becomes `nats://REDACTED@host`.
///
/// A user part reaches to the last `@` of the word, whatever it holds: tokens contain commas, quotes and slashes.
pub fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let word = &after[..url_end(after)];
        one_url(word, &mut out);
        rest = &after[word.len()..];
    }
    out.push_str(rest);
    out
}

/// Where a URL ends of which the scheme has been read. Of several in one word each has its own user part.
fn url_end(text: &str) -> usize {
    for (at, c) in text.char_indices() {
        if ends_word(c) {
            return at;
        }
        if c == ':' && text[at..].starts_with("://") {
            let scheme = text[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric());
            return scheme.len();
        }
    }
    text.len()
}

/// Masks one URL of which the scheme has been written.
fn one_url(word: &str, out: &mut String) {
    let host = match word.rfind('@') {
        Some(at) if at == 0 || is_digest(&word[at + 1..]) => word,
        Some(at) => {
            let user = &word[..at];
            let known = is_reference(user) || is_placeholder(user);
            out.push_str(if known { user } else { REDACTED });
            &word[at..]
        }
        None => word,
    };
    let Some((path, query)) = host.split_once('?').filter(|(_, query)| {
        query.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '%' | '_' | '$'))
    }) else {
        out.push_str(host);
        return;
    };
    out.push_str(path);
    out.push('?');
    let (query, fragment) = query.split_once('#').map_or((query, None), |(query, f)| {
        (query, Some(f).filter(|f| !f.is_empty()))
    });
    // What follows the URL in a sentence is no part of it.
    let plain = query.trim_end_matches(['\'', ')', ']', '}', ',', '.', ';', ':', '\\']);
    let end = &query[plain.len()..];
    for (number, parameter) in plain.split('&').enumerate() {
        if number > 0 {
            out.push('&');
        }
        match parameter.split_once('=') {
            // An empty value hides nothing.
            Some((_, "")) => out.push_str(parameter),
            Some((name, _)) if HARMLESS_PARAMETERS.contains(&name) => out.push_str(parameter),
            Some((name, _)) => out.push_str(&format!("{name}={REDACTED}")),
            None if HARMLESS_PARAMETERS.contains(&parameter) => out.push_str(parameter),
            None => out.push_str(REDACTED),
        }
    }
    if fragment.is_some() {
        out.push('#');
        out.push_str(REDACTED);
    }
    out.push_str(end);
}

/// The parameters of the API server and of NATS's monitor whose values say nothing secret.
const HARMLESS_PARAMETERS: &[&str] = &[
    "allowWatchBookmarks",
    "container",
    "dryRun",
    "fieldManager",
    "fieldSelector",
    "fieldValidation",
    "force",
    "labelSelector",
    "limit",
    "offset",
    "ports",
    "previous",
    "resourceVersion",
    "resourceVersionMatch",
    "subs",
    "tailLines",
    "timeout",
    "timeoutSeconds",
    "watch",
];

/// Whether an `@` is followed by the digest of an image.
fn is_digest(text: &str) -> bool {
    text.starts_with("sha256:") || text.starts_with("sha512:")
}

/// Masks the user part of an address without a scheme: `user:password@host`, `token1@host:4222`.
fn bare_user_parts(text: &str) -> Option<String> {
    /// What stands before the colon in names of people and accounts: `oidc:alice@example.com`.
    const IDENTITIES: &[&str] = &[
        "arn", "aad", "aws", "azure", "dex", "github", "google", "keycloak", "ldap", "mailto",
        "oidc", "okta", "saml", "sso", "system",
    ];
    let mut out = String::new();
    let mut copied = 0;
    let mut start = 0;
    for word in text.split_inclusive(ends_word) {
        let begin = start;
        start += word.len();
        let word = word.trim_end_matches(ends_word);
        let Some(at) = word.rfind('@').filter(|_| !word.contains("://")) else {
            continue;
        };
        let (user, host) = (&word[..at], &word[at + 1..]);
        if !host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[' || c == '$')
            || is_digest(host)
            || is_reference(user)
        {
            continue;
        }
        let secret = match user.split_once(':') {
            Some((identity, _)) if IDENTITIES.contains(&identity) => false,
            Some((name, password)) => !name.is_empty() && !password.is_empty(),
            None => has_port(host) && is_random(user),
        };
        // What comes before the user part in the word: an opening bracket, or the name of what is told.
        // A style before the word is no part of it.
        let style = if text[..begin].ends_with('\u{1b}') {
            user.find('m').map_or(0, |end| end + 1)
        } else {
            0
        };
        let lead = user.len()
            - user[style..]
                .trim_start_matches(['(', '[', '{', '\''])
                .len();
        if secret && user[lead..] != *REDACTED {
            out.push_str(&text[copied..begin + lead]);
            out.push_str(REDACTED);
            copied = begin + at;
        }
    }
    (copied > 0).then(|| out + &text[copied..])
}

fn has_port(host: &str) -> bool {
    let host = host.trim_end_matches(|c: char| !c.is_ascii_digit());
    host.rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()))
}

/// Whether a word may be a generated credential: long, or letters and digits together.
fn is_random(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let digit = word.contains(|c: char| c.is_ascii_digit());
    let letter = word.contains(|c: char| c.is_ascii_alphabetic());
    word.len() >= 24 || (word.len() >= 6 && digit && letter)
}

/// Masks the value after a name that says that it is secret: `token=…`, `"password": "…"`, `Authorization: …`.
fn assignments(text: &str, sign: char) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices(sign) {
        if at < copied {
            continue;
        }
        let before = text[..at].trim_end_matches(' ');
        // In a document within a text quotes are escaped.
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

/// Whether the last word of a name is one of which the value is told after a colon, as in a configuration file.
fn ends_secret(name: &str) -> bool {
    words(name).last().is_some_and(|word| {
        word == "key" || word == "pass" || word.ends_with("token") || word.starts_with("passw")
    })
}

/// A name without the rest of a style sequence that stands right before it: `ESC [` is no part of names, `31m` is.
fn without_style<'a>(before: &str, name: &'a str) -> &'a str {
    match name.split_once('m') {
        Some((code, name))
            if before.ends_with("\u{1b}[") && !code.contains(char::is_alphabetic) =>
        {
            name
        }
        _ => name,
    }
}

/// Where a name begins that ends a text.
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
        // Of a header the whole rest is its value.
        None if kind == Sensitivity::Header => {
            (0, text.find(['\n', '\r', '"']).unwrap_or(text.len()))
        }
        None => (
            0,
            text.find(|c: char| ends_word(c) || c == '&')
                .unwrap_or(text.len()),
        ),
    };
    let value = text[start..start + end].trim_end_matches('\\');
    // What follows an unquoted value in a sentence is no part of it.
    let value = match quote {
        None if kind == Sensitivity::Name && value.contains('(') => {
            value.trim_end_matches([':', ',', ';'])
        }
        None if kind == Sensitivity::Name => value.trim_end_matches([':', ')', ',', ';']),
        _ => value,
    };
    (!value.is_empty()).then_some(Slot { start, text: value })
}

/// Where a quote is closed that was written with so many backslashes.
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

/// How sure it is that a name is followed by a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sensitivity {
    /// A header whose whole line is secret.
    Header,
    /// A name such as `token` or `apiKey`.
    Name,
}

fn sensitivity(name: &str) -> Option<Sensitivity> {
    const HEADERS: &[&str] = &[
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "x-auth-token",
    ];
    let header = name.trim_start_matches('-');
    if HEADERS
        .iter()
        .any(|known| header.eq_ignore_ascii_case(known))
    {
        return Some(Sensitivity::Header);
    }
    is_secret_name(name).then_some(Sensitivity::Name)
}

/// Whether a flag, variable or key of this name holds a secret: `--auth-token`, `apiKey`, `DB_PASSWORD`, `--key`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const SECRET: &[&str] = &[
        "apikey",
        "auth",
        "authorization",
        "bearer",
        "cookie",
        "credential",
        "credentials",
        "jwt",
        "otp",
        "pass",
        "passphrase",
        "passwd",
        "password",
        "pwd",
        "secret",
        "sessionid",
        "sig",
        "signature",
        "token",
    ];
    /// What only says where a secret is, or what it is like.
    const ABOUT: &[&str] = &[
        "audience",
        "bytes",
        "count",
        "dir",
        "endpoint",
        "file",
        "id",
        "length",
        "mode",
        "name",
        "namespace",
        "path",
        "ref",
        "tokens",
        "ttl",
        "type",
        "url",
        "version",
    ];
    /// What makes a key a secret one.
    const OF_A_KEY: &[&str] = &[
        "access",
        "account",
        "api",
        "client",
        "encryption",
        "license",
        "master",
        "private",
        "secret",
        "service",
        "shared",
        "signing",
        "ssh",
        "tls",
    ];
    let words = words(name);
    let Some(last) = words.last() else {
        return false;
    };
    if ABOUT.contains(&last.as_str()) {
        return false;
    }
    if last == "key" {
        let owner = words.len().checked_sub(2).map(|n| words[n].as_str());
        return match owner {
            Some(owner) => OF_A_KEY.contains(&owner),
            None => name.starts_with('-'),
        };
    }
    words.iter().any(|word| {
        SECRET.contains(&word.as_str())
            || word.ends_with("token")
            || word.ends_with("password")
            || word.ends_with("secret")
    })
}

/// The words of a name, in lower case: `apiKey`, `API_KEY` and `--api-key` are two words each.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut upper = true;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
            upper = true;
            continue;
        }
        if (c.is_ascii_uppercase() && !upper) || words.is_empty() {
            words.push(String::new());
        }
        upper = c.is_ascii_uppercase();
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Masks the word after a flag that takes a secret: `--password X`.
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
            && flag
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && is_secret_name(flag);
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Whether the word after a flag or scheme is a value, rather than the next word of a sentence.
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
        let name = word
            .trim_end_matches(' ')
            .rsplit(|c: char| !c.is_ascii_alphabetic())
            .next()
            .unwrap_or_default();
        let name = name.to_ascii_lowercase();
        // A style sequence before the word ends in a letter.
        scheme = ["bearer", "basic"].iter().any(|scheme| {
            name.strip_suffix(scheme)
                .is_some_and(|rest| rest.len() <= 1)
        });
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Masks JSON Web Tokens, which begin with the same three characters wherever they stand.
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
