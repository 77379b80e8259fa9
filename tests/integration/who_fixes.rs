//! `docs/fix.md` says of each diagnosis who fixes it, as its declaration does. `SNAPSHOTS=overwrite` updates it.

use std::{collections::BTreeSet, path::Path};

use meshdoctor::diagnose::{codes, diagnosis::Cure};

const HEADING: &str = "| diagnosis | who fixes it |\n|---|---|\n";

#[test]
fn documentation_says_who_fixes_each_diagnosis() {
    let rows: BTreeSet<String> = codes::all()
        .map(|known| {
            let who = match known.diagnosis.cure {
                Cure::Automatic => "`check --fix`".to_owned(),
                Cure::Except(case) => format!("`check --fix`, except {case}"),
                Cure::Person(why) => format!("a person: {}", why.replace("{product}", "Meshery")),
            };
            format!("| `{}` | {who} |", known.diagnosis.code.replace("{component}", "COMPONENT"))
        })
        .collect();
    let page = std::fs::read_to_string("docs/fix.md").expect("the page");
    let (before, _) = page.split_once(HEADING).expect("the table");
    let rows: Vec<String> = rows.into_iter().collect();
    let fresh = format!("{before}{HEADING}{}\n", rows.join("\n"));
    snapbox::assert_data_eq!(fresh, snapbox::Data::read_from(Path::new("docs/fix.md"), None).raw());
}

#[test]
fn every_diagnosis_says_who_fixes_it() {
    for known in codes::all() {
        assert!(known.diagnosis.cure != Cure::Person(""), "{} has no cure", known.code());
    }
}
