//! Faults of a server, each with the exit codes of all commands.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::json;

use super::standin::{self, AdapterReply, Fate, Generation, Link, Ping, Said, Setup, Write};
use crate::hostile::peer::{Request, hang_up, json as answer_json, respond};

/// Writes an answer, or leaves the request to the stand-in.
pub(super) type Fault = fn(&Request, &mut dyn io::Write) -> Option<io::Result<()>>;

/// What the server does.
#[derive(Clone, Copy)]
pub(super) enum Wire {
    /// It answers with a fault.
    Http(Fault),
    /// It is a server with strange content.
    Strange(fn(&mut Setup)),
    /// It does not speak HTTP.
    Raw(fn(TcpStream)),
    /// As [`Self::Raw`], but its address begins with `https`.
    RawTls(fn(TcpStream)),
    /// Nothing listens.
    Refused,
    /// It redirects every request to another server with this status.
    Redirect(u16),
    /// It redirects every change to another server with this status.
    RedirectChange(u16),
}

/// A behavior and the exit codes of all commands, in the order of [`super::hostile::COMMANDS`].
#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) generation: Generation,
    pub(super) wire: Wire,
    pub(super) codes: &'static str,
}

const fn case(name: &'static str, wire: Wire, codes: &'static str) -> Case {
    Case { name, generation: Generation::Controllers, wire, codes }
}

const fn of_2024(case: Case) -> Case {
    Case { generation: Generation::Graphql, ..case }
}

/// How long a server that hangs does so: longer than a command may run.
const FOREVER: Duration = Duration::from_secs(20);

const HTML: &str = "<!DOCTYPE html><html><head><title>\u{1b}[31mSign in\u{7}</title></head></html>";

/// Text that must not reach a terminal.
const EVIL: &str = "bad \u{1b}]0;mine\u{7}\u{9b}2J\r\n\u{202e}txet \u{2066}hidden\u{2069}\u{200b}";

