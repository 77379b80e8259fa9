//! Single texts: durations, quantities, log lines, addresses, secrets, flags.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::{api::core::v1::Container, apimachinery::pkg::api::resource::Quantity};
use proptest::{collection::vec, prelude::*};
use serde_json::json;

use crate::{
    cli::args,
    facts::{destination, log_lines, redact, stack},
    stack::{
        base::{
            properties::{holds, mutated, survives, text},
            words,
        },
        output_filter::OutputFilter,
        profile,
        quantity::{self, ResourceAmount},
        watch_list,
    },
};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[test]
fn durations_are_bounded_and_round_trip() {
    let odd = prop_oneof![text(), "[-+0-9]{0,22}(ns|us|ms|s|m|h|d|w|y)?", "([0-9]{1,20}(h|m|s|ms)){1,4}",];
    holds(&odd, |text| {
        if let Ok(duration) = args::duration(&text) {
            prop_assert!(duration <= YEAR && !duration.is_zero());
            prop_assert!(std::time::Instant::now().checked_add(duration).is_some());
        }
        Ok(())
    });
    holds(&(1_u64..8000, 0_u64..60, 0_u64..60), |(hours, minutes, seconds)| {
        let read = args::duration(&format!("{hours}h{minutes}m{seconds}s"));
        let expected = Duration::from_secs(hours * 3600 + minutes * 60 + seconds);
        prop_assert_eq!(read, Ok(expected));
        Ok(())
    });
}

#[test]
fn quantities_are_read_and_add_up() {
    let odd = prop_oneof![text(), "[-+.0-9eE]{0,24}(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?"];
    holds(&vec(odd, 1..6), |quantities| {
        let mut all = ResourceAmount::default();
        for text in &quantities {
            let _ = quantity::bytes(text);
            let map = BTreeMap::from([
                ("cpu".to_owned(), Quantity(text.clone())),
                ("memory".to_owned(), Quantity(text.clone())),
                ("pods".to_owned(), Quantity(text.clone())),
            ]);
            all = all.plus(ResourceAmount::of(Some(&map)));
            let _ = all.to_string();
        }
        prop_assert!(all.holds(all.minus(all)));
        Ok(())
    });
    holds(&(0_u64..1 << 40), |number| {
        prop_assert_eq!(quantity::bytes(&number.to_string()), Some(number));
        prop_assert_eq!(quantity::bytes(&format!("{}Ki", number >> 10)), Some(number >> 10 << 10));
        Ok(())
    });
}

#[test]
fn log_lines_are_reduced_without_secrets() {
    let seeds = vec![
        r#"{"level":"error","ts":"2026-01-01T00:00:00Z","msg":"cannot connect","code":"1005","error":"x"}"#.to_owned(),
        "time=\"2026-01-01T00:00:00Z\" level=error msg=\"nats: no servers\" code=1005".to_owned(),
        "E1120 10:00:00.000000       1 reflector.go:1] failed to list *v1.Pod".to_owned(),
        "2026-01-01T00:00:00Z panic: runtime error\n\ngoroutine 1 [running]:\nmain.main()".to_owned(),
    ];
    let line = prop_oneof![mutated(seeds), text()];
    holds(&vec(line, 0..40), |lines| {
        let secret = "S3CRET-of-the-run".to_owned();
        let text = lines.join(&format!("\n{secret} "));
        let reduced = log_lines::reduce(&text, std::slice::from_ref(&secret), true);
        prop_assert!(reduced.len() <= 12);
        for line in reduced {
            prop_assert!(line.message.chars().count() <= 260, "{}", line.message.len());
            prop_assert!(!line.message.contains(&secret), "{}", line.message);
        }
        Ok(())
    });
}

#[test]
fn user_parts_of_addresses_are_taken_out() {
    let user = "[a-zA-Z0-9._~!*-]{0,10}S3CRET[a-zA-Z0-9._~!*-]{0,10}";
    holds(&(text(), user, "[a-z0-9.-]{1,20}"), |(before, user, host)| {
        let address = format!("nats://{user}@{host}:4222");
        prop_assert!(!redact::address(&address).contains("S3CRET"));
        let bare = format!("{user}@{host}");
        prop_assert!(!redact::address(&bare).contains("S3CRET"));
        let around = format!("{before} {address} and more");
        let shown = redact::urls(&around);
        prop_assert!(!shown.contains("S3CRET"), "{shown}");
        prop_assert_eq!(redact::urls(&shown), shown.clone());
        Ok(())
    });
    survives(&text(), |text| {
        let _ = redact::urls(&text);
        let _ = redact::address(&text);
        let _ = redact::secrets(text.clone(), &[text]);
    });
}

#[test]
fn addresses_are_taken_apart() {
    survives(&text(), |text| {
        let _ = destination::host_and_port(&text);
        let _ = destination::plain(&text);
        let _ = stack::host_and_port(&text);
    });
    holds(&("[a-z][a-z0-9-]{0,20}(\\.[a-z0-9]{1,9}){0,3}", 1_u16..), |(host, port)| {
        for address in [format!("nats://{host}:{port}"), format!("token@{host}:{port}")] {
            prop_assert_eq!(destination::host_and_port(&address), Some((host.clone(), port)), "{}", address);
        }
        Ok(())
    });
}

#[test]
fn cleaned_text_steers_no_terminal() {
    holds(&any::<String>(), |text| {
        let clean = redact::clean(&text);
        prop_assert!(!clean.chars().any(char::is_control));
        prop_assert_eq!(redact::clean(&clean), clean);
        Ok(())
    });
}

#[test]
fn flags_of_meshsync_are_read() {
    let word = prop_oneof![text(), "-{0,3}(output|outputNamespaces|outputResources)(=[a-z,]{0,9})?"];
    survives(&(vec(word, 0..8), text()), |(words, resource)| {
        let container =
            Container { name: profile::MESHERY.meshsync.container.into(), args: Some(words), ..Container::default() };
        let deployment = serde_json::from_value(json!({
            "spec": { "selector": {}, "template": { "spec": { "containers": [container] } } }
        }))
        .expect("a deployment");
        let filter = OutputFilter::of(&deployment, &profile::MESHERY);
        let _ = filter.is_open();
        let _ = filter.excludes(&resource, "meshery");
    });
}

#[test]
fn names_and_versions_are_read() {
    survives(&text(), |text| {
        let _ = watch_list::release(&text);
        let _ = watch_list::is_well_formed(&text);
        let _ = watch_list::resource_and_group(&text);
    });
    holds(&(0_u64..99, 0_u64..99, 0_u64..99), |(major, minor, patch)| {
        let version = watch_list::release(&format!("v{major}.{minor}.{patch}")).expect("a version");
        prop_assert_eq!((version.major, version.minor, version.patch), (major, minor, patch));
        Ok(())
    });
}

#[test]
fn quoted_words_are_one_word_to_a_shell() {
    holds(&text(), |text| {
        let quoted = words::quoted(&text);
        let back = if quoted == text {
            let special = |c: char| c.is_whitespace() || "'\"\\$`&|;<>(){}*?[]#~!".contains(c);
            prop_assert!(!text.is_empty() && !text.contains(special));
            text.clone()
        } else {
            let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            inner.expect("quotes").replace(r"'\''", "'")
        };
        prop_assert_eq!(back, text);
        Ok(())
    });
}
