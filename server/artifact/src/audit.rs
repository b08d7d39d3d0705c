//! The audit: the checks of a daemon in its order, then ours.
