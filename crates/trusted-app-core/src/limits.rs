//! Every limit on what a peer may send. All are checked before any big-number work.

use std::time::Duration;

/// Longest application id, in bytes of UTF-8.
pub const MAX_APPLICATION_ID_BYTES: usize = 255;

/// Longest single Seraph header value, in bytes. A certificate with the longest user name, or a
/// signature of the largest key, stays well below it.
pub const MAX_HEADER_BYTES: usize = 4096;

/// Longest user name in a certificate, in bytes of UTF-8.
pub const MAX_USER_NAME_BYTES: usize = 1024;

/// Longest URL that may be signed, in bytes.
pub const MAX_URL_BYTES: usize = 16 * 1024;

/// Most keys one application may have that are not revoked, and so most signatures checked for one
/// request.
pub const MAX_KEYS: usize = 4;

/// Most keys kept for one application, the revoked ones included.
pub const MAX_KEPT_KEYS: usize = 16;

/// Smallest RSA modulus of a key that can be parsed at all, in bits. Whether an application may
/// use it is another question: see [`MIN_RSA_BITS`].
pub const MIN_PARSED_RSA_BITS: usize = 1024;

/// Smallest RSA modulus of an application's key, in bits, unless the application is configured
/// with `insecure_min_rsa_bits`.
pub const MIN_RSA_BITS: usize = 2048;

/// Largest RSA modulus of a key, in bits: what verifying costs grows with its square.
pub const MAX_RSA_BITS: usize = 8192;

/// The sizes in which RSA keys are generated, in bits: those that every provider can make.
pub const GENERATED_RSA_BITS: [usize; 4] = [2048, 3072, 4096, 8192];

/// Most addresses read from `X-Forwarded-For` and `Forwarded` together.
pub const MAX_FORWARDED_ADDRESSES: usize = 64;

/// Longest text of a peer's that an answer repeats, in bytes as the answer's headers carry it; the
/// rest is cut off. Proxies reject answers whose headers are too large for them, and some then take
/// the server for broken and send it no requests for a while.
pub const MAX_REPEATED_BYTES: usize = 512;

/// Longest message that is made of an error's template and parameters, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Longest certificate document that is parsed, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024;

/// Longest file of a private key that is read, in bytes.
pub const MAX_PRIVATE_FILE_BYTES: usize = 64 * 1024;

/// Smallest RSA modulus of a key of HTTP message signatures, in bits; nothing lets in a smaller one.
pub const MIN_PSS_BITS: usize = 2048;

/// Longest `Signature-Input` that is parsed, in bytes, its field lines put together.
pub const MAX_SIGNATURE_INPUT_BYTES: usize = 4096;

/// Longest `Signature` that is parsed, in bytes, its field lines put together: four signatures of the
/// largest keys.
pub const MAX_SIGNATURE_BYTES: usize = 8192;

/// Longest signature base that fields are written into, in bytes.
pub const MAX_SIGNATURE_BASE_BYTES: usize = 64 * 1024;

/// Most members of `Signature-Input` and of `Signature`, each a signature of somebody's.
pub const MAX_SIGNATURES: usize = 4;

/// Most components that a signature covers.
pub const MAX_COMPONENTS: usize = 16;

/// Most parameters of a signature.
pub const MAX_SIGNATURE_PARAMETERS: usize = 16;

/// Shortest nonce of a signature, in characters.
pub const MIN_NONCE_BYTES: usize = 16;

/// Longest nonce of a signature, in characters.
pub const MAX_NONCE_BYTES: usize = 128;

/// Longest `Trusted-App-User`, in bytes.
pub const MAX_USER_FIELD_BYTES: usize = 2048;

/// Longest name and longest tenant in `Trusted-App-User`, decoded, in bytes of UTF-8.
pub const MAX_USER_FIELD_NAME_BYTES: usize = 256;

/// Longest `Content-Digest` that is parsed, in bytes, its field lines put together.
pub const MAX_CONTENT_DIGEST_BYTES: usize = 1024;

/// Longest key directory that is parsed, in bytes.
pub const MAX_DIRECTORY_BYTES: usize = 64 * 1024;

/// Most keys of a key directory.
pub const MAX_DIRECTORY_KEYS: usize = 16;

/// How long a key directory's signatures are good, whatever they state: as long as one that was kept can be
/// shown again.
pub const MAX_DIRECTORY_AGE: Duration = Duration::from_secs(24 * 60 * 60);
