use crate::diagnose::rules::prelude::*;

pub(crate) static DIAGNOSIS: Diagnosis = Diagnosis {
    code: "flow-not-watched",
    title: "MeshSync would publish nothing about the test object",
    explanation: include_str!("flow_not_watched.md"),
    cure: Cure::Person(because::CHOICE),
    ..Diagnosis::obstacle(Component::Meshsync)
};

pub(crate) fn not_watched(context: &RuleContext<'_>, kind: &str, why: &str, instead: Option<&str>) -> Finding {
    let draft = DIAGNOSIS
        .finding()
        .title(format!("MeshSync would publish nothing about a {kind}"))
        .message("Missing events would prove nothing, so nothing was written.")
        .evidence(why);
    match instead {
        Some(word) => draft
            .remedy(format!("test with a {word}, which MeshSync publishes"))
            .command(context.meshdoctor(Effect::Write, &format!("test dataflow --kind {word}"))),
        None => draft
            .remedy("no safe kind is watched; use --passive to listen without writing")
            .command(context.meshdoctor(Effect::Read, "test dataflow --passive")),
    }
    .done()
}
