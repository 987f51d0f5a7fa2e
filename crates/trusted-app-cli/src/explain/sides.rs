//! Which URL each of the two sides takes a request to be for.

use clap::error::Result;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::public_url::PublicUrlOptions;

#[derive(Debug)]
pub(super) struct Sides {
    /// The request as it states itself. It came to the public URL, so by its scheme, unless `--scheme` says otherwise.
    pub(super) client: PublicUrlOptions,
    pub(super) server: PublicUrlOptions,
}

impl FromArgMatches for Sides {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self> {
        let server = PublicUrlOptions::from_arg_matches(matches)?;
        let client = match scheme_of_public_url(matches) {
            Some(scheme) => of_scheme(&scheme)?,
            None => server.of_the_client(),
        };
        Ok(Self { client, server })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<()> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Sides {
    fn augment_args(command: Command) -> Command {
        PublicUrlOptions::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        PublicUrlOptions::augment_args_for_update(command)
    }
}

/// `None` where `--scheme` is given, or no public URL.
fn scheme_of_public_url(matches: &ArgMatches) -> Option<String> {
    if matches.value_source("scheme") == Some(ValueSource::CommandLine) {
        return None;
    }
    let url = matches.get_raw("public_url")?.next()?.to_str()?;
    url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase())
}

fn of_scheme(scheme: &str) -> Result<PublicUrlOptions> {
    let command = PublicUrlOptions::augment_args(Command::new("explain").no_binary_name(true));
    PublicUrlOptions::from_arg_matches(&command.try_get_matches_from(["--scheme", scheme])?)
}
