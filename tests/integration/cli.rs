//! The command line without a cluster: help, wrong arguments, files, color.

use std::{fs, os::unix::fs::symlink};

use crate::tool::meshdoctor;

#[test]
fn help_and_version_go_to_stdout() {
    let help = meshdoctor("--help").run().exits(0);
    for word in ["check", "status", "system", "record", "explain", "checks", "rbac", "completion", "options"] {
        assert!(help.stdout.contains(word), "{word}");
    }
    assert!(help.stderr.is_empty());
    let version = meshdoctor("--version").run().exits(0);
    assert_eq!(version.stdout.trim(), concat!("meshdoctor ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn kubectl_plugin_help_shows_kubectl_meshdoctor() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let plugin = scratch.path().join("kubectl-meshdoctor");
    symlink(env!("CARGO_BIN_EXE_meshdoctor"), &plugin).expect("a link");
    let output = std::process::Command::new(plugin).args(["system", "--help"]).output().expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    assert!(help.contains("kubectl meshdoctor system"), "{help}");
}

#[test]
fn no_argument_prints_the_main_commands() {
    let ran = meshdoctor("").run().exits(2);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("meshdoctor check "), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 11, "{}", ran.stderr);
}

#[test]
fn options_lists_flags_that_help_leaves_out() {
    let options = meshdoctor("options").run().exits(0).stdout;
    let help = meshdoctor("check --help").run().exits(0).stdout;
    for flag in ["--kubeconfig", "--as-group", "--tls-server-name", "--request-timeout", "--no-input"] {
        assert!(options.contains(flag), "{flag}: {options}");
        assert!(!help.contains(flag), "{flag}: {help}");
    }
    assert!(help.contains("Examples:"), "{help}");
}

#[test]
fn mesheryctl_commands_are_answered_with_the_command_to_type() {
    for (arguments, command) in [
        ("system start", "meshdoctor system redeploy"),
        ("system stop", "meshdoctor system reset stack"),
        ("system restart", "meshdoctor system redeploy operator"),
        ("system delete", "meshdoctor system reset stack"),
        ("system logs", "kubectl logs"),
        ("system context", "--context"),
        ("deploy", "meshdoctor system redeploy"),
    ] {
        let ran = meshdoctor(arguments).run().exits(2);
        assert!(ran.stderr.contains(command), "{arguments}: {}", ran.stderr);
    }
    let blind = "--from fixtures/connected-but-blind";
    let top = meshdoctor(&format!("check {blind}")).run().exits(1).stdout;
    assert_eq!(top, meshdoctor(&format!("system check {blind}")).run().exits(1).stdout);
    let operator = meshdoctor(&format!("check {blind} --operator -y -o json")).run().exits(0).json();
    assert!(operator["checks"].as_array().expect("checks").iter().all(|check| check["category"] == "operator"));
    meshdoctor(&format!("check {blind} --components")).run().exits(1);
    meshdoctor(&format!("check {blind} --adapter istio:10000")).run().exits(0);
}

#[test]
fn fix_takes_no_recording_and_no_unknown_level() {
    let recording = "--from fixtures/connected-but-blind";
    for (arguments, words) in [
        (format!("check --fix {recording}"), "--from"),
        ("check --fix --preflight".to_owned(), "--preflight"),
        ("check --fix=everything".to_owned(), "everything"),
        ("check --dry-run".to_owned(), "--fix"),
        ("check --wait 5s".to_owned(), "--fix"),
    ] {
        let ran = meshdoctor(&arguments).run().exits(2);
        assert!(ran.stderr.contains(words) && ran.stdout.is_empty(), "{arguments}: {}", ran.stderr);
    }
}

#[test]
fn explain_says_who_fixes_a_diagnosis() {
    let blind = meshdoctor("explain meshsync-cannot-list").run().exits(0).stdout;
    assert!(blind.contains("meshdoctor check --fix can fix it."), "{blind}");
    let json = meshdoctor("explain node-capacity -o json").run().exits(0).json();
    assert!(json["cure"].as_str().is_some_and(|cure| cure.starts_with("A person must fix it:")), "{json}");
}

#[test]
fn selection_takes_codes_checks_and_components() {
    let blind = "check --from fixtures/connected-but-blind";
    let json = |flags: &str| meshdoctor(&format!("{blind} {flags} -o json")).run().json();
    assert_eq!(json("--only meshsync-may-list")["rootCauses"][0], "meshsync-cannot-list");
    assert_eq!(json("--skip meshsync-may-list")["rootCauses"].as_array().map(Vec::len), Some(0));
    let ran = meshdoctor(&format!("{blind} --only brokr")).run().exits(2);
    assert!(ran.stderr.contains("did you mean broker"), "{}", ran.stderr);
    let partial = meshdoctor(&format!("{blind} --only broker")).run().exits(0).stdout;
    assert!(partial.contains("partial"), "{partial}");
}

#[test]
fn wrong_argument_is_a_usage_error_with_a_hint() {
    for (arguments, hint) in [
        ("system chekc", "check"),
        ("explain meshsync-cant-list", "did you mean meshsync-cannot-list or"),
        ("explain zzz", "`meshdoctor checks` lists them"),
        ("system check --profile meshry", "meshery"),
        ("rbac check --to-serviceaccount default", "NAMESPACE:NAME"),
    ] {
        let ran = meshdoctor(arguments).run().exits(2);
        assert!(ran.stdout.is_empty(), "{arguments}: {}", ran.stdout);
        assert!(ran.stderr.contains(hint), "{arguments}: {}", ran.stderr);
    }
}

#[test]
fn explain_and_checks_need_no_cluster() {
    let ran = meshdoctor("explain broker-split").run().exits(0);
    assert!(ran.stdout.starts_with("broker-split\n"), "{}", ran.stdout);
    let json = meshdoctor("explain broker-split -o json").run().exits(0).json();
    assert_eq!(json["severity"], "error");
    assert!(json["text"].as_str().is_some_and(|text| text.contains("## How to fix")));
    // A finding's id is its code and an object. Users can paste it.
    meshdoctor("explain cr-missing/broker/meshery-broker").run().exits(0);
    meshdoctor("explain states").run().exits(0);
    let own = meshdoctor("explain 1005").run().exits(0).stdout;
    assert!(own.contains("Operator 1005") && own.contains("MeshSync 1005"), "{own}");
    let one = meshdoctor("explain meshsync-1005").run().exits(0).stdout;
    assert!(one.contains("gvr not found") && !one.contains("Operator"), "{one}");
    let checks = meshdoctor("checks -o json").run().exits(0).json();
    let codes = checks.as_array().expect("a list");
    assert!(codes.iter().any(|entry| entry["code"] == "server-image-pull"));
}

#[test]
fn rbac_prints_applicable_objects() {
    let list = meshdoctor("rbac check --to-serviceaccount ci:runner -n mesh -o json").run().exits(0).json();
    let kinds: Vec<&str> =
        list["items"].as_array().expect("objects").iter().filter_map(|o| o["kind"].as_str()).collect();
    assert_eq!(kinds, ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]);
    assert_eq!(list["items"][3]["subjects"][0]["namespace"], "ci");
    assert_eq!(list["items"][2]["metadata"]["namespace"], "mesh");
    let ran = meshdoctor("rbac check").run().exits(3);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("--to-user"), "{}", ran.stderr);
    meshdoctor("rbac check --kubeconfig /nonexistent").run().exits(2);
    let text = list.to_string();
    for verb in ["\"delete\"", "\"update\"", "\"patch\"", "\"*\""] {
        assert!(!text.contains(verb), "a read-only role contains {verb}");
    }
}

