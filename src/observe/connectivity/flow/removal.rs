//! Deletes the objects of a run.

use super::{Flow, Sent};
use crate::{
    facts::test_object,
    observe::connectivity::removal::{LONGEST, remove},
    stack::watch_list::EVENTS,
};

impl Flow<'_> {
    /// Deletes what the test itself has not deleted.
    pub(crate) async fn ensure_removed(&self, round: u32) -> Option<(String, String)> {
        let name = test_object::name(&self.run, round);
        let is = |sent: &&Sent, event| sent.round == round && sent.event == event;
        let removed = self.sent.iter().any(|sent| is(&sent, EVENTS[2]) && sent.acknowledged.is_some());
        // An object that was never created need not be deleted. Without an answer, it may have been created.
        let refused = self.sent.iter().find(|sent| is(sent, EVENTS[0])).is_none_or(|sent| sent.refused);
        if removed {
            return None;
        }
        if !refused {
            let path = format!("{}/{name}", self.kind.collection(&self.namespace));
            let limit = self.context.api.time_left().min(LONGEST);
            let client = self.context.clients.requests.clone();
            if let Err(why) = remove(client, path, limit).await {
                return Some((name, why.message));
            }
        }
        self.context.cleanup.settle(&name);
        None
    }
}
