//! Properties of parsers and documents, with all layers at hand.

mod documents;
mod texts;
