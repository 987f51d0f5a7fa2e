//! What is stated about a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ldap3::LdapConnSettings;
use trusted_app_core::permission::GroupNames;
use url::Url;

use crate::connection::Server;
use crate::directory::{Inner, LdapDirectory, UserSearch};
use crate::error::ConfigError;
use crate::group::GroupSearch;
use crate::password::Password;
use crate::pool::Pool;
use crate::tls;

/// Describes an [`LdapDirectory`].
#[must_use = "call `build`"]
pub struct LdapDirectoryBuilder {
    url: String,
    search: UserSearch,
    administrator_groups: Vec<Arc<str>>,
    account: Option<(String, Password)>,
    roots: Option<Vec<u8>>,
    plaintext: bool,
    connections: usize,
    idle_timeout: Duration,
    timeout: Duration,
}

impl LdapDirectory {
    /// Starts the description of a directory: the server, `ldap://` (with StartTLS) or `ldaps://`, and where its users
    /// are.
    pub fn builder(url: impl Into<String>, base: impl Into<String>) -> LdapDirectoryBuilder {
        LdapDirectoryBuilder::new(url.into(), base.into())
    }
}

impl LdapDirectoryBuilder {
    fn new(url: String, base: String) -> Self {
        Self {
            url,
            search: UserSearch {
                base,
                filter: "(objectClass=*)".to_owned(),
                name_attribute: "uid".to_owned(),
                enabled_filter: None,
                disabled_filter: None,
                groups: None,
                administrator_groups: GroupNames::default(),
                attributes: Vec::new(),
            },
            administrator_groups: Vec::new(),
            account: None,
            roots: None,
            plaintext: false,
            connections: 8,
            idle_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(4),
        }
    }

    /// Binds as this account, which needs to read only; anonymously by default.
    pub fn bind(mut self, dn: impl Into<String>, password: &str) -> Self {
        self.account = Some((dn.into(), Password::new(password)));
        self
    }

    /// The certificates, in PEM, of which one must have signed the server's; the system's roots by default.
    pub fn roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Speaks `ldap://` without TLS: whoever is on the way reads the password, and says who a user is.
    pub fn insecure_plaintext(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// The attribute that has a user's name; `uid` by default. An entry with several values of it is ambiguous.
    pub fn name_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.search.name_attribute = attribute.into();
        self
    }

    /// Which entries are users, such as `(objectClass=person)`; all below the base by default.
    pub fn user_filter(mut self, filter: impl Into<String>) -> Self {
        self.search.filter = filter.into();
        self
    }

    /// Which users may log in: who does not match is denied. In Active Directory
    /// `(&(userAccountControl=*)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))`. Everybody may unless this or
    /// [`disabled_filter`](Self::disabled_filter) is stated.
    ///
    /// Let it ask for an attribute that every user has, as that one does: where our account may not read it, nobody
    /// matches, and all are denied.
    pub fn enabled_filter(mut self, filter: impl Into<String>) -> Self {
        self.search.enabled_filter = Some(filter.into());
        self
    }

    /// Which users may not log in, such as `(pwdAccountLockedTime=*)` or `(nsAccountLock=TRUE)`, beside those who do not
    /// match the [`enabled_filter`](Self::enabled_filter). For servers that mark only those who are disabled.
    ///
    /// **An attribute that our account may not read matches nothing: then everybody may log in.** Check with a user who
    /// is disabled, and prefer `enabled_filter` where every user has the attribute.
    pub fn disabled_filter(mut self, filter: impl Into<String>) -> Self {
        self.search.disabled_filter = Some(filter.into());
        self
    }

    /// How a user's groups are found; nobody is in any by default.
    pub fn groups(mut self, groups: GroupSearch) -> Self {
        self.search.groups = Some(groups);
        self
    }

