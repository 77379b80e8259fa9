//! Redacts command lines: flag names are shown, values only if they are known to be harmless.

use super::{
    REDACTED,
    text::{is_reference, is_secret_name, text},
};

/// Masks the values in a container's command or arguments.
pub fn arguments(list: &mut [String], is_command: bool) {
    let mut flag: Option<String> = None;
    for (number, argument) in list.iter_mut().enumerate() {
        let before = flag.take();
        if number == 0 && is_command && is_program(argument) {
            continue;
        }
        if let Some(name) = flag_name(argument) {
            let name = name.to_owned();
            match argument[name.len()..].strip_prefix('=') {
                Some(value) if is_harmless(&name, value) => {}
                Some(_) => *argument = format!("{name}={REDACTED}"),
                None if argument.len() == name.len() => flag = Some(name),
                None => *argument = format!("{name}{REDACTED}"),
            }
        } else if !is_harmless(before.as_deref().unwrap_or_default(), argument) {
            REDACTED.clone_into(argument);
        }
    }
}

/// One line with a program and its arguments, masked.
pub fn command_line<'a>(program: &str, rest: impl Iterator<Item = &'a String>) -> String {
    let mut words = vec![program.to_owned()];
    words.extend(rest.cloned());
    arguments(&mut words, true);
    words.join(" ")
}

/// The long flags with a single dash of NATS, its config reloader, and `MeshSync`.
const LONG_NAMES: &[&str] =
    &["config", "output", "outputFile", "outputNamespaces", "outputResources", "pid", "sl", "stopAfterSeconds"];

/// The name of a flag with its dashes: `--config`, `-c`.
fn flag_name(argument: &str) -> Option<&str> {
    let name = argument.split('=').next().unwrap_or_default();
    let word = name.trim_start_matches('-');
    let dashes = name.len() - word.len();
    let is_name = (1..=2).contains(&dashes)
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.len() <= 48
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !is_name {
        return None;
    }
    // After a single dash, a value may follow the letter, except for the long names that Go programs use.
    if dashes == 1 && word.len() > 1 && !LONG_NAMES.contains(&word) {
        return Some(&name[..2]);
    }
    // A secret may begin with dashes, too.
    (dashes == 1 || is_word(word)).then_some(name)
}

/// Whether a word may be a name that a person chose, and not a generated one: it has digits only at its ends.
fn is_word(word: &str) -> bool {
    word.split(['-', '_', '.']).all(|part| {
        let digits = |c: char| c.is_ascii_digit();
        let inner = part.trim_start_matches(digits).trim_end_matches(digits);
        let outer = part.len() - inner.len();
        outer <= 3 && part.len() <= 24 && inner.chars().all(|c| c.is_ascii_alphabetic())
    })
}

/// Whether the value of a flag is known to be harmless.
fn is_harmless(flag: &str, value: &str) -> bool {
    /// `MeshSync`'s own flags: names of namespaces and kinds, which decide what it publishes.
    const LISTS: &[&str] = &["outputNamespaces", "outputResources"];
    if value.is_empty() || is_reference(value) {
        return true;
    }
    if is_secret_name(flag) {
        return false;
    }
    if LISTS.contains(&flag.trim_start_matches('-')) {
        return value.split(',').all(|name| name.len() <= 63 && name.trim().chars().all(is_name_character));
    }
    is_mode(value)
        || is_number(value)
        || is_path(value)
        || is_local_address(value)
        || value.split_once('=').is_some_and(|(name, value)| is_mode(name) && is_path(value))
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.')
}

/// Words that select a mode and are never secret.
pub(crate) fn is_mode(value: &str) -> bool {
    const MODES: &str = "all auto broker built-in builtin console debug default disabled dpanic embedded enabled error \
        false fatal file info json ldm leases no none off on operator panic production quit reload reopen stdout \
        stderr stop text trace true warn warning yes";
    MODES.split(' ').any(|mode| value.eq_ignore_ascii_case(mode))
}

/// Small numbers, durations and sizes: `10`, `0.5`, `30s`, `1m30s`, `256Mi`. A long number may be a password.
pub(crate) fn is_number(value: &str) -> bool {
    let mut digits = 0;
    let mut letters = 0;
    for c in value.trim_start_matches('-').chars() {
        if c.is_ascii_digit() || c == '.' {
            digits += 1;
            letters = 0;
        } else {
            letters += 1;
        }
        if digits > 6 || letters > 2 || !(c.is_ascii_digit() || ".smhunKMGTibB".contains(c)) {
            return false;
        }
    }
    digits > 0
}

/// Absolute paths and paths below the working directory, if their names are plain.
fn is_path(value: &str) -> bool {
    let rest = value.strip_prefix("./").or_else(|| value.strip_prefix('/'));
    rest.is_some_and(|rest| {
        rest.len() <= 120
            && rest
                .trim_end_matches('/')
                .split('/')
                .all(|part| (part == "kubernetes.io" || is_word(part)) && part.len() <= 48)
    })
}

