//! Servers, and proxies before them, that speak no HTTP/2.

use super::{Folder, tls::Issuer};
use crate::tool::meshdoctor;

/// What a review says of who asks; whoever wants a version is answered with it as well.
const REVIEWED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 45\r\n\r\n\
     {\"status\":{\"userInfo\":{\"username\":\"jane-1\"}}}";
const FORBIDDEN: &str =
    "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

#[test]
fn commands_that_do_not_check_first_get_through_as_well() {
    let folder = Folder::new();
    let issuer = Issuer::new("kubernetes");
    let server = issuer.serve(REVIEWED);
    let printed = meshdoctor("rbac status")
        .kubeconfig(&issuer.trusted(&folder, &server))
        .run()
        .exits(0);
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
