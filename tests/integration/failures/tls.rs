//! Certificates that cannot be trusted.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};

use super::{Folder, assert_says, check, fake::Fake, kubeconfig, obstacle, title};
use crate::{bed::users, tool::roots};

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n\
     {\"kind\":\"Status\"}";

/// A certificate authority.
pub(super) struct Issuer {
    issuer: rcgen::Issuer<'static, KeyPair>,
    pem: String,
}

impl Issuer {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: rcgen::Issuer::new(params, key), pem }
    }

    /// A certificate for a name, and its key, in PEM, valid in these years.
    fn issue(&self, name: &str, from: i32, to: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    /// A server at 127.0.0.1 with a certificate from this issuer.
    pub(super) fn serve(&self, response: &'static str) -> Fake {
        let (certificate, key) = self.issue("127.0.0.1", 2000, 4000);
        Fake::https(&certificate, &key, response)
    }

    /// A kubeconfig that trusts this issuer and points to the server.
    pub(super) fn trusted(&self, folder: &Folder, server: &Fake) -> PathBuf {
        let cluster = format!(
            "server: 'https://{}', certificate-authority-data: {}",
            server.endpoint(),
            users::base64(&self.pem)
        );
        folder.file("config", kubeconfig(&cluster, "token: t"))
    }
}

#[test]
fn expired_or_not_yet_valid_certificate_is_untrusted() {
    let folder = Folder::new();
    let issuer = Issuer::new("kubernetes");
    for (from, to, words) in [(2000, 2001, "has expired"), (3000, 4000, "not valid yet")] {
        let (certificate, key) = issuer.issue("127.0.0.1", from, to);
        let server = Fake::https(&certificate, &key, FORBIDDEN);
        let finding = obstacle(check(&issuer.trusted(&folder, &server)), "tls-untrusted");
        assert_says(&title(&finding), &[words]);
    }
}

#[test]
fn certificate_from_an_unknown_issuer_is_untrusted() {
    let folder = Folder::new();
    let server = Issuer::new("another").serve(FORBIDDEN);
    let path = Issuer::new("kubernetes").trusted(&folder, &server);
    let finding = obstacle(check(&path), "tls-untrusted");
    assert_says(&title(&finding), &["an issuer that the kubeconfig does not trust"]);

    // The certificate authority of a recreated cluster has the same name as the old one.
    let server = Issuer::new("kubernetes").serve(FORBIDDEN);
    let finding = obstacle(check(&Issuer::new("kubernetes").trusted(&folder, &server)), "tls-untrusted");
    assert_says(&title(&finding), &["a key other than", "recreated"]);
}

#[test]
fn certificate_for_another_name_is_untrusted() {
    let folder = Folder::new();
    let issuer = Issuer::new("kubernetes");
    let (certificate, key) = issuer.issue("elsewhere.example.invalid", 2000, 4000);
    let server = Fake::https(&certificate, &key, FORBIDDEN);
    let path = issuer.trusted(&folder, &server);
    let finding = obstacle(check(&path), "tls-untrusted");
    assert_says(&title(&finding), &["another host name"]);
    // With that name given, or without verification, the connection works. The server forbids everything.
    for flag in ["--tls-server-name=elsewhere.example.invalid", "--insecure-skip-tls-verify"] {
        let report = check(&path).arg(flag).arg("-ojson").run().exits(3).json();
        assert_eq!(roots(&report)[0], "permission-missing", "{flag}");
    }
}

/// A kubeconfig made from a copy of the server's own certificate. kubectl accepts it.
#[test]
fn server_certificate_as_authority_is_untrusted() {
    let folder = Folder::new();
    let issuer = Issuer::new("kubernetes");
    let (certificate, key) = issuer.issue("127.0.0.1", 2000, 4000);
    let server = Fake::https(&certificate, &key, FORBIDDEN);
    let cluster =
        format!("server: 'https://{}', certificate-authority-data: {}", server.endpoint(), users::base64(&certificate));
    let path = folder.file("config", kubeconfig(&cluster, "token: t"));
    let finding = obstacle(check(&path), "tls-untrusted");
    assert_says(finding["remedy"]["text"].as_str().unwrap_or_default(), &["not a CA certificate"]);
}
