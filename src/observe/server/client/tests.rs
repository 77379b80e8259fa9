//! The client against small servers on loopback.

use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::{
    cluster::server_access::{NamedServer, Origin},
    facts::server::NamedBy,
    stack::profile::MESHERY,
};

/// A server on loopback, and the requests that it received.
pub(in crate::observe::server) struct Peer {
    pub(in crate::observe::server) port: u16,
    pub(in crate::observe::server) requests: Arc<Mutex<Vec<String>>>,
}

/// Starts a server whose answer to each request is decided by its first line.
pub(in crate::observe::server) async fn peer(answer: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let requests: Arc<Mutex<Vec<String>>> = Arc::default();
    let (answer, seen) = (Arc::new(answer), Arc::clone(&requests));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
            tokio::spawn(async move {
                while let Some(request) = request(&mut stream).await {
                    let response = answer(request.lines().next().unwrap_or_default());
                    seen.lock().expect("no panic").push(request);
                    match response {
                        Some(response) => drop(stream.write_all(response.as_bytes()).await),
                        None => std::future::pending().await,
                    }
                }
            });
        }
    });
    Peer { port, requests }
}

/// One request with its body.
async fn request(stream: &mut tokio::net::TcpStream) -> Option<String> {
    let mut text = String::new();
    let mut bytes = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        let read = stream.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
        text.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
}

pub(in crate::observe::server) fn response(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{more}\r\n{body}", body.len())
}

pub(in crate::observe::server) fn kube_client() -> kube::Client {
    kube::Client::try_from(kube::Config::new("http://127.0.0.1:9".parse().expect("an address"))).expect("a client")
}

pub(in crate::observe::server) fn api() -> ApiClient<'static> {
    let end = Instant::now() + Duration::from_secs(20);
    ApiClient::new(kube_client(), Duration::from_secs(2), end, None)
}

pub(in crate::observe::server) fn named(port: u16, token: Option<&str>) -> NamedServer {
    let credential = ServerCredential {
        provider: Some("Meshery".into()),
        token: token.map(|token| SecretString::from(token.to_owned())),
        fact: None,
    };
    NamedServer {
        origin: Origin::parse(&format!("http://127.0.0.1:{port}")),
        by: NamedBy::Flag,
        context: None,
        credential: token.map(|_| credential),
    }
}

/// What the client makes of an answer, and the requests that arrived.
async fn ask(answer: String, ask: Ask) -> (Result<Answer, Failed>, Vec<String>) {
    let peer = peer(move |_| Some(answer.clone())).await;
    let api = api();
    let server = named(peer.port, Some("a-token-of-ours"));
    let client = ServerClient::named(&api, kube_client(), &MESHERY, &server).expect("an address");
    let answer = client.send(&ask).await;
    let requests = peer.requests.lock().expect("no panic").clone();
    (answer, requests)
}

#[tokio::test]
async fn answers_are_classified() {
    let user = || Ask::get("session", "/api/user");
    let json = response("200 OK", "Content-Type: text/plain\r\n", "{\"user_id\":\"me\"}\n");
    let (answer, requests) = ask(json, user()).await;
    assert_eq!(answer, Ok(Answer::Json("{\"user_id\":\"me\"}\n".into())));
    assert!(requests[0].contains("cookie: token=a-token-of-ours; meshery-provider=Meshery\r\n"), "{}", requests[0]);

    let page = response("200 OK", "Content-Type: application/json\r\n", "<!doctype html><html></html>");
    assert_eq!(ask(page, user()).await.0, Ok(Answer::Html(200)));

    let login = "Location: https://provider.example/login?source=secret\r\nSet-Cookie: token=; Max-Age=0\r\n";
    let (answer, requests) = ask(response("302 Found", login, "<a href>"), user()).await;
    assert_eq!(answer, Ok(Answer::Redirect("https://provider.example/login?REDACTED".into())));
    assert_eq!(requests.len(), 1, "it is not followed");

    let absent = response("404 Not Found", "Content-Type: text/plain\r\n", "404 page not found\n");
    assert_eq!(ask(absent, user()).await.0, Ok(Answer::Status(404, "404 page not found".into())));

    let error = r#"{"error": "no provider", "code": "meshery-server-1", "probable_cause": "it is\u001b[31m down"}"#;
    let down = response("503 Service Unavailable", "", error);
    assert_eq!(ask(down, user()).await.0, Ok(Answer::Status(503, "no provider: it is[31m down".into())));
}

