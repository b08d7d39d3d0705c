//! Packaging: files in, a signed artifact out.
