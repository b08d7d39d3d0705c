//! `sbom.cdx.json`.
