//! What becomes of a request that carries credentials.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Response;
use http::request::Parts;
use trusted_app_core::{Accepted, KeyStore, Protocol, Rejected, Rejection, UserDirectory};

use crate::body::{BodyMode, SignedBodyError};
use crate::caller::{Caller, CallingApplication};
use crate::reject::Reject;
use crate::report::Findings;
use crate::response::{Note, rejection_response};
use crate::shared::Shared;

/// Whether the inner service is called. What is large is boxed: it is moved some times.
pub(crate) enum Verdict<Body, ResBody> {
    Call(Box<Parts>, Body, Note),
    Reject(Box<Response<ResBody>>),
}

pub(crate) type BoxVerdict<Body, ResBody> = Pin<Box<dyn Future<Output = Verdict<Body, ResBody>> + Send>>;

pub(crate) fn verdict<K, D, R, M, B, ResBody>(
    shared: Arc<Shared<K, D, R>>,
    protocol: Protocol,
    mut parts: Box<Parts>,
    mut body: M::Readable,
) -> BoxVerdict<M::Readable, ResBody>
where
    K: KeyStore,
    D: UserDirectory,
    R: Reject<ResBody>,
    M: BodyMode<B>,
    ResBody: 'static,
{
    let future = async move {
        let outcome = {
            let (mut url, mut findings) = (None, Findings::default());
            let mismatch = || {
                let rejected = Rejected::new(protocol, Rejection::ContentMismatch);
                SignedBodyError::Mismatch(shared.rejections.body_error(&rejected, &parts))
            };
            let accepted =
                shared.accept::<M, B>(protocol, &parts, &mut body, mismatch, &mut url, &mut findings).await;
            let outcome = accepted.map_err(|reason| Rejected::new(protocol, reason));
            shared.report(&parts, &findings, outcome.as_ref());
            outcome
        };
        match outcome {
            Ok(accepted) => {
                for name in accepted.proxy_fields() {
                    parts.headers.remove(name);
                }
                let caller = Caller::new(accepted);
                parts.extensions.insert(CallingApplication::of(&caller));
                parts.extensions.insert(caller);
                Verdict::Call(parts, body, Note::Accepted(protocol))
            }
            Err(rejected) if shared.continues_after(&rejected) => {
                Verdict::Call(parts, body, Note::failed(&rejected))
            }
            Err(rejected) => {
                Verdict::Reject(Box::new(rejection_response(&shared.rejections, rejected, &parts)))
            }
        }
    };
    Box::pin(future)
}

impl<K, D, R> Shared<K, D, R> {
    /// The response to a request that needs credentials and has none.
    pub(crate) fn reject_missing<ResBody>(&self, protocol: Protocol, parts: &Parts) -> Box<Response<ResBody>>
    where
        D: UserDirectory,
        R: Reject<ResBody>,
    {
        let rejected = Rejected::new(protocol, Rejection::CredentialsMissing);
        self.report(parts, &Findings::default(), Err::<&Accepted<D::User>, _>(&rejected));
        Box::new(rejection_response(&self.rejections, rejected, parts))
    }
}
