//! An API server that injects faults: a table of behaviours, each tried against every command.
//!
//! A behaviour is one line with the exit codes that it must lead to.

use std::{
    collections::VecDeque,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    commands::{CHANGING, PRINTING, READING},
    empty_cluster::{self, is_list},
    peer::{Answer, Peer, Request, hang_up, json, respond, status},
};
use crate::{
    schema,
    tool::{Ran, meshdoctor},
};

/// The exit codes of the commands.
#[derive(Clone, Copy)]
struct Codes {
    check: i32,
    preflight: i32,
    status: i32,
    test: i32,
    record: i32,
    watch_list: i32,
    rbac: i32,
    redeploy: i32,
    reset: i32,
    /// `test kubernetes` asks for little.
    test_api: i32,
}

/// Nothing is known.
const UNDETERMINED: Codes = Codes {
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
    fn of(&self, command: &str) -> i32 {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
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

/// A behaviour: its name, the exit codes, and how it answers.
type Behaviour = (&'static str, Codes, Answer);

/// What an empty cluster leads to: the stack is not installed.
const EMPTY: Codes = Codes {
    check: 1,
    preflight: 0,
    status: 0,
    test: 1,
    record: 0,
    watch_list: 3,
    rbac: 0,
    // What is applied never becomes ready here.
    redeploy: 5,
    reset: 0,
    test_api: 0,
};

/// Who we are is known, and what is there is not.
const BLIND: Codes = Codes {
    record: 0,
    rbac: 0,
    redeploy: 5,
    test_api: 0,
    ..UNDETERMINED
};

const TABLE: &[Behaviour] = &[
    // Whatever is asked.
    ("404 as a Status", UNDETERMINED, |_, to| {
        json(to, 404, &status(404, "not found"))
    }),
    ("404 as HTML", UNDETERMINED, |_, to| {
        respond(
            to,
            404,
            "text/html",
            "",
            "<html><title>Not \x1b[31mfound\x07</title></html>",
        )
    }),
    ("404 page not found", UNDETERMINED, |_, to| {
        respond(to, 404, "text/plain", "", "404 page not found\n")
    }),
    ("200 with {}", UNDETERMINED, |_, to| json(to, 200, "{}")),
    ("200 as HTML", UNDETERMINED, |_, to| {
        respond(
            to,
            200,
            "text/html",
            "",
            "<html><title>Sign in</title></html>",
        )
    }),
    ("a redirect", UNDETERMINED, |_, to| {
        respond(
            to,
            302,
            "text/html",
            "Location: https://login.invalid/\r\n",
            "",
        )
    }),
    ("401 as a Status", UNDETERMINED, |_, to| {
        json(to, 401, &status(401, "Unauthorized"))
    }),
    ("401 as HTML", UNDETERMINED, |_, to| {
        respond(to, 401, "text/html", "", "<html></html>")
    }),
    // A recording of refusals is one, and who may change nothing is refused.
    (
        "403 as a Status",
        Codes {
            record: 0,
            preflight: 3,
            redeploy: 4,
            reset: 4,
            ..UNDETERMINED
        },
        |_, to| {
            let why = r#"pods is forbidden: User "u" cannot list resource "pods" in API group """#;
            json(to, 403, &status(403, why))
        },
    ),
    ("403 as HTML", UNDETERMINED, |_, to| {
        respond(to, 403, "text/html", "", "<html></html>")
    }),
    ("always 500", UNDETERMINED, |_, to| {
        json(to, 500, &status(500, "it \u{1b}[31mfails\u{7}\u{9b}2J"))
    }),
    ("always 429", UNDETERMINED, |_, to| {
        let body = status(429, "too many requests");
        respond(to, 429, "application/json", "Retry-After: 1\r\n", body)
    }),
    ("always 429, for an hour", UNDETERMINED, |_, to| {
        let body = status(429, "too many requests");
        respond(to, 429, "application/json", "Retry-After: 3600\r\n", body)
    }),
    ("503 of a load balancer", UNDETERMINED, |_, to| {
        respond(to, 503, "text/html", "", "<html>no backend</html>")
    }),
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
    (
        "a content length that is too small",
        UNDETERMINED,
        |_, to| {
            to.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"major\":\"1\",\"minor\":\"35\"}",
            )
        },
    ),
    ("a content length of 600 MB", UNDETERMINED, |_, to| {
        to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 600000000\r\n\r\n{")?;
        loop {
            to.write_all(&[b' '; 65536])?;
        }
    }),
    ("invalid UTF-8", UNDETERMINED, |_, to| {
        respond(
            to,
            200,
            "application/json",
            "",
            b"{\"gitVersion\":\"\xff\xfe\"}",
        )
    }),
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
    ("no HTTP", UNDETERMINED, |_, to| {
        to.write_all(b"220 mail.invalid ESMTP\r\n")
    }),
    // An API server, as far as its version goes.
    ("no fault", EMPTY, empty_cluster::answer),
    (
        "500 but for the version",
        Codes {
            record: 0,
            ..UNDETERMINED
        },
        |request, to| {
            but_for_version(request, to, |to| {
                json(to, 500, &status(500, "etcd is gone"))
            })
        },
    ),
    (
        "closes but for the version",
        Codes {
            record: 0,
            ..UNDETERMINED
        },
        |request, to| but_for_version(request, to, |_| hang_up()),
    ),
    ("lists as HTML", BLIND, |request, to| {
        lists(request, to, |to| {
            respond(to, 200, "text/html", "", "<html></html>")
        })
    }),
    ("lists of nothing", BLIND, |request, to| {
        lists(request, to, |to| json(to, 200, "[]"))
    }),
    ("endless lists", BLIND, |request, to| {
        lists(request, to, endless)
    }),
    ("deep lists", BLIND, |request, to| {
        lists(request, to, |to| json(to, 200, &deep()))
    }),
    ("lists of very many empty objects", BLIND, |request, to| {
        lists(request, to, |to| {
            let items = "{},".repeat(120_000);
            json(
                to,
                200,
                &format!("{{\"metadata\":{{}},\"items\":[{items}{{}}]}}"),
            )
        })
    }),
    // The limit on pages ends the list.
    ("endless paging", BLIND, endless_pages),
    // The time limit comes first.
    (
        "endless paging, slowly",
        Codes {
            test_api: 3,
            redeploy: 3,
            ..BLIND
        },
        |request, to| {
            if is_page(request) {
                std::thread::sleep(PAGE_DELAY);
            }
            endless_pages(request, to)
        },
    ),
    ("a continue token that repeats", BLIND, |request, to| {
        paged(request, to, "the-same")
    }),
    ("one 429 for each path", EMPTY, |request, to| {
        once(request, to, 429, "Retry-After: 1\r\n")
    }),
    ("one 503 for each path", EMPTY, |request, to| {
        once(request, to, 503, "")
    }),
    ("one 500 for each path", EMPTY, |request, to| {
        once(request, to, 500, "")
    }),
    // Whatever is written or tried.
    (
        "dry runs are cut off",
        Codes {
            preflight: 3,
            redeploy: 3,
            ..EMPTY
        },
        |request, to| writes(request, to, |_| hang_up()),
    ),
    (
        "dry runs get no answer",
        Codes {
            preflight: 3,
            redeploy: 3,
            ..EMPTY
        },
        |request, to| {
            writes(request, to, |_| {
                std::thread::sleep(Duration::from_secs(10));
                hang_up()
            })
        },
    ),
    (
        "dry runs get HTML",
        Codes {
            preflight: 3,
            redeploy: 3,
            ..EMPTY
        },
        |request, to| {
            writes(request, to, |to| {
                respond(to, 200, "text/html", "", "<html></html>")
            })
        },
    ),
    (
        "dry runs get 503 without a word",
        Codes {
            preflight: 3,
            redeploy: 3,
            ..EMPTY
        },
        |request, to| writes(request, to, |to| json(to, 503, &status(503, ""))),
    ),
];

fn endless(to: &mut dyn Write) -> io::Result<()> {
    to.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    )?;
    to.write_all(b"a\r\n{\"items\":[\r\n")?;
    let chunk = [
        b"10000\r\n".as_slice(),
        b" ".repeat(65536).as_slice(),
        b"\r\n",
    ]
    .concat();
    loop {
        to.write_all(&chunk)?;
    }
}

fn deep() -> String {
    format!("{{\"items\":{}", "[".repeat(100_000))
}

fn but_for_version(
    request: &Request,
    to: &mut dyn Write,
    answer: fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if request.path == "/version" {
        return empty_cluster::answer(request, to);
    }
    answer(to)
}

fn lists(
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

fn endless_pages(request: &Request, to: &mut dyn Write) -> io::Result<()> {
    paged(request, to, &format!("token-{}", request.before))
}

fn writes(
    request: &Request,
    to: &mut dyn Write,
    answer: fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    if request.method == "GET" || request.path.ends_with("reviews") {
        return empty_cluster::answer(request, to);
    }
    answer(to)
}

/// Fails the first request for each path.
fn once(request: &Request, to: &mut dyn Write, code: u16, headers: &str) -> io::Result<()> {
    let reads = request.method == "GET" || request.path.ends_with("reviews");
    if request.before == 0 && reads {
        let body = status(code, "not now");
        return respond(to, code, "application/json", headers, body);
    }
    empty_cluster::answer(request, to)
}

/// How long each page of a slow list takes: 1000 pages, which are the limit, take longer than any command may run.
const PAGE_DELAY: Duration = Duration::from_millis(50);

/// Behaviours that only the time limit ends.
const WITHOUT_END: &[&str] = &[
    "always 429",
    "an endless head",
    "a slow trickle",
    "never answers",
    "endless paging, slowly",
    "dry runs get no answer",
];

/// How long a run may take: generous, since a busy machine is not what is tested, but that the run ends by itself.
const BOUND: Duration = Duration::from_secs(40);

fn run(name: &str, command: &str, endpoint: &str, folder: &std::path::Path) -> (Ran, Duration) {
    let path = kubeconfig(folder, endpoint);
    let started = Instant::now();
    let (run, request) = if WITHOUT_END.contains(&name) {
        (3, 2)
    } else {
        (30, 20)
    };
    let ran = meshdoctor(command)
        .kubeconfig(&path)
        .arg(format!("--timeout={run}s"))
        .arg(format!("--request-timeout={request}s"));
    let ran = if CHANGING.contains(&command) {
        ran.arg("--wait=1s").run()
    } else {
        ran.run()
    };
    (ran, started.elapsed())
}

fn kubeconfig(folder: &std::path::Path, endpoint: &str) -> PathBuf {
    let path = folder.join(endpoint.replace([':', '/'], "-"));
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         clusters: [{{name: there, cluster: {{server: '{endpoint}'}}}}]\n\
         users: [{{name: me, user: {{token: t}}}}]\n\
         contexts: [{{name: here, context: {{cluster: there, user: me}}}}]\n"
    );
    std::fs::write(&path, text).expect("a kubeconfig");
    path
}

/// What is wrong with a run.
fn faults(command: &str, ran: &Ran, took: Duration, expected: i32) -> Vec<String> {
    let mut faults = Vec::new();
    if ran.code != expected {
        faults.push(format!("exit {} where {expected} is right", ran.code));
    }
    if took > BOUND {
        faults.push(format!("it took {took:?}"));
    }
    if ran.stderr.contains("panicked") {
        faults.push(format!("a panic: {}", ran.stderr));
    }
    let control = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    if control(&ran.stdout) || control(&ran.stderr) {
        faults.push("control characters".into());
    }
    if !command.contains("json") && !command.starts_with("record") {
        return faults;
    }
    let document: serde_json::Value = match serde_json::from_str(&ran.stdout) {
        Ok(document) => document,
        Err(error) => {
            faults.push(format!(
                "no document: {error}\n{}\n{}",
                ran.stdout, ran.stderr
            ));
            return faults;
        }
    };
    let schema = match document["kind"].as_str() {
        Some("List" | "WatchList") => return faults,
        Some("Redeploy" | "Reset" | "Change") => schema::of_changes(),
        _ => schema::validator(),
    };
    if document["exitCode"] != ran.code {
        faults.push(format!("the document says exit {}", document["exitCode"]));
    }
    faults.extend(
        schema
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path())),
    );
    if document["verdict"] == "healthy" && ran.code != 0 {
        faults.push("healthy, and another code than 0".into());
    }
    if document["checks"].as_array().is_some_and(|_| ran.code == 3)
        && document["verdict"] == "healthy"
    {
        faults.push("healthy, though nothing is known".into());
    }
    faults
}

