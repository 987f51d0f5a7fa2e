//! Thumbprints as people compare them.

use tower_trusted_app::crypto::Thumbprint;

/// A thumbprint in groups of four characters.
#[must_use]
pub fn thumbprint_groups(thumbprint: &Thumbprint) -> String {
    let characters: Vec<char> = thumbprint.to_string().chars().collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}