#[test]
fn record_overwrites_only_with_force() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let file = scratch.path().join("facts.json");
    fs::write(&file, "mine").expect("a file");
    let ran = meshdoctor("record").arg(&file).run().exits(4);
    assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(&file).expect("the file"), "mine");
    // Without a kubeconfig the only thing to record is the obstacle. The recording is valid all the same.
    meshdoctor("record --force").arg(&file).run().exits(3);
    let replayed = meshdoctor("system check -o json --from").arg(&file).run().exits(3).json();
    assert_eq!(replayed["rootCauses"][0], "kubeconfig-missing");
    assert_eq!(fs::read_dir(scratch.path()).expect("the folder").count(), 1, "no temporary file is left");
    meshdoctor("record /nonexistent/facts.json").run().exits(2);
}

#[test]
fn color_is_used_on_terminals_or_on_request() {
    let sick = "system check --from fixtures/connected-but-blind";
    assert!(!meshdoctor(sick).run().stdout.contains('\u{1b}'));
    assert!(meshdoctor(sick).env("CLICOLOR_FORCE", "1").run().stdout.contains('\u{1b}'));
    assert!(!meshdoctor(sick).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").run().stdout.contains('\u{1b}'));
    assert!(meshdoctor(sick).arg("--color=always").env("NO_COLOR", "1").run().stdout.contains('\u{1b}'));
    let plain = meshdoctor(sick).env("LANG", "C").run().stdout;
    assert!(plain.is_ascii(), "{plain}");
}

#[test]
fn output_text_is_the_same_with_and_without_color() {
    let sick = "system check --from fixtures/three-brokers-lb-pending-bad-watchlist";
    let plain = meshdoctor(sick).run().stdout;
    let colored = meshdoctor(sick).arg("--color=always").run().stdout;
    let mut stripped = String::new();
    let mut escape = false;
    for c in colored.chars() {
        match c {
            '\u{1b}' => escape = true,
            'm' if escape => escape = false,
            c if !escape => stripped.push(c),
            _ => {}
        }
    }
    let lines = |text: &str| text.lines().map(str::trim_end).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&stripped), lines(&plain));
}

