//! TLS of the server itself: the certificate, its renewal, and the handshake.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::TimeDelta;
use memchr::memmem;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{self, CertificateError, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::files::read_named;
use crate::time::{Timestamp, from_unix};

/// The protocols that clients may choose (ALPN), the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The largest file of certificates or of a key, in bytes.
const MAX_PEM_BYTES: u64 = 1 << 20;

/// The files of the certificate and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the site, then those of its issuers without the root.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// A file has no PEM section of the right kind, or a malformed one.
    #[error("{path} has no usable {wanted}: {cause}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was expected in it.
        wanted: &'static str,
        /// The error of the parser.
        cause: rustls::pki_types::pem::Error,
    },
    /// The key is encrypted.
    #[error(
        "{path} is protected by a password, which nobody enters at a start: write it without one (`openssl pkey`)"
    )]
    Encrypted {
        /// The file of the key.
        path: PathBuf,
    },
    /// Key and certificate do not belong together, or rustls does not support them.
    #[error(
        "the key {key} cannot be used with the certificate {certificate}, whose first certificate must be that of the key, \
         followed by its issuers: {cause}"
    )]
    Mismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
        /// The error of rustls.
        cause: rustls::Error,
    },
}

/// Why clients refuse a certificate, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidityProblem {
    /// It is not valid yet.
    #[error(
        "the certificate is valid from {0} on; until then clients refuse it. Check the clock of this machine"
    )]
    NotYetValid(Timestamp),
    /// It has less than a fifth of its lifetime left, and less than two weeks.
    #[error("the certificate expires on {0} and was not renewed; see the ACME client that renews it")]
    ExpiresSoon(Timestamp),
    /// It has expired.
    #[error("the certificate expired on {0}; clients refuse it. Renew it")]
    Expired(Timestamp),
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub from: Timestamp,
    /// The last second.
    pub until: Timestamp,
}

impl Validity {
    const MAX_NOTICE: TimeDelta = TimeDelta::days(14);

    /// What is wrong with it at this time.
    pub fn problem_at(self, now: Timestamp) -> Option<ValidityProblem> {
        let Self { from, until } = self;
        // A certificate of 90 days is renewed after 60, one of six days after three.
        let notice = ((until - from) / 5).min(Self::MAX_NOTICE);
        match now {
            _ if now < from => Some(ValidityProblem::NotYetValid(from)),
            _ if now > until => Some(ValidityProblem::Expired(until)),
            _ if until - now < notice => Some(ValidityProblem::ExpiresSoon(until)),
            _ => None,
        }
    }
}

/// A certificate that can be renewed while connections are served. Clones share it.
#[derive(Clone)]
pub struct TlsCertificate {
    files: TlsFiles,
    current: Arc<ArcSwap<Loaded>>,
}

/// Without the key.
impl fmt::Debug for TlsCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(formatter)
    }
}

/// A certificate as it was read.
struct Loaded {
    config: Arc<ServerConfig>,
    validity: Option<Validity>,
    /// The content of both files, to detect a renewal.
    contents: (Vec<u8>, Vec<u8>),
}

impl TlsCertificate {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// If a file cannot be read or is malformed, or if the key does not belong to the certificate.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let loaded = Loaded::new(files, Self::read(files)?)?;
        Ok(Self { files: files.clone(), current: Arc::new(ArcSwap::from_pointee(loaded)) })
    }

    /// Reads the files again. New connections get the new certificate; open ones keep theirs. True if it has changed.
    /// Blocking.
    ///
    /// # Errors
    /// As [`TlsCertificate::load`]; the previous certificate then remains in effect.
    pub fn renew(&self) -> Result<bool, TlsError> {
        let contents = Self::read(&self.files)?;
        if self.current.load().contents == contents {
            return Ok(false);
        }
        self.current.store(Arc::new(Loaded::new(&self.files, contents)?));
        Ok(true)
    }

    /// When the current certificate is valid; none if it does not say so in a known form.
    pub fn validity(&self) -> Option<Validity> {
        self.current.load().validity
    }

    /// What is wrong with these times now.
    pub fn problem_at(&self, now: Timestamp) -> Option<ValidityProblem> {
        self.validity()?.problem_at(now)
    }

    fn read(files: &TlsFiles) -> Result<(Vec<u8>, Vec<u8>), TlsError> {
        let read = |path: &Path| {
            // A pipe in place of the file would be waited for, and for ever.
            read_named(path, MAX_PEM_BYTES)
                .map_err(|cause| TlsError::Unreadable { path: path.to_owned(), cause })
        };
        Ok((read(&files.certificate)?, read(&files.key)?))
    }

    /// The handshake on a new connection.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&self.current.load().config);
        TlsAcceptor::from(config).accept(stream).await
    }
}

