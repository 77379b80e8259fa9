//! Credentials in URLs.

use semver::Version;

use super::{super::REDACTED, ends_word, is_placeholder, is_random, is_reference};

/// Masks the user part and the query of every URL: `nats://token@host` becomes `nats://REDACTED@host`.
///
/// The user part ends at the last `@` of the word, because tokens may contain commas, quotes and slashes.
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

/// Where a URL ends whose scheme has been read. If a word contains several URLs, each has its own user part.
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

/// Masks one URL. Its scheme has been written.
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
    let Some((path, query)) = host
        .split_once('?')
        .filter(|(_, query)| query.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '%' | '_' | '$')))
    else {
        out.push_str(host);
        return;
    };
    out.push_str(path);
    out.push('?');
    // Punctuation after the URL in a sentence is not part of it.
    let plain = query.trim_end_matches(['\'', ')', ']', '}', ',', '.', ';', ':', '\\']);
    let end = &query[plain.len()..];
    let (plain, fragment) = plain.split_once('#').map_or((plain, ""), |(query, fragment)| (query, fragment));
    let harmless = |name: &str| HARMLESS_PARAMETERS.split(' ').any(|harmless| harmless == name);
    for (number, parameter) in plain.split('&').enumerate() {
        if number > 0 {
            out.push('&');
        }
        match parameter.split_once('=') {
            // An empty value contains no secret.
            Some((_, "")) => out.push_str(parameter),
            Some((name, _)) if harmless(name) => out.push_str(parameter),
            Some((name, _)) => out.push_str(&format!("{name}={REDACTED}")),
            None if harmless(parameter) => out.push_str(parameter),
            None => out.push_str(REDACTED),
        }
    }
    if !fragment.is_empty() {
        out.push('#');
        out.push_str(REDACTED);
    }
    out.push_str(end);
}

/// The parameters of the API server and the NATS monitor whose values are never secret.
const HARMLESS_PARAMETERS: &str = "allowWatchBookmarks container dryRun fieldManager fieldSelector fieldValidation \
    force labelSelector limit offset ports previous resourceVersion resourceVersionMatch subs tailLines timeout \
    timeoutSeconds watch";

/// Whether an `@` is followed by an image digest.
fn is_digest(text: &str) -> bool {
    text.starts_with("sha256:") || text.starts_with("sha512:")
}

/// Whether an `@` stands between the path and the version of a Go module, as in a log line's place in the code:
/// `k8s.io/client-go@v0.30.2/tools/cache/reflector.go:232`.
fn is_module_version(before: &str, after: &str) -> bool {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '-' | '_' | '~');
    let path = before.rsplit(|c| !is_of_path(c)).next().unwrap_or_default();
    let is_path = path.rsplit_once('/').is_some_and(|(folder, _)| folder.contains('.'));
    let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))).unwrap_or(after.len());
    let (version, rest) = after.split_at(end);
    let has_port = rest.strip_prefix(':').is_some_and(|port| port.starts_with(|c: char| c.is_ascii_digit()));
    is_path && !has_port && version.strip_prefix('v').is_some_and(|version| Version::parse(version).is_ok())
}

/// Masks the user part of an address without a scheme: `user:password@host`, `token1@host:4222`.
pub(super) fn bare_user_parts(text: &str) -> Option<String> {
    /// Prefixes of user and account names that end with a colon: `oidc:alice@example.com`.
    const IDENTITIES: &[&str] = &[
        "arn", "aad", "aws", "azure", "dex", "github", "google", "keycloak", "ldap", "mailto", "oidc", "okta", "saml",
        "sso", "system",
    ];
    let mut out = String::new();
    let mut copied = 0;
    let mut start = 0;
    for word in text.split_inclusive(ends_word) {
        let begin = start;
        start += word.len();
        let word = word.trim_end_matches(ends_word);
        let user_part = |at: &usize| !is_module_version(&word[..*at], &word[at + 1..]);
        let last = word.rmatch_indices('@').map(|(at, _)| at).find(user_part);
        let Some(at) = last.filter(|_| !word.contains("://")) else {
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
        // What precedes the user part within the word: an opening bracket or a label. A style sequence before the word
        // is not part of it.
        let style = if text[..begin].ends_with('\u{1b}') { user.find('m').map_or(0, |end| end + 1) } else { 0 };
        let lead = user.len() - user[style..].trim_start_matches(['(', '[', '{', '\'']).len();
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
    host.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()))
}
