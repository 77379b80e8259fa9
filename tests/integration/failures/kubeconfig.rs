//! Kubeconfigs that are missing, broken or refer to something that does not exist.

use serde_json::Value;

use super::{Folder, assert_says, check, check_bed, kubeconfig, obstacle, title, usage};
use crate::{
    bed::{self, Line, Stack},
    tool::{meshdoctor, states},
};

const SERVER: &str = "server: 'https://127.0.0.1:1'";

/// A file's name, its content, and words that the message must contain.
type Broken = (&'static str, Vec<u8>, Vec<&'static str>);

fn broken() -> Vec<Broken> {
    [with_wrong_format(), with_dangling_references(), with_unusable_credentials()].concat()
}

fn with_wrong_format() -> Vec<Broken> {
    vec![
        ("bad-yaml", b"clusters: [\nusers: x: y\n".to_vec(), vec!["not valid YAML", "line 2"]),
        ("binary", vec![0xff, 0xfe, 0, 1], vec!["it is not text"]),
        ("html", b"<html>Sign in</html>".to_vec(), vec!["is not a kubeconfig", "clusters"]),
        (
            "pod",
            b"{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}".to_vec(),
            vec!["is not a kubeconfig", "its kind is Pod"],
        ),
        ("other-mapping", b"a: 1\nb: 2\n".to_vec(), vec!["is not a kubeconfig", "none of the keys"]),
        (
            "wrong-type",
            b"kind: Config\nclusters: hello\n".to_vec(),
            vec!["is not a kubeconfig", "line 2", "expected a list"],
        ),
        ("no-context", b"kind: Config\n".to_vec(), vec!["sets no current-context"]),
    ]
}

fn with_dangling_references() -> Vec<Broken> {
    let good = kubeconfig(SERVER, "token: t");
    let of = |cluster: &str| kubeconfig(cluster, "token: t").into_bytes();
    vec![
        (
            "dangling-context",
            good.replace("current-context: here", "current-context: gone").into(),
            vec!["current-context", "\"gone\"", "line 9"],
        ),
        (
            "dangling-cluster",
            good.replace("cluster: there,", "cluster: gone,").into(),
            vec!["\"here\" refers to the", "cluster \"gone\"", "line 8"],
        ),
        (
            "dangling-user",
            good.replace("user: me}", "user: gone}").into(),
            vec!["\"here\" refers to the", "user \"gone\"", "line 8"],
        ),
        ("no-server", of("insecure-skip-tls-verify: true"), vec!["has no server address"]),
        ("ftp", of("server: 'ftp://127.0.0.1'"), vec!["ftp://127.0.0.1", "not an http or https URL"]),
    ]
}

fn with_unusable_credentials() -> Vec<Broken> {
    let of = |cluster: &str, user: &str| kubeconfig(cluster, user).into_bytes();
    let server = |more: &str| of(&format!("{SERVER}, {more}"), "token: t");
    let user = |user: &str| of(SERVER, user);
    let pem = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==";
    vec![
        (
            "ca-file-missing",
            server("certificate-authority: gone.crt"),
            vec!["certificate-authority", "line 5", "gone.crt", "no such file"],
        ),
        (
            "ca-not-base64",
            server("certificate-authority-data: '!!'"),
            vec!["certificate-authority-data", "line 5", "not base64"],
        ),
        (
            "ca-not-pem",
            server("certificate-authority-data: aGVsbG8="),
            vec!["certificate-authority-data", "line 5", "no PEM certificate"],
        ),
        (
            "key-missing",
            user(&format!("client-certificate-data: {pem}")),
            vec!["client-certificate-data", "line 12", "client-key"],
        ),
        (
            "certificate-missing",
            user(&format!("client-key-data: {pem}")),
            vec!["client-key-data", "line 12", "client-certificate"],
        ),
        (
            "client-not-base64",
            user("client-certificate-data: '%%', client-key-data: '%%'"),
            vec!["client-certificate-data", "line 12", "not base64"],
        ),
        (
            "client-not-pem",
            user("client-certificate-data: aGVsbG8=, client-key-data: aGVsbG8="),
            vec!["client-certificate-data", "line 12", "no PEM certificate"],
        ),
        (
            "client-key-file-missing",
            user(&format!("client-certificate-data: {pem}, client-key: gone.key")),
            vec!["client-key", "line 12", "gone.key", "no such file"],
        ),
        ("token-file-missing", user("tokenFile: /nowhere/token"), vec!["tokenFile", "/nowhere/token", "no such file"]),
        (
            "auth-provider",
            user("auth-provider: {name: gcp, config: {}}"),
            vec!["auth-provider", "gcp", "no longer supported"],
        ),
    ]
}