#[test]
fn every_command_holds_against_every_behaviour() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let only = std::env::var("BEHAVIOUR").ok();
    let mut work: VecDeque<(&Behaviour, &str)> = VecDeque::new();
    for behaviour in TABLE {
        if only.as_deref().is_some_and(|only| only != behaviour.0) {
            continue;
        }
        for command in READING.iter().chain(CHANGING).chain(PRINTING) {
            work.push_back((behaviour, command));
        }
    }
    let work = Mutex::new(work);
    let found: Arc<Mutex<Vec<String>>> = Arc::default();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let next = work
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .pop_front();
                    let Some(((name, codes, answer), command)) = next else {
                        return;
                    };
                    let peer = Peer::start(*answer);
                    let (ran, took) = run(
                        name,
                        command,
                        &format!("http://{}", peer.endpoint()),
                        folder.path(),
                    );
                    let faults = faults(command, &ran, took, codes.of(command));
                    if !faults.is_empty() {
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        found.push(format!("{name} × {command}: {}", faults.join("; ")));
                    }
                }
            });
        }
    });
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner).clone();
    found.sort();
    assert!(
        found.is_empty(),
        "{} rows:\n{}",
        found.len(),
        found.join("\n")
    );
}

const PODS: &str = "GET /api/v1/namespaces/meshery/pods";

