//! The secrets that this run has read. They are masked in everything that leaves the process.

use std::{
    borrow::Cow,
    sync::{PoisonError, RwLock},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::REDACTED;

/// Every form of every secret. The longest comes first, because a form may contain another one.
static SECRETS: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Shorter values too often occur as ordinary words.
const SHORTEST: usize = 6;

/// Characters that URLs percent-encode.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Registers a secret, so that it is masked in everything that is shown or recorded from now on.
pub fn remember(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST || secret == REDACTED {
        return;
    }
    let mut known = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    for form in forms(secret) {
        if !known.contains(&form) {
            known.push(form);
        }
    }
    known.sort_by_key(|form| std::cmp::Reverse(form.len()));
}

/// The forms of a secret in URLs, JSON and Secrets.
fn forms(secret: &str) -> Vec<String> {
    let quoted = serde_json::Value::String(secret.to_owned()).to_string();
    let mut forms = vec![
        secret.to_owned(),
        quoted[1..quoted.len() - 1].to_owned(),
        // Padding may be missing, and its bits differ if more data follows.
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        utf8_percent_encode(secret, RESERVED).to_string(),
    ];
    forms.dedup();
    forms
}

/// A text without the secrets that this run has read.
pub(crate) fn mask(text: Cow<'_, str>) -> Cow<'_, str> {
    let known = SECRETS.read().unwrap_or_else(PoisonError::into_inner);
    known.iter().fold(text, |text, secret| {
        if text.contains(secret.as_str()) { Cow::Owned(text.replace(secret.as_str(), REDACTED)) } else { text }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_secrets_are_masked_in_every_form() {
        let secret = "re/mem\"ber+me 4711";
        remember(secret);
        for form in forms(secret) {
            let masked = mask(Cow::Owned(format!("a {form} b")));
            assert_eq!(masked, "a REDACTED b", "{form}");
        }
        assert_eq!(mask("harmless".into()), "harmless");
    }

    #[test]
    fn short_words_are_not_remembered() {
        remember("admin");
        assert_eq!(mask("the admin".into()), "the admin");
    }
}