#[test]
fn missing_kubeconfig_is_reported_with_the_searched_path() {
    let finding = obstacle(meshdoctor("system check"), "kubeconfig-missing");
    assert_says(&title(&finding), &["There is no kubeconfig", ".kube/config"]);

    let folder = Folder::new();
    let finding = obstacle(check(&folder.path("gone")), "kubeconfig-missing");
    assert_says(&title(&finding), &["gone"]);

    let ran = meshdoctor("system status -o json").run().exits(3);
    assert_eq!(ran.json()["exitCode"], 3);
    super::assert_sentence(&ran.stderr);
}

#[test]
fn broken_kubeconfig_from_environment_is_an_obstacle() {
    let folder = Folder::new();
    for (name, content, words) in broken() {
        let path = folder.file(name, content);
        println!("{name}");
        let finding = obstacle(check(&path), "kubeconfig-invalid");
        assert_says(&title(&finding), &words);
        let evidence = finding["evidence"].to_string();
        assert_says(&format!("{}{evidence}", title(&finding)), &[name]);
    }
}

#[test]
fn broken_kubeconfig_from_flag_is_a_usage_error() {
    let folder = Folder::new();
    for (name, content, words) in broken() {
        let path = folder.file(name, content);
        println!("{name}");
        let flag = || meshdoctor("system check -o json --kubeconfig").arg(&path);
        let sentence = usage(flag());
        assert_says(&sentence, &words);
        assert_says(&sentence, &[name]);
    }
    let sentence = usage(meshdoctor("system check --kubeconfig").arg(folder.path("gone")));
    assert_says(&sentence, &["gone", "no such file"]);
    let sentence = usage(meshdoctor("system check --kubeconfig").arg(folder.file("blank", "\n")));
    assert_says(&sentence, &["blank", "is empty"]);
    let sentence = usage(meshdoctor("system check --kubeconfig").arg(folder.0.path()));
    assert_says(&sentence, &["it is a folder"]);
}

#[test]
fn unknown_context_cluster_or_user_lists_the_existing_ones() {
    let folder = Folder::new();
    let path = folder.file("config", kubeconfig(SERVER, "token: t"));
    for (flag, listed) in [("context", "here"), ("cluster", "there"), ("user", "me")] {
        let sentence = usage(check(&path).arg(format!("--{flag}")).arg("nope"));
        assert_says(&sentence, &[flag, "\"nope\"", &format!("available: {listed}"), "config"]);
    }
}

/// The context is in one file, the cluster and the user are in another, and one file is missing. The merged kubeconfig
/// connects to the bed.
#[tokio::test]
async fn kubeconfig_list_is_merged_and_a_missing_file_is_ignored() -> anyhow::Result<()> {
    let bed = bed::lease().await?;
    let stack = Stack::of(Line::Current).namespace(bed.namespace()).start(&bed).await?;
    let _meshsync = stack.meshsync(0).await?;
    let folder = Folder::new();
    let whole = std::fs::read_to_string(bed.kubeconfig())?;
    let context = folder
        .file("context", "contexts:\n- name: mine\n  context: {cluster: bed, user: admin}\ncurrent-context: mine\n");
    let rest = folder.file("rest", whole);
    let list = std::env::join_paths([&folder.path("gone"), &context, &rest])?;
    let ran =
        meshdoctor("system check -o json --namespace").arg(bed.namespace()).env("KUBECONFIG", list).run_beside().await;
    let report: Value = ran.json();
    assert_eq!(report["target"]["context"], "mine", "the first file wins");
    assert_eq!(states(&report), "DEPLOYED/CONNECTED/DEPLOYED");

    // A check with the single complete file shows the same states.
    let ran = check_bed(&bed.kubeconfig(), bed.namespace()).arg("-ojson").run_beside().await;
    assert_eq!(states(&ran.json()), states(&report));
    Ok(())
}
