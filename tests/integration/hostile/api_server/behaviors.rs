//! The behaviors, each with the expected exit codes.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::super::{
    empty_cluster::{self, is_list},
    peer::{Answer, Request, hang_up, json, respond, status},
};

/// The exit code of each command.
#[derive(Clone, Copy)]
pub(super) struct Codes {
    check: i32,
    preflight: i32,
    status: i32,
    test: i32,
    record: i32,
    watch_list: i32,
    rbac: i32,
    redeploy: i32,
    reset: i32,
    /// `test kubernetes` sends few requests.
    test_api: i32,
}

/// The exit codes when nothing can be determined.
pub(super) const UNDETERMINED: Codes = Codes {
    check: 3,
    preflight: 3,
    status: 3,
    test: 3,
    record: 3,
    watch_list: 3,
    rbac: 3,
    redeploy: 3,
    reset: 3,
    test_api: 3,
};

impl Codes {
    pub(super) fn of(&self, command: &str) -> i32 {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            // No server is found, nor named.
            ["server", ..] | ["test", "server", ..] => 3,
            ["test", "kubernetes", ..] => self.test_api,
            ["test", ..] => self.test,
            ["record", ..] => self.record,
            ["watch-list", ..] => self.watch_list,
            ["rbac", ..] => self.rbac,
            ["system", "redeploy", ..] => self.redeploy,
            ["system", "reset", ..] => self.reset,
            ["system", "status", ..] => self.status,
            words if words.contains(&"--preflight") => self.preflight,
            _ => self.check,
        }
    }
}

/// A behavior: its name, its exit codes, and the function that responds.
pub(super) type Behavior = (&'static str, Codes, Answer);

/// The exit codes for an empty cluster, where the stack is not installed.
const EMPTY: Codes = Codes {
    check: 1,
    preflight: 0,
    status: 0,
    test: 1,
    record: 0,
    watch_list: 3,
    rbac: 0,
    // Applied objects never become ready here.
    redeploy: 5,
    reset: 0,
    test_api: 0,
};

/// The user is known, but no list can be read.
const LISTS_UNREADABLE: Codes = Codes { record: 0, rbac: 0, redeploy: 5, test_api: 0, ..UNDETERMINED };

pub(super) const TABLE: &[Behavior] = &[
    // The same response to every request.
    ("404 as a Status", UNDETERMINED, |_, to| json(to, 404, &status(404, "not found"))),
    ("404 as HTML", UNDETERMINED, |_, to| {
        respond(to, 404, "text/html", "", "<html><title>Not \x1b[31mfound\x07</title></html>")
    }),
    ("404 page not found", UNDETERMINED, |_, to| respond(to, 404, "text/plain", "", "404 page not found\n")),
    ("200 with {}", UNDETERMINED, |_, to| json(to, 200, "{}")),
    ("200 as HTML", UNDETERMINED, |_, to| respond(to, 200, "text/html", "", "<html><title>Sign in</title></html>")),
    ("a redirect", UNDETERMINED, |_, to| respond(to, 302, "text/html", "Location: https://login.invalid/\r\n", "")),
    ("401 as a Status", UNDETERMINED, |_, to| json(to, 401, &status(401, "Unauthorized"))),
    ("401 as HTML", UNDETERMINED, |_, to| respond(to, 401, "text/html", "", "<html></html>")),
    // A recording of refusals is still a recording. A user who cannot change anything is refused.
    ("403 as a Status", Codes { record: 0, preflight: 3, redeploy: 4, reset: 4, ..UNDETERMINED }, |_, to| {
        let why = r#"pods is forbidden: User "u" cannot list resource "pods" in API group """#;
        json(to, 403, &status(403, why))
    }),
    ("403 as HTML", UNDETERMINED, |_, to| respond(to, 403, "text/html", "", "<html></html>")),
    ("always 500", UNDETERMINED, |_, to| json(to, 500, &status(500, "it \u{1b}[31mfails\u{7}\u{9b}2J"))),
    ("always 429", UNDETERMINED, |_, to| {
        let body = status(429, "too many requests");
        respond(to, 429, "application/json", "Retry-After: 1\r\n", body)
    }),
    ("always 429, for an hour", UNDETERMINED, |_, to| {
        let body = status(429, "too many requests");
        respond(to, 429, "application/json", "Retry-After: 3600\r\n", body)
    }),
    ("503 of a load balancer", UNDETERMINED, |_, to| respond(to, 503, "text/html", "", "<html>no backend</html>")),
    ("an endless body", UNDETERMINED, |_, to| endless(to)),
    ("an endless head", UNDETERMINED, |_, to| {
        to.write_all(b"HTTP/1.1 200 OK\r\n")?;
        loop {
            to.write_all(b"X-Some: more and more and more and more\r\n")?;
        }
    }),
    ("a slow trickle", UNDETERMINED, |_, to| {
        to.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        loop {
            to.write_all(b"1\r\n{\r\n")?;
            std::thread::sleep(Duration::from_millis(100));
        }
    }),
    ("a truncated body", UNDETERMINED, |_, to| {
        to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"major\":\"1\"")?;
        hang_up()
    }),
    ("a content length that is too small", UNDETERMINED, |_, to| {
        to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"major\":\"1\",\"minor\":\"35\"}")
    }),
    ("a content length of 600 MB", UNDETERMINED, |_, to| {
        to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 600000000\r\n\r\n{")?;
        loop {
            to.write_all(&[b' '; 65536])?;
        }
    }),
    ("invalid UTF-8", UNDETERMINED, |_, to| respond(to, 200, "application/json", "", b"{\"gitVersion\":\"\xff\xfe\"}")),
    ("deep JSON", UNDETERMINED, |_, to| json(to, 200, &deep())),
    ("closed after the head", UNDETERMINED, |_, to| {
        to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        hang_up()
    }),
    ("closed at once", UNDETERMINED, |_, _| hang_up()),
    ("never answers", UNDETERMINED, |_, _| {
        std::thread::sleep(Duration::from_secs(10));
        hang_up()
    }),
    ("no HTTP", UNDETERMINED, |_, to| to.write_all(b"220 mail.invalid ESMTP\r\n")),
    // An API server that at least reports its version.
    ("no fault", EMPTY, empty_cluster::answer),
    ("500 but for the version", Codes { record: 0, ..UNDETERMINED }, |request, to| {
        except_version(request, to, |to| json(to, 500, &status(500, "etcd is gone")))
    }),
    ("closes but for the version", Codes { record: 0, ..UNDETERMINED }, |request, to| {
        except_version(request, to, |_| hang_up())
    }),
    ("lists as HTML", LISTS_UNREADABLE, |request, to| {
        lists(request, to, |to| respond(to, 200, "text/html", "", "<html></html>"))
    }),
    ("lists of nothing", LISTS_UNREADABLE, |request, to| lists(request, to, |to| json(to, 200, "[]"))),
    ("endless lists", LISTS_UNREADABLE, |request, to| lists(request, to, endless)),
    ("deep lists", LISTS_UNREADABLE, |request, to| lists(request, to, |to| json(to, 200, &deep()))),
    ("lists of very many empty objects", LISTS_UNREADABLE, |request, to| {
        lists(request, to, |to| {
            let items = "{},".repeat(120_000);
            json(to, 200, &format!("{{\"metadata\":{{}},\"items\":[{items}{{}}]}}"))
        })
    }),
    // The page limit ends the list.
    ("endless paging", LISTS_UNREADABLE, endless_pages),
    // The timeout comes first.
    ("endless paging, slowly", Codes { test_api: 3, redeploy: 3, ..LISTS_UNREADABLE }, |request, to| {
        if is_page(request) {
            std::thread::sleep(PAGE_DELAY);
        }
        endless_pages(request, to)
    }),
    ("a continue token that repeats", LISTS_UNREADABLE, |request, to| paged(request, to, "the-same")),
    ("one 429 for each path", EMPTY, |request, to| once(request, to, 429, "Retry-After: 1\r\n")),
    ("one 503 for each path", EMPTY, |request, to| once(request, to, 503, "")),
    ("one 500 for each path", EMPTY, |request, to| once(request, to, 500, "")),
    // Faults in writes and dry runs.
    ("dry runs are cut off", Codes { preflight: 3, redeploy: 3, ..EMPTY }, |request, to| {
        writes(request, to, |_| hang_up())
    }),
    ("dry runs get no response", Codes { preflight: 3, redeploy: 3, ..EMPTY }, |request, to| {
        writes(request, to, |_| {
            std::thread::sleep(Duration::from_secs(10));
            hang_up()
        })
    }),
    ("dry runs get HTML", Codes { preflight: 3, redeploy: 3, ..EMPTY }, |request, to| {
        writes(request, to, |to| respond(to, 200, "text/html", "", "<html></html>"))
    }),
    ("dry runs get 503 without a word", Codes { preflight: 3, redeploy: 3, ..EMPTY }, |request, to| {
        writes(request, to, |to| json(to, 503, &status(503, "")))
    }),
];

