//! `docs/limits.md` states the limits that the program enforces: each figure comes from its constant.

use meshdoctor::stack::base::limits::{self, MIB};

/// Bytes in readable form: `8 MiB`, `64 KiB`, `300 bytes`.
fn size(bytes: usize) -> String {
    match bytes {
        bytes if bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        bytes if bytes.is_multiple_of(1024) => format!("{} KiB", bytes / 1024),
        bytes => format!("{bytes} bytes"),
    }
}

/// A number with a space between thousands: `16 384`.
fn number(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(" ")
}

/// Every limit as users read it, in the order of the page.
fn rows() -> Vec<(&'static str, String)> {
    vec![
        ("One response of the API server", size(limits::API_ANSWER)),
        ("All responses of the API server that are held at once", size(limits::API_ANSWERS)),
        (
            "A list of the API server, all pages together",
            format!(
                "{} and {} pages, each summarized before the next one",
                size(limits::API_LIST),
                number(limits::API_PAGES)
            ),
        ),
        ("Array elements in one response of the API server", number(limits::API_ELEMENTS)),
        (
            "Retries when the API server is overloaded",
            format!("{} for each request, within --timeout", limits::API_RETRIES),
        ),
        ("A recording, dump or backup (file or stdin)", size(limits::RECORDING)),
        ("A folder of recordings", format!("{} in {} files", size(limits::FOLDER), number(limits::FOLDER_FILES))),
        ("A kubeconfig", size(limits::KUBECONFIG)),
        (
            "A kubeconfig for Meshery Server, with the files that it names",
            format!("{}; nothing of a larger one is uploaded", size(limits::SERVER_UPLOAD)),
        ),
        ("A CA, certificate, key or token file", size(limits::CREDENTIAL_FILE)),
        ("The configuration and the token files of mesheryctl", size(limits::SERVER_CONFIG)),
        ("A token for Meshery Server", format!("{}; a longer one is not sent", size(limits::SERVER_TOKEN))),
        ("A watch-list", size(limits::WATCH_LIST)),
        ("Nesting of JSON and YAML", format!("{} levels", limits::DEPTH)),
        ("Values in one JSON or YAML text", number(limits::VALUES)),
        ("Aliases in one YAML text", format!("{} of copies", size(limits::ALIASES))),
        ("Time for files and stdin", "--timeout".to_owned()),
        ("Stdout of a credential plugin", size(limits::PLUGIN_OUTPUT)),
        ("Stderr of a credential plugin", format!("the last {}", size(limits::PLUGIN_ERRORS))),
        ("`/varz` of a broker server", size(limits::VARZ_BYTES)),
        ("One page of `/connz` of a broker server", size(limits::CONNZ_BYTES)),
        ("Pages of `/connz` of a broker server", format!("{}, within 5 s", number(limits::CONNZ_PAGES))),
        (
            "Connections of a broker server that are kept",
            format!(
                "{n} with MeshSync's or Meshery Server's name, {n} others; the rest is counted",
                n = number(limits::CONNECTIONS)
            ),
        ),
        ("Subjects of one connection that are kept", number(limits::SUBJECTS)),
        ("One text in a broker's response", format!("{}; truncated", size(limits::BROKER_TEXT))),
        ("One line of the NATS protocol", size(limits::NATS_LINE)),
        (
            "One message from a broker",
            format!("{}; a larger one is dropped and counted as lost", size(limits::MESSAGE)),
        ),
        (
            "Unread messages from a broker",
            format!("{}; further ones are dropped and counted as lost", number(limits::MESSAGES)),
        ),
        ("The log of a network test's pod", size(limits::PROBE_LOG)),
        ("The metrics of Gloo Mesh's enterprise controller", size(limits::METRICS)),
        ("The head of a response of Meshery Server", size(limits::HTTP_HEAD)),
        (
            "One response of Meshery Server",
            format!(
                "{}; its connections {}, the summary of its data {}",
                size(limits::SERVER_ANSWER),
                size(limits::SERVER_CONNECTIONS),
                size(limits::SERVER_SUMMARY)
            ),
        ),
        ("One event of a stream of Meshery Server", size(limits::SERVER_STREAM_EVENT)),
        ("One text in a response of Meshery Server", format!("{}; truncated", size(limits::SERVER_TEXT))),
        (
            "Connections of Meshery Server that are kept",
            format!("{}; of which {} are pinged", number(limits::SERVER_CONNECTION_ITEMS), limits::SERVER_PINGS),
        ),
        (
            "Kinds and tables of Meshery Server that are kept",
            format!("{}; diagnostics, events and adapters {}", number(limits::SERVER_KINDS), limits::SERVER_STATEMENTS),
        ),
        (
            "Items of one list or map in Meshery Server's configuration of the controllers",
            format!("{}; a larger one is not shown", number(limits::SERVER_CONFIG_ITEMS)),
        ),
        (
            "Time for Meshery Server in `system check` and `status`",
            format!(
                "{} s, of which {} s for one request",
                limits::SERVER_TIME.as_secs(),
                limits::SERVER_REQUEST_TIME.as_secs()
            ),
        ),
        ("A kubelet's text about a port", format!("{}; truncated", size(limits::KUBELET_TEXT))),
    ]
}

#[test]
fn documentation_lists_every_limit_with_its_value() {
    let page = std::fs::read_to_string("docs/limits.md").expect("the page");
    let (before, table) = page.split_once("| What is read | Limit |\n").expect("the table");
    let (_, after) = table.split_once("\n\n").unwrap_or((table, ""));
    let rows: Vec<String> = rows().iter().map(|(source, most)| format!("| {source} | {most} |")).collect();
    let fresh = format!("{before}| What is read | Limit |\n|---|---|\n{}\n", rows.join("\n"));
    let fresh = if after.is_empty() { fresh } else { format!("{fresh}\n{after}") };
    snapbox::assert_data_eq!(fresh, snapbox::Data::read_from(std::path::Path::new("docs/limits.md"), None).raw());
}
