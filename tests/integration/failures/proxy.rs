//! Proxies between us and the API server: SOCKS5, credentials, and those that are none.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::{
    Folder, assert_says, check,
    fake::{Fake, UNAUTHORIZED},
    kubeconfig, message, obstacle,
};

/// What a SOCKS5 proxy was told: name and password, and where to.
type Told = (Option<(String, String)>, String);

/// A SOCKS5 proxy for one connection. It refuses the credentials when `lets_in` is false.
fn socks(lets_in: bool) -> (u16, mpsc::Receiver<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            std::thread::spawn(move || serve(stream, lets_in, &tell));
        }
    });
    (port, told)
}

fn text(stream: &mut TcpStream) -> Option<String> {
    let mut length = [0];
    stream.read_exact(&mut length).ok()?;
    let mut text = vec![0; length[0].into()];
    stream.read_exact(&mut text).ok()?;
    String::from_utf8(text).ok()
}

fn serve(mut stream: TcpStream, lets_in: bool, tell: &mpsc::Sender<Told>) -> Option<()> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).ok()?;
    let mut methods = vec![0; greeting[1].into()];
    stream.read_exact(&mut methods).ok()?;
    let mut user = None;
    if methods.contains(&2) {
        stream.write_all(&[5, 2]).ok()?;
        stream.read_exact(&mut [0]).ok()?;
        user = Some((text(&mut stream)?, text(&mut stream)?));
        stream.write_all(&[1, u8::from(!lets_in)]).ok()?;
    } else {
        stream.write_all(&[5, 0]).ok()?;
    }
    let mut request = [0; 4];
    if !lets_in || stream.read_exact(&mut request).is_err() {
        tell.send((user, String::new())).ok()?;
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
    tell.send((user, format!("{host}:{}", u16::from_be_bytes(port)))).ok()?;
    stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 1]).ok()?;
    let mut asked = [0; 4096];
    while let Ok(1..) = stream.read(&mut asked) {
        stream.write_all(UNAUTHORIZED.as_bytes()).ok()?;
    }
    Some(())
}

fn through(folder: &Folder, proxy: &str) -> std::path::PathBuf {
    let cluster = format!("server: 'http://kubernetes.invalid:6443', proxy-url: '{proxy}'");
    folder.file("config", kubeconfig(&cluster, "token: t"))
}

#[test]
fn a_socks_proxy_gets_its_credentials_and_resolves_the_name() {
    let folder = Folder::new();
    for (scheme, user, expected) in [
        ("socks5", "me:p%40ss%3Aword@", Some(("me", "p@ss:word"))),
        ("socks5h", "me:pw@", Some(("me", "pw"))),
        ("socks5h", "", None),
        ("socks5", "", None),
    ] {
        let (port, told) = socks(true);
        let path = through(&folder, &format!("{scheme}://{user}127.0.0.1:{port}"));
        obstacle(check(&path), "credentials-rejected");
        let (given, place) = told.recv().expect("somebody came");
        let given = given.as_ref().map(|(name, word)| (name.as_str(), word.as_str()));
        assert_eq!(given, expected, "{scheme} {user}");
        assert_eq!(place, "kubernetes.invalid:6443");
    }
}

#[test]
fn a_proxy_that_wants_other_credentials_is_told_in_words() {
    let folder = Folder::new();
    let (port, _told) = socks(false);
    let path = through(&folder, &format!("socks5://me:S3CRET@127.0.0.1:{port}"));
    let finding = obstacle(check(&path), "cluster-unreachable");
    assert_says(&message(&finding), &["proxy", "user name and password"]);
    assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");

    let proxy = Fake::http("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    let path = through(&folder, &format!("http://me:S3CRET@{}", proxy.endpoint()));
    let finding = obstacle(check(&path), "cluster-unreachable");
    assert_says(&message(&finding), &["proxy", "user name and password", "407"]);
    assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");
}

#[test]
fn a_proxy_in_the_environment_that_is_none_is_never_passed_by() {
    let folder = Folder::new();
    let cluster = "server: 'https://192.0.2.1:6443'";
    let path = folder.file("config", kubeconfig(cluster, "token: t"));
    for value in ["ftp://me:S3CRET@proxy", "http://me:S3CRET@proxy:99999", "://", "http://a b"] {
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
            let tool = check(&path).env(name, value).arg("--timeout=5s");
            let finding = obstacle(tool, "cluster-unreachable");
            assert_says(&message(&finding), &["proxy", name, "cannot be used"]);
            assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");
        }
    }
    // What is excepted needs no proxy.
    let tool = check(&path).env("HTTPS_PROXY", "ftp://proxy").env("NO_PROXY", "192.0.2.0/24").arg("--timeout=1s");
    let finding = obstacle(tool, "cluster-unreachable");
    assert!(!message(&finding).contains("HTTPS_PROXY"), "{finding:#}");
}

#[test]
fn a_proxy_url_that_is_none_is_named_without_its_credentials() {
    let folder = Folder::new();
    for proxy in ["ftp://me:S3CRET@proxy", "http://me:S3CRET@proxy:x", "http://", "socks4://proxy"] {
        let finding = obstacle(check(&through(&folder, proxy)), "kubeconfig-invalid");
        assert_says(&message(&finding), &["proxy-url", "line 5"]);
        assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");
    }
}
