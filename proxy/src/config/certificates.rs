//! Certificates of those who sign servers' certificates.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::around::Around;
use super::problem::Notes;
use super::raw::Text;

/// The certificates in a file, in PEM; noted if it has none.
pub(super) fn read(file: &Text, around: Around<'_>, notes: &mut Notes) -> Option<Vec<u8>> {
    let pem = around.read(file, "certificates", notes)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let why = match all {
        Ok(all) if all.is_empty() => "it has none".to_owned(),
        Ok(_) => return Some(pem),
        Err(error) => error.to_string(),
    };
    notes
        .error(file.span(), format!("`{}` has no certificates that can be read: {why}", file.get_ref()))
        .advise("PEM: -----BEGIN CERTIFICATE-----");
    None
}
