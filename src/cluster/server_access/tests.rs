//! The choice of a server and a token, with files in a temporary home folder.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::{
    NamedBy, ServerAccess, ServerChoice, ServerCredential,
    choice::{Choice, Surroundings},
};
use crate::stack::profile::{MESHERY, MESHPLAY, Profile, SERVICE_MESH_HUB};

const CONFIG: &str = "\
contexts:
  local:
    endpoint: http://localhost:9081
    token: default
    platform: docker
    provider: Meshery
  prod:
    endpoint: https://meshery.example
    token: Prod
    platform: docker
    provider: Meshery
  cluster:
    endpoint: http://10.0.0.7:9081
    token: default
    platform: kubernetes
  offline:
    endpoint: http://offline.example:9081
    token: none
    provider: None
  tokenless:
    endpoint: http://tokenless.example
    provider: Meshery
  broken:
    endpoint: http://broken.example
    token: broken
  dangling:
    endpoint: http://dangling.example
    token: nowhere
  nowhere: {}
  odd:
    endpoint: localhost:9081
current-context: Local
tokens:
- name: default
  location: auth.json
- name: prod
  location: ~/.meshery/prod.json
- name: none
  value: '{\"meshery-provider\":\"None\",\"token\":\"\"}'
- name: broken
  location: broken.json
";

