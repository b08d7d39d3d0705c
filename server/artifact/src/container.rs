//! The raw archive, walked strictly before anything is inflated.