/// Columns: `system check`, `system status`, `record`, `server status`, `test server`, `server contexts list`,
/// `server contexts ping` and `server config`. The first three say what the cluster is like, whatever the server does.
/// Only a server that cannot reach a cluster that we reach is a finding that changes the exit code. A row may be shorter.
pub(super) const TABLE: &[Case] = &[
    case("no fault", Wire::Strange(|_| ()), "00000000"),
    of_2024(case("no fault in 2024", Wire::Strange(|_| ()), "00000003")),
    // No answer.
    case("refused", Wire::Refused, "00033333"),
    case("silent", Wire::Raw(|_stream| std::thread::sleep(FOREVER)), "00033333"),
    case("closes at once", Wire::Raw(drop), "00033333"),
    case("no HTTP", Wire::Raw(|mut stream| drop(stream.write_all(b"220 mail.invalid ESMTP\r\n"))), "00033333"),
    case("no TLS", Wire::RawTls(not_tls), "00033333"),
    case("TLS is silent", Wire::RawTls(|_stream| std::thread::sleep(FOREVER)), "00033333"),
    case("never answers", Wire::Http(|_, _| Some(hang())), "00033333"),
    case("hangs after the head", Wire::Http(|_, to| Some(hang_after(to, ""))), "00033333"),
    case("hangs in the body", Wire::Http(|_, to| Some(hang_after(to, "{\"id\":\"somebody\","))), "00033333"),
    case("an endless head", Wire::Http(|_, to| Some(endless_head(to))), "00033333"),
    case("an endless body", Wire::Http(|_, to| Some(endless_body(to))), "00033333"),
    case("a slow trickle", Wire::Http(|_, to| Some(trickle(to))), "00033333"),
    case("continues without end", Wire::Http(|_, to| Some(continues(to))), "00033333"),
    // The same answer to everything.
    case("500", Wire::Http(|_, to| Some(respond(to, 500, "text/plain", "", EVIL))), "00033333"),
    case("502 of a proxy", Wire::Http(|_, to| Some(respond(to, 502, "text/html", "", HTML))), "00033333"),
    case("200 as HTML", Wire::Http(|_, to| Some(respond(to, 200, "text/html", "", HTML))), "00033333"),
    case("HTML as JSON", Wire::Http(|_, to| Some(respond(to, 200, "application/json", "", HTML))), "00033333"),
    case("404 as HTML", Wire::Http(|_, to| Some(respond(to, 404, "text/html", "", HTML))), "00033333"),
    case("401", Wire::Http(|_, to| Some(respond(to, 401, "text/plain", "", "Unauthorized"))), "00033333"),
    case("{}", Wire::Http(|_, to| Some(answer_json(to, 200, "{}"))), "00033333"),
    case("null", Wire::Http(|_, to| Some(answer_json(to, 200, "null"))), "00033333"),
    case("[]", Wire::Http(|_, to| Some(answer_json(to, 200, "[]"))), "00033333"),
    case("deep JSON", Wire::Http(|_, to| Some(answer_json(to, 200, &"[".repeat(100_000)))), "00033333"),
    case(
        "invalid UTF-8",
        Wire::Http(|_, to| Some(respond(to, 200, "application/json", "", b"{\"id\":\"\xff\xfe\"}"))),
        "00033333",
    ),
    case("truncated JSON", Wire::Http(|_, to| Some(answer_json(to, 200, "{\"id\":\"some"))), "00033333"),
    case("a truncated body", Wire::Http(|_, to| Some(truncated(to))), "00033333"),
    case("a body of 600 MB", Wire::Http(|_, to| Some(announced(to))), "00033333"),
    case("10 MB of JSON", Wire::Http(|_, to| Some(answer_json(to, 200, &large()))), "00033333"),
    // It must not get the token.
    case("301 to another host", Wire::Redirect(301), "00033333"),
    case("302 to another host", Wire::Redirect(302), "00033333"),
    case("307 to another host", Wire::Redirect(307), "00033333"),
    case("308 to another host", Wire::Redirect(308), "00033333"),
    // A server with one bad answer. The session and the connections are fine.
    case(
        "an endless event",
        Wire::Http(|request, to| at(request, "/subscribe").then(|| events(to, "data: x"))),
        "00000000",
    ),
    case(
        "endless events",
        Wire::Http(|request, to| at(request, "/subscribe").then(|| events(to, "x: y\n\n"))),
        "00000000",
    ),
    case("silent events", Wire::Http(|request, _| at(request, "/subscribe").then(hang)), "00000000"),
    case("10 MB of labels", Wire::Http(|request, to| at(request, "/summary").then(|| labels(to))), "00000000"),
    case("negative counts", Wire::Http(|request, to| at(request, "/summary").then(|| summary(to, "-5"))), "00000000"),
    case(
        "counts of 20 digits",
        Wire::Http(|request, to| at(request, "/summary").then(|| summary(to, "99999999999999999999"))),
        "00000000",
    ),
    case(
        "broken counts",
        Wire::Http(|request, to| at(request, "/summary").then(|| summary(to, "\"many\""))),
        "00000000",
    ),
    case("a hanging version", Wire::Http(|request, _| at(request, "/version").then(hang)), "00000000"),
    case("a hanging ping", Wire::Strange(|setup| setup.connections[0].ping = Ping::Late(FOREVER)), "00003030"),
    case(
        "500 but for the session",
        Wire::Http(|request, to| (!at(request, "/api/user")).then(|| respond(to, 500, "text/plain", "", EVIL))),
        "00033333",
    ),
    case(
        "500 but for the lists",
        Wire::Http(|request, to| {
            (!at(request, "/api/user") && !at(request, "/connections"))
                .then(|| respond(to, 500, "text/plain", "", EVIL))
        }),
        "00003013",
    ),
    of_2024(case("GraphQL fails", Wire::Strange(|setup| setup.panics = true), "00003003")),
    of_2024(case("GraphQL hangs", Wire::Http(|request, _| at(request, "/query").then(hang)), "00003003")),
    of_2024(case(
        "GraphQL is HTML",
        Wire::Http(|request, to| at(request, "/query").then(|| respond(to, 200, "text/html", "", HTML))),
        "00000003",
    )),
    // Content.
    case("control characters", Wire::Strange(evil), "00000000"),
    of_2024(case("control characters in 2024", Wire::Strange(evil), "00000003")),
    case(
        "the same connection twice",
        Wire::Strange(|setup| {
            let again = setup.connections[0].clone();
            setup.connections.push(again);
        }),
        "00000000",
    ),
    case(
        "3000 connections",
        Wire::Strange(|setup| {
            setup.connections.extend((2..3000).map(|number| Link::to("00000000-0000-0000-0000-000000000000", number)));
        }),
        "00000030",
    ),
    case(
        "huge counts",
        Wire::Strange(|setup| setup.counts.values_mut().for_each(|count| *count = u64::MAX)),
        "00000000",
    ),
    of_2024(case(
        "large counts in 2024",
        Wire::Strange(|setup| setup.counts.values_mut().for_each(|count| *count = u64::MAX / 8)),
        "00000003",
    )),
    case(
        "5000 kinds",
        Wire::Strange(|setup| {
            setup.counts.extend((0..5000).map(|number| (format!("Kind{number}"), 1)));
        }),
        "00000000",
    ),
    case(
        "3000 diagnostics",
        Wire::Strange(|setup| setup.diagnostics = vec![Setup::diagnostic("broker_networking"); 3000]),
        "00000000",
    ),
    case(
        "3000 adapters",
        Wire::Strange(|setup| {
            setup.adapters =
                (0..3000).map(|number| (format!("adapter-{number}:10000"), AdapterReply::Unknown)).collect();
        }),
        "00000000",
    ),
];

