//! Applications written as the TOML that [`parse_applications`](super::parse_applications) reads.

use serde::Serialize;
use toml::ser::ValueSerializer;
use trusted_app_core::TrustedApplication;
use trusted_app_core::application::{ActAsDescription, ApplicationDescription, KeyState, RuleDescription};
use trusted_app_core::conditions::ReplayProtection;

/// Writes applications as the TOML that [`parse_applications`](super::parse_applications) reads: what
/// comes back is equal in every field. None are written as `application = []`, which says that none are meant.
///
/// ```
/// use tower_trusted_app::keys::{parse_applications, write_applications};
///
/// # let key = include_str!("../../../../trusted-app-core/tests/data/public-key-2048.txt").trim();
/// let text = format!("[[application]]\nid = 'wiki'\nkeys = [{{ spki = '{key}' }}]\naddresses = 'any'\npaths = ['/rest']");
/// let applications = parse_applications(&text)?.applications;
/// let written = write_applications(&applications);
/// assert_eq!(write_applications(&parse_applications(&written)?.applications), written);
/// # Ok::<_, tower_trusted_app::keys::TomlError>(())
/// ```
#[must_use]
pub fn write_applications<'a>(applications: impl IntoIterator<Item = &'a TrustedApplication>) -> String {
    let texts: Vec<_> = applications.into_iter().map(|application| text(&brief(application))).collect();
    if texts.is_empty() { "application = []\n".to_owned() } else { texts.join("\n") }
}

/// Each field in a line of its own, so that another one can be written below them.
fn text(written: &ApplicationDescription) -> String {
    let ApplicationDescription {
        id,
        name,
        key_directory,
        timeout_ms,
        addresses,
        paths,
        methods,
        schemes,
        replay_protection,
        insecure_unsigned_bodies,
        insecure_min_rsa_bits,
        act_as,
        keys,
    } = written;
    let mut text = "[[application]]\n".to_owned();
    field(&mut text, "id", Some(id));
    field(&mut text, "name", name.as_ref());
    field(&mut text, "key_directory", key_directory.as_ref());
    field(&mut text, "timeout_ms", timeout_ms.as_ref());
    field(&mut text, "addresses", addresses.as_ref());
    field(&mut text, "paths", paths.as_ref());
    field(&mut text, "methods", methods.as_ref());
    field(&mut text, "schemes", schemes.as_ref());
    field(&mut text, "replay_protection", replay_protection.as_ref());
    field(&mut text, "insecure_unsigned_bodies", insecure_unsigned_bodies.as_ref());
    field(&mut text, "insecure_min_rsa_bits", insecure_min_rsa_bits.as_ref());
    field(&mut text, "act_as", act_as.as_ref());
    field(&mut text, "keys", Some(keys));
    text
}

fn field(text: &mut String, name: &str, value: Option<&impl Serialize>) {
    let Some(value) = value else { return };
    text.extend([name, " = "]);
    let written = value.serialize(ValueSerializer::new(text)).map(drop);
    written.expect("TOML has lists, tables, texts, truths and numbers of 63 bits, and there is nothing else");
    text.push('\n');
}

/// A description without what goes without saying.
fn brief(application: &TrustedApplication) -> ApplicationDescription {
    let mut brief = ApplicationDescription::from(application);
    brief.name.take_if(|name| name == brief.id.as_str());
    brief.methods.take_if(|methods| *methods == RuleDescription::Any);
    brief.act_as.take_if(|act_as| *act_as == ActAsDescription::default());
    brief.replay_protection.take_if(|protection| *protection == ReplayProtection::Off);
    brief.insecure_unsigned_bodies.take_if(|allowed| !*allowed);
    for key in &mut brief.keys {
        key.state.take_if(|state| *state == KeyState::Active);
    }
    brief
}
