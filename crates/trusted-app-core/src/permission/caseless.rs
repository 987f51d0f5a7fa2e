//! When two names are the same although they are written differently.

use unicode_normalization::UnicodeNormalization;

/// Whether two names are the same but for letter case, by Unicode and no locale: for rules that reject, where a name
/// too many is the safe side, such as what is denied and which groups are of administrators.
///
/// Letters that have a capital in common are the same: `ß`, `ẞ` and `SS`; `σ` and `ς`; the Kelvin sign and `k`; also
/// `ı` and `i`. So are composed and decomposed letters (both sides are brought to normalization form C, UAX #15).
///
/// ```
/// use trusted_app_core::permission::caseless_eq;
///
/// assert!(caseless_eq("Admins", "ADMINS") && caseless_eq("Straße", "STRASSE"));
/// assert!(caseless_eq("M\u{fc}ller", "mu\u{308}ller"));
/// assert!(!caseless_eq("admins", "admin"));
/// ```
#[must_use]
pub fn caseless_eq(one: &str, other: &str) -> bool {
    /// Small first, for `ẞ` is a capital that its small letter does not lead back to.
    fn fold(name: &str) -> impl Iterator<Item = char> {
        let small = name.nfc().flat_map(char::to_lowercase);
        small.flat_map(char::to_uppercase).flat_map(char::to_lowercase)
    }
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    // Folding may put letters together that compose.
    fold(one).nfc().eq(fold(other).nfc())
}
