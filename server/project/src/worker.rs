//! The process that a tool runs in: what `skillyard worker` is. The flows that start one are beside this.

pub use skillyard_runtime::worker::serve;