pub(super) fn endless(to: &mut dyn Write) -> io::Result<()> {
    to.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    to.write_all(b"a\r\n{\"items\":[\r\n")?;
    let chunk = [b"10000\r\n".as_slice(), b" ".repeat(65536).as_slice(), b"\r\n"].concat();
    loop {
        to.write_all(&chunk)?;
    }
}

fn deep() -> String {
    format!("{{\"items\":{}", "[".repeat(100_000))
}

pub(super) fn except_version(
    request: &Request,
    to: &mut dyn Write,
    answer: fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if request.path == "/version" {
        return empty_cluster::answer(request, to);
    }
    answer(to)
}

pub(super) fn lists(
    request: &Request,
    to: &mut dyn Write,
    answer: fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if is_list(request) {
        return answer(to);
    }
    empty_cluster::answer(request, to)
}

fn is_page(request: &Request) -> bool {
    is_list(request) && request.query.contains("limit=")
}

fn paged(request: &Request, to: &mut dyn Write, token: &str) -> io::Result<()> {
    if is_page(request) {
        let padding = "x".repeat(10_000);
        let list = serde_json::json!({
            "metadata": { "continue": token }, "items": [], "padding": padding,
        });
        return json(to, 200, &list.to_string());
    }
    empty_cluster::answer(request, to)
}

pub(super) fn endless_pages(request: &Request, to: &mut dyn Write) -> io::Result<()> {
    paged(request, to, &format!("token-{}", request.before))
}

fn writes(request: &Request, to: &mut dyn Write, answer: fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if request.method == "GET" || request.path.ends_with("reviews") {
        return empty_cluster::answer(request, to);
    }
    answer(to)
}

/// Fails the first request for each path.
pub(super) fn once(request: &Request, to: &mut dyn Write, code: u16, headers: &str) -> io::Result<()> {
    let reads = request.method == "GET" || request.path.ends_with("reviews");
    if request.before == 0 && reads {
        let body = status(code, "not now");
        return respond(to, code, "application/json", headers, body);
    }
    empty_cluster::answer(request, to)
}

/// The delay of each page of a slow list. 1000 pages, the limit, take longer than any command may run.
const PAGE_DELAY: Duration = Duration::from_millis(50);

/// Behaviors that only the timeout ends.
pub(super) const ENDLESS: &[&str] = &[
    "always 429",
    "an endless head",
    "a slow trickle",
    "never answers",
    "endless paging, slowly",
    "dry runs get no response",
];
