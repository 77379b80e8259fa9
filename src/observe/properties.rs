//! Properties that hold for everything that a broker, a message or a credential contains.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use k8s_openapi::jiff::Timestamp;
use kube::config::AuthInfo;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::{
    cluster::{expiry, transport},
    facts::{Connection, Varz},
    observe::{broker::handshake::Greeted, connectivity::envelope},
    stack::base::properties::{bytes, distorted, holds, mutated, survives, text},
};

#[test]
fn greetings_are_parsed_or_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let seed = r#"INFO {"server_id":"NA","server_name":"n","version":"2.14.2","auth_required":true,"tls_required":false,"max_payload":1048576}"#;
    let greeting =
        prop_oneof![bytes(), mutated(vec![format!("{seed}\r\n"), seed.to_owned()]).prop_map(String::into_bytes)];
    survives(&greeting, |greeting| {
        runtime.block_on(async {
            let (mut server, client) = tokio::io::duplex(greeting.len().max(1));
            server.write_all(&greeting).await.expect("written");
            drop(server);
            if let Ok(greeted) = Greeted::read(client).await {
                let _ = greeted.server_id();
                let _ = greeted.greeting();
            }
        });
    });
}

#[test]
fn monitor_answers_are_parsed_or_refused() {
    let varz = json!({
        "server_id": "NA", "server_name": "n", "version": "2.14.2", "auth_required": true, "routes": 0,
        "connections": 3, "port": 4222, "max_connections": 65536, "max_payload": 1_048_576, "mem": 12_000_000,
        "slow_consumers": 0, "in_msgs": 1,
    });
    let connection = json!({
        "cid": 5, "name": "meshsync", "ip": "10.0.0.1", "port": 4000, "start": "2026-01-01T00:00:00Z",
        "last_activity": "2026-01-01T00:00:00Z", "subscriptions": 1, "subscriptions_list": ["a.b"],
        "lang": "go", "version": "1.31.0", "in_msgs": 1, "out_msgs": 2, "pending_bytes": 0, "uptime": "1h2m3s",
        "rtt": "1.2ms",
    });
    survives(&distorted(vec![varz, connection]), |value| {
        let text = value.to_string();
        let _ = serde_json::from_str::<Varz>(&text);
        let _ = serde_json::from_str::<Connection>(&text);
    });
}

#[test]
fn messages_are_parsed_or_refused() {
    let seed = json!({
        "ObjectType": "meshsync-data", "EventType": "MODIFIED", "Request": null,
        "Object": { "id": "", "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": "s", "resourceVersion": "645" }, "cluster_id": "2c20" },
    });
    let message = prop_oneof![
        bytes(),
        distorted(vec![seed.clone()]).prop_map(|value| value.to_string().into_bytes()),
        mutated(vec![seed.to_string()]).prop_map(String::into_bytes),
    ];
    survives(&message, |message| {
        let _ = envelope::read(&message);
        let _ = envelope::read_store(&message);
        let _ = envelope::read_text(&message);
    });
    holds(&(text(), text(), any::<u64>()), |(kind, name, version)| {
        let message = json!({ "EventType": "ADDED", "Object": { "kind": kind, "apiVersion": "v1",
            "metadata": { "name": name, "resourceVersion": version.to_string() } } });
        let envelope::Message::Event(event) = envelope::read(message.to_string().as_bytes()) else {
            return Err(TestCaseError::fail("no event"));
        };
        prop_assert_eq!((event.kind, event.name, event.resource_version), (kind, name, version));
        Ok(())
    });
}

fn with_token(token: String) -> AuthInfo {
    AuthInfo { token: Some(token.into()), ..AuthInfo::default() }
}

/// URL-safe base64, as in tokens.
fn segment(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[test]
fn token_expiry_is_parsed() {
    survives(&text(), |token| {
        let _ = expiry::expired(&with_token(token), Timestamp::UNIX_EPOCH);
    });
    let claims = distorted(vec![json!({ "exp": 1_700_000_000, "sub": "x" })]);
    survives(&claims, |claims| {
        let token = format!("e30.{}.sig", segment(&claims.to_string()));
        let _ = expiry::expired(&with_token(token), Timestamp::UNIX_EPOCH);
    });
    holds(&(-1_000_000_000_i64..4_000_000_000, text()), |(exp, sub)| {
        let claims: Value = json!({ "exp": exp, "sub": sub });
        let token = format!("e30.{}.sig", segment(&claims.to_string()));
        let now = Timestamp::from_second(1_800_000_000).expect("a time");
        let said = expiry::expired(&with_token(token), now);
        prop_assert_eq!(said.is_empty(), exp >= 1_800_000_000, "{:?}", said);
        Ok(())
    });
}

#[test]
fn certificates_are_parsed_or_refused() {
    let pem = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2VydA==\n-----END CERTIFICATE-----\n";
    survives(&prop_oneof![text(), mutated(vec![pem.to_owned()])], |text| {
        let auth = AuthInfo { client_certificate_data: Some(segment(&text)), ..AuthInfo::default() };
        let _ = expiry::expired(&auth, Timestamp::UNIX_EPOCH);
    });
}

#[test]
fn percent_signs_are_decoded() {
    holds(&any::<String>(), |text| {
        let mut encoded = String::new();
        for byte in text.bytes() {
            encoded.push_str(&format!("%{byte:02x}"));
        }
        prop_assert_eq!(transport::decoded(&encoded), text);
        Ok(())
    });
    survives(&text(), |text| {
        let _ = transport::decoded(&text);
    });
}
