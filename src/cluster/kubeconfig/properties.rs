//! Properties that hold for every kubeconfig and every address in it.

use std::{io::Write as _, path::PathBuf};

use proptest::prelude::*;

use super::{Access, flags, parse_server, proxy, resolve, token};
use crate::{
    cluster::transport,
    stack::base::properties::{holds, mutated, survives, text},
};

const SEED: &str = "apiVersion: v1
kind: Config
clusters:
- name: there
  cluster: {server: 'https://127.0.0.1:1', tls-server-name: kubernetes, insecure-skip-tls-verify: true}
- name: other
  cluster: {server: 'http://127.0.0.1:1/k8s/clusters/c-1', proxy-url: 'socks5h://me:p%40w@127.0.0.1:1080'}
contexts:
- name: here
  context: {cluster: there, user: me, namespace: meshery}
- name: there
  context: {cluster: other, user: plugin}
current-context: here
users:
- name: me
  user: {token: abc, as: somebody, as-groups: [a, b]}
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./login
      args: [get-token]
      env: [{name: A, value: b}]
      provideClusterInfo: true
- name: basic
  user: {username: me, password: pw}
";

fn seeds() -> Vec<String> {
    let second = SEED.replace("current-context: here", "current-context: there");
    let third = SEED.replace("user: me, namespace", "user: basic, namespace");
    vec![SEED.to_owned(), second, third]
}

#[test]
fn mutated_kubeconfigs_are_read_or_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _ = rustls::crypto::ring::default_provider().install_default();
    holds(&mutated(seeds()), |text| {
        // Paths are mutated too and must not refer to a device by chance.
        if text.contains("/dev") {
            return Ok(());
        }
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        let access = Access { kubeconfig: Some(PathBuf::from(file.path())), ..Access::default() };
        if let Ok(resolved) = resolve(&access) {
            let _inside = runtime.enter();
            // The token is put into a header here.
            let _ = transport::clients(&resolved.config);
        }
        Ok(())
    });
}

#[test]
fn accepted_tokens_can_be_sent() {
    holds(&text(), |text| {
        if token::check(&text).is_ok() {
            let header = http::HeaderValue::try_from(format!("Bearer {text}"));
            prop_assert!(header.is_ok());
        }
        Ok(())
    });
}

#[test]
fn addresses_are_read_or_refused_without_their_credentials() {
    survives(&text(), |text| {
        let _ = proxy::parse(&text);
        let _ = parse_server(&text);
        let _ = flags::tls_name(&text);
    });
    holds(&(text(), text()), |(before, after)| {
        let address = format!("{before}S3CRET@{}", after.replace('@', ""));
        for why in [parse_server(&address).err(), proxy::parse(&address).err()] {
            let why = why.map(|why| why.to_string()).unwrap_or_default();
            prop_assert!(!why.contains("S3CRET"));
        }
        prop_assert!(!flags::shown(&address).contains("S3CRET"));
        Ok(())
    });
}
