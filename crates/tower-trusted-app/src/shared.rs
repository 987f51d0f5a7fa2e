//! What a layer was built with, and what the services that it makes share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request, Uri};
use trusted_app_core::conditions::{Peer, ReplayProtection};
use trusted_app_core::httpsig::DIRECTORY_PATH;
use trusted_app_core::seraph::{CERTIFICATE_PATH, SignatureCache};
use trusted_app_core::{Clock, Protocol, Rejected, Rejection};

use crate::audit::AuditSink;
use crate::clock::SystemClock;
use crate::context_path::ContextPath;
use crate::http_signatures::HttpSignatures;
use crate::replay::BoxReplayStore;
use crate::signed_url::{RebuiltUrl, SignedUrl};
use crate::source::{SourceAddresses, peer_from_extensions};
use crate::target::Target;

/// What becomes of requests that are not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// All are rejected.
    Reject,
    /// Without credentials they pass.
    PassIfAnonymous,
    /// They pass.
    InsecureContinue,
}

/// Everything that the services made by one layer share.
pub(crate) struct Shared<K, D, R> {
    pub(crate) keys: K,
    pub(crate) users: D,
    pub(crate) rejections: R,
    pub(crate) settings: Settings,
    pub(crate) signatures: Option<SignatureCache>,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) warned_of_unknown_peer: AtomicBool,
    /// Whether the last signature held for the URL as the operator wrote it, and not for its normal form.
    pub(crate) written_url_held: AtomicBool,
}

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) signed_url: SignedUrl,
    pub(crate) unverified: Unverified,
    pub(crate) skip: Option<Arc<SkipFn>>,
    pub(crate) context_path: ContextPath,
    pub(crate) sources: SourceAddresses,
    pub(crate) peer: Arc<PeerFn>,
    pub(crate) original_uri: fn(&Extensions) -> Option<&Uri>,
    pub(crate) hide_unknown_applications: bool,
    pub(crate) lookup_timeout: Duration,
    pub(crate) max_concurrent: usize,
    pub(crate) remembered_signatures: usize,
    pub(crate) http_signatures: HttpSignatures,
    pub(crate) replay_store: Option<BoxReplayStore>,
    pub(crate) replay_protection: ReplayProtection,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) audit: Option<Arc<dyn AuditSink>>,
}

type SkipFn = dyn Fn(&Method, &Uri, &HeaderMap) -> bool + Send + Sync;
type PeerFn = dyn Fn(&Extensions) -> Option<Peer> + Send + Sync;

impl Settings {
    pub(crate) fn new(signed_url: SignedUrl) -> Self {
        Self {
            signed_url,
            unverified: Unverified::Reject,
            skip: None,
            context_path: ContextPath::default(),
            sources: SourceAddresses::default(),
            peer: Arc::new(peer_from_extensions),
            original_uri: |_| None,
            hide_unknown_applications: false,
            lookup_timeout: Duration::from_secs(5),
            max_concurrent: 1024,
            remembered_signatures: SignatureCache::DEFAULT_ENTRIES_PER_APPLICATION,
            http_signatures: HttpSignatures::default(),
            replay_store: None,
            replay_protection: ReplayProtection::Off,
            clock: Arc::new(SystemClock),
            audit: None,
        }
    }
}

impl Settings {
    /// What a request asks for, by its original URI.
    pub(crate) fn target_of<'r>(&self, parts: &'r Parts) -> Target<'r> {
        self.target(&parts.extensions, &parts.uri)
    }

    fn target<'r>(&self, extensions: &'r Extensions, uri: &'r Uri) -> Target<'r> {
        let uri = (self.original_uri)(extensions).unwrap_or(uri);
        Target::new(extensions, uri)
    }

    /// The URL of which a signature must be.
    pub(crate) fn rebuild(&self, parts: &Parts, target: &Target<'_>) -> Result<RebuiltUrl, Rejection> {
        self.signed_url.rebuild(target.uri, target.raw, &parts.headers, &self.context_path)
    }
}

impl<K, D, R> Shared<K, D, R> {
    pub(crate) fn new(keys: K, users: D, rejections: R, settings: Settings) -> Self {
        let remembered = settings.remembered_signatures;
        Self {
            keys,
            users,
            rejections,
            settings,
            signatures: (remembered > 0).then(|| SignatureCache::new(remembered)),
            in_flight: AtomicUsize::new(0),
            warned_of_unknown_peer: AtomicBool::new(false),
            written_url_held: AtomicBool::new(false),
        }
    }

    /// Whether a request passes through without a look at its credentials.
    pub(crate) fn is_exempt<B>(&self, request: &Request<B>) -> bool {
        let method = request.method();
        let target = self.settings.target(request.extensions(), request.uri());
        let certificate = || {
            target.path.ends_with(CERTIFICATE_PATH)
                && target.below(&self.settings.context_path) == Some(CERTIFICATE_PATH)
        };
        let document =
            matches!(*method, Method::GET | Method::HEAD) && (target.path == DIRECTORY_PATH || certificate());
        document
            || self.settings.skip.as_ref().is_some_and(|skip| skip(method, target.uri, request.headers()))
    }

    /// Whether a rejected request goes on as anonymous. An outage never lets it, and that was Seraph's way only.
    pub(crate) fn continues_after(&self, rejected: &Rejected) -> bool {
        self.settings.unverified == Unverified::InsecureContinue
            && rejected.protocol() == Protocol::Seraph
            && !matches!(rejected.reason(), Rejection::Unavailable { .. })
    }
}