/// What happens to a change, with the exit codes of all commands in the order of [`super::hostile::CHANGES`]: `server
/// contexts rediscover`, `server contexts upload`, `server contexts delete`, `server mode`, `server reconnect`, `system
/// reset data` and `system reset database`. A command with `-` is not tried.
///
/// A fault answers instead of the server, which has carried out the change by then.
pub(super) const CHANGES_TABLE: &[Case] = &[
    case("no fault", Wire::Strange(|_| ()), "0000555"),
    of_2024(case("no fault in 2024", Wire::Strange(|_| ()), "0004555")),
    of_may(case("no fault in May 2026", Wire::Strange(|_| ()), "0004555")),
    // Refused.
    case("401", Wire::Strange(|setup| every(setup, &Fate::Refused(401, Said::Json("no")))), "5555555"),
    case("403", Wire::Strange(|setup| every(setup, &Fate::Refused(403, Said::Text("no")))), "5555555"),
    case("404", Wire::Strange(|setup| every(setup, &Fate::Refused(404, Said::Text("no")))), "5555555"),
    case("404 as HTML", Wire::Strange(|setup| every(setup, &Fate::Refused(404, Said::Html))), "5555555"),
    case("409", Wire::Strange(|setup| every(setup, &Fate::Refused(409, Said::Json("busy")))), "5555555"),
    case("500", Wire::Http(|request, to| change(request, || respond(to, 500, "text/plain", "", EVIL))), "5555555"),
    case("200 as HTML", Wire::Strange(|setup| every(setup, &Fate::Refused(200, Said::Html))), "5555555"),
    case("301 to another host", Wire::RedirectChange(301), "5555555"),
    case("302 to another host", Wire::RedirectChange(302), "5555555"),
    case("307 to another host", Wire::RedirectChange(307), "5555555"),
    case("308 to another host", Wire::RedirectChange(308), "5555555"),
    // Carried out, but without a good answer.
    case("closed", Wire::Strange(|setup| every(setup, &Fate::Cut)), "5555555"),
    case("closed before", Wire::Strange(|setup| every(setup, &Fate::CutBefore)), "5555555"),
    case("hangs", Wire::Strange(|setup| every(setup, &Fate::Hangs(FOREVER))), "5555555"),
    case("a slow trickle", Wire::Http(|request, to| change(request, || trickle(to))), "5555555"),
    case("an endless head", Wire::Http(|request, to| change(request, || endless_head(to))), "5555555"),
    case("an endless body", Wire::Http(|request, to| change(request, || endless_body(to))), "5555555"),
    case("a body of 600 MB", Wire::Http(|request, to| change(request, || announced(to))), "5555555"),
    case("a truncated body", Wire::Http(|request, to| change(request, || truncated(to))), "5555555"),
    case("10 MB of JSON", Wire::Http(|request, to| change(request, || answer_json(to, 200, &large()))), "5555555"),
    case(
        "deep JSON",
        Wire::Http(|request, to| change(request, || answer_json(to, 200, &"[".repeat(100_000)))),
        "0500555",
    ),
    case("null", Wire::Http(|request, to| change(request, || answer_json(to, 200, "null"))), "0500555"),
    // The end never comes.
    case("ignored", Wire::Strange(|setup| every(setup, &Fate::Ignored)), "0555555"),
    of_2024(case("ignored in 2024", Wire::Strange(|setup| every(setup, &Fate::Ignored)), "0554555")),
    case("stuck", Wire::Strange(|setup| every(setup, &Fate::Stuck)), "0500555"),
    of_2024(case("stuck in 2024", Wire::Strange(|setup| every(setup, &Fate::Stuck)), "0504555")),
    // Content.
    case("control characters", Wire::Strange(evil), "0000555"),
];

