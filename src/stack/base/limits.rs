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
