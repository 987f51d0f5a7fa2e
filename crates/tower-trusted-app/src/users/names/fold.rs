//! Spellings that are one name.

use std::borrow::Cow;
use std::sync::Arc;

use trusted_app_core::store::{FoldedDirectory, FoldedName, NameFold, NameLookup};
use trusted_app_core::{TrustedApplication, UserDirectory, UserLookup};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::log::log_tried;

/// Letter case does not count: JIRA's habit. By Unicode's rules and by no locale's.
#[derive(Debug, Clone, Copy, Default)]
pub struct LowerCase;

impl NameFold for LowerCase {
    fn fold<'n>(&self, name: &'n str) -> Cow<'n, str> {
        if name.chars().all(|character| character.to_lowercase().eq([character])) {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(name.to_lowercase())
        }
    }
}

/// Composed and decomposed letters are the same: Unicode's normalization form C. Compatible ones, such
/// as full-width letters and ligatures, stay apart.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nfc;

impl NameFold for Nfc {
    fn fold<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match is_nfc_quick(name.chars()) {
            IsNormalized::Yes => Cow::Borrowed(name),
            _ => Cow::Owned(name.nfc().collect()),
        }
    }
}

/// A directory in which all spellings that fold to one key are one name. Made by
/// [`folding`](crate::users::UserDirectoryExt::folding).
#[derive(Debug, Clone)]
pub struct Folded<D, F> {
    directory: D,
    fold: F,
}

impl<D, F> Folded<D, F> {
    pub(in crate::users) fn new(directory: D, fold: F) -> Self {
        Self { directory, fold }
    }
}

impl<D: FoldedDirectory, F: NameFold> UserDirectory for Folded<D, F> {
    type User = D::User;
    type Error = D::Error;

    async fn user(
        &self,
        application: &TrustedApplication,
        name: &str,
    ) -> Result<UserLookup<D::User>, D::Error> {
        let folded = FoldedName::new(name, &self.fold);
        let answer = self.directory.folded_user(application, &folded).await?;
        log_tried(application, name, folded.key(), &answer);
        Ok(answer)
    }

    /// Rules are about canonical names, which are not mapped.
    async fn knows_user(&self, name: &str) -> Result<NameLookup, D::Error> {
        self.directory.knows_user(name).await
    }

    async fn knows_group(&self, name: &str) -> Result<NameLookup, D::Error> {
        self.directory.knows_group(name).await
    }

    fn administrator_groups(&self) -> &[Arc<str>] {
        self.directory.administrator_groups()
    }
}
