use super::*;

fn one(text: &str) -> Value {
    documents(text, Documents::First).expect("YAML").pop().unwrap_or_default()
}

#[test]
fn scalars_are_parsed_like_the_writing_library_does() {
    const SCALARS: &str = "1 -1 +1 0 -0 007 -007 0x1F -0x1f 0o17 0b101 1.5 -1.5 1e3 .5 1. +.5 ~ null Null true True \
        yes no on 1_000 18446744073709551615 18446744073709551616 -9223372036854775808 -9223372036854775809 inf nan \
        infinity .inf -.inf +.inf .nan -.nan 1.0.5 2026-01-01 2026-01-01T00:00:00Z 0x - + --1 +-1 1e999 0x-1 'true' '' \
        12:30 1e e1 . -.5 00 0.0 00.5";
    for text in SCALARS.split(' ').chain(["\"1\"", "!!str 1", "!!str true", "\"\""]) {
        // Numbers beyond 64 bits are an error there and approximate here.
        if let Ok(expected) = serde_yaml::from_str::<Value>(text) {
            assert_eq!(one(text), expected, "{text}");
        }
    }
}

#[test]
fn documents_are_parsed_like_the_writing_library_does() {
    for text in [
        "a: 1\nb: [x, {c: d}]\n",
        "- a\n-  - b\n   - c: |\n       text\n       more\n",
        "? long\n: value\n",
        "&x a: &y [1, 2]\nb: *y\nc: *x\n",
        "a: >-\n  folded\n  text\n\n  more\n",
        "{}",
        "[]",
        "a:\nb:\n",
        "1: x\ntrue: y\n~: z\n",
    ] {
        let expected: Value = serde_yaml::from_str(text).expect("YAML");
        assert_eq!(one(text), expected, "{text}");
    }
}

#[test]
fn several_documents_are_read_or_only_the_first() {
    let text = "a: 1\n---\nb: 2\n---\n";
    let all = documents(text, Documents::All).expect("YAML");
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!(all[2], Value::Null);
    let first = documents("a: 1\n---\n{{{ broken\n", Documents::First).expect("YAML");
    assert_eq!(first.len(), 1);
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    let deep = |levels: usize, open: &str| open.repeat(levels);
    for open in ["[", "{a: ", "- "] {
        assert_eq!(documents(&deep(100_000, open), Documents::All), Err(Broken::TooLarge(TooLarge::Depth)), "{open}");
    }
    let mut indented = String::new();
    for level in 0..5_000 {
        indented.push_str(&format!("{}a:\n", " ".repeat(level)));
    }
    assert_eq!(documents(&indented, Documents::All), Err(Broken::TooLarge(TooLarge::Depth)));
}

#[test]
fn alias_copies_beyond_the_limit_are_refused() {
    let mut laughs = "l0: &l0 lol\n".to_owned();
    for level in 1..9 {
        let items = vec![format!("*l{}", level - 1); 9].join(", ");
        laughs.push_str(&format!("l{level}: &l{level} [{items}]\n"));
    }
    let wide = format!("a: &a [{}]\nb:\n{}", "x, ".repeat(20_000), "- *a\n".repeat(15_000));
    for text in [laughs, wide] {
        assert_eq!(documents(&text, Documents::All), Err(Broken::TooLarge(TooLarge::Aliases)));
    }
    assert!(documents("a: &a [*a]", Documents::All).is_err());
}

#[test]
fn values_beyond_the_limit_are_refused() {
    let text = format!("[{}]", "0,".repeat(limits::VALUES + 1));
    assert_eq!(documents(&text, Documents::All), Err(Broken::TooLarge(TooLarge::Values)));
}
