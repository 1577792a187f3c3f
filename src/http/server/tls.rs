//! TLS of the server itself: the certificate, its renewal, and the handshake.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use memchr::memmem;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::files::read_named;

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
        Ok(Self { config: Arc::new(config), contents })
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
