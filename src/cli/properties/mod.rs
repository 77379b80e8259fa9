//! Properties of parsers and documents, which need all layers.

mod documents;
mod texts;
