//! Reading a body before the inner service gets it: to its end, or to the first byte where none may come.

use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};

use bytes::{Bytes, BytesMut};
use http_body::Body;
use trusted_app_core::content::DigestHasher;
use trusted_app_core::{BoxError, Rejection};

use crate::budget::Reservation;
use crate::http_signatures::HttpSignatures;
use crate::timeout::within;

/// A body that was read to its end and found to be the one that was signed.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    pub(super) reservation: Reservation,
}

/// Reads a body whose digest was signed; without a digest no byte may come.
pub(super) async fn hold<B>(
    body: B,
    digest: Option<DigestHasher>,
    signatures: &HttpSignatures,
) -> Result<Held, Rejection>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > signatures.limit as u64 {
        return Err(Rejection::ContentTooLarge { limit: signatures.limit });
    }
    let body = pin!(body);
    let has_digest = digest.is_some();
    let read = pin!(async {
        match digest {
            Some(digest) => collect(body, digest, signatures).await,
            None => nothing(body, signatures).await,
        }
    });
    within(signatures.within, read).await.unwrap_or_else(|| {
        Err(match has_digest {
            true => Rejection::ContentNotHeld { reason: "it did not come in time" },
            false => not_covered("the request announces content, and does not end in time"),
        })
    })
}

async fn collect<B: Body<Data = Bytes>>(
    mut body: Pin<&mut B>,
    mut digest: DigestHasher,
    signatures: &HttpSignatures,
) -> Result<Held, Rejection> {
    let limit = signatures.limit;
    let mut reservation = signatures.budget.reserve_nothing();
    // A body that comes in one part is not copied.
    let (mut one, mut more) = (Bytes::new(), BytesMut::new());
    while let Some(data) = next(body.as_mut()).await? {
        digest.update(&data);
        let length = one.len() + more.len();
        if data.len() > limit - length {
            return Err(Rejection::ContentTooLarge { limit });
        }
        if !reservation.grow(data.len()) {
            return Err(Rejection::ContentNotHeld { reason: "the memory for bodies is full" });
        }
        if length == 0 {
            one = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&mem::take(&mut one));
            }
            more.extend_from_slice(&data);
        }
    }
    if !digest.is_match() {
        return Err(Rejection::ContentMismatch);
    }
    Ok(Held { bytes: if more.is_empty() { one } else { more.freeze() }, reservation })
}

async fn nothing<B: Body<Data = Bytes>>(
    mut body: Pin<&mut B>,
    signatures: &HttpSignatures,
) -> Result<Held, Rejection> {
    match next(body.as_mut()).await? {
        Some(_) => Err(not_covered("the request has content")),
        None => Ok(Held { bytes: Bytes::new(), reservation: signatures.budget.reserve_nothing() }),
    }
}

/// The next part that is not empty. Nobody signed trailers.
async fn next<B: Body<Data = Bytes>>(mut body: Pin<&mut B>) -> Result<Option<Bytes>, Rejection> {
    loop {
        match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if !data.is_empty() => return Ok(Some(data)),
                _ => {}
            },
            Some(Err(_)) => return Err(Rejection::Malformed { problem: "the body breaks off".to_owned() }),
            None => return Ok(None),
        }
    }
}

/// Why a body is rejected for which no digest was signed.
fn not_covered(why: &str) -> Rejection {
    Rejection::NotCovered { what: format!("`content-digest` and `content-type`: {why}") }
}
