//! The limits for everything that is read from outside. `docs/limits.md` lists them for users.
//!
//! Every file, stream and answer has a limit, so that a hostile or broken peer cannot exhaust memory or time. If
//! something exceeds a limit, the report says so. It is never cut off silently.

use std::time::Duration;

/// One mebibyte.
pub const MIB: usize = 1024 * 1024;

/// The maximum size of a broker server's `/varz`, in bytes.
pub const VARZ_BYTES: usize = MIB;

/// The maximum size of one page of a broker server's `/connz`, in bytes.
pub const CONNZ_BYTES: usize = 8 * MIB;

/// The maximum number of pages of a broker server's `/connz`.
pub const CONNZ_PAGES: usize = 200;

/// The maximum number of connections kept per broker server: this many with the names that decide a state, and this
/// many others.
pub const CONNECTIONS: usize = 500;

/// The maximum number of subjects kept per connection.
pub const SUBJECTS: usize = 100;

/// The maximum length of one string in a broker's answer, in bytes.
pub const BROKER_TEXT: usize = 256;

/// The maximum length of one line of the NATS protocol, in bytes.
pub const NATS_LINE: usize = 64 * 1024;

/// The maximum size of the log of a network test's pod, in bytes.
pub const PROBE_LOG: usize = 64 * 1024;

/// The maximum head of an HTTP answer of a pod or of Meshery Server, in bytes.
pub const HTTP_HEAD: usize = 64 * 1024;

/// The maximum size of one answer of Meshery Server, in bytes.
pub const SERVER_ANSWER: usize = MIB;

/// The maximum size of Meshery Server's list of connections, in bytes.
pub const SERVER_CONNECTIONS: usize = 4 * MIB;

/// The maximum size of Meshery Server's summary of its data, in bytes. Most of it are labels, which are skipped.
pub const SERVER_SUMMARY: usize = 8 * MIB;

/// The maximum size of a kubeconfig that is uploaded to Meshery Server, in bytes.
pub const SERVER_UPLOAD: usize = MIB;

/// The maximum size of one event of a stream of Meshery Server, in bytes.
pub const SERVER_STREAM_EVENT: usize = 64 * 1024;

/// The maximum length of one text of Meshery Server, in bytes.
pub const SERVER_TEXT: usize = 1024;

/// The maximum number of connections of Meshery Server that are kept.
pub const SERVER_CONNECTION_ITEMS: usize = 500;

/// The maximum number of connections of Meshery Server that are pinged at once. The server asks a cluster for each.
pub const SERVER_PINGS: usize = 50;

/// The maximum number of diagnostics, of events and of adapters of Meshery Server that are kept.
pub const SERVER_STATEMENTS: usize = 20;

/// The maximum number of kinds, and of tables, of Meshery Server that are kept.
pub const SERVER_KINDS: usize = 1000;

/// The maximum number of items of one list or map in Meshery Server's configuration of the controllers.
pub const SERVER_CONFIG_ITEMS: usize = 200;

/// The time for Meshery Server in a check, all requests together.
pub const SERVER_TIME: Duration = Duration::from_secs(5);

/// The timeout of one request to Meshery Server in a check.
pub const SERVER_REQUEST_TIME: Duration = Duration::from_secs(3);

/// The maximum size of the metrics of Gloo Mesh's enterprise controller, in bytes.
pub const METRICS: usize = 4 * MIB;

/// The maximum size of one message from a broker, in bytes.
pub const MESSAGE: usize = 8 * MIB;

/// The maximum number of messages from a broker that wait to be read.
pub const MESSAGES: usize = 16_384;

/// The maximum length of a kubelet's message about a port that cannot be forwarded, in bytes.
pub const KUBELET_TEXT: usize = 300;

/// The maximum size of one answer of the API server: a page of 500 objects of 20 KiB each.
pub const API_ANSWER: usize = 10 * MIB;

/// The maximum size of all answers of the API server that have been read but not yet decoded.
pub const API_ANSWERS: usize = 20 * MIB;

/// The maximum size of a list, all pages together. Of lists that may exceed [`API_ANSWERS`], only totals are kept.
pub const API_LIST: usize = 512 * MIB;

/// The maximum number of pages of a list. A page has 500 objects.
pub const API_PAGES: usize = 1000;

/// The maximum number of array elements in one answer. An element of three bytes may need a kibibyte once it is
/// decoded.
pub const API_ELEMENTS: usize = 100_000;

/// The maximum number of retries per request, even if the API server keeps sending Retry-After.
pub const API_RETRIES: u32 = 10;

/// The maximum size of a recording, dump or backup, and of each file in a folder of them.
pub const RECORDING: usize = 32 * MIB;

/// The maximum size of all files in a folder together.
pub const FOLDER: usize = 64 * MIB;

/// The maximum number of files in a folder.
pub const FOLDER_FILES: usize = 2_000;

/// The maximum size of a kubeconfig.
pub const KUBECONFIG: usize = 4 * MIB;

/// The maximum size of a file that a kubeconfig refers to: CA, certificate, key, token.
pub const CREDENTIAL_FILE: usize = MIB;

/// The maximum size of the configuration of `mesheryctl`, and of a token file that it names.
pub const SERVER_CONFIG: usize = MIB;

/// The maximum length of a token for Meshery Server, in bytes. It is sent as a cookie.
pub const SERVER_TOKEN: usize = 64 * 1024;

/// The maximum size of a watch-list file.
pub const WATCH_LIST: usize = 4 * MIB;

/// The maximum nesting of JSON and YAML. Kubernetes' own objects stay below 30 levels.
pub const DEPTH: usize = 100;

/// The maximum number of values in one JSON or YAML text. Each needs memory, however short it is in the text.
pub const VALUES: usize = 1_000_000;

/// The maximum memory that the aliases of one YAML text may add.
pub const ALIASES: usize = 4 * MIB;

/// The maximum that a credential plugin may print to standard output.
pub const PLUGIN_OUTPUT: usize = MIB;

/// How much of a credential plugin's standard error is kept. The end is kept.
pub const PLUGIN_ERRORS: usize = 64 * 1024;
