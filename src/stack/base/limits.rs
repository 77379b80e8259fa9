//! The bounds on what is read from outside. `docs/limits.md` lists them for users.
//!
//! Every file, stream and answer has a bound, so that a hostile or broken peer can cost neither all the memory nor all
//! the time. What exceeds a bound is reported as that; it is never cut off silently.

/// One mebibyte.
pub const MIB: usize = 1024 * 1024;

/// The most of a broker's `/varz`, in bytes.
pub const VARZ_BYTES: usize = MIB;

/// The most of one page of a broker's `/connz`, in bytes.
pub const CONNZ_BYTES: usize = 8 * MIB;

/// The most pages of a broker's `/connz`.
pub const CONNZ_PAGES: usize = 200;

/// The most connections of one broker server that are kept: so many of the names that decide a state, and as many others.
pub const CONNECTIONS: usize = 500;

/// The most subjects of one connection that are kept.
pub const SUBJECTS: usize = 100;

/// The most of one text in a broker's answer, in bytes.
pub const BROKER_TEXT: usize = 256;

/// The most of one line of the NATS protocol, in bytes.
pub const NATS_LINE: usize = 64 * 1024;

/// The most of one message from a broker, in bytes.
pub const MESSAGE: usize = 8 * MIB;

/// The most messages of a broker that wait to be read.
pub const MESSAGES: usize = 16_384;

/// The most of a kubelet's text about a port that cannot be forwarded, in bytes.
pub const KUBELET_TEXT: usize = 300;

/// One bound, as users read it.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What is read.
    pub source: &'static str,
    /// The most that is read of it.
    pub most: &'static str,
}

/// Every bound, in the order of `docs/limits.md`.
pub const LIMITS: &[Limit] = &[
    Limit { source: "One answer of the API server", most: "10 MiB" },
    Limit { source: "All answers of the API server that are held at once", most: "20 MiB" },
    Limit {
        source: "A list of the API server, all pages together",
        most: "512 MiB and 1000 pages, each summed up before the next one",
    },
    Limit { source: "Elements of arrays in one answer of the API server", most: "100 000" },
    Limit {
        source: "Repeated requests when the API server is overloaded",
        most: "10 for each request, within --timeout",
    },
    Limit { source: "A recording, dump or backup (file or standard input)", most: "32 MiB" },
    Limit { source: "A folder of recordings", most: "64 MiB in 2000 files" },
    Limit { source: "A kubeconfig", most: "4 MiB" },
    Limit { source: "A CA, certificate, key or token file", most: "1 MiB" },
    Limit { source: "A watch-list", most: "4 MiB" },
    Limit { source: "Nesting of JSON and YAML", most: "100 levels" },
    Limit { source: "Values in one JSON or YAML text", most: "1 000 000" },
    Limit { source: "Aliases in one YAML text", most: "4 MiB of copies" },
    Limit { source: "Time for files and standard input", most: "--timeout" },
    Limit { source: "Standard output of a credential plugin", most: "1 MiB" },
    Limit { source: "Standard error of a credential plugin", most: "the last 64 KiB" },
    Limit { source: "`/varz` of a broker server", most: "1 MiB" },
    Limit { source: "One page of `/connz` of a broker server", most: "8 MiB" },
    Limit { source: "Pages of `/connz` of a broker server", most: "200, within 5 s" },
    Limit {
        source: "Connections of a broker server that are kept",
        most: "500 of MeshSync's and the server's names, 500 others; the others are counted",
    },
    Limit { source: "Subjects of one connection that are kept", most: "100" },
    Limit { source: "One text in a broker's answer", most: "256 bytes; cut" },
    Limit { source: "One line of the NATS protocol", most: "64 KiB" },
    Limit { source: "One message from a broker", most: "8 MiB; a larger one is left out and counted as lost" },
    Limit {
        source: "Messages from a broker that wait to be read",
        most: "16 384; further ones are left out and counted as lost",
    },
    Limit { source: "A kubelet's text about a port", most: "300 bytes; cut" },
];

/// The largest answer of the API server: a page of 500 objects of 20 KiB each.
pub const API_ANSWER: usize = 10 * MIB;

/// The most that all answers of the API server take together while they are read and not yet decoded.
pub const API_ANSWERS: usize = 20 * MIB;

/// The largest list, all pages together. Only sums are kept of lists that may be larger than [`API_ANSWERS`].
pub const API_LIST: usize = 512 * MIB;

/// The most pages of a list. A page has 500 objects.
pub const API_PAGES: usize = 1000;

/// The most elements of arrays in one answer: an element of three bytes may take a kibibyte once it is decoded.
pub const API_ELEMENTS: usize = 100_000;

/// How often a request is repeated at most, however often the API server says when to try again.
pub const API_RETRIES: u32 = 10;

/// The longest recording, dump or backup, and each file of a folder of them.
pub const RECORDING: usize = 32 * MIB;

/// All files of a folder together.
pub const FOLDER: usize = 64 * MIB;

/// The most files of a folder.
pub const FOLDER_FILES: usize = 2_000;

/// The longest kubeconfig.
pub const KUBECONFIG: usize = 4 * MIB;

/// The longest file that a kubeconfig names: CA, certificate, key, token.
pub const CREDENTIAL_FILE: usize = MIB;

/// The longest file with a watch-list.
pub const WATCH_LIST: usize = 4 * MIB;

/// How deep JSON and YAML may be nested. Kubernetes' own objects stay below 30 levels.
pub const DEPTH: usize = 100;

/// The most values that one JSON or YAML text may hold: each takes memory, however short it is in the text.
pub const VALUES: usize = 1_000_000;

/// How much memory the aliases of one YAML text may add to it.
pub const ALIASES: usize = 4 * MIB;

/// The most that a credential plugin may print on standard output.
pub const PLUGIN_OUTPUT: usize = MIB;

/// How much of a credential plugin's standard error is kept: its end.
pub const PLUGIN_ERRORS: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_lists_every_limit() {
        let page = include_str!("../../../docs/limits.md");
        let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
        let expected: Vec<String> = std::iter::once("| What is read | Limit |".to_owned())
            .chain(LIMITS.iter().map(|limit| format!("| {} | {} |", limit.source, limit.most)))
            .collect();
        assert_eq!(documented, expected);
    }
}
