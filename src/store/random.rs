//! Random identifiers.

use crate::store::error::StoreError;

/// Random letters and digits without look-alikes, five random bits each.
///
/// # Errors
/// If the system has no random bytes.
pub fn random_text(length: usize) -> Result<String, StoreError> {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut random = vec![0u8; length];
    getrandom::fill(&mut random).map_err(|cause| StoreError::Corrupt(format!("no random bytes: {cause}")))?;
    Ok(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}