/// A home folder with this configuration and two token files.
struct Home(TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(home.path().join(".meshery")).expect("a folder");
        let home = Self(home);
        home.write("config.yaml", config);
        home.write("auth.json", r#"{"meshery-provider":"Meshery","token":"token-of-local"}"#);
        home.write("prod.json", r#"{"meshery-provider":"Layer5","token":"token-of-prod"}"#);
        home.write("broken.json", "<!DOCTYPE html><html></html>");
        home
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(".meshery").join(name), text).expect("a file");
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The choice for these flags, separated by spaces. `NAME=VALUE` is the variable.
    fn choose_as(&self, profile: &Profile, words: &str) -> Result<ServerChoice, String> {
        let mut access = ServerAccess::default();
        let mut variable = None;
        let mut words = words.split_whitespace();
        while let Some(word) = words.next() {
            let mut value = || words.next().expect("a value").to_owned();
            match word {
                "--meshery-server" => access.meshery_server = Some(value()),
                "--meshery-context" => access.meshery_context = Some(value()),
                "--meshery-config" => access.meshery_config = Some(value().into()),
                word => variable = word.strip_prefix("MESHERY_SERVER=").map(Into::into),
            }
        }
        let around = Surroundings::of(variable, Some(self.path().into()));
        let made = Choice { access: &access, profile, around: &around }.make();
        made.map_err(|error| format!("{error}{}", error.suffix()))
    }

    fn choose(&self, words: &str) -> Result<ServerChoice, String> {
        self.choose_as(&MESHERY, words)
    }

    /// The choice in one line: the server, by what and which context; what is sent; why a token is withheld.
    #[track_caller]
    fn line(&self, words: &str) -> String {
        line(&self.choose(words).expect("a choice"))
    }

    #[track_caller]
    fn assert_refused(&self, words: &str, sentence: &str) {
        let why = self.choose(words).err().expect("a usage error");
        assert_eq!(why, sentence, "{words}");
    }
}

fn line(choice: &ServerChoice) -> String {
    let server = match &choice.named {
        Some(named) => {
            let origin = named.origin.as_ref().map_or_else(|why| format!("({why})"), ToString::to_string);
            let context = named.context.as_deref().unwrap_or("-");
            format!("{origin} {:?} {context} {}", named.by, sent(named.credential.as_ref()))
        }
        None => {
            let context = choice.context.as_deref().unwrap_or("-");
            format!("service {context} {}", sent(choice.for_service.as_ref()))
        }
    };
    match &choice.withheld {
        Some(why) => format!("{server}; {why}"),
        None => server,
    }
}

fn sent(credential: Option<&ServerCredential>) -> String {
    let Some(credential) = credential else { return "nothing".into() };
    let token = credential.token.as_ref().map_or("-", |token| token.expose_secret());
    assert_eq!(credential.fact.is_some(), credential.token.is_some());
    let clear = if credential.fact.as_ref().is_some_and(|fact| fact.in_clear) { " in clear" } else { "" };
    format!("{}/{token}{clear}", credential.provider.as_deref().unwrap_or("-"))
}

#[test]
fn the_table_of_choices() {
    let home = Home::new(CONFIG);
    for (words, expected) in [
        ("", "service - nothing"),
        ("MESHERY_SERVER=", "service - nothing"),
        ("--meshery-config CONFIG", "service - nothing"),
        // An address gets the token of the context with the same origin.
        ("--meshery-server http://127.0.0.1:9081/", "http://127.0.0.1:9081 Flag local Meshery/token-of-local"),
        (
            "MESHERY_SERVER=https://meshery.example:443",
            "https://meshery.example:443 Environment prod Layer5/token-of-prod",
        ),
        (
            "--meshery-server https://localhost:9081",
            "https://localhost:9081 Flag - nothing; no context in ~/.meshery/config.yaml is for https://localhost:9081",
        ),
        (
            "MESHERY_SERVER=http://meshery.example",
            "http://meshery.example:80 Environment - nothing; no context in ~/.meshery/config.yaml is for http://meshery.example:80",
        ),
        (
            "MESHERY_SERVER=meshery.example",
            "(MESHERY_SERVER=meshery.example cannot be used: it does not begin with http:// or https://) Environment - nothing",
        ),
        // The flag comes before the variable.
        (
            "--meshery-server http://localhost:9081 MESHERY_SERVER=nonsense",
            "http://localhost:9081 Flag local Meshery/token-of-local",
        ),
        // A context that is named gives its token to the address.
        (
            "--meshery-server https://localhost:9081 --meshery-context PROD",
            "https://localhost:9081 Flag prod Layer5/token-of-prod",
        ),
        (
            "--meshery-server http://other.example --meshery-context prod",
            "http://other.example:80 Flag prod Layer5/token-of-prod in clear",
        ),
        // The variable may be that of a folder, and gives the token only to the context's own address.
        (
            "MESHERY_SERVER=https://meshery.example --meshery-context prod",
            "https://meshery.example:443 Environment prod Layer5/token-of-prod",
        ),
        (
            "MESHERY_SERVER=http://other.example --meshery-context prod",
            "http://other.example:80 Environment - nothing; MESHERY_SERVER names another address than the context \"prod\", \
             whose token goes there only with --meshery-server",
        ),
        ("--meshery-server http://10.0.0.7:9081", "http://10.0.0.7:9081 Flag cluster Meshery/token-of-local in clear"),
        // A context alone.
        ("--meshery-context Local", "http://localhost:9081 Context local Meshery/token-of-local"),
        ("--meshery-context prod", "https://meshery.example:443 Context prod Layer5/token-of-prod"),
        ("--meshery-context offline", "http://offline.example:9081 Context offline None/-"),
        ("--meshery-context tokenless", "http://tokenless.example:80 Context tokenless Meshery/-"),
        (
            "--meshery-context broken",
            "http://broken.example:80 Context broken nothing; the token of context \"broken\" cannot be used: cannot read \
             ~/.meshery/broken.json: it contains a web page, which a failed login leaves behind; log in again",
        ),
        (
            "--meshery-context dangling",
            "http://dangling.example:80 Context dangling nothing; context \"dangling\" names the token \"nowhere\", which \
             ~/.meshery/config.yaml does not have",
        ),
        // The Service in the cluster.
        ("--meshery-context cluster", "service cluster Meshery/token-of-local"),
        (
            "--meshery-context cluster --meshery-server http://localhost:9999",
            "http://localhost:9999 Flag cluster Meshery/token-of-local",
        ),
    ] {
        let words = words.replace("CONFIG", &home.path().join(".meshery/config.yaml").display().to_string());
        assert_eq!(home.line(&words), expected, "{words}");
    }
}

#[test]
fn wrong_flags_are_usage_errors() {
    let home = Home::new(CONFIG);
    for (words, sentence) in [
        (
            "--meshery-server localhost:9081",
            "--meshery-server localhost:9081 cannot be used: it does not begin with http:// or https://; use the form \
             http[s]://HOST[:PORT]",
        ),
        (
            "--meshery-server http://me:secret@meshery.example",
            "--meshery-server http://REDACTED@meshery.example cannot be used: it contains a user name or password; use \
             the form http[s]://HOST[:PORT]",
        ),
        (
            "--meshery-context produktion",
            "--meshery-context: context \"produktion\" does not exist in ~/.meshery/config.yaml; available: local, prod, \
             cluster, offline, tokenless, broken, dangling, nowhere, odd",
        ),
        (
            "--meshery-context nowhere",
            "--meshery-context: context \"nowhere\" in ~/.meshery/config.yaml has no endpoint; name the address with \
             --meshery-server",
        ),
        (
            "--meshery-context odd",
            "--meshery-context: context \"odd\" in ~/.meshery/config.yaml has the endpoint localhost:9081, which cannot be \
             used: it does not begin with http:// or https://; name the address with --meshery-server",
        ),
        (
            "--meshery-config /nonexistent/config.yaml",
            "--meshery-config: cannot read /nonexistent/config.yaml: no such file",
        ),
    ] {
        home.assert_refused(words, sentence);
    }
    fs::remove_file(home.path().join(".meshery/config.yaml")).expect("removed");
    home.assert_refused(
        "--meshery-context prod",
        "--meshery-context: cannot read ~/.meshery/config.yaml: no such file; name the file with --meshery-config",
    );
    let empty = Home::new("contexts: {}\n");
    empty.assert_refused(
        "--meshery-context prod",
        "--meshery-context: context \"prod\" does not exist in ~/.meshery/config.yaml; it has none",
    );
    let many: Vec<String> = (0..30).map(|n| format!("  c{n}: {{}}\n")).collect();
    let why = Home::new(&format!("contexts:\n{}", many.concat()))
        .choose("--meshery-context prod")
        .err()
        .expect("a usage error");
    assert!(why.ends_with("c19 and 10 more"), "{why}");
}

#[test]
fn a_broken_default_file_only_withholds_the_token() {
    let unusable = |home: &Home| home.line("--meshery-server http://localhost:9081");
    let prefix = "http://localhost:9081 Flag - nothing";
    for (config, why) in [
        ("", ""),
        ("# nothing\n", ""),
        ("contexts: [", "; ~/.meshery/config.yaml cannot be used: "),
        ("just a text", "; ~/.meshery/config.yaml cannot be used: it has no contexts"),
        ("<html></html>", "; ~/.meshery/config.yaml cannot be used: "),
        ("contexts: text\n", "; ~/.meshery/config.yaml cannot be used: it has no contexts"),
        ("contexts:\n  only: {endpoint: 'http://x'}\n", "; its context \"only\" is for http://x:80"),
        ("contexts:\n  only: {}\n", "; its context \"only\" has no endpoint that can be used"),
    ] {
        let line = unusable(&Home::new(config));
        let rest = line.strip_prefix(prefix).expect("the server, without a token");
        assert!(rest.starts_with(why) && rest.is_empty() == why.is_empty(), "{config}: {line}");
    }
    let home = Home::new("");
    let path = home.path().join(".meshery/config.yaml");
    fs::write(&path, "#".repeat(1024 * 1024 + 1)).expect("a file");
    assert_eq!(unusable(&home), format!("{prefix}; ~/.meshery/config.yaml cannot be used: it is longer than 1 MiB"));
    fs::write(&path, [0xC3]).expect("a file");
    assert_eq!(unusable(&home), format!("{prefix}; ~/.meshery/config.yaml cannot be used: it is not text"));
    fs::remove_file(&path).expect("removed");
    assert_eq!(unusable(&home), prefix);
    fs::create_dir(&path).expect("a folder");
    let why = "~/.meshery/config.yaml cannot be used: it is a folder, not a regular file";
    assert_eq!(unusable(&home), format!("{prefix}; {why}"));
    home.assert_refused(
        &format!("--meshery-config {}", path.display()),
        "--meshery-config: cannot read ~/.meshery/config.yaml: it is a folder, not a regular file",
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_opened() {
    let home = Home::new(CONFIG);
    let pipe = home.path().join(".meshery/auth.json");
    fs::remove_file(&pipe).expect("removed");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let line = home.line("--meshery-context local");
    assert!(line.ends_with("cannot read ~/.meshery/auth.json: it is a named pipe, not a regular file"), "{line}");
}

#[test]
fn token_files_that_cannot_be_used_are_explained() {
    let home = Home::new(CONFIG);
    for (text, why) in [
        ("", "cannot read ~/.meshery/auth.json: it is empty, which a failed login leaves behind; log in again"),
        (
            " <!DOCTYPE html>",
            "cannot read ~/.meshery/auth.json: it contains a web page, which a failed login leaves behind; log in again",
        ),
        ("secret-text", "cannot read ~/.meshery/auth.json: it is not a JSON object; log in again"),
        ("{} {}", "cannot read ~/.meshery/auth.json: it contains more than one JSON object; log in again"),
        ("{}", "cannot read ~/.meshery/auth.json: it has no token; log in again"),
        (r#"{"token":["secret-text"]}"#, "cannot read ~/.meshery/auth.json: its token is not a text; log in again"),
        (r#"{"token":"secret-text"#, "cannot read ~/.meshery/auth.json: it is cut off in the middle, at line 1"),
        (r#"{"token":"secret-text; a=b"}"#, "in ~/.meshery/auth.json contains characters that a cookie cannot have"),
    ] {
        home.write("auth.json", text);
        let line = home.line("--meshery-context local");
        let start = "http://localhost:9081 Context local Meshery/-; the token of context \"local\" ";
        let rest = line.strip_prefix(start).expect("the server, without a token");
        assert_eq!(rest.trim_start_matches("cannot be used: "), why, "{text}");
        assert!(!line.contains("secret"), "{line}");
    }
    home.write("auth.json", &"a".repeat(1024 * 1024 + 1));
    let line = home.line("--meshery-context local");
    assert!(line.ends_with("cannot read ~/.meshery/auth.json: it is longer than 1 MiB"), "{line}");
    fs::remove_file(home.path().join(".meshery/auth.json")).expect("removed");
    let line = home.line("--meshery-context local");
    assert!(line.ends_with("cannot read ~/.meshery/auth.json: no such file"), "{line}");
}

#[test]
fn a_token_file_is_found_where_mesheryctl_finds_it() {
    let with = |location: &Path| {
        let home = Home::new("");
        let entry = "contexts:\n  C: {Endpoint: 'http://x', token: T}\ntokens:\n- Name: t\n  Location: ";
        home.write("config.yaml", &format!("{entry}{}\n", location.display()));
        fs::create_dir(home.path().join(".meshery/sub")).expect("a folder");
        home.write("sub/auth.json", r#"{"token":"token-of-sub"}"#);
        home.line("--meshery-context c")
    };
    let sub = "http://x:80 Context C -/token-of-sub in clear";
    for location in ["sub/auth.json", "./sub/auth.json", "~/.meshery/sub/auth.json", "/sub/auth.json"] {
        assert_eq!(with(Path::new(location)), sub, "{location}");
    }
    let elsewhere = tempfile::tempdir().expect("a folder");
    fs::write(elsewhere.path().join("auth.json"), r#"{"token":"token-of-elsewhere"}"#).expect("a file");
    assert_eq!(with(&elsewhere.path().join("auth.json")), "http://x:80 Context C -/token-of-elsewhere in clear");
    // A configuration in another folder refers to the files next to it, then to those in the home folder.
    let home = Home::new("");
    let config = elsewhere.path().join("other.yaml");
    let words = format!("--meshery-context c --meshery-config {}", config.display());
    for (location, token) in [("auth.json", "token-of-elsewhere"), ("prod.json", "token-of-prod")] {
        fs::write(
            &config,
            format!(
                "contexts: {{c: {{endpoint: 'https://x', token: t}}}}\ntokens: [{{name: t, location: {location}}}]"
            ),
        )
        .expect("a file");
        assert!(home.line(&words).contains(token), "{}", home.line(&words));
    }
}

#[test]
fn an_inline_token_is_a_token_or_a_token_file() {
    let with = |value: &str| {
        let config =
            format!("contexts: {{c: {{endpoint: 'https://x', token: t}}}}\ntokens: [{{name: t, value: '{value}'}}]");
        Home::new(&config).line("--meshery-context c")
    };
    assert_eq!(with("token-in-line"), "https://x:443 Context c -/token-in-line");
    let file = r#"{"meshery-provider":"Layer5","token":"token-in-file"}"#;
    assert_eq!(with(file), "https://x:443 Context c Layer5/token-in-file");
    assert_eq!(
        with("{broken"),
        "https://x:443 Context c nothing; the token of context \"c\" cannot be used: cannot read ~/.meshery/config.yaml: it is \
         not valid JSON: key must be a string at line 1 column 2"
    );
}

#[test]
fn of_two_contexts_with_one_origin_the_current_one_or_the_one_with_a_token_is_chosen() {
    let with = |current: &str| {
        let config = "contexts:\n  a: {endpoint: 'http://x', provider: A}\n  b: {endpoint: 'http://x:80/', token: t}\ntokens:\n- {name: t, value: token-of-b}\n";
        Home::new(&format!("{config}current-context: {current}\n")).line("--meshery-server http://x")
    };
    assert_eq!(with("a"), "http://x:80 Flag a A/-");
    assert_eq!(with("b"), "http://x:80 Flag b -/token-of-b in clear");
    assert_eq!(with("missing"), "http://x:80 Flag b -/token-of-b in clear");
}

#[test]
fn an_odd_provider_is_not_sent() {
    let config = "contexts: {c: {endpoint: 'https://x', provider: 'A; token=b', token: t}}\ntokens: [{name: t, value: token-of-c}]";
    assert_eq!(Home::new(config).line("--meshery-context c"), "https://x:443 Context c -/token-of-c");
}

#[test]
fn control_characters_of_names_do_not_reach_messages() {
    let home = Home::new("contexts:\n  \"a\\e[31mb\": {}\n");
    let why = home.choose("--meshery-context c").err().expect("a usage error");
    assert!(why.ends_with("available: a[31mb"), "{why:?}");
}

#[test]
fn each_profile_has_its_own_files_and_cookie() {
    let home = Home::new(CONFIG);
    let folder = home.path().join(".meshplay");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("config.yaml"), CONFIG).expect("a file");
    fs::write(folder.join("auth.json"), r#"{"meshplay-provider":"Khulnasoft","token":"token-of-meshplay"}"#)
        .expect("a file");
    let choice = home.choose_as(&MESHPLAY, "--meshery-context local").expect("a choice");
    assert_eq!(line(&choice), "http://localhost:9081 Context local Khulnasoft/token-of-meshplay");
    let fact = choice.named.and_then(|named| named.credential).and_then(|credential| credential.fact);
    assert_eq!(fact.expect("a token").source, "~/.meshplay/auth.json");
}

#[test]
fn a_profile_without_a_server_refuses_its_flags_and_ignores_the_variable() {
    let home = Home::new(CONFIG);
    let choose = |words: &str| home.choose_as(&SERVICE_MESH_HUB, words);
    assert_eq!(line(&choose("MESHERY_SERVER=nonsense").expect("a choice")), "service - nothing");
    for flag in ["--meshery-server", "--meshery-context", "--meshery-config"] {
        let why = choose(&format!("{flag} http://localhost:9081")).err().expect("a usage error");
        assert_eq!(why, format!("{flag} has no meaning for Gloo Mesh, which has no such server"));
    }
}

#[test]
fn the_server_of_another_profile_does_not_get_the_token() {
    let home = Home::new(CONFIG);
    let other = |words: &str, profile| line(&home.choose(words).expect("a choice").to_profile(profile));
    let why = "nothing; it is for another product, unless --profile meshplay is given";
    let named = "--meshery-server http://localhost:9081";
    assert_eq!(other(named, &MESHPLAY), format!("http://localhost:9081 Flag - {why}"));
    assert_eq!(other("--meshery-context cluster", &MESHPLAY), format!("service - {why}"));
    assert_eq!(other(named, &SERVICE_MESH_HUB), "service - nothing");
    assert_eq!(other("", &MESHPLAY), "service - nothing");
}

#[test]
fn the_expiry_and_the_source_of_a_token_are_facts() {
    let home = Home::new(CONFIG);
    let token = STANDARD_NO_PAD.encode(r#"{"access_token":"opaque","expiry":"2021-08-28T07:12:44Z"}"#);
    home.write("auth.json", &format!("{{\"token\":\"{token}\"}}"));
    let choice = home.choose("--meshery-context local").expect("a choice");
    let fact = choice.named.and_then(|named| named.credential).and_then(|credential| credential.fact);
    let fact = fact.expect("a token");
    assert_eq!(fact.expires, Some("2021-08-28T07:12:44Z".parse().expect("a time")));
    assert_eq!((fact.source.as_str(), fact.in_clear), ("~/.meshery/auth.json", false));
}

#[test]
fn the_current_context_is_suggested_but_not_chosen() {
    let home = Home::new(CONFIG);
    let around = Surroundings::of(None, Some(home.path().into()));
    let access = ServerAccess::default();
    let of = |profile| Choice { access: &access, profile, around: &around }.current_context();
    assert_eq!(of(&MESHERY), Some(("local".into(), "http://localhost:9081".into())));
    assert_eq!(of(&MESHPLAY), None);
    assert_eq!(home.choose("").expect("a choice").named.map(|named| named.by), None::<NamedBy>);
}

#[test]
fn files_that_cannot_be_read_in_time_withhold_the_token() {
    let home = Home::new(CONFIG);
    let around = Surroundings::of(Some("http://localhost:9081".into()), Some(home.path().into()));
    let mut access = ServerAccess::default();
    let made = Choice { access: &access, profile: &MESHERY, around: &around }.make_without_files("too late");
    let expected = "http://localhost:9081 Environment - nothing; ~/.meshery/config.yaml cannot be used: too late";
    assert_eq!(line(&made.expect("a choice")), expected);
    access.meshery_context = Some("local".into());
    let made = Choice { access: &access, profile: &MESHERY, around: &around }.make_without_files("too late");
    assert_eq!(made.err().expect("a usage error").to_string(), "cannot read ~/.meshery/config.yaml: too late");
}
