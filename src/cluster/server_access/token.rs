//! A token of `mesheryctl`: whether it can be sent, when it expires, and what is secret in it.

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use k8s_openapi::jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use crate::{
    facts::redact,
    stack::base::{limits, reader},
};

/// A token that can be sent.
pub(super) struct Token {
    /// Its text, exactly as it is sent.
    pub(super) value: SecretString,
    /// When it expires, if it says so.
    pub(super) expires: Option<Timestamp>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Reads a token, and registers it and its parts as secrets.
///
/// # Errors
///
/// Why it cannot be sent, as a clause without its subject. A token whose content is not known can be sent.
pub(super) fn read(text: &str) -> Result<Token, String> {
    let text = text.trim();
    redact::remember(text);
    let expires = expiry_of(text);
    if text.len() > limits::SERVER_TOKEN {
        return Err(format!("is longer than {} KiB", limits::SERVER_TOKEN / 1024));
    }
    if !is_cookie_value(text) {
        return Err("contains characters that a cookie cannot have".into());
    }
    Ok(Token { value: text.into(), expires })
}

/// Whether a text can be the value of a cookie (RFC 6265).
pub(super) fn is_cookie_value(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\'))
}

/// When a token expires. It is a JSON Web Token, or the base64 of a JSON object that contains one.
fn expiry_of(text: &str) -> Option<Timestamp> {
    if let Some(expiry) = claim(text) {
        return Some(expiry);
    }
    let decoded = String::from_utf8(decode(text)?).ok()?;
    let object = object(&decoded)?;
    for part in ["access_token", "refresh_token", "id_token"] {
        if let Some(secret) = object.get(part).and_then(Value::as_str) {
            redact::remember(secret);
        }
    }
    let access = object.get("access_token").and_then(Value::as_str);
    access.and_then(claim).or_else(|| {
        let expiry: Timestamp = object.get("expiry")?.as_str()?.parse().ok()?;
        // Go writes the year 1 for a token that does not expire.
        (expiry > Timestamp::UNIX_EPOCH).then_some(expiry)
    })
}

/// The `exp` claim of a JSON Web Token. It may have a fraction.
fn claim(token: &str) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let claims = object(&String::from_utf8(decode(payload)?).ok()?)?;
    let exp = claims.get("exp")?;
    let seconds = match exp.as_i64() {
        Some(seconds) => seconds,
        // A fraction of a second does not matter, and a number that is too large for a time is refused below.
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
        None => exp.as_f64()?.trunc() as i64,
    };
    Timestamp::from_second(seconds).ok()
}

/// A JSON object, within the limits for JSON.
fn object(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut values = reader::values(text).ok()?;
    (values.len() == 1).then(|| values.remove(0))
}

/// Decodes base64 in either alphabet, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    [&STANDARD, &URL_SAFE].into_iter().find_map(|alphabet| GeneralPurpose::new(alphabet, lenient).decode(text).ok())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use secrecy::ExposeSecret as _;

    use super::*;

    fn jwt(claims: &str) -> String {
        format!("eyJhbGciOiJSUzI1NiJ9.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
    }

    #[track_caller]
    fn assert_expires(token: &str, expected: Option<&str>) {
        let read = read(token).expect("a token that can be sent");
        assert_eq!(read.value.expose_secret(), token.trim(), "it is sent unchanged");
        assert_eq!(read.expires, expected.map(|time| time.parse().expect("a time")), "{token}");
    }

    #[test]
    fn every_form_of_a_token_is_read() {
        let access = jwt(r#"{"exp":1893456000}"#);
        let whole = format!(
            r#"{{"access_token":"{access}","token_type":"bearer","refresh_token":"refresh?>~ÿ","expiry":"2021-08-28T07:12:44.896604896Z"}}"#
        );
        let expected = Some("2030-01-01T00:00:00Z");
        assert_expires(&access, expected);
        for engine in [&STANDARD_NO_PAD, &STANDARD, &URL_SAFE_NO_PAD, &URL_SAFE] {
            assert_expires(&engine.encode(&whole), expected);
        }
        assert_expires(&format!("{access}\n"), expected);
    }

    #[test]
    fn expiry_is_the_claim_or_else_the_field() {
        let field = |access: &str, expiry: &str| {
            STANDARD_NO_PAD.encode(format!(r#"{{"access_token":"{access}","expiry":"{expiry}"}}"#))
        };
        assert_expires(&field(&jwt("{}"), "2021-08-28T07:12:44Z"), Some("2021-08-28T07:12:44Z"));
        assert_expires(&field("opaque", "2021-08-28T07:12:44+02:00"), Some("2021-08-28T05:12:44Z"));
        assert_expires(&field("opaque", "0001-01-01T00:00:00Z"), None);
        assert_expires(&field("opaque", "soon"), None);
        assert_expires(&jwt(r#"{"exp":1893456000.9}"#), Some("2030-01-01T00:00:00Z"));
        assert_expires(&jwt(r#"{"exp":1e300}"#), None);
        assert_expires(&jwt(r#"{"exp":"1893456000"}"#), None);
        assert_expires(&jwt("{}"), None);
    }

    #[test]
    fn unknown_content_is_sent_unchanged() {
        for token in ["opaque-token", "a.b", "a.b.c", "a.b.c.d", "%7B%7D", &STANDARD_NO_PAD.encode("[1]")] {
            assert_expires(token, None);
        }
        let deep = STANDARD_NO_PAD.encode(format!("{{\"access_token\":{}", "[".repeat(20_000)));
        assert_expires(&deep, None);
    }

    #[test]
    fn a_token_that_cannot_be_a_cookie_is_not_sent() {
        for token in
            ["one;two", "one,two", "one two", "one\ttwo", "one\r\nX: two", "one\"two", "one\\two", "onü", "o\u{7f}"]
        {
            let why = read(token).expect_err("it cannot be sent");
            assert_eq!(why, "contains characters that a cookie cannot have", "{token:?}");
        }
        let why = read(&"a".repeat(limits::SERVER_TOKEN + 1)).expect_err("it is too long");
        assert_eq!(why, "is longer than 64 KiB");
    }

    #[test]
    fn the_token_and_its_parts_are_secrets() {
        let (access, refresh) = (jwt(r#"{"sub":"parts of a token"}"#), "refresh-of-this-token");
        let token = STANDARD_NO_PAD
            .encode(format!(r#"{{"access_token":"{access}","token_type":"bearer","refresh_token":"{refresh}"}}"#));
        let read = read(&token).expect("a token");
        for secret in [token.as_str(), &access, refresh] {
            let shown = redact::text(&format!("got {secret} back")).into_owned();
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(!format!("{read:?}").contains(&token));
        assert_eq!(redact::text("a bearer of news"), "a bearer of news");
    }
}
