//! The signature itself, which is compared and not shown.

use anyhow::Context;
use http::{HeaderMap, HeaderValue};
use tower_trusted_app::httpsig::{Credentials, SIGNATURE, SignatureFields};
use tower_trusted_app::seraph;

/// Whether there is one at all, of either scheme.
pub(super) fn is_in(headers: &HeaderMap) -> bool {
    match SignatureFields::attempted(headers) {
        true => headers.contains_key(SIGNATURE),
        false => headers.contains_key(seraph::CERTIFICATE) && headers.contains_key(seraph::SIGNATURE),
    }
}

/// The one with the profile's tag, of those that the field has.
pub(super) fn of_profile(headers: &HeaderMap) -> anyhow::Result<Vec<u8>> {
    let fields = SignatureFields::of(headers)?;
    let members = headers.get_all(SIGNATURE).iter().filter_map(|line| line.to_str().ok());
    // Base64 has no comma. The tagged one is that without which there are no credentials.
    let label = members.flat_map(|line| line.split(',')).find_map(|member| {
        let mut alone = headers.clone();
        alone.insert(SIGNATURE, HeaderValue::from_str(member.trim()).ok()?);
        Credentials::parse(&SignatureFields::of(&alone).ok()?).ok()??;
        Some(member.split_once('=')?.0.trim())
    });
    Ok(fields.signature(label.context("the field signature has none with the tag `trusted-app`")?)?)
}

pub(super) fn of_seraph(headers: &HeaderMap) -> Option<Vec<u8>> {
    headers.get(seraph::SIGNATURE).map(|value| value.as_bytes().to_vec())
}
