//! Proxies between meshdoctor and the API server: SOCKS5, credentials, and addresses that are not proxies.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::{
    Folder, assert_says, check,
    fake::{Fake, UNAUTHORIZED},
    kubeconfig, obstacle, title,
};

/// What a SOCKS5 proxy received: name and password, and the target.
type Received = (Option<(String, String)>, String);

/// A SOCKS5 proxy. It rejects the credentials when `accepts` is false.
fn socks(accepts: bool) -> (u16, mpsc::Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || serve(stream, accepts, &sender));
        }
    });
    (port, received)
}

fn text(stream: &mut TcpStream) -> Option<String> {
    let mut length = [0];
    stream.read_exact(&mut length).ok()?;
    let mut text = vec![0; length[0].into()];
    stream.read_exact(&mut text).ok()?;
    String::from_utf8(text).ok()
}

fn serve(mut stream: TcpStream, accepts: bool, sender: &mpsc::Sender<Received>) -> Option<()> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).ok()?;
    let mut methods = vec![0; greeting[1].into()];
    stream.read_exact(&mut methods).ok()?;
    let mut user = None;
    if methods.contains(&2) {
        stream.write_all(&[5, 2]).ok()?;
        stream.read_exact(&mut [0]).ok()?;
        user = Some((text(&mut stream)?, text(&mut stream)?));
        stream.write_all(&[1, u8::from(!accepts)]).ok()?;
    } else {
        stream.write_all(&[5, 0]).ok()?;
    }
    let mut request = [0; 4];
    if !accepts || stream.read_exact(&mut request).is_err() {
        sender.send((user, String::new())).ok()?;
        return None;
    }
    let host = match request[3] {
        3 => text(&mut stream)?,
        _ => {
            let mut address = [0; 4];
            stream.read_exact(&mut address).ok()?;
            std::net::Ipv4Addr::from(address).to_string()
        }
    };
    let mut port = [0; 2];
    stream.read_exact(&mut port).ok()?;
    sender.send((user, format!("{host}:{}", u16::from_be_bytes(port)))).ok()?;
    stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 1]).ok()?;
    let mut buffer = [0; 4096];
    while let Ok(1..) = stream.read(&mut buffer) {
        stream.write_all(UNAUTHORIZED.as_bytes()).ok()?;
    }
    Some(())
}

fn with_proxy(folder: &Folder, proxy: &str) -> std::path::PathBuf {
    let cluster = format!("server: 'http://kubernetes.invalid:6443', proxy-url: '{proxy}'");
    folder.file("config", kubeconfig(&cluster, "token: t"))
}

#[test]
fn socks_proxy_receives_credentials_and_resolves_the_name() {
    let folder = Folder::new();
    for (scheme, user, expected) in [
        ("socks5", "me:p%40ss%3Aword@", Some(("me", "p@ss:word"))),
        ("socks5h", "me:pw@", Some(("me", "pw"))),
        ("socks5h", "", None),
        ("socks5", "", None),
    ] {
        let (port, received) = socks(true);
        let path = with_proxy(&folder, &format!("{scheme}://{user}127.0.0.1:{port}"));
        obstacle(check(&path), "credentials-rejected");
        let (given, place) = received.recv().expect("a connection");
        let given = given.as_ref().map(|(name, word)| (name.as_str(), word.as_str()));
        assert_eq!(given, expected, "{scheme} {user}");
        assert_eq!(place, "kubernetes.invalid:6443");
    }
}

#[test]
fn rejected_proxy_credentials_are_reported_without_the_password() {
    let folder = Folder::new();
    let (port, _received) = socks(false);
    let path = with_proxy(&folder, &format!("socks5://me:S3CRET@127.0.0.1:{port}"));
    let finding = obstacle(check(&path), "cluster-unreachable");
    assert_says(&title(&finding), &["proxy", "user name and password"]);
    assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");

    let proxy = Fake::http("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    let path = with_proxy(&folder, &format!("http://me:S3CRET@{}", proxy.endpoint()));
    let finding = obstacle(check(&path), "cluster-unreachable");
    assert_says(&title(&finding), &["proxy", "user name and password", "407"]);
    assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");
}

#[test]
fn unusable_proxy_in_environment_is_never_bypassed() {
    let folder = Folder::new();
    let cluster = "server: 'https://192.0.2.1:6443'";
    let path = folder.file("config", kubeconfig(cluster, "token: t"));
    for value in ["ftp://me:S3CRET@proxy", "http://me:S3CRET@proxy:99999", "://", "http://a b"] {
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
            let tool = check(&path).env(name, value).arg("--timeout=5s");
            let finding = obstacle(tool, "cluster-unreachable");
            assert_says(&title(&finding), &["proxy", name, "cannot be used"]);
            assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");
        }
    }
    // A host excluded by `NO_PROXY` does not need a proxy.
    let tool = check(&path).env("HTTPS_PROXY", "ftp://proxy").env("NO_PROXY", "192.0.2.0/24").arg("--timeout=1s");
    let finding = obstacle(tool, "cluster-unreachable");
    assert!(!title(&finding).contains("HTTPS_PROXY"), "{finding:#}");
}

#[test]
fn invalid_proxy_url_is_reported_without_its_credentials() {
    let folder = Folder::new();
    for proxy in ["ftp://me:S3CRET@proxy", "http://me:S3CRET@proxy:x", "http://", "socks4://proxy"] {
        let finding = obstacle(check(&with_proxy(&folder, proxy)), "kubeconfig-invalid");
        assert_says(&title(&finding), &["proxy-url", "line 5"]);
        assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");
    }
}
