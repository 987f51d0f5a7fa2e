//! What a layer was configured with, and what the services that it makes share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use http::{Extensions, HeaderMap, Method, Request, Uri};
use trusted_app_core::Clock;
use trusted_app_core::conditions::{Peer, ReplayProtection};
use trusted_app_core::httpsig::DIRECTORY_PATH;
use trusted_app_core::seraph::{CERTIFICATE_PATH, SignatureCache};

use crate::audit::AuditSink;
use crate::clock::SystemClock;
use crate::context_path::ContextPath;
use crate::http_signatures::HttpSignatures;
use crate::original_target::{path_of, target_of};
use crate::replay::BoxReplayStore;
use crate::signed_url::SignedUrl;
use crate::source::{SourceAddresses, peer_from_extensions};

/// What to do with requests that are not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    Require,
    Optional,
    InsecureContinueOnFailure,
}

/// Everything that the services made by one layer share.
pub(crate) struct Shared<K, D, R> {
    pub(crate) keys: Arc<K>,
    pub(crate) users: Arc<D>,
    pub(crate) rejections: Arc<R>,
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
    pub(crate) policy: Policy,
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
            policy: Policy::Require,
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

impl<K, D, R> Shared<K, D, R> {
    pub(crate) fn new(keys: Arc<K>, users: Arc<D>, rejections: Arc<R>, settings: Settings) -> Self {
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
        let Settings { original_uri, context_path, skip, .. } = &self.settings;
        let (method, extensions) = (request.method(), request.extensions());
        let uri = original_uri(extensions).unwrap_or(request.uri());
        let path = path_of(target_of(extensions, uri));
        let certificate =
            || path.ends_with(CERTIFICATE_PATH) && context_path.strip(path) == Some(CERTIFICATE_PATH);
        let document =
            matches!(*method, Method::GET | Method::HEAD) && (path == DIRECTORY_PATH || certificate());
        document || skip.as_ref().is_some_and(|skip| skip(method, uri, request.headers()))
    }
}
