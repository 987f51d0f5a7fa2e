//! The bodies of requests that are signed: how they are read, and made again.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use bytes::{Bytes, BytesMut};
use http_body::Body;
use trusted_app_core::BoxError;

use super::error::Error;

/// How a signer reads bodies of type `B`, and makes one again of what it has read. It is a type that
/// [`HttpSignLayer::rebuild`](super::HttpSignLayer::rebuild) names.
pub trait Rebuild<B> {
    /// Whether the signer waits for a body to come.
    ///
    /// Where a request may be one side of a conversation, whose next part comes after the answer to the one
    /// before, it would wait for ever. Without waiting, a body that is not all there when the request is made
    /// is rejected with [`Error::StreamingBody`].
    const WAITS: bool;

    /// A body of these bytes.
    fn rebuild(bytes: Bytes) -> B;
}

/// Waits for any body that is `From<Bytes>`.
#[derive(Debug, Clone, Copy)]
pub struct FromBytes;

impl<B: From<Bytes>> Rebuild<B> for FromBytes {
    const WAITS: bool = true;

    fn rebuild(bytes: Bytes) -> B {
        bytes.into()
    }
}

/// Extension of a request whose body [`HttpSignLayer`](super::HttpSignLayer) leaves out of the signature: a
/// stream, whose digest nobody knows when it begins. It leaves as it comes, of any size.
///
/// Insecure: whoever is between the two can put any body under the signature. A server accepts it only where
/// its [policy](trusted_app_core::httpsig::SignaturePolicy::with_insecure_unsigned_content) and the
/// [application's registration](trusted_app_core::application::TrustedApplicationBuilder::insecure_unsigned_bodies)
/// both say so.
#[derive(Debug, Clone, Copy)]
pub struct InsecureUnsignedBody;

/// The whole body, which is added to `read` while it comes.
pub(super) fn poll_read<M, B>(
    body: Pin<&mut B>,
    read: &mut BytesMut,
    limit: usize,
    cx: &mut Context<'_>,
) -> Poll<Result<Bytes, Error>>
where
    M: Rebuild<B>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if M::WAITS {
        return poll_to_end(body, read, limit, cx);
    }
    let woken = Arc::new(Woken { waker: cx.waker().clone(), already: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&woken));
    match poll_to_end(body, read, limit, &mut Context::from_waker(&waker)) {
        Poll::Pending if !woken.already.load(Ordering::Acquire) => Poll::Ready(Err(Error::StreamingBody)),
        other => other,
    }
}

fn poll_to_end<B>(
    mut body: Pin<&mut B>,
    read: &mut BytesMut,
    limit: usize,
    cx: &mut Context<'_>,
) -> Poll<Result<Bytes, Error>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > limit as u64 {
        return Poll::Ready(Err(Error::BodyTooLarge { limit }));
    }
    while let Some(frame) = ready!(body.as_mut().poll_frame(cx)) {
        let frame = frame.map_err(|error| Error::Body(error.into()));
        let Ok(data) = frame?.into_data() else { return Poll::Ready(Err(Error::Trailers)) };
        if data.len() > limit - read.len() {
            return Poll::Ready(Err(Error::BodyTooLarge { limit }));
        }
        if read.is_empty() && body.is_end_stream() {
            return Poll::Ready(Ok(data)); // the whole in one part, which need not be copied
        }
        read.extend_from_slice(&data);
    }
    Poll::Ready(Ok(mem::take(read).freeze()))
}

/// Notes whether it was woken. What is pending and has woken its task is not waiting for anybody: tokio's
/// streams do that when their task has worked for long.
struct Woken {
    waker: Waker,
    already: AtomicBool,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.already.store(true, Ordering::Release);
        self.waker.wake_by_ref();
    }
}
