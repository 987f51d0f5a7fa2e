//! What an operator may do about a rejected request.

use super::{Rejection, TimeLimit};
use crate::conditions::AddressProblem;

impl Rejection {
    /// What an operator may do about it, for the log; never sent to the peer.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::CredentialsMissing => "have the peer sign its requests, or make the layer `optional()`",
            Self::TwoSchemes => "look for a proxy that adds headers; a peer uses one scheme",
            Self::Malformed { .. } => "correct what the peer sends",
            Self::VersionNotANumber { .. } => "the peer sends a broken version header",
            Self::VersionNotAllowed { version: 0, .. } => {
                "the peer sends no X-Seraph-Trusted-App-Version header, or speaks version 0, which anyone can forge: \
                 look for a proxy that removes headers, or update the peer to one that speaks version 3"
            }
            Self::VersionNotAllowed { version: 1, .. } => {
                "the peer speaks version 1, which anyone can forge who saw one request: update the peer to one that speaks \
                 version 3"
            }
            Self::VersionNotAllowed { version: 2, .. } => {
                "the peer speaks version 2, which does not sign the user: set it to version 3 (Atlassian's products: start \
                 their JVM with -Dtrustedapps.protocol.version=3), or list `insecure-seraph-v2` with the application"
            }
            Self::VersionNotAllowed { version: 3, .. } => {
                "the peer speaks version 3: list `seraph-v3` with the application"
            }
            Self::VersionNotAllowed { .. } => {
                "the peer sends a version that this library does not know: it knows 0 to 3, and 3 is the newest"
            }
            Self::SchemeNotAllowed => "list the scheme `http-signature` with the application",
            Self::ApplicationIdMissing => "the peer sends no X-Seraph-Trusted-App-ID header",
            Self::SecretKeyMissing | Self::MagicMissing => {
                "a version 2 peer must send the Key and Magic headers"
            }
            Self::ApplicationUnknown { .. } => "register the application; ids are compared byte for byte",
            Self::KeyUnknown { .. } => "register the key with its application, or make it active",
            Self::AlgorithmMismatch => "correct the peer: it names another algorithm than its key's",
            Self::BadMagic { .. } => {
                "look whether a header was cut, the certificate above all; in version 2, compare the registered \
                 key's fingerprint with the peer's"
            }
            Self::TimestampNotANumber { .. } => "the certificate's first line is no number",
            Self::SignatureMissing => "the peer sends no X-Seraph-Trusted-App-Signature header",
            Self::BadSignature { as_written: None, .. } => {
                "compare the URL with the one the peer signed: host, scheme, port, context path, escapes; \
                 set the public URL; compare the key's fingerprint"
            }
            Self::BadSignature { as_written: Some(_), .. } => {
                "the signature holds for neither text of the URL, in its normal form and as the public URL is written: \
                 compare both with the one the peer signed: host, scheme, port, context path, escapes; set the public \
                 URL; compare the key's fingerprint"
            }
            Self::BadSignatureBase { .. } => {
                "compare the signature base with the peer's: host, scheme, port, context path, escapes"
            }
            Self::NotCovered { .. } => "have the peer cover it",
            Self::FieldNotCovered { .. } => {
                "have the peer cover it, or, if your own proxy sets it, name it in \
                 `SignaturePolicy::with_proxy_fields`"
            }
            Self::AuthorityUnknown { authority: None, host: None, .. } => {
                "the request names no host, by which its public URL would be found"
            }
            Self::AuthorityUnknown { authority: Some(_), host: Some(_), .. } => {
                "the request names a host in its target and one in its Host field, and no configured public URL has both: \
                 add that public URL, or look for a proxy that rewrites one of the two"
            }
            Self::AuthorityUnknown { .. } => {
                "the request's host is none of the configured public URLs: add that public URL, or have the proxy pass on \
                 the host that the client asked for"
            }
            Self::RepeatedHeader { .. } => "look for a proxy that adds headers",
            Self::TooLarge { .. } => "the peer exceeds a limit",
            Self::CertificateTooOld { .. } => {
                "compare the clocks of both sides; a request that is sent again must be signed again"
            }
            Self::CertificateFromFuture { .. } => "the peer's clock is ahead: compare time and time zone",
            Self::Stale { limit, .. } => match limit {
                TimeLimit::Created => "compare the clocks of both sides",
                TimeLimit::Expires => {
                    "compare the clocks of both sides; a request that is sent again must be signed again"
                }
                TimeLimit::Age(_) => {
                    "compare the clocks of both sides; the application's time-out may be shorter than its \
                     signatures' life"
                }
                TimeLimit::Nonce => {
                    "the peer, or the network, is slow: a request must be complete while it is good"
                }
            },
            Self::MethodNotAllowed { .. } => "add the method to the application",
            Self::AddressNotAllowed { .. } => "add this address to the application",
            Self::ForwardedAddressNotAllowed { address } => match AddressProblem::of_forwarded(address) {
                None => "add this hop to the application's addresses, or name the proxies as trusted",
                Some(AddressProblem::Port { .. }) => {
                    "the entry is no address, for it has a port: have the proxy that adds it write the address alone"
                }
                Some(AddressProblem::Zone { .. }) => {
                    "the entry is no address, for it has a zone (what follows the percent sign): have the proxy that adds \
                     it write the address alone"
                }
                Some(AddressProblem::Brackets { .. }) => {
                    "the entry is no address, for it is in brackets: have the proxy that adds it write the address alone"
                }
                Some(_) => {
                    "the entry is no address, and only an address can be allowed: have the proxy that adds it write one"
                }
            },
            Self::PeerUnknown => {
                "the server does not pass on the peer's address: with axum serve by \
                 `into_make_service_with_connect_info::<SocketAddr>()`"
            }
            Self::PathNotAllowed { path } | Self::PathAmbiguous { path, .. } if path.starts_with("//") => {
                "the path begins with two slashes, as when the base URL that the peer has of this server ends in a slash: \
                 take that slash off there, for no path pattern covers such a path"
            }
            Self::PathNotAllowed { .. } => "add a path pattern to the application",
            Self::PathAmbiguous { .. } => {
                "the path could be read in two ways and so could slip past a path rule"
            }
            Self::TenantUnknown { .. } => "the peer names a tenant, which this service does not know",
            Self::UserUnknown { .. } => "create the user; names are compared byte for byte",
            Self::PermissionDenied { rule, .. } => rule.hint(),
            Self::ContentMismatch => {
                "look for a proxy that changes bodies; the digest is of the encoded content"
            }
            Self::ContentTooLarge { .. } => "raise the limit of the layer, or let it stream",
            Self::ContentNotHeld { .. } => "the peer is slow, or the layer's memory for bodies is full",
            Self::Replayed { .. } => {
                "somebody sent a captured request again, or the peer sends one signature more than once: have it make \
                 a new signature for each request, or, with Seraph's schemes, turn the application's replay protection off"
            }
            Self::Unavailable { .. } => "the store's own error is in the log beside this",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_says_what_a_version_is_and_where_it_is_set() {
        let hint = |version| Rejection::VersionNotAllowed { version, highest: Some(3) }.hint();
        for (version, text) in [
            (0, "version 0"),
            (1, "version 1"),
            (2, "-Dtrustedapps.protocol.version=3"),
            (3, "list `seraph-v3`"),
            (4, "does not know"),
            (-1, "does not know"),
        ] {
            assert!(hint(version).contains(text), "{version}: {}", hint(version));
        }
        assert!(!hint(1).contains("version 0") && !hint(4).contains("list"));
    }

