//! The cluster's certificate authority, the API server's certificate, and the key that signs service account tokens.

use std::fs;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::node;
use super::scratch::Scratch;

/// The certificate authority; like the names below, a file name in the temporary folder.
pub const AUTHORITY: &str = "ca.crt";
/// The API server's certificate.
pub const CERTIFICATE: &str = "apiserver.crt";
/// The API server's key.
pub const KEY: &str = "apiserver.key";
/// The private key that signs service account tokens.
pub const SIGNING_KEY: &str = "sa.key";
/// The public key that verifies them.
pub const SIGNING_PUBLIC: &str = "sa.pub";

/// Writes all files and returns the authority's certificate in PEM.
///
/// The API server could generate its own certificate, but with RSA keys, which takes time. Also, clients can be set up
/// with the authority before the API server runs.
pub fn write(scratch: &Scratch) -> Result<String> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    authority.distinguished_name.push(DnType::CommonName, "meshdoctor-bed");
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let names = ["127.0.0.1", "localhost", node::ADDRESS, node::API_SERVICE, "kubernetes.default.svc"];
    let mut server = CertificateParams::new(names.map(str::to_owned))?;
    server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    let server_key = KeyPair::generate()?;
    let server_pem = server.signed_by(&server_key, &issuer)?.pem();

    let signing = KeyPair::generate()?;
    for (name, text) in [
        (AUTHORITY, &authority_pem),
        (CERTIFICATE, &server_pem),
        (KEY, &server_key.serialize_pem()),
        (SIGNING_KEY, &signing.serialize_pem()),
        (SIGNING_PUBLIC, &signing.public_key_pem()),
    ] {
        fs::write(scratch.file(name), text)?;
    }
    Ok(authority_pem)
}