/// Programs, by name or by path.
fn is_program(value: &str) -> bool {
    is_path(value) || (value.len() <= 48 && is_word(value))
}

/// `:8080`, `127.0.0.1:8080`, `0.0.0.0:8443`, also as a URL.
fn is_local_address(value: &str) -> bool {
    let rest =
        value.strip_prefix("http://").or_else(|| value.strip_prefix("https://")).unwrap_or(value).trim_end_matches('/');
    let Some((host, port)) = rest.rsplit_once(':') else {
        return false;
    };
    let local =
        host.is_empty() || host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    local && port.parse::<u16>().is_ok()
}

/// Masks the value of an environment variable as free text, unless it has a harmless form.
pub(crate) fn variable(name: &str, value: &str) -> Option<String> {
    /// Variables whose value is yes or no, a number or a mode.
    const MODES: &str = "DEBUG DISABLE_OPERATOR ENABLE_WEBHOOKS KUBERNETES_SERVICE_PORT \
        MESHSYNC_BROKER_CONTENT_DEDUP MESHSYNC_DEFAULT_DEPLOYMENT_MODE MESHSYNC_REDACT_SECRETS";
    /// Variables whose value is a name or address.
    const NAMES: &str = "CLUSTER_ADVERTISE CLUSTER_ID KUBERNETES_SERVICE_HOST POD_NAME POD_NAMESPACE SERVER_NAME";
    let listed = |list: &str| list.split(' ').any(|listed| listed == name);
    let value = value.trim();
    let harmless = value.is_empty()
        || is_reference(value)
        || (listed(MODES) && (is_mode(value) || is_number(value)))
        || (listed(NAMES)
            && value.len() <= 253
            && value.chars().all(|c| is_name_character(c) || matches!(c, '$' | '(' | ')' | '_' | ':')));
    harmless.then(|| text(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(list: &[&str], is_command: bool) -> Vec<String> {
        let mut list: Vec<String> = list.iter().map(|word| (*word).to_owned()).collect();
        arguments(&mut list, is_command);
        list
    }

    #[test]
    fn harmless_arguments_are_kept() {
        for command in [
            &["nats-server", "--config", "/etc/nats-config/nats.conf"][..],
            &["nats-server-config-reloader", "-pid", "/var/run/nats/nats.pid"],
            &["nats-server", "-sl=ldm=/var/run/nats/nats.pid"],
            &["/manager", "--enable-leader-election", "--metrics-addr=127.0.0.1:8080"],
            &["/manager", "--health-probe-bind-address=:8081", "--v=10"],
            &["x", "--upstream=http://127.0.0.1:8080/", "--logtostderr=true"],
            &["./meshery-meshsync", "-output", "file", "--outputNamespaces", "a,team-7"],
            &["/bin/sh", "-c", "$(SCRIPT)"],
            &["x", "-p", "4222", "--timeout", "1m30s", "--auth", "$(TOKEN)"],
        ] {
            assert_eq!(masked(command, true), command);
        }
    }

    #[test]
    fn other_values_are_masked() {
        for (list, shown) in [
            (&["--auth", "s3"][..], &["--auth", "REDACTED"][..]),
            (&["--token=s3", "-c", "f"], &["--token=REDACTED", "-c", "REDACTED"]),
            (&["-p", "hunter"], &["-p", "REDACTED"]),
            (&["-phunter2x"], &["-pREDACTED"]),
            (&["--key=abc"], &["--key=REDACTED"]),
            (&["--config", "nats://t@h"], &["--config", "REDACTED"]),
            (&["S3edf00dCafe"], &["REDACTED"]),
            (&["echo password; x"], &["REDACTED"]),
            (&["--S3edf00dCafe=1"], &["REDACTED"]),
            (&["--pin", "12345678"], &["--pin", "REDACTED"]),
            (&["--outputNamespaces=nats://t@h"], &["--outputNamespaces=REDACTED"]),
        ] {
            assert_eq!(masked(list, false), shown);
        }
        assert_eq!(masked(&["/bin/sh", "-c", "curl -H 'Authorization: x'"], true), ["/bin/sh", "-c", "REDACTED"]);
    }

    #[test]
    fn variables_are_shown_only_in_their_expected_form() {
        for (name, value) in [
            ("DEBUG", "true"),
            ("SERVER_NAME", "$(POD_NAME)"),
            ("CLUSTER_ADVERTISE", "$(POD_NAME).meshery-nats.$(POD_NAMESPACE).svc"),
            ("MESHSYNC_DEFAULT_DEPLOYMENT_MODE", "embedded"),
            ("CLUSTER_ID", "0a8f0a2e-8a4f-4f0e-9d9e-0f8d1f0e9d9e"),
        ] {
            assert_eq!(variable(name, value).as_deref(), Some(value));
        }
        for (name, value) in [
            ("DEBUG", "S3edf00dCafe"),
            ("TOKEN", "true"),
            ("SERVER_NAME", "nats://t@h"),
            ("ENABLE_WEBHOOKS", "nats://t@h"),
        ] {
            assert_eq!(variable(name, value), None);
        }
    }
}
