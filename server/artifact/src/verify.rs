//! Verification, in the order of a daemon, as a pipeline of types.
