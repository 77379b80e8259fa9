//! Files and standard input that are endless, nested too deeply, or written by other programs.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use super::{Folder, assert_says, check, fake::Fake, kubeconfig, obstacle, title, usage};
use crate::tool::{Tool, meshdoctor};

/// Runs the command and expects a usage error, soon and with little memory.
#[track_caller]
fn assert_refused(mut tool: Tool, case: &str) -> String {
    use std::process::Stdio;
    use wait4::Wait4 as _;
    let begun = Instant::now();
    let mut child =
        tool.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let used = child.wait4().expect("it ends");
    assert_eq!(used.status.code(), Some(2), "{case}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{case}: {:?}", begun.elapsed());
    let peak = used.rusage.maxrss / (1024 * 1024);
    assert!(peak < 160, "{case}: {peak} MiB");
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().expect("stderr"), &mut stderr).expect("text");
    stderr
}

/// Every flag that reads a file.
fn readers(path: &Path) -> Vec<(String, Tool)> {
    [
        "system check -o json --from",
        "system status --from",
        "test dataflow --from",
        "watch-list",
        "manifests --watch-list",
        "system redeploy --watch-list",
        "system redeploy --from-backup",
        "system check --kubeconfig",
    ]
    .into_iter()
    .map(|command| (command.to_owned(), meshdoctor(command).arg(path)))
    .collect()
}

#[test]
fn endless_file_is_refused() {
    for (case, tool) in readers(Path::new("/dev/zero")) {
        let stderr = assert_refused(tool, &case);
        assert_says(&stderr, &["/dev/zero", "longer than", "MiB"]);
    }
}

#[test]
fn deeply_nested_file_is_refused() {
    let folder = Folder::new();
    let sequences = folder.file("sequences", "[".repeat(200_000));
    let yaml = folder.file("yaml", format!("a: {}", "[".repeat(200_000)));
    let dashes = folder.file("dashes", "- ".repeat(100_000));
    for path in [sequences, yaml, dashes] {
        // A text that starts with a bracket is the list itself. MeshSync expects JSON there, so it is read as JSON.
        let bare = path.ends_with("sequences");
        for (case, tool) in readers(&path) {
            if bare && case.contains("watch-list") {
                continue;
            }
            let stderr = assert_refused(tool, &case);
            assert_says(&stderr, &[&path.to_string_lossy(), "nested deeper than 100 levels"]);
        }
    }
}

#[test]
fn yaml_alias_bomb_is_refused() {
    let folder = Folder::new();
    let wide = format!("a: &a [{}]\nb:\n{}", "x, ".repeat(20_000), "- *a\n".repeat(15_000));
    let mut deep = "l0: &l0 lol\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*l{}", level - 1); 9].join(", ");
        deep.push_str(&format!("l{level}: &l{level} [{items}]\n"));
    }
    for path in [folder.file("wide", wide), folder.file("deep", deep)] {
        for (case, tool) in readers(&path) {
            assert_says(&assert_refused(tool, &case), &["aliases", "4 MiB"]);
        }
    }
}

#[test]
fn files_named_in_a_kubeconfig_are_bounded() {
    let folder = Folder::new();
    for (cluster, user) in [
        ("server: 'https://127.0.0.1:1', certificate-authority: /dev/zero", "token: t"),
        ("server: 'https://127.0.0.1:1'", "tokenFile: /dev/zero"),
        ("server: 'https://127.0.0.1:1'", "client-certificate: /dev/zero, client-key: /dev/zero"),
    ] {
        let path = folder.file("config", kubeconfig(cluster, user));
        let finding = obstacle(check(&path), "kubeconfig-invalid");
        assert_says(&title(&finding), &["/dev/zero", "longer than 1 MiB"]);
    }
}

fn pipe(folder: &Folder) -> std::path::PathBuf {
    let path = folder.path("pipe");
    let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo");
    assert!(made.success());
    path
}

#[test]
fn pipe_without_a_writer_ends_at_the_timeout() {
    let folder = Folder::new();
    let pipe = pipe(&folder);
    for (case, tool) in readers(&pipe) {
        let stderr = usage(tool.arg("--timeout=1s"));
        // It ends at its own timeout: nothing ever writes to the pipe.
        assert!(stderr.contains("within 1 s"), "{case}: {stderr}");
        assert_says(&stderr, &["pipe", "within"]);
    }
    let finding = obstacle(check(&pipe).arg("--timeout=1s"), "kubeconfig-invalid");
    assert_says(&title(&finding), &["pipe", "could not be read within 1 s"]);
}