#[test]
fn short_output_folds_passed_checks_and_shows_problems() {
    let blind = "system check --from fixtures/connected-but-blind";
    let short = meshdoctor(blind).run().stdout;
    assert!(short.contains("meshsync-cannot-list"), "{short}");
    assert!(!short.contains("[api-reachable]"), "{short}");
    assert!(short.contains("notes") && short.contains("(--all)"), "{short}");
    assert!(!short.contains("watch-list-watches-secrets"), "{short}");
    let last = short.lines().last().unwrap_or_default();
    assert!(last.starts_with("Next: "), "{short}");
    let whole = meshdoctor(&format!("{blind} --all")).run().stdout;
    assert!(whole.contains("[api-reachable]"), "{whole}");
    assert!(whole.contains("watch-list-watches-secrets"), "{whole}");
}

#[test]
fn commands_carry_the_given_connection_flags_and_no_credentials() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let config = scratch.path().join("my config");
    let cluster = "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]";
    let context = "contexts: [{name: far, context: {cluster: c, user: u}}]";
    let user = "users: [{name: u, user: {}}]";
    fs::write(&config, format!("apiVersion: v1\nkind: Config\n{cluster}\n{context}\n{user}\n")).expect("a kubeconfig");
    let plugin = scratch.path().join("kubectl-meshdoctor");
    symlink(env!("CARGO_BIN_EXE_meshdoctor"), &plugin).expect("a link");
    let output = std::process::Command::new(&plugin)
        .args(["check", "-ojson", "--context", "far", "--as", "jane", "--token", "s3cret-token"])
        .args(["--server", "http://joe:s3cret-word@127.0.0.1:1", "-n", "mesh"])
        .arg("--kubeconfig")
        .arg(&config)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).expect("text");
    let report: serde_json::Value = serde_json::from_str(&text).expect("a document");
    let command = report["findings"][0]["remedy"]["commands"][0]["run"].as_str().expect("a command");
    let expected = format!(
        "kubectl --kubeconfig '{}' --context far --server http://127.0.0.1:1 --as jane cluster-info",
        config.display()
    );
    assert_eq!(command, expected);
    assert!(!text.contains("s3cret"), "{text}");
    let output = std::process::Command::new(&plugin)
        .args(["status", "--from", "fixtures/healthy"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("it runs");
    let screen = String::from_utf8(output.stdout).expect("text");
    assert!(screen.contains("Diagnose: kubectl meshdoctor check"), "{screen}");
}

#[test]
fn network_test_without_an_image_says_how_to_build_one() {
    let ran = meshdoctor("test network").run().exits(2);
    assert!(ran.stderr.contains("no image of meshdoctor is published: build one with `.ci/image"), "{}", ran.stderr);
    let ran = meshdoctor("test network --image http://registry.example/meshdoctor").run().exits(2);
    assert!(ran.stderr.contains("without a scheme"), "{}", ran.stderr);
    let help = meshdoctor("help").run().exits(0);
    assert!(!help.stdout.contains("network-probe"), "{}", help.stdout);
}

#[test]
fn network_probe_reports_each_step_at_each_address() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let open = silent.local_addr().expect("an address");
    let arguments = format!("network-probe --broker={closed} --broker={open} --monitor-port={}", closed.port());
    let report = meshdoctor(&arguments).run().exits(0).json();
    let outcome = |endpoint: usize, step: &str| report["endpoints"][endpoint][step]["outcome"].clone();
    for (step, expected) in [
        ("resolve", "passed"),
        ("connect", "refused"),
        ("greeting", "skipped"),
        ("tls", "skipped"),
        ("monitor", "refused"),
    ] {
        assert_eq!(outcome(0, step), expected, "{step}: {report:#}");
    }
    for (step, expected) in [("connect", "passed"), ("greeting", "timed-out"), ("tls", "skipped")] {
        assert_eq!(outcome(1, step), expected, "{step}: {report:#}");
    }
    meshdoctor("network-probe").run().exits(2);
    meshdoctor("network-probe --broker=h:port").run().exits(2);
}

