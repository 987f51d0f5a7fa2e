//! An application made from its description.

use std::time::Duration;

use super::key::ReadKey;
use super::{ApplicationDescription, DescriptionError, FieldSegment, RuleDescription};
use crate::application::{Scheme, TrustedApplication};

const RULE: &str = "a list, or the string \"any\"";
const KEYS: &str = "at least one key, such as [{ spki = \"…\" }] with base64 or PEM, or [{ jwk = { … } }]";

impl ApplicationDescription {
    /// The application that is described.
    ///
    /// # Errors
    ///
    /// All that is wrong with the values of single fields, in their order; or, if nothing is, that they make no
    /// application. Never empty.
    pub fn build(&self) -> Result<TrustedApplication, Vec<DescriptionError>> {
        let mut errors = Vec::new();
        let (mut keys, mut signature_keys) = (Vec::new(), Vec::new());
        for (at, key) in self.keys.iter().enumerate() {
            match key.read() {
                Ok(ReadKey::Spki(key)) => keys.push(key),
                Ok(ReadKey::Jwk(key)) => signature_keys.push(key),
                Err((field, problem)) => {
                    let error = DescriptionError::new(field.map(Into::into), problem);
                    errors.push(error.within(FieldSegment::Index(at)).within("keys".into()));
                }
            }
        }
        if self.keys.is_empty() {
            errors.push(DescriptionError::missing("keys", KEYS));
        }
        let addresses = rule("addresses", self.addresses.as_ref(), &mut errors);
        let paths = rule("paths", self.paths.as_ref(), &mut errors);
        let methods =
            rule("methods", Some(self.methods.as_ref().unwrap_or(&RuleDescription::Any)), &mut errors);
        let (Some(addresses), Some(paths), Some(methods), true) =
            (addresses, paths, methods, errors.is_empty())
        else {
            return Err(errors);
        };

        let scheme = if keys.is_empty() { Scheme::HttpSignature } else { Scheme::SeraphV3 };
        let mut application = TrustedApplication::described(self.id.clone(), keys, signature_keys, scheme)
            .addresses(addresses)
            .paths(paths)
            .methods(methods)
            .replay_protection(self.replay_protection.unwrap_or_default())
            .insecure_unsigned_bodies(self.insecure_unsigned_bodies.unwrap_or_default());
        if let Some(name) = &self.name {
            application = application.name(name);
        }
        if let Some(url) = &self.key_directory {
            application = application.key_directory(url);
        }
        if let Some(timeout) = self.timeout_ms {
            application = application.timeout(Duration::from_millis(timeout));
        }
        if let Some(act_as) = &self.act_as {
            application = application.act_as(act_as.into());
        }
        if let Some(schemes) = &self.schemes {
            application = application.schemes(schemes.iter().copied());
        }
        if let Some(bits) = self.insecure_min_rsa_bits {
            application = application.insecure_min_rsa_bits(bits);
        }
        application.build().map_err(|error| vec![error.into()])
    }
}

impl TryFrom<&ApplicationDescription> for TrustedApplication {
    type Error = DescriptionError;

    /// As [`ApplicationDescription::build`]; the error is the first.
    fn try_from(written: &ApplicationDescription) -> Result<Self, DescriptionError> {
        written.build().map_err(|errors| {
            let first = errors.into_iter().next();
            first.unwrap_or_else(|| DescriptionError::missing("keys", KEYS)) // there is always one
        })
    }
}

/// The rule of a field that must be there.
fn rule<'d, R: TryFrom<&'d RuleDescription, Error = DescriptionError>>(
    field: &str,
    written: Option<&'d RuleDescription>,
    errors: &mut Vec<DescriptionError>,
) -> Option<R> {
    let rule = match written {
        Some(written) => R::try_from(written).map_err(|error| error.within(field.into())),
        None => Err(DescriptionError::missing(field, RULE)),
    };
    rule.map_err(|error| errors.push(error)).ok()
}
