//! Signatures of messages (W3C WebSub §8).

use ring::hmac::{
    Algorithm, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Key, sign, verify,
};

use super::options::Signature;
use crate::text::hex;

impl Signature {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Sha1 => HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => HMAC_SHA256,
            Self::Sha384 => HMAC_SHA384,
            Self::Sha512 => HMAC_SHA512,
        }
    }

    /// `method=signature` of a body, with the signature in hexadecimal.
    pub(super) fn of(self, secret: &str, body: &[u8]) -> String {
        let tag = sign(&Key::new(self.algorithm(), secret.as_bytes()), body);
        format!("{}={}", self.as_str(), hex(tag.as_ref()))
    }
}

/// True if `signature` (`method=hexadecimal`) is that of `body` with this secret. Takes the same time wherever they differ.
pub fn is_signed(signature: &str, secret: &str, body: &[u8]) -> bool {
    let Some((name, digits)) = signature.trim().split_once('=') else { return false };
    let methods = [Signature::Sha1, Signature::Sha256, Signature::Sha384, Signature::Sha512];
    let Some(method) = methods.into_iter().find(|method| method.as_str() == name) else { return false };
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let is_hex = digits.len() % 2 == 0 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let tag: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    is_hex
        && tag.is_some_and(|tag| verify(&Key::new(method.algorithm(), secret.as_bytes()), body, &tag).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signature_of_the_body_with_the_secret_is_accepted() {
        for method in [Signature::Sha1, Signature::Sha256, Signature::Sha384, Signature::Sha512] {
            let signature = method.of("mật", b"tin");
            assert!(is_signed(&signature, "mật", b"tin") && is_signed(&signature.to_string(), "mật", b"tin"));
            assert!(!is_signed(&signature, "mật", b"tin ") && !is_signed(&signature, "khác", b"tin"));
            assert!(!is_signed(&signature[..signature.len() - 2], "mật", b"tin"));
            assert!(!is_signed(&signature.replace("sha", "md"), "mật", b"tin"));
        }
        for wrong in ["", "sha256", "sha256=", "sha256=zz", "sha256=0", "sha256=+1", "=", "sha256=é"] {
            assert!(!is_signed(wrong, "mật", b"tin"), "{wrong}");
        }
    }

    /// RFC 2202 and RFC 4231, test case 2.
    #[test]
    fn signatures_are_those_of_the_standards() {
        let of = |method: Signature| method.of("Jefe", b"what do ya want for nothing?");
        assert_eq!(of(Signature::Sha1), "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            of(Signature::Sha256),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(of(Signature::Sha384).starts_with("sha384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"));
        assert!(of(Signature::Sha512).starts_with("sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd6"));
    }
}
