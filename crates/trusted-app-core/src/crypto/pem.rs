//! PEM blocks (RFC 7468), and what a text is that is no key of the form asked for.

use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

use super::error::KeyError;

pub(super) const PUBLIC_KEY: &str = "PUBLIC KEY";
pub(super) const RSA_PUBLIC_KEY: &str = "RSA PUBLIC KEY";
pub(super) const PRIVATE_KEY: &str = "PRIVATE KEY";

/// Reads a PEM block. Text may stand before it, blanks around it.
pub(super) fn from_pem(label: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let not_pem = KeyError::NotPem { expected: label };
    if label_of(text) != Some(label) {
        return Err(other_form(label, text).unwrap_or(not_pem));
    }
    let mut decoder = pem_rfc7468::Decoder::new(text.trim().as_bytes()).map_err(|_| not_pem.clone())?;
    if decoder.type_label() != label {
        return Err(not_pem);
    }
    let mut der = Zeroizing::new(vec![0; decoder.remaining_len()]);
    decoder.decode(&mut der).map_err(|_| not_pem)?;
    Ok(der)
}

/// Writes a PEM block with a final line end.
pub(super) fn to_pem(label: &'static str, der: &[u8]) -> Zeroizing<String> {
    let pem = pem_rfc7468::encode_string(label, LineEnding::LF, der);
    Zeroizing::new(pem.expect("a key's PEM is far below the length limit"))
}

/// The label of the first block.
pub(super) fn label_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("-----BEGIN ").or_else(|| text.split_once("---- BEGIN "))?;
    rest.split_once("----").map(|(label, _)| label.trim_end())
}

const AS_PEM: &str = "`ssh-keygen -e -m PKCS8 -f FILE` prints its public key in the right form";

