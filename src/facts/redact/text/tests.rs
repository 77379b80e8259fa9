use super::*;

/// The secret in all these tests: letters and digits that occur nowhere else in these texts.
const SECRET: &str = "S3edf00dCafe";

#[track_caller]
fn masks(with: &str, masked: &str) {
    let with = with.replace("SEED", SECRET);
    let once = text(&with).into_owned();
    assert_eq!(once, masked);
    assert_eq!(text(&once), once, "masked twice");
}

#[test]
fn user_parts_of_urls_are_masked_whatever_they_contain() {
    for (with, masked) in [
        ("nats://SEED@10.0.0.1:4222", "nats://REDACTED@10.0.0.1:4222"),
        ("nats://SE,EDx@h", "nats://REDACTED@h"),
        ("😀://¡://SEED@h", "😀://¡://REDACTED@h"),
        ("nats://SE'EDx@h", "nats://REDACTED@h"),
        ("nats://SE/EDx@h:4222", "nats://REDACTED@h:4222"),
        ("a nats://a:b@h b http://c@d/e", "a nats://REDACTED@h b http://REDACTED@d/e"),
        ("nats://SEED@h1,nats://SEED@h2", "nats://REDACTED@h1,nats://REDACTED@h2"),
        ("\"nats://SEED@h\": (nats://SEED@h)", "\"nats://REDACTED@h\": (nats://REDACTED@h)"),
        ("https://h/cb?code=SEED&limit=5", "https://h/cb?code=REDACTED&limit=5"),
        ("to https://h/x?SEED.", "to https://h/x?REDACTED."),
        ("https://h/x?a=1#access_token=SEED", "https://h/x?a=REDACTED#REDACTED"),
        ("socks5://SEED:SEED@proxy:1080", "socks5://REDACTED@proxy:1080"),
    ] {
        masks(with, masked);
    }
}

#[test]
fn user_parts_without_a_scheme_are_masked() {
    for (with, masked) in [
        ("user:SEED@h", "REDACTED@h"),
        ("dial (user:SE,EDx@10.0.0.1:4222)", "dial (REDACTED@10.0.0.1:4222)"),
        ("to SEED@broker:4222: refused", "to REDACTED@broker:4222: refused"),
    ] {
        masks(with, masked);
    }
}

#[test]
fn versions_of_go_modules_are_no_hosts() {
    for unchanged in [
        "k8s.io/client-go@v0.30.2/tools/cache/reflector.go:232: failed to list *v1.Pod",
        "pkg/mod/k8s.io/client-go@v0.0.0-20240102030405-abcdef123456/rest/request.go:17",
        r#"{"caller":"x.go:1","file":"sigs.k8s.io/kwok@v0.7.0/pkg/a.go","line":273}"#,
        "at github.com/nats-io/nats.go@v1.31.0",
    ] {
        masks(unchanged, unchanged);
    }
    for (with, masked) in [
        ("user:SEED@h,k8s.io/client-go@v0.30.2/a.go:2", "REDACTED@h,k8s.io/client-go@v0.30.2/a.go:2"),
        ("k8s.io/SEED@v0.30.2:4222", "REDACTED@v0.30.2:4222"),
        ("user:SEED@v1.2.3/x", "REDACTED@v1.2.3/x"),
        ("nats://k8s.io/SEED@v1.2.3/x", "nats://REDACTED@v1.2.3/x"),
    ] {
        masks(with, masked);
    }
}

#[test]
fn values_of_secret_names_are_masked() {
    for (with, masked) in [
        ("?token=SEED", "?token=REDACTED"),
        ("GET /x?token=SEED&b=1: 5 bytes", "GET /x?token=REDACTED&b=1: 5 bytes"),
        ("password=SEED", "password=REDACTED"),
        ("password=SE'ED,x", "password=REDACTED"),
        ("password='SE ED' rest", "password='REDACTED' rest"),
        ("DB_PASSWORD = SEED", "DB_PASSWORD = REDACTED"),
        ("--key=SEED --api-key=SEED", "--key=REDACTED --api-key=REDACTED"),
        ("authToken=SEED", "authToken=REDACTED"),
        ("{\"password\":\"SEED\",\"a\":1}", "{\"password\":\"REDACTED\",\"a\":1}"),
        ("{\\\"token\\\": \\\"SEED\\\"}", "{\\\"token\\\": \\\"REDACTED\\\"}"),
        ("Authorization: Digest SEED SEED\nHost: h", "Authorization: REDACTED\nHost: h"),
        ("\"Authorization\": \"Bearer SEED\"", "\"Authorization\": \"REDACTED\""),
        ("password: SEED", "password: REDACTED"),
        ("--password SEED -v", "--password REDACTED -v"),
        ("run `x --token SEED`", "run `x --token REDACTED`"),
    ] {
        masks(with, masked);
    }
}