/// A home folder whose `mesheryctl` has one context.
fn home_of_mesheryctl() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a home folder");
    fs::create_dir(home.path().join(".meshery")).expect("a folder");
    let configuration = "contexts: {local: {endpoint: 'http://localhost:9081', token: default}}\n";
    fs::write(home.path().join(".meshery/config.yaml"), configuration).expect("a configuration");
    home
}

#[test]
fn wrong_flags_about_the_server_are_usage_errors_of_commands_that_ask_it() {
    let home = home_of_mesheryctl();
    for (flags, words) in [
        ("--meshery-server localhost:9081", "does not begin with http:// or https://"),
        ("--meshery-server http://me:hunter2@localhost:9081", "contains a user name or password"),
        ("--meshery-context prod", "context \"prod\" does not exist in ~/.meshery/config.yaml; available: local"),
        ("--meshery-config nowhere.yaml", "cannot read nowhere.yaml: no such file"),
        ("--meshery-config fixtures", "it is a folder, not a regular file"),
        ("--profile service-mesh-hub --meshery-context local", "--meshery-context has no meaning for Gloo Mesh"),
    ] {
        for command in ["check", "check --fix", "status", "record -", "system status -o json"] {
            let ran = meshdoctor(&format!("{command} {flags}")).env("HOME", home.path()).run().exits(2);
            assert!(ran.stdout.is_empty(), "{command} {flags}: {}", ran.stdout);
            assert!(
                ran.stderr.starts_with("error: ") && ran.stderr.contains(words),
                "{command} {flags}: {}",
                ran.stderr
            );
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
            assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_wrong_variable_about_the_server_is_no_usage_error() {
    // There is no kubeconfig, so nothing is asked.
    for value in ["", "nonsense", "http://me:hunter2@localhost"] {
        let ran = meshdoctor("check").env("MESHERY_SERVER", value).run().exits(3);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"));
        meshdoctor("check --profile service-mesh-hub").env("MESHERY_SERVER", value).run().exits(3);
    }
    let options = meshdoctor("options").env("MESHERY_SERVER", "http://me:hunter2@localhost").run().exits(0).stdout;
    assert!(options.contains("[env: MESHERY_SERVER]") && !options.contains("hunter2"), "{options}");
}

#[test]
fn commands_that_never_ask_the_server_ignore_its_flags() {
    let flags = "--meshery-server nonsense --meshery-context nowhere --meshery-config nowhere.yaml";
    for (command, code) in [
        ("explain states", 0),
        ("checks", 0),
        ("rbac check --to-user jane", 0),
        ("watch-list --stock", 0),
        ("check --from fixtures/connected-but-blind", 1),
        ("check --preflight", 3),
        ("watch-list", 3),
    ] {
        let plain = meshdoctor(command).run();
        let flagged = meshdoctor(&format!("{command} {flags}")).run();
        assert_eq!((plain.code, flagged.code), (code, code), "{command}: {}{}", plain.stderr, flagged.stderr);
    }
    let refused = meshdoctor(&format!("system redeploy -y {flags}")).run();
    assert!(refused.code != 2 && !refused.stderr.contains("meshery-"), "{}", refused.stderr);
}
