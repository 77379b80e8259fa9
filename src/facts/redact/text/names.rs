//! Names that indicate a secret.

/// How certain it is that a secret follows a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sensitivity {
    /// A header whose whole value is secret.
    Header,
    /// A name such as `token` or `apiKey`.
    Name,
}

pub(super) fn sensitivity(name: &str) -> Option<Sensitivity> {
    const HEADERS: &[&str] =
        &["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"];
    let header = name.trim_start_matches('-');
    if HEADERS.iter().any(|known| header.eq_ignore_ascii_case(known)) {
        return Some(Sensitivity::Header);
    }
    is_secret_name(name).then_some(Sensitivity::Name)
}

/// Whether a flag, variable or key with this name has a secret value: `--auth-token`, `apiKey`, `DB_PASSWORD`, `--key`.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const SECRET: &str = "apikey auth authorization bearer cookie credential credentials jwt otp pass passphrase \
        passwd password pwd secret sessionid sig signature token";
    /// Words for where a secret is or what it is like, not for the secret itself.
    const ABOUT: &str = "audience bytes count dir endpoint file id length mode name namespace path ref tokens ttl type \
        url version";
    /// Words that make a key a secret key.
    const OF_A_KEY: &str = "access account api client encryption license master private secret service shared signing \
        ssh tls";
    let listed = |list: &str, word: &str| list.split(' ').any(|listed| listed == word);
    let words = words(name);
    let Some(last) = words.last() else {
        return false;
    };
    if listed(ABOUT, last) {
        return false;
    }
    if last == "key" {
        let owner = words.len().checked_sub(2).map(|n| words[n].as_str());
        return match owner {
            Some(owner) => listed(OF_A_KEY, owner),
            None => name.starts_with('-'),
        };
    }
    words.iter().any(|word| {
        listed(SECRET, word) || word.ends_with("token") || word.ends_with("password") || word.ends_with("secret")
    })
}

/// The words of a name in lower case: `apiKey`, `API_KEY` and `--api-key` have two words each.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut upper = true;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
            upper = true;
            continue;
        }
        if (c.is_ascii_uppercase() && !upper) || words.is_empty() {
            words.push(String::new());
        }
        upper = c.is_ascii_uppercase();
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