#[test]
fn credentials_of_any_name_are_masked() {
    for (with, masked) in [
        ("Bearer SEED", "Bearer REDACTED"),
        ("sent 'bearer SEED', refused", "sent 'bearer REDACTED', refused"),
        ("Basic dXNlcjpwdw==", "Basic REDACTED"),
        ("got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln: bad", "got REDACTED: bad"),
        ("key -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest", "key REDACTED\nrest"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "REDACTED"),
    ] {
        masks(with, masked);
    }
}

#[test]
fn harmless_text_is_unchanged() {
    for harmless in [
        "no url",
        "nats://TOKEN@HOST:PORT, or --token TOKEN",
        "nats://$(NATS_TOKEN)@h:4222",
        "nats://${NATS_TOKEN}@h:4222",
        "context kubernetes-admin@kubernetes, user oidc:alice@example.com",
        "system:serviceaccount:meshery:meshery-operator",
        "docker-pullable://docker.io/library/nats@sha256:0123456789abcdef",
        "nats:2.10@sha256:0123456789abcdef",
        "GET /api/v1/namespaces/meshery/secrets?fieldSelector=type=helm&limit=500&continue=eyJ2IjoibWV0YSJ9: 10 bytes",
        "https://10.0.0.1:6443/api?timeout=10s&limit=500",
        "see https://docs.meshery.io/guides#token, then go on",
        "the bearer token of the kubeconfig; Bearer authentication",
        "Data key token: missing; --token and --password are not given",
        "the broker's token: 65 bytes, present",
        "kubectl get secret meshery-nats-auth -o jsonpath={.data.token}",
        "--authorization-mode=RBAC --token-auth-file=/etc/tokens.csv",
        "auth=$(TOKEN) secretName=meshery-nats-auth",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "basic checks passed: 3, 2026-11-21T12:00:00Z",
        "✓ ünïcode: 漢字=値",
        "a=b==c ==:: @@ :// ://@ ?= -- --=",
    ] {
        assert_eq!(text(harmless), harmless);
    }
}

/// Combines every spelling of a secret with every surrounding text: nothing of the secret is left, and the surrounding
/// text is unchanged.
#[test]
fn secrets_are_masked_in_every_surrounding() {
    let ways = [
        "nats://SEED@broker:4222",
        "https://user:SEED@host/path",
        "user:SEED@host",
        "token=SEED",
        "--password=SEED",
        "Bearer SEED",
        "api_key='SEED'",
        "{\"secret\":\"SEED\"}",
    ];
    let surroundings = [
        ("", ""),
        ("error: ", ""),
        ("dial ", ": connection refused"),
        ("(", ")"),
        ("\"", "\""),
        ("a\n", "\nb"),
        ("\u{1b}[31m", " \u{1b}[0m"),
        ("✓ ", " ✗"),
    ];
    for route in ways {
        for (before, after) in surroundings {
            let with = format!("{before}{}{after}", route.replace("SEED", SECRET));
            let masked = text(&with);
            assert!(!masked.contains(SECRET), "{with:?} became {masked:?}");
            assert!(masked.starts_with(before), "{with:?} became {masked:?}");
            assert!(masked.ends_with(after.trim_start_matches(')')), "{with:?} became {masked:?}");
            assert_eq!(text(&masked), masked);
        }
    }
}

#[test]
fn redaction_takes_linear_time() {
    for piece in
        ["://", "@", "a@", "=", "token=", "--token ", "Bearer ", "eyJ", "eyJaaaaaaaa.", "\"", "-----BEGIN ", "x:y@"]
    {
        let long = piece.repeat(400_000 / piece.len());
        let begun = std::time::Instant::now();
        let _ = text(&long);
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{piece:?}: {:?}", begun.elapsed());
    }
}

#[test]
fn punctuation_before_a_fragment_is_masked_once() {
    for (text, masked) in [
        ("http://h/?0.##", "http://h/?REDACTED#REDACTED"),
        ("see http://h/?a=secret#part.", "see http://h/?a=REDACTED#REDACTED."),
    ] {
        assert_eq!(urls(text), masked);
        assert_eq!(urls(masked), masked);
    }
}