    #[test]
    fn the_hint_says_why_a_forwarded_entry_is_no_address() {
        for (address, text) in [
            ("10.1.2.3", "add this hop"),
            (" 2001:db8::1", "add this hop"),
            ("10.1.2.3:4711", "it has a port"),
            ("[2001:db8::1]:4711", "it has a port"),
            ("0:0:0:0:0:0:0:1%0", "it has a zone"),
            ("fe80::1%eth0", "it has a zone"),
            ("[2001:db8::1]", "it is in brackets"),
            ("unknown", "no address"),
            ("_hidden", "no address"),
            ("10.1.2.3 10.1.2.4", "no address"),
            ("", "no address"),
        ] {
            let rejection = Rejection::ForwardedAddressNotAllowed { address: address.to_owned() };
            assert!(rejection.hint().contains(text), "{address}: {}", rejection.hint());
        }
    }

    #[test]
    fn the_hint_names_the_slash_at_the_end_of_the_peers_base_url() {
        let path = "//rest/issues".to_owned();
        let ambiguous = Rejection::PathAmbiguous { path: path.clone(), reason: "empty segment" };
        for rejection in [Rejection::PathNotAllowed { path }, ambiguous] {
            assert!(rejection.hint().contains("ends in a slash"), "{}", rejection.hint());
        }
        let other = Rejection::PathNotAllowed { path: "/rest".to_owned() };
        assert_eq!(other.hint(), "add a path pattern to the application");
    }
}
