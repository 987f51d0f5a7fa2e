//! One connection, and the searches on it.

use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchOptions, SearchResult, StdStream,
};
use tokio::net::TcpStream;
use url::Url;

use crate::address;
use crate::certificate::CertificateProblem;
use crate::entry::Entry;
use crate::error::LdapDirectoryError;
use crate::password::Password;

/// Where the server is and how to get in.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: Url,
    pub(crate) settings: LdapConnSettings,
    pub(crate) account: Option<(String, Password)>,
}

/// A connection that is bound.
pub(crate) struct Connection(Ldap);

/// No user or group search needs more answers: two entries for one name are an error already.
const MAX_ENTRIES: i32 = 1000;

impl Connection {
    pub(crate) async fn open(server: &Server) -> Result<Self, LdapDirectoryError> {
        let stream = address::connect(&server.url).await.and_then(TcpStream::into_std);
        let stream = stream.map_err(|error| LdapDirectoryError::Connect(error.into()))?;
        let settings = server.settings.clone().set_std_stream(StdStream::Tcp(stream));
        let connected = LdapConnAsync::from_url_with_settings(settings, &server.url).await;
        let (connection, mut ldap) = connected.map_err(not_connected)?;
        // It ends with the last handle.
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(target: "trusted_app", %error, "LDAP connection lost");
            }
        });
        if let Some((dn, password)) = &server.account {
            let bound = ldap.simple_bind(dn, password.expose()).await;
            bound
                .and_then(ldap3::LdapResult::success)
                .map_err(|error| LdapDirectoryError::Bind(error.into()))?;
        }
        Ok(Self(ldap))
    }

    pub(crate) fn is_closed(&mut self) -> bool {
        self.0.is_closed()
    }

    /// The entries below `base` that the filter covers.
    pub(crate) async fn search(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[String],
    ) -> Result<Vec<Entry>, LdapDirectoryError> {
        Ok(self.entries(base, Scope::Subtree, filter, attributes).await?.0)
    }

    /// The same, of which none may be missing.
    pub(crate) async fn search_everything(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[String],
    ) -> Result<Vec<Entry>, LdapDirectoryError> {
        match self.entries(base, Scope::Subtree, filter, attributes).await? {
            (entries, false) => Ok(entries),
            (_, true) => Err(LdapDirectoryError::Referred(base.to_owned())),
        }
    }

    /// The entry of that name, if the filter covers it. That there is none, or none that we may read, is an error.
    pub(crate) async fn read(
        &mut self,
        dn: &str,
        filter: &str,
        attributes: &[String],
    ) -> Result<Option<Entry>, LdapDirectoryError> {
        Ok(self.entries(dn, Scope::Base, filter, attributes).await?.0.pop())
    }

    /// The entries, and whether the server says that there may be more elsewhere.
    async fn entries(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[String],
    ) -> Result<(Vec<Entry>, bool), LdapDirectoryError> {
        self.0.with_search_options(SearchOptions::new().sizelimit(MAX_ENTRIES));
        let found = self.0.search(base, scope, filter, attributes.to_vec()).await;
        match found.and_then(SearchResult::success) {
            Ok((entries, result)) => {
                let entries: Result<_, _> = entries.into_iter().map(Entry::read).collect();
                Ok((entries?, !result.refs.is_empty()))
            }
            Err(error) => Err(LdapDirectoryError::Search { base: base.to_owned(), source: error.into() }),
        }
    }
}

fn not_connected(error: LdapError) -> LdapDirectoryError {
    match CertificateProblem::found_in(&error) {
        Some(problem) => LdapDirectoryError::Certificate(problem),
        None => LdapDirectoryError::Connect(error.into()),
    }
}
