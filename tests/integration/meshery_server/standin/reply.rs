//! What the stand-in writes.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::Value;

use super::{Link, Setup};
use crate::hostile::peer::{hang_up, respond};

/// An answer.
pub(super) enum Reply {
    Whole(Whole),
    /// Server-sent events: this one at once, then only comments.
    Stream(String),
    /// After a time.
    Late(Duration, Whole),
    /// The connection ends.
    Cut,
    /// The connection ends after a time.
    Hangs(Duration),
}

impl Reply {
    pub(super) fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Whole(reply) => reply.write(to),
            Self::Stream(event) => stream(to, event),
            Self::Late(time, reply) => {
                std::thread::sleep(*time);
                reply.write(to)
            }
            Self::Cut => hang_up(),
            Self::Hangs(time) => {
                std::thread::sleep(*time);
                hang_up()
            }
        }
    }
}

/// A complete response.
pub(super) struct Whole {
    status: u16,
    kind: String,
    /// Other headers, each with its line end.
    headers: String,
    body: String,
}

impl Whole {
    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        respond(to, self.status, &self.kind, &self.headers, &self.body)
    }
}

impl From<Whole> for Reply {
    fn from(whole: Whole) -> Self {
        Self::Whole(whole)
    }
}

/// Plain text with a status, as Go's `http.Error` writes it.
pub(super) fn text(status: u16, body: &str) -> Whole {
    Whole {
        status,
        kind: "text/plain; charset=utf-8".into(),
        headers: "X-Content-Type-Options: nosniff\r\n".into(),
        body: format!("{body}\n"),
    }
}

/// A status without a body.
pub(super) fn empty(status: u16) -> Whole {
    Whole { status, kind: "text/plain; charset=utf-8".into(), headers: String::new(), body: String::new() }
}

/// An error of the newest generation that has only a text.
pub(super) fn error_only(status: u16, message: &str) -> Whole {
    json(status, &serde_json::json!({ "error": message }))
}

/// A page.
pub(super) fn html(status: u16, body: &str) -> Whole {
    Whole { status, kind: "text/html; charset=utf-8".into(), headers: String::new(), body: body.into() }
}

/// JSON.
pub(super) fn json(status: u16, body: &Value) -> Whole {
    Whole { status, kind: "application/json".into(), headers: String::new(), body: body.to_string() }
}

/// JSON that is announced as text, as most handlers do.
pub(super) fn json_as_text(body: &Value) -> Whole {
    let kind = "text/plain; charset=utf-8".into();
    Whole { status: 200, kind, headers: String::new(), body: format!("{body}\n") }
}

/// An error of the newest generation.
pub(super) fn error(status: u16, code: &str, message: &str) -> Whole {
    json(
        status,
        &serde_json::json!({
            "error": message, "code": code, "severity": "ERROR",
            "probableCause": "", "suggestedRemediation": "", "longDescription": message,
        }),
    )
}

/// A redirect.
pub(super) fn redirect(location: &str, headers: &str) -> Whole {
    let headers = format!("Location: {location}\r\n{headers}");
    let body = format!("<a href=\"{location}\">Found</a>.\n\n");
    Whole { status: 302, kind: "text/html; charset=utf-8".into(), headers, body }
}

/// A redirect without a body, as Go answers other methods than GET.
pub(super) fn redirect_alone(location: &str) -> Whole {
    Whole { headers: format!("Location: {location}\r\n"), status: 302, ..empty(302) }
}

/// The answer of the real server of 2024, with names and IDs of this one.
pub(super) fn recorded(setup: &Setup, answer: &str) -> Whole {
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer.trim_end(), ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let mut whole = Whole {
        status: status.expect("a status line"),
        kind: String::new(),
        headers: String::new(),
        body: body.into(),
    };
    for line in lines {
        match line.split_once(": ") {
            Some(("Content-Type", kind)) => whole.kind = kind.into(),
            _ => whole.headers.push_str(&format!("{line}\r\n")),
        }
    }
    whole.headers = setup.named(&whole.headers);
    whole.body = setup.named(&whole.body);
    whole
}

/// The JSON of a recorded answer, about this connection.
pub(super) fn recorded_item(setup: &Setup, answer: &str, link: &Link) -> Value {
    let body = answer.split_once("\n\n").map_or("", |(_, body)| body);
    let body = setup
        .named(body)
        .replace("535bca23-d3bd-af3e-2c7d-d5dc65e1c855", &link.id)
        .replace("535bca23d3bdaf3e2c7dd5dc65e1c855", &link.context_id)
        .replace("ec62249e-7f2b-4000-a6ee-2fa24e611eee", &link.cluster)
        .replace("https://127.0.0.1:45927", &link.server)
        .replace("\"bed\"", &Value::from(link.name.as_str()).to_string());
    serde_json::from_str(&body).expect("JSON")
}

/// Writes an event at once, then comments until the client is gone.
fn stream(to: &mut dyn Write, event: &str) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    chunk(to, &format!("data: {event}\n\n"))?;
    for _ in 0..600 {
        std::thread::sleep(Duration::from_millis(100));
        chunk(to, ": keep-alive\n\n")?;
    }
    Ok(())
}

fn chunk(to: &mut dyn Write, text: &str) -> io::Result<()> {
    to.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
}