#[test]
fn a_retry_is_told_and_the_number_of_requests_of_a_healthy_run_is_as_before() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let run = |peer: &Peer| {
        let path = kubeconfig(folder.path(), &format!("http://{}", peer.endpoint()));
        meshdoctor("system check -v -o json")
            .kubeconfig(&path)
            .run()
            .exits(1)
    };
    let healthy = Peer::start(empty_cluster::answer);
    assert!(!run(&healthy).stderr.contains("retrying"));
    assert_eq!(healthy.asked(PODS), 1);

    let throttled = Peer::start(|request, to| once(request, to, 429, "Retry-After: 1\r\n"));
    let told = run(&throttled).stderr;
    assert!(told.contains("retrying in 1 s after 429"), "{told}");
    assert_eq!(throttled.asked(PODS), 2);

    let failing = Peer::start(|request, to| {
        but_for_version(request, to, |to| {
            json(to, 500, &status(500, "etcd is gone"))
        })
    });
    let path = kubeconfig(folder.path(), &format!("http://{}", failing.endpoint()));
    meshdoctor("system check -o json")
        .kubeconfig(&path)
        .run()
        .exits(3);
    assert_eq!(failing.asked(PODS), 3, "two more tries, and no more");
}

#[test]
fn the_answer_of_the_conversion_webhook_is_not_asked_for_again() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let peer = Peer::start(|request, to| {
        if is_list(request) && request.path.contains("/brokers") {
            let why =
                "conversion webhook for meshery.io/v1alpha2, Kind=Broker failed: no endpoints";
            return json(to, 500, &status(500, why));
        }
        empty_cluster::answer(request, to)
    });
    let path = kubeconfig(folder.path(), &format!("http://{}", peer.endpoint()));
    let report = meshdoctor("system check -o json")
        .kubeconfig(&path)
        .run()
        .exits(3);
    assert!(report.stdout.contains("conversion webhook"));
    for version in ["v1alpha1", "v1alpha2"] {
        let path = format!("GET /apis/meshery.io/{version}/namespaces/meshery/brokers");
        assert_eq!(peer.asked(&path), 1, "{path}");
    }
}

