//! API servers, and proxies in front of them, that do not support HTTP/2.

use super::{Folder, tls::Issuer};
use crate::tool::meshdoctor;

/// A version and the identity from a review, in one document.
const REVIEWED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 93\r\n\r\n\
     {\"major\":\"1\",\"minor\":\"35\",\"gitVersion\":\"v1.35.4\",\"status\":{\"userInfo\":{\"username\":\"jane-1\"}}}";
const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n\
     {\"kind\":\"Status\"}";

#[test]
fn commands_without_a_check_work_over_http1() {
    let folder = Folder::new();
    let issuer = Issuer::new("kubernetes");
    let server = issuer.serve(REVIEWED);
    let printed = meshdoctor("rbac status").kubeconfig(&issuer.trusted(&folder, &server)).run().exits(0);
    assert!(printed.stdout.contains("jane-1"), "{}", printed.stdout);

    let server = issuer.serve(FORBIDDEN);
    let refused = meshdoctor("system reset stack --yes --no-backup -o json")
        .kubeconfig(&issuer.trusted(&folder, &server))
        .run()
        .exits(4)
        .json();
    let reason = refused["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("no permission to get"), "{refused:#}");
}
