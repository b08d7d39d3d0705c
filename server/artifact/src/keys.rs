//! Signing keys: read from every usual form, made, and shown by their public half.
