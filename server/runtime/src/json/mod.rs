//! JSON in and out of a tool: checked against its schemas before anything is instantiated and after it ended, and made
//! up from them as an example.
//!
//! Schemas and instances may be hostile. Nothing is ever fetched, and size, depth, work and time are bounded.

mod check;
mod count;
mod example;
mod pattern;
mod text;

pub use self::{
    check::{
        Checked, MAX_INSTANCE_BYTES, MAX_SCHEMA_DEPTH, MAX_SCHEMA_VALUES, MAX_VIOLATIONS, Violation, check, check_input,
    },
    count::{MAX_VALUES, too_many, values},
    example::{Example, example},
    text::unkept,
};