impl Loaded {
    fn new(files: &TlsFiles, contents: (Vec<u8>, Vec<u8>)) -> Result<Self, TlsError> {
        let malformed = |path: &Path, wanted| {
            let path = path.to_owned();
            move |cause| TlsError::Malformed { path, wanted, cause }
        };
        let chain = CertificateDer::pem_slice_iter(&contents.0)
            .collect::<Result<Vec<_>, _>>()
            .and_then(|chain| match chain.is_empty() {
                true => Err(rustls::pki_types::pem::Error::NoItemsFound),
                false => Ok(chain),
            })
            .map_err(malformed(&files.certificate, "certificate (BEGIN CERTIFICATE)"))?;
        if is_encrypted(&contents.1) {
            return Err(TlsError::Encrypted { path: files.key.clone() });
        }
        let key = PrivateKeyDer::from_pem_slice(&contents.1)
            .map_err(malformed(&files.key, "private key (BEGIN PRIVATE KEY)"))?;
        let validity = chain.first().and_then(validity);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|cause| TlsError::Mismatch {
                key: files.key.clone(),
                certificate: files.certificate.clone(),
                cause,
            })?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self { config: Arc::new(config), validity, contents })
    }
}

/// rustls does not give the times away. It names them when it judges the certificate before the first or after the last.
fn validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    /// The year 10,000, of which no certificate can speak (RFC 5280 §4.1.2.5).
    const NEVER: Duration = Duration::from_secs(253_402_300_800);
    let certificate = ParsedCertificate::try_from(certificate).ok()?;
    let judged_at = |now: Duration| {
        let (roots, now) = (RootCertStore::empty(), UnixTime::since_unix_epoch(now));
        match verify_server_cert_signed_by_trust_anchor(&certificate, &roots, &[], now, &[]) {
            Err(rustls::Error::InvalidCertificate(cause)) => Some(cause),
            _ => None,
        }
    };
    let time = |time: UnixTime| i64::try_from(time.as_secs()).ok().map(from_unix);
    let from = match judged_at(Duration::ZERO)? {
        CertificateError::NotValidYetContext { not_before, .. } => time(not_before)?,
        _ => Timestamp::UNIX_EPOCH,
    };
    match judged_at(NEVER)? {
        CertificateError::ExpiredContext { not_after, .. } => {
            Some(Validity { from, until: time(not_after)? })
        }
        _ => None,
    }
}

/// True for both forms of a private key with a password (RFC 5958, RFC 1421 §4.6.1.1).
fn is_encrypted(pem: &[u8]) -> bool {
    [&b"BEGIN ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"]
        .iter()
        .any(|sign| memmem::find(pem, sign).is_some())
}

/// True if the client chose HTTP/2.
pub(super) fn speaks_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(PROTOCOLS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_warned_of_after_most_of_its_lifetime() {
        let day = |day: i64| from_unix(day * 86_400);
        let validity = |lifetime| Validity { from: day(0), until: day(lifetime) };
        for (lifetime, at, problem) in [
            (90, 0, None),
            (90, 76, None),
            (90, 77, Some(ValidityProblem::ExpiresSoon(day(90)))),
            (90, 90, Some(ValidityProblem::ExpiresSoon(day(90)))),
            (90, 91, Some(ValidityProblem::Expired(day(90)))),
            (90, -1, Some(ValidityProblem::NotYetValid(day(0)))),
            (5, 3, None),
            (5, 5, Some(ValidityProblem::ExpiresSoon(day(5)))),
        ] {
            assert_eq!(validity(lifetime).problem_at(day(at)), problem, "{at} of {lifetime} days");
        }
    }
}
