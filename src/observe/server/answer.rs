//! What Meshery Server answered: JSON, a page of its UI, a redirect, or an error.

use http::{HeaderValue, Response, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::{
    facts::redact,
    stack::base::{bounded, limits, sanitize},
};

/// The maximum size of an error that is decoded, in bytes. Of a longer one, the beginning is shown.
const LONGEST_ERROR: usize = 64 * 1024;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Success, with JSON. It is not redacted.
    Json(String),
    /// Success, with another text, cut and redacted.
    Text(String),
    /// HTML with this status: a page of the UI.
    Html(u16),
    /// A redirect to this target, which is shown without its query.
    Redirect(String),
    /// Another status, and the server's words, cut and redacted.
    Status(u16, String),
}

/// Why a body has no end.
pub(super) enum Broken {
    TooLarge,
    Stream(hyper::Error),
}

/// Reads a body within its limit, and classifies the answer. Also returns whether it was read to its end.
pub(super) async fn read(
    response: Response<Incoming>,
    most: usize,
    first_event: bool,
) -> Result<(Answer, bool), Broken> {
    let (head, mut body) = response.into_parts();
    let text_of = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let status = head.status.as_u16();
    if head.status.is_redirection() {
        let to = text_of(header::LOCATION).unwrap_or("somewhere");
        let to = bounded::cut(redact::location(&sanitize::plain(to)), limits::SERVER_TEXT);
        return Ok((Answer::Redirect(to), false));
    }
    // An error is a sentence.
    let most = if head.status.is_success() { most } else { most.min(limits::SERVER_ANSWER) };
    let mut bytes = Vec::new();
    let mut whole = true;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Broken::Stream)?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(Broken::TooLarge);
        }
        bytes.extend_from_slice(&data);
        if first_event && head.status.is_success() && ends_event(&bytes) {
            whole = false;
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let declared_html = text_of(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"));
    Ok((classify(status, declared_html, text, first_event), whole))
}

/// Whether the bytes contain a complete event of a stream.
fn ends_event(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(4).any(|four| four == b"\r\n\r\n")
}

/// What an answer is. The content type of JSON is often that of plain text, so the first character decides.
fn classify(status: u16, declared_html: bool, text: String, is_stream: bool) -> Answer {
    let first = text.trim_start().chars().next();
    if first == Some('<') || (declared_html && !matches!(first, Some('{' | '['))) {
        return Answer::Html(status);
    }
    if !(200..300).contains(&status) {
        return Answer::Status(status, words_of(&text));
    }
    // An event is `data: JSON`.
    if is_stream || matches!(first, Some('{' | '[')) || text.trim() == "null" {
        return Answer::Json(text);
    }
    Answer::Text(shown(&text))
}

/// The server's words in an error: older servers answer with text, newer ones with JSON.
fn words_of(text: &str) -> String {
    if text.len() > LONGEST_ERROR {
        return shown(text);
    }
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(text) else {
        return shown(text);
    };
    let word = |name: &str| fields.get(name).and_then(serde_json::Value::as_str);
    let parts = ["error", "probable_cause", "probableCause", "long_description", "longDescription", "message"];
    let mut said: Vec<&str> = parts.iter().filter_map(|name| word(name)).filter(|said| !said.is_empty()).collect();
    said.dedup();
    if said.is_empty() { shown(text) } else { shown(&said.join(": ")) }
}

/// A text of the server for people: without credentials and control characters, and cut to its limit.
pub(crate) fn shown(text: &str) -> String {
    // A credential must not be cut in half before it is recognized, but a text of megabytes need not be searched.
    let mut text = bounded::cut(text.trim().to_owned(), 8 * limits::SERVER_TEXT);
    // Such a character could split a word that is recognized as the name of a secret.
    text.retain(|c| !is_invisible(c));
    bounded::cut(redact::clean(&text), limits::SERVER_TEXT)
}

/// Whether a character has no width: it can hide in an ID or in a name.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// A size as text.
pub(super) fn size(bytes: usize) -> String {
    if bytes >= limits::MIB { format!("{} MiB", bytes / limits::MIB) } else { format!("{} KiB", bytes / 1024) }
}
