//! What `--fix` does without asking, and what it asks at a terminal.
