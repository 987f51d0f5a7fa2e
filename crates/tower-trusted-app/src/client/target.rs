//! Where a request goes: the URL to sign, and the request brought to agree with it.

use std::sync::Arc;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};

use super::act_as::ActAs;
use super::error::Error;
use super::origin::Origin;

/// The origins a layer signs for.
#[derive(Debug, Clone, Default)]
pub(super) struct Origins {
    /// Where requests in origin form go.
    pub(super) own: Option<Origin>,
    /// The others that are signed for. With neither, any origin is.
    pub(super) listed: Option<Arc<[Origin]>>,
}

impl Origins {
    /// The URL that a request will be received under. On success `uri` and the `Host` header spell
    /// its origin as the URL does, and `act_as` is bound to it.
    pub(super) fn settle(
        &self,
        act_as: &ActAs,
        uri: &mut Uri,
        headers: &mut HeaderMap,
    ) -> Result<String, Error> {
        let origin = self.origin_of(uri)?;
        self.check(&origin)?;
        settle_host(&origin, headers)?;
        settle_uri(&origin, uri)?;
        act_as.bind(&origin)?;
        let mut url = format!("{origin}{}", uri.path());
        if let Some(query) = uri.query() {
            url.push('?');
            url.push_str(query);
        }
        Ok(url)
    }

    fn origin_of(&self, uri: &Uri) -> Result<Origin, Error> {
        match (uri.scheme(), uri.authority()) {
            (Some(scheme), Some(authority)) => Ok(Origin::new(scheme, authority)?),
            (None, None) if uri.path().starts_with('/') => self.own.clone().ok_or(Error::NoOrigin),
            _ => Err(Error::NoUrl),
        }
    }

    fn check(&self, requested: &Origin) -> Result<(), Error> {
        let mut allowed = self.own.iter().chain(self.listed.iter().flat_map(|listed| listed.iter()));
        let any = self.own.is_none() && self.listed.is_none();
        if any || allowed.clone().any(|origin| origin == requested) {
            return Ok(());
        }
        Err(Error::ForeignOrigin {
            requested: requested.clone(),
            allowed: allowed.by_ref().cloned().collect(),
        })
    }
}

/// Gives an absolute URI the origin's spelling: clients make `Host` and `:authority` of it.
fn settle_uri(origin: &Origin, uri: &mut Uri) -> Result<(), Error> {
    if uri.authority().is_none_or(|authority| authority.as_str() == origin.authority().as_str()) {
        return Ok(());
    }
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(origin.authority().clone());
    *uri = Uri::from_parts(parts).map_err(|_| Error::NoUrl)?;
    Ok(())
}

/// Holds a `Host` header, if there is one, against the origin and gives it the origin's spelling.
fn settle_host(origin: &Origin, headers: &mut HeaderMap) -> Result<(), Error> {
    let disagrees = || Error::HostDisagrees(origin.clone());
    let mut hosts = headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else { return Ok(()) };
    let named = Authority::try_from(host.as_bytes())
        .ok()
        .and_then(|authority| Origin::new(origin.scheme(), &authority).ok());
    if named.as_ref() != Some(origin) || hosts.next().is_some() {
        return Err(disagrees());
    }
    let settled = HeaderValue::from_str(origin.authority().as_str()).map_err(|_| disagrees())?;
    headers.insert(HOST, settled);
    Ok(())
}
