//! What every rule receives: the view of the stack and the proven states.

use std::ops::Deref;

use super::{
    Expectation,
    stack_view::StackView,
    states::{self, States},
};
use crate::facts::Facts;

/// The view of the stack, and the states of its components.
pub(crate) struct RuleContext<'a> {
    view: StackView<'a>,
    states: States,
}

impl<'a> RuleContext<'a> {
    pub(super) fn new(facts: &'a Facts, expect: &'a Expectation) -> Self {
        let view = StackView::new(facts, expect);
        let states = states::judge(&view);
        Self { view, states }
    }

    /// The proven states of the components.
    pub(crate) fn states(&self) -> &States {
        &self.states
    }
}

impl<'a> Deref for RuleContext<'a> {
    type Target = StackView<'a>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}