/// What a text is that should have been a block of type `expected`, if it is one of the usual other things.
pub(super) fn other_form(expected: &str, text: &str) -> Option<KeyError> {
    let told = |found, cure| Some(KeyError::OtherForm { found, cure });
    let label = label_of(text).unwrap_or_default();
    let start = text.trim_start();
    let is_ssh = ["ssh-", "ecdsa-sha2-", "sk-ssh-"].iter().any(|kind| start.starts_with(kind));
    if expected == PRIVATE_KEY {
        return match label {
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" => told(
                "this private key is not in PKCS#8 form",
                "`openssl pkcs8 -topk8 -nocrypt -in FILE` prints it in that form",
            ),
            "ENCRYPTED PRIVATE KEY" => {
                told("this private key is encrypted", "`openssl pkcs8 -in FILE` prints it decrypted")
            }
            "OPENSSH PRIVATE KEY" => told(
                "this private key is in OpenSSH's form",
                "`ssh-keygen -p -N '' -m PKCS8 -f COPY` turns a copy of it into PKCS#8",
            ),
            "CERTIFICATE" => told("this is an X.509 certificate, not a private key", "give its private key"),
            _ if is_ssh || label.ends_with("PUBLIC KEY") => {
                told("this is a public key, not a private one", "give the private key that belongs to it")
            }
            _ => None,
        };
    }
    match label {
        PUBLIC_KEY | RSA_PUBLIC_KEY => {
            told("this is PEM, not bare base64", "leave out the lines BEGIN and END")
        }
        "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" => told(
            "this is an X.509 certificate, not a public key",
            "`openssl x509 -pubkey -noout -in FILE` prints its public key",
        ),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => told(
            "this is a certificate request, not a public key",
            "`openssl req -pubkey -noout -in FILE` prints its public key",
        ),
        "OPENSSH PRIVATE KEY" => told("this is a private key, which only its owner may have", AS_PEM),
        "SSH2 PUBLIC KEY" => told(
            "this is a public key in the form of RFC 4716",
            "`ssh-keygen -i -f FILE` prints it in OpenSSH's form, and `ssh-keygen -e -m PKCS8 -f` that as PEM",
        ),
        _ if label.ends_with("PRIVATE KEY") => told(
            "this is a private key, which only its owner may have",
            "`openssl pkey -pubout -in FILE` prints its public key",
        ),
        _ if label.starts_with("PGP ") => {
            told("this is an OpenPGP key", "a public key is base64, or PEM of type `PUBLIC KEY`")
        }
        "" if is_ssh => told("this is a public key in OpenSSH's form", AS_PEM),
        "" if start.starts_with('{') => told(
            "this is a JWK, a key of HTTP message signatures",
            "give it as the signature key; a public key is base64, or PEM of type `PUBLIC KEY`",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{PrivateKey, PublicKey};

    const KEY: &str = include_str!("../../tests/data/public-key-2048.txt");

    #[test]
    fn a_block_is_read_as_it_is_written() {
        let der: Vec<u8> = (0..=255).collect();
        let pem = to_pem(PUBLIC_KEY, &der);
        assert!(
            pem.starts_with("-----BEGIN PUBLIC KEY-----\n") && pem.ends_with("-----END PUBLIC KEY-----\n")
        );
        for text in [pem.to_string(), pem.replace('\n', "\r\n"), format!("text\n{}\n \n", *pem)] {
            assert_eq!(from_pem(PUBLIC_KEY, &text).unwrap().as_slice(), der, "{text}");
        }
        let not_pem = KeyError::NotPem { expected: PUBLIC_KEY };
        for text in [
            "",
            "-----BEGIN PUBLIC KEY-----",
            &pem.replace("PUBLIC KEY", "X KEY"),
            &pem.replace("END PUBLIC", "END PRIVATE"),
            &pem.replacen('A', "!", 3),
            &pem.repeat(2),
        ] {
            assert_eq!(from_pem(PUBLIC_KEY, text), Err(not_pem.clone()), "{text}");
        }
    }

    #[test]
    fn a_public_key_of_pkcs1_is_read() {
        let key = PublicKey::from_base64(KEY).unwrap();
        // What stands in the bit string of the SubjectPublicKeyInfo.
        let pem = to_pem(RSA_PUBLIC_KEY, &key.spki_der()[24..]);
        let read = PublicKey::from_pem(&pem).unwrap();
        assert_eq!((&read, read.spki_der()), (&key, key.spki_der()));
        let cut = to_pem(RSA_PUBLIC_KEY, &key.spki_der()[24..200]);
        assert_eq!(PublicKey::from_pem(&cut).unwrap_err().to_string(), "not a DER PKCS#1 RSAPublicKey");
    }

    #[test]
    fn what_is_no_public_key_is_named_with_the_command_that_helps() {
        const PKEY: &str = "this is a private key, which only its owner may have: \
                            `openssl pkey -pubout -in FILE` prints its public key";
        const SECRET: &str = "MIICc2VjcmV0";
        let block = |label: &str| format!("-----BEGIN {label}-----\n{SECRET}\n-----END {label}-----\n");
        let certificate = "this is an X.509 certificate, not a public key: \
                           `openssl x509 -pubkey -noout -in FILE` prints its public key";
        for (text, expected) in [
            (block("CERTIFICATE"), certificate),
            (format!("subject=CN = wiki\n{}", block("CERTIFICATE")), certificate),
            (block("CERTIFICATE") + &block("PRIVATE KEY"), certificate),
            (
                block("CERTIFICATE REQUEST"),
                "this is a certificate request, not a public key: \
                 `openssl req -pubkey -noout -in FILE` prints its public key",
            ),
            (block("PRIVATE KEY"), PKEY),
            (block("RSA PRIVATE KEY"), PKEY),
            (block("EC PRIVATE KEY"), PKEY),
            (block("ENCRYPTED PRIVATE KEY"), PKEY),
            (
                block("OPENSSH PRIVATE KEY"),
                "this is a private key, which only its owner may have: \
                 `ssh-keygen -e -m PKCS8 -f FILE` prints its public key in the right form",
            ),
            (
                format!("ssh-rsa {SECRET} wiki@example.com"),
                "this is a public key in OpenSSH's form: \
                 `ssh-keygen -e -m PKCS8 -f FILE` prints its public key in the right form",
            ),
            (
                format!("ssh-ed25519 {SECRET}"),
                "this is a public key in OpenSSH's form: \
                 `ssh-keygen -e -m PKCS8 -f FILE` prints its public key in the right form",
            ),
            (
                "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----".to_owned(),
                "this is a public key in the form of RFC 4716: `ssh-keygen -i -f FILE` prints it in OpenSSH's \
                 form, and `ssh-keygen -e -m PKCS8 -f` that as PEM",
            ),
            (
                block("PGP PUBLIC KEY BLOCK"),
                "this is an OpenPGP key: a public key is base64, or PEM of type `PUBLIC KEY`",
            ),
            (
                r#"{"kty":"OKP"}"#.to_owned(),
                "this is a JWK, a key of HTTP message signatures: give it as the signature key; a public key is \
                 base64, or PEM of type `PUBLIC KEY`",
            ),
        ] {
            for error in [PublicKey::from_pem(&text).unwrap_err(), PublicKey::from_base64(&text).unwrap_err()]
            {
                assert_eq!(error.to_string(), expected, "{text}");
            }
        }
        let pem = PublicKey::from_base64(KEY).unwrap().to_pem();
        assert_eq!(
            PublicKey::from_base64(&pem).unwrap_err().to_string(),
            "this is PEM, not bare base64: leave out the lines BEGIN and END"
        );
    }

    #[test]
    fn what_is_no_private_key_is_named_with_the_command_that_helps() {
        let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        for (text, expected) in [
            (block("RSA PRIVATE KEY"), "this private key is not in PKCS#8 form: "),
            (block("EC PRIVATE KEY"), "this private key is not in PKCS#8 form: "),
            (block("ENCRYPTED PRIVATE KEY"), "this private key is encrypted: "),
            (block("OPENSSH PRIVATE KEY"), "this private key is in OpenSSH's form: "),
            (block("CERTIFICATE"), "this is an X.509 certificate, not a private key: "),
            (block("PUBLIC KEY"), "this is a public key, not a private one: "),
            (block("RSA PUBLIC KEY"), "this is a public key, not a private one: "),
            ("ssh-rsa AAAA".to_owned(), "this is a public key, not a private one: "),
            (block("X KEY"), "not a PEM block of type `PRIVATE KEY`"),
        ] {
            let error = PrivateKey::from_pkcs8_pem(&text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
