//! Whom TLS trusts: the system's roots, whatever the environment says.

use ureq::tls::RootCerts;

/// Bundles of the system's roots, of which the first that holds one counts.
///
/// The common loaders would follow `SSL_CERT_FILE` and `SSL_CERT_DIR`; a shell that was opened in a hostile folder may
/// have been talked into setting them.
#[cfg(not(any(windows, target_vendor = "apple")))]
const BUNDLES: &[&str] = &[
    // Debian, Arch, NixOS.
    "/etc/ssl/certs/ca-certificates.crt",
    // Fedora and its kin.
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    // openSUSE.
    "/etc/ssl/ca-bundle.pem",
    // Alpine, the BSDs.
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The roots, or why there are none.
///
/// # Errors
/// Text of where they were looked for.
#[cfg(not(any(windows, target_vendor = "apple")))]
pub(super) fn system() -> Result<RootCerts, String> {
    for bundle in BUNDLES {
        let Ok(pem) = std::fs::read(bundle) else { continue };
        let certificates: Vec<_> = ureq::tls::parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if !certificates.is_empty() {
            return Ok(certificates.into());
        }
    }
    Err(format!(
        "this system has no root certificates, so no https: install its `ca-certificates` (looked for {})",
        BUNDLES.join(", ")
    ))
}

/// The system verifies by itself.
///
/// # Errors
/// None.
#[cfg(any(windows, target_vendor = "apple"))]
#[allow(clippy::unnecessary_wraps)]
pub(super) fn system() -> Result<RootCerts, String> {
    Ok(RootCerts::PlatformVerifier)
}