    /// Who is in one of these groups is an administrator: an application may not act as them unless its policy says so.
    /// By default no user is one. The names are those that [`groups`](Self::groups) finds, such as `admins`, and never
    /// distinguished names, which are warned of in the log. They are compared
    /// [without regard to letter case](trusted_app_core::permission::caseless_eq). `groups` must say how a user's groups
    /// are found.
    pub fn administrator_groups<G: Into<Arc<str>>>(mut self, groups: impl IntoIterator<Item = G>) -> Self {
        self.administrator_groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// Attributes that handlers shall see, such as `mail`.
    pub fn attributes<A: Into<String>>(mut self, attributes: impl IntoIterator<Item = A>) -> Self {
        self.search.attributes = attributes.into_iter().map(Into::into).collect();
        self
    }

    /// How many connections there may be at once; 8 by default. Further look-ups wait.
    pub fn connections(mut self, max: usize) -> Self {
        self.connections = max;
        self
    }

    /// For how long a connection without work is kept; 60 seconds by default. Less than what a firewall on the way
    /// forgets connections after, and the server closes them after.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long a look-up may take in all, waiting and connecting included; 4 seconds by default. The layer has a
    /// bound of its own, 5 seconds by default. A connection that was kept has half of it, so that the rest is enough
    /// for a fresh one if something on the way has silently forgotten it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Checks the description. The server is asked for nothing yet.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that says what to change.
    pub fn build(mut self) -> Result<LdapDirectory, ConfigError> {
        self.check()?;
        self.search.administrator_groups = GroupNames::new(self.administrator_groups)?;
        let url = Url::parse(&self.url).ok().filter(|url| {
            matches!(url.scheme(), "ldap" | "ldaps") && url.host_str().is_some_and(|host| !host.is_empty())
        });
        let shown = without_account(&self.url);
        if shown != self.url {
            return Err(ConfigError::Account(shown));
        }
        let url = url.ok_or(ConfigError::Url(shown))?;
        let mut settings = LdapConnSettings::new();
        if url.scheme() == "ldaps" || !self.plaintext {
            let roots = self.roots.as_deref().map_or_else(tls::system_roots, tls::roots)?;
            settings = settings.set_starttls(url.scheme() == "ldap").set_config(tls::config(roots)?);
        }
        let server = Server { url, settings, account: self.account };
        for warning in self.search.administrator_groups.warnings() {
            tracing::warn!(target: "trusted_app", "group of administrators: {warning}");
        }
        let pool = Pool::new(server, self.connections, self.idle_timeout);
        Ok(LdapDirectory::new(Inner { pool, search: self.search, timeout: self.timeout }))
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.connections == 0 || self.timeout.is_zero() || self.idle_timeout.is_zero() {
            return Err(ConfigError::Zero);
        }
        if self.account.as_ref().is_some_and(|(_, password)| password.expose().is_empty()) {
            return Err(ConfigError::EmptyPassword);
        }
        let search = &self.search;
        if search.groups.is_none() && !self.administrator_groups.is_empty() {
            return Err(ConfigError::NoGroupSearch);
        }
        if search.groups.as_ref().is_some_and(|groups| !groups.is_complete()) {
            return Err(ConfigError::PrimaryGroupNotStated);
        }
        let groups = search.groups.iter().flat_map(GroupSearch::attributes);
        let stated = search.attributes.iter().map(String::as_str);
        for attribute in [&*search.name_attribute].into_iter().chain(groups).chain(stated) {
            if !is_attribute(attribute) {
                return Err(ConfigError::Attribute(attribute.to_owned()));
            }
        }
        let of_state = search.enabled_filter.iter().chain(&search.disabled_filter);
        for filter in [&search.filter].into_iter().chain(of_state) {
            if ldap3::parse_filter(filter).is_err() || !filter.starts_with('(') {
                return Err(ConfigError::Filter(filter.clone()));
            }
        }
        Ok(())
    }
}

/// A descriptor or an object identifier, with options (RFC 4512, section 2.5).
fn is_attribute(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.;_".contains(&byte))
}

/// A URL without the account and the password that may stand before its host.
fn without_account(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://{}", rest.get(at + 1..).unwrap_or_default()),
        None => url.to_owned(),
    }
}

impl fmt::Debug for LdapDirectoryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapDirectoryBuilder")
            .field("url", &without_account(&self.url))
            .field("search", &self.search)
            .field("administrator_groups", &self.administrator_groups)
            .field("account", &self.account)
            .field("plaintext", &self.plaintext)
            .field("connections", &self.connections)
            .field("idle_timeout", &self.idle_timeout)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
