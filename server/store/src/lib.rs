//! What Skillyard keeps on disk: the trust store, signing keys, and where they are.