#[test]
fn kubeconfig_is_read_from_a_pipe() {
    let folder = Folder::new();
    let server = Fake::rejecting_everyone();
    let text = kubeconfig(&format!("server: 'http://{}'", server.endpoint()), "token: t");
    let config = folder.file("config", text);
    let pipe = pipe(&folder);
    let mut writer = Command::new("cp").arg(&config).arg(&pipe).spawn().expect("cp");
    let ran = meshdoctor("system check -o json --kubeconfig").arg(&pipe).run();
    writer.wait().expect("written");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(server.received().contains("Bearer t"), "{}", server.received());
}

/// What a server receives with this kubeconfig.
#[track_caller]
fn received(folder: &Folder, change: impl Fn(String) -> Vec<u8>) -> String {
    let server = Fake::rejecting_everyone();
    let cluster = format!("server: 'http://{}'", server.endpoint());
    let text = kubeconfig(&cluster, "token: right");
    let path = folder.file("config", change(text));
    let ran = check(&path).arg("-ojson").run();
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    server.received()
}

/// kubectl was tried with the same files and gave the same results.
#[test]
fn unusual_kubeconfigs_are_read_as_in_kubectl() {
    let folder = Folder::new();
    let after = |more: &'static str| move |text: String| format!("{text}{more}").into_bytes();
    let marked = |text: String| format!("\u{feff}{text}").into_bytes();
    let wide = |text: String| {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let doubled = |text: String| text.replace("token: right", "token: wrong, token: right").into();
    let cases: [(&str, String); 6] = [
        ("a byte order mark", received(&folder, marked)),
        ("UTF-16", received(&folder, wide)),
        (
            "a second document",
            received(&folder, after("---\nkind: Config\nusers: [{name: me, user: {token: wrong}}]\n")),
        ),
        ("a broken second document", received(&folder, after("---\n{{{ broken\n"))),
        ("two equal keys", received(&folder, doubled)),
        ("a second current-context", received(&folder, after("current-context: here\n"))),
    ];
    for (case, received) in cases {
        assert!(received.contains("Bearer right"), "{case}: {received}");
    }
}

#[test]
fn token_file_may_end_with_a_line_break() {
    let folder = Folder::new();
    folder.file("token", " right\r\n\n");
    let received = received(&folder, |text| text.replace("token: right", "tokenFile: token").into());
    assert!(received.contains("Bearer right\r\n"), "{received}");
}

#[test]
fn token_with_a_line_break_is_refused_before_sending() {
    let folder = Folder::new();
    for bad in ["line\nS3CRET", "S3CRET\r", "S3CRET\u{1b}", "S3CRET\n"] {
        let path = folder.file("config", kubeconfig("server: 'http://127.0.0.1:1'", "token: t"));
        let sentence = usage(check(&path).arg("--token").arg(bad));
        assert_says(&sentence, &["--token", "line break"]);
        assert!(!sentence.contains("S3CRET"), "{sentence}");

        let quoted = serde_json::to_string(bad).expect("JSON");
        let inline = kubeconfig("server: 'http://127.0.0.1:1'", &format!("token: {quoted}"));
        let finding = obstacle(check(&folder.file("config", inline)), "kubeconfig-invalid");
        assert_says(&title(&finding), &["token", "line break"]);
        assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");

        let credential = serde_json::json!({ "kind": "ExecCredential", "status": { "token": bad } });
        folder.file("credential", credential.to_string());
        let script = folder.script("plugin", "cat \"${0%plugin}credential\"");
        let exec = format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{}', interactiveMode: Never}}",
            script.display()
        );
        let path = folder.file("config", kubeconfig("server: 'http://127.0.0.1:1'", &exec));
        let finding = obstacle(check(&path), "exec-plugin-failed");
        assert_says(&title(&finding), &["printed a token", "line break"]);
        assert!(!finding.to_string().contains("S3CRET"), "{finding:#}");
    }
    folder.file("token", "two\nS3CRET");
    let file = kubeconfig("server: 'http://127.0.0.1:1'", "tokenFile: token");
    let finding = obstacle(check(&folder.file("config", file)), "kubeconfig-invalid");
    assert_says(&title(&finding), &["tokenFile", "line break"]);
}

#[test]
fn wrong_address_is_a_usage_error_without_credentials() {
    let folder = Folder::new();
    let path = folder.file("config", kubeconfig("server: 'http://127.0.0.1:1'", "token: t"));
    for (flag, value) in [
        ("--server", "https://me:S3CRET@[::1"),
        ("--server", "ftp://me:S3CRET@host"),
        ("--server", "https://me:S3C,RET@host:99999"),
        ("-s", "https://me:S3CRET@"),
        ("--server", "https://host:port/?token=S3CRET"),
        ("--tls-server-name", "a/b"),
        ("--tls-server-name", "me:S3CRET@host"),
        ("--tls-server-name", ""),
    ] {
        let sentence = usage(check(&path).arg(flag).arg(value));
        assert!(!sentence.contains("S3C"), "{flag} {value}: {sentence}");
    }
}