/// The API server's clock is two hours ahead of ours, and so is everything in the cluster.
#[test]
fn the_clock_is_the_api_servers() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let peer = Peer::start(|request, to| {
        const VERSION: &str = r#"{"major":"1","minor":"35","gitVersion":"v1.35.4"}"#;
        if request.path == "/version" {
            let date = "Date: Fri, 01 Jan 2100 10:00:00 GMT\r\n";
            return respond(to, 200, "application/json", date, VERSION);
        }
        if request.path.ends_with("/pods") {
            let list = serde_json::json!({ "metadata": {}, "items": [{ "metadata": {
                "name": "meshery-meshsync-0", "namespace": "meshery",
                "labels": { "app": "meshery", "component": "meshsync" },
                "creationTimestamp": "2100-01-01T09:00:00Z",
            } }] });
            return json(to, 200, &list.to_string());
        }
        empty_cluster::answer(request, to)
    });
    let path = kubeconfig(folder.path(), &format!("http://{}", peer.endpoint()));
    let report = meshdoctor("system status -o json")
        .kubeconfig(&path)
        .run()
        .json();
    let taken = report["takenAt"].as_str().unwrap_or_default();
    assert!(taken.starts_with("2100-01-01T10:00"), "{taken}");
}

/// The most memory that a process had, in KiB, as the kernel noted it while it ran.
fn peak(pid: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

#[test]
fn memory_is_bounded_whatever_the_api_server_sends() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let hostile: [(&str, Answer); 5] = [
        ("an endless body", |_, to| endless(to)),
        ("endless lists", |request, to| lists(request, to, endless)),
        ("endless paging", endless_pages),
        ("a list of 600 MB", |request, to| {
            lists(request, to, |to| {
                to.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                let item = [
                    b"10000\r\n".as_slice(),
                    b"{".repeat(65536).as_slice(),
                    b"\r\n",
                ]
                .concat();
                for _ in 0..9600 {
                    to.write_all(&item)?;
                }
                hang_up()
            })
        }),
        ("a list of very many empty objects", |request, to| {
            lists(request, to, |to| {
                let items = "{},".repeat(5_000_000);
                json(
                    to,
                    200,
                    &format!("{{\"metadata\":{{}},\"items\":[{items}{{}}]}}"),
                )
            })
        }),
    ];
    for (name, answer) in hostile {
        let peer = Peer::start(answer);
        let path = kubeconfig(folder.path(), &format!("http://{}", peer.endpoint()));
        let (tell, told) = std::sync::mpsc::channel();
        let watcher = std::thread::spawn(move || {
            let pid = told.recv().expect("a process");
            let mut most = 0;
            while let Some(now) = peak(pid) {
                most = most.max(now);
                std::thread::sleep(Duration::from_millis(2));
            }
            most
        });
        let ran = meshdoctor("system check -o json --timeout=40s")
            .kubeconfig(&path)
            .run_telling(move |pid| tell.send(pid).expect("a watcher"))
            .exits(3);
        let most = watcher.join().expect("the most memory");
        // 64 MiB, and the answers that are held at once.
        let bound = (64 + 20) * 1024;
        assert!(most > 0 && most < bound, "{name}: {most} KiB");
        let report = ran.json();
        let found = report["findings"].as_array().into_iter().flatten();
        let mut codes = found.map(|finding| &finding["code"]);
        assert!(
            codes.any(|code| code == "answer-too-large"),
            "{name}: {report:#}"
        );
    }
}