const fn of_may(case: Case) -> Case {
    Case { generation: Generation::Connections, ..case }
}

/// Gives every change the same fate.
fn every(setup: &mut Setup, fate: &Fate) {
    setup.writing.fates = Write::ALL.into_iter().map(|write| (write, fate.clone())).collect();
}

/// The answer to a request if it asks for a change.
fn change(request: &Request, answer: impl FnOnce() -> io::Result<()>) -> Option<io::Result<()>> {
    standin::is_change(request).then(answer)
}

fn at(request: &Request, end: &str) -> bool {
    request.path.ends_with(end)
}

fn hang() -> io::Result<()> {
    std::thread::sleep(FOREVER);
    hang_up()
}

fn hang_after(to: &mut dyn io::Write, body: &str) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n")?;
    to.write_all(body.as_bytes())?;
    hang()
}

fn endless_head(to: &mut dyn io::Write) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\n")?;
    loop {
        to.write_all(b"X-Some: more and more and more and more\r\n")?;
    }
}

fn endless_body(to: &mut dyn io::Write) -> io::Result<()> {
    to.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"id\":\"\r\n",
    )?;
    let chunk = [b"10000\r\n".as_slice(), b"x".repeat(65536).as_slice(), b"\r\n"].concat();
    loop {
        to.write_all(&chunk)?;
    }
}

fn trickle(to: &mut dyn io::Write) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    loop {
        to.write_all(b"1\r\n \r\n")?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn continues(to: &mut dyn io::Write) -> io::Result<()> {
    loop {
        to.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn truncated(to: &mut dyn io::Write) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"id\":\"some")?;
    hang_up()
}

fn announced(to: &mut dyn io::Write) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 600000000\r\n\r\n{")?;
    let spaces = vec![b' '; 65536];
    loop {
        to.write_all(&spaces)?;
    }
}

fn large() -> String {
    json!({ "id": "somebody", "connections": [], "padding": "x".repeat(10_000_000) }).to_string()
}

fn events(to: &mut dyn io::Write, piece: &str) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    let piece = piece.repeat(1000);
    loop {
        to.write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes())?;
    }
}

fn labels(to: &mut dyn io::Write) -> io::Result<()> {
    let label = json!({ "key": "some-key-of-a-label", "value": "x".repeat(50) }).to_string();
    let labels = vec![label; 120_000].join(",");
    let kinds = r#"[{"kind":"Pod","model":"kubernetes","count":9}]"#;
    answer_json(to, 200, &format!("{{\"kinds\":{kinds},\"labels\":[{labels}],\"namespaces\":[]}}"))
}

fn summary(to: &mut dyn io::Write, count: &str) -> io::Result<()> {
    let kinds = format!(r#"[{{"kind":"Pod","model":"kubernetes","count":{count}}}]"#);
    answer_json(to, 200, &format!("{{\"kinds\":{kinds},\"labels\":[],\"namespaces\":[]}}"))
}

/// Answers the client's greeting with something else.
fn not_tls(mut stream: TcpStream) {
    let mut greeting = [0; 512];
    let _ = stream.read(&mut greeting);
    let _ = stream.write_all(b"\x16\x03\x03\xff\xffnot a certificate\x1b[31m");
}

fn evil(setup: &mut Setup) {
    setup.build = EVIL.into();
    setup.outdated = Some(true);
    for link in &mut setup.connections {
        link.name = EVIL.into();
        link.updated = EVIL.into();
        link.mode = Some(EVIL.into());
    }
    setup.states = ["\u{1b}[31m", EVIL, "CONNECTED \u{202e}"];
    let mut diagnostic = Setup::diagnostic("broker_networking");
    for key in ["summary", "description", "endpoint", "controller", "severity"] {
        diagnostic[key] = EVIL.into();
    }
    setup.diagnostics = vec![diagnostic];
    setup.events = vec![setup.event(EVIL, EVIL)];
    setup.adapters = vec![(EVIL.into(), AdapterReply::Reached)];
    setup.counts.insert(EVIL.into(), 1);
}
