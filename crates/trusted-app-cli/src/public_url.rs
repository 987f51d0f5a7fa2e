//! The options that say which URL a server takes a request to be for.

use clap::{Args, ValueEnum};
use tower_trusted_app::{
    KeyStore, LayerError, SignedUrl, TrustedAppLayer, TrustedAppLayerBuilder, UserDirectory,
};

#[derive(Debug, Args)]
pub(crate) struct PublicUrlOptions {
    /// How the request came, if neither it nor --public-url says so; http by default
    #[arg(long, value_enum)]
    scheme: Option<UrlScheme>,

    /// The path under which the application is mounted, such as /jira
    #[arg(long, value_name = "P", default_value = "", hide_default_value = true)]
    context_path: String,

    /// The server's public base URL, as the other side signs it
    ///
    /// Without it the URL that the head itself states is taken: --scheme, the host of the target or of the
    /// Host header, and the target. No server should do that, but it shows what the peer signed.
    ///
    /// A Seraph signature holds for this URL as it is written here and for its normal form: small letters, no default
    /// port, no dot at the host's end. An HTTP message signature holds for the normal form.
    #[arg(long, value_name = "U")]
    public_url: Option<SignedUrl>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum UrlScheme {
    Http,
    Https,
}

impl PublicUrlOptions {
    /// Begins the layer of a server that is reached in this way.
    pub(crate) fn layer<K: KeyStore, D: UserDirectory>(
        &self,
        keys: K,
        users: D,
    ) -> TrustedAppLayerBuilder<K, D> {
        let signed_url = self.public_url.clone().unwrap_or_else(|| match self.scheme {
            None | Some(UrlScheme::Http) => SignedUrl::insecure_from_request(),
            Some(UrlScheme::Https) => SignedUrl::insecure_from_https_request(),
        });
        TrustedAppLayer::builder(keys, users, signed_url).context_path(&self.context_path)
    }

    /// The same for the request as its client sent it: the URL is the one that the request itself states. It came to
    /// the public URL, so by its scheme, unless `--scheme` says otherwise.
    pub(crate) fn of_the_client(&self) -> Self {
        let is_https = self.public_url.as_ref().is_some_and(|url| url.to_string().starts_with("https:"));
        let scheme = self.scheme.or_else(|| is_https.then_some(UrlScheme::Https));
        Self { scheme, context_path: String::new(), public_url: None }
    }

    pub(crate) fn has_public_url(&self) -> bool {
        self.public_url.is_some()
    }
}

/// Names the option where a layer cannot be built for it.
pub(crate) fn in_words_of_options(error: LayerError) -> anyhow::Error {
    match error {
        LayerError::ContextPath(error) => anyhow::Error::new(error).context("--context-path"),
        other => other.into(),
    }
}