#[tokio::test]
async fn answers_that_are_too_large_or_no_http_are_failures() {
    let user = Ask::get("session", "/api/user").at_most(100);
    let (answer, _) = ask(response("200 OK", "", &"x".repeat(101)), user.clone()).await;
    assert_eq!(answer.map_err(|failed| (failed.step, failed.failure.kind)), Err((ReachStep::Response, Kind::TooLarge)));
    let (answer, _) = ask("SSH-2.0-OpenSSH_9.9\r\n".into(), user).await;
    assert_eq!(answer.map_err(|failed| failed.step), Err(ReachStep::NotTheServer));
}

#[tokio::test]
async fn only_the_first_event_of_a_stream_is_read() {
    let stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: []\n\ndata: [1]\n\n".to_owned();
    let subscribe = Ask { first_event: true, ..Ask::get("controllers", "/subscribe") };
    let (answer, _) = ask(stream, subscribe).await;
    assert!(matches!(answer, Ok(Answer::Json(text)) if text.starts_with("data: []\n\n")));
}

#[tokio::test]
async fn silent_server_fails_within_the_limit_and_no_address_fails_at_once() {
    let peer = peer(|_| None).await;
    let api = api();
    let server = named(peer.port, None);
    let client = ServerClient::named(&api, kube_client(), &MESHERY, &server).expect("an address");
    let started = Instant::now();
    let answer = client.send(&Ask::get("version", "/api/system/version").within(Duration::from_millis(100))).await;
    assert_eq!(answer.map_err(|failed| failed.step), Err(ReachStep::Response));
    assert!(started.elapsed() < Duration::from_secs(1));
    let sent = peer.requests.lock().expect("no panic")[0].clone();
    assert!(sent.contains("cookie: meshery-provider=None\r\n"), "{sent}");
    assert!(!sent.contains("token="), "{sent}");

    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").port();
    let client = ServerClient::named(&api, kube_client(), &MESHERY, &named(free, None)).expect("an address");
    let failed = client.send(&Ask::get("session", "/api/user")).await.expect_err("nothing listens");
    assert_eq!((failed.step, failed.failure.kind), (ReachStep::Connect, Kind::ConnectionRefused));
}

#[tokio::test]
async fn connection_is_used_again_and_replaced_if_the_server_closed_it() {
    let peer = peer(|_| Some(response("200 OK", "", "{}"))).await;
    let api = api();
    let client = ServerClient::named(&api, kube_client(), &MESHERY, &named(peer.port, None)).expect("an address");
    for _ in 0..3 {
        assert!(client.send(&Ask::get("session", "/api/user")).await.is_ok());
    }
    assert_eq!(client.idle.borrow().len(), 1);

    let closing = self::peer(|_| Some(response("200 OK", "Connection: close\r\n", "{}"))).await;
    let client = ServerClient::named(&api, kube_client(), &MESHERY, &named(closing.port, None)).expect("an address");
    for _ in 0..3 {
        assert!(client.send(&Ask::get("session", "/api/user")).await.is_ok());
    }
}

#[test]
fn unusable_cookies_are_not_sent() {
    let with = |token: &str| ServerCredential { provider: Some("a b".into()), token: Some(token.into()), fact: None };
    for token in ["a; b=c", "line\r\nHost: x", ""] {
        let cookies = Cookies::of(&MESHERY, Some(&with(token)));
        assert!(!cookies.has_token);
        assert_eq!(cookies.header.expect("a cookie"), "meshery-provider=None");
    }
    let cookies = Cookies::of(&MESHERY, Some(&with("eyJhIjoiYiJ9")));
    let header = cookies.header.expect("a cookie");
    assert!(header.is_sensitive() && cookies.has_token);
    assert_eq!(header, "token=eyJhIjoiYiJ9");
}
