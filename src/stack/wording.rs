//! How texts that are written for Meshery read for the other profiles. Pure.
//!
//! Lines between `<!-- NAME -->` and `<!-- all -->` are for the profile of that name, or for several: `<!-- NAME, NAME -->`.
//! In what is left, Meshery's names stand for those of the profile. Commands that restart a Deployment become those that
//! work for the profile's line.

use super::profile::{MESHERY, Profile};

/// The profile whose names the texts contain.
const WRITTEN_FOR: &Profile = &MESHERY;

/// A text for this profile.
pub fn of(profile: &Profile, text: &str) -> String {
    let text = lines_of(profile, text);
    if profile == WRITTEN_FOR {
        return text;
    }
    let text = with_profile(profile, &renamed(profile, &text));
    if profile.has_current_line() || profile.is_hub() { text } else { with_room(profile, &text) }
}

/// Replaces the commands that start a new pod beside the old one. In the old operator line, the pods of the operator and of
/// `MeshSync` use ports of their node, so on a cluster with one node the new pod would wait forever. A restart becomes the
/// deletion of the pods; before another change, the strategy of the Deployment is changed.
fn with_room(profile: &Profile, text: &str) -> String {
    const COMMAND: &str = "    kubectl ";
    let deployments: Vec<(String, String)> = [
        (profile.operator.deployment, profile.operator.selectors.first().copied().unwrap_or_default()),
        (profile.meshsync.resource, profile.meshsync.selector),
    ]
    .into_iter()
    .map(|(name, labels)| {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (format!("deployment/{name}"), labels.join(","))
    })
    .collect();
    let mut lines = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let words = line.strip_prefix(COMMAND).map(str::trim_end).unwrap_or_default();
        if let Some(arguments) = words.strip_prefix("rollout restart -n ")
            && let Some((namespace, workloads)) = arguments.split_once(' ')
        {
            for workload in workloads.split(' ') {
                lines.push_str(&match deployments.iter().find(|(name, _)| name == workload) {
                    Some((_, labels)) => format!("{COMMAND}delete pod -n {namespace} -l {labels}\n"),
                    None => format!("{COMMAND}rollout restart -n {namespace} {workload}\n"),
                });
            }
            continue;
        }
        if let Some(arguments) = words.strip_prefix("set env -n ").or_else(|| words.strip_prefix("set resources -n "))
            && let Some((namespace, rest)) = arguments.split_once(' ')
            && let Some((name, _)) = deployments.iter().find(|(name, _)| rest.split(' ').next() == Some(name))
        {
            let strategy = r#"'{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}'"#;
            lines.push_str(&format!("{COMMAND}patch -n {namespace} {name} -p \\\n      {strategy}\n"));
        }
        lines.push_str(line);
    }
    lines
}

/// The lines for this profile.
fn lines_of(profile: &Profile, text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut reader = "all";
    for line in text.split_inclusive('\n') {
        if let Some(next) = reader_of(line) {
            reader = next;
        } else if reader == "all" || reader.split(", ").any(|name| name == profile.name) {
            lines.push_str(line);
        }
    }
    lines
}

/// The reader that a line names, if it is a mark.
fn reader_of(line: &str) -> Option<&str> {
    line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")
}

/// Replaces the names, the most specific first. The flags that name the server are the same for every profile.
fn renamed(profile: &Profile, text: &str) -> String {
    let flags = |profile: &Profile| format!("--{}-", profile.namespace);
    [
        (WRITTEN_FOR.group, profile.group),
        (WRITTEN_FOR.broker_workload(), profile.broker_workload()),
        (WRITTEN_FOR.product, profile.product),
        (WRITTEN_FOR.namespace, profile.namespace),
    ]
    .iter()
    .fold(text.to_owned(), |text, (name, its)| text.replace(name, its))
    .replace(&flags(profile), &flags(WRITTEN_FOR))
}

/// Adds the profile to this program's commands: those in backticks, and those on lines of their own.
fn with_profile(profile: &Profile, text: &str) -> String {
    const COMMAND: &str = "meshdoctor ";
    let chosen = format!("{COMMAND}--profile {} ", profile.name);
    let is_without = |command: &str| command.starts_with(COMMAND) && !command.contains("--profile");
    let mut lines = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.starts_with("    ") && is_without(line.trim_start()) {
            lines.push_str(&line.replacen(COMMAND, &chosen, 1));
            continue;
        }
        for (number, part) in line.split('`').enumerate() {
            if number > 0 {
                lines.push('`');
            }
            let is_code = number % 2 == 1;
            lines.push_str(&if is_code && is_without(part) {
                part.replacen(COMMAND, &chosen, 1)
            } else {
                part.to_owned()
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::profile::MESHPLAY;

    const TEXT: &str = "\
Meshery Server reads brokers.meshery.io in meshery.
<!-- meshery -->
Since 1.0 there is a token.
<!-- meshplay -->
There is no token.
<!-- all -->
Then see pod/meshery-nats-0, or run `meshdoctor check`:

    meshdoctor system redeploy
";

    #[test]
    fn each_profile_gets_its_lines_and_its_names() {
        assert_eq!(
            of(&MESHERY, TEXT),
            "Meshery Server reads brokers.meshery.io in meshery.\nSince 1.0 there is a token.\nThen see pod/meshery-nats-0, or run `meshdoctor check`:\n\n    meshdoctor system redeploy\n"
        );
        assert_eq!(
            of(&MESHPLAY, TEXT),
            "Meshplay Server reads brokers.meshplay.khulnasoft.com in meshplay.\nThere is no token.\nThen see pod/meshplay-broker-0, or run `meshdoctor --profile meshplay check`:\n\n    meshdoctor --profile meshplay system redeploy\n"
        );
    }

    #[test]
    fn pods_of_the_old_line_are_not_started_beside_each_other() {
        let text = "Restart:
    kubectl rollout restart -n meshery statefulset/meshery-nats deployment/meshery-meshsync
    kubectl set env -n meshery deployment/meshery-meshsync BROKER_URL=HOST:4222
    kubectl rollout restart -n meshery deployment/meshery
";
        assert_eq!(of(&MESHERY, text), text);
        assert_eq!(
            of(&MESHPLAY, text),
            "Restart:
    kubectl rollout restart -n meshplay statefulset/meshplay-broker
    kubectl delete pod -n meshplay -l app=meshplay,component=meshsync
    kubectl patch -n meshplay deployment/meshplay-meshsync -p \\
      '{\"spec\":{\"strategy\":{\"type\":\"Recreate\",\"rollingUpdate\":null}}}'
    kubectl set env -n meshplay deployment/meshplay-meshsync BROKER_URL=HOST:4222
    kubectl rollout restart -n meshplay deployment/meshplay
"
        );
    }
}
