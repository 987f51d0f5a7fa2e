//! User names that are not the same in both applications.
//!
//! Names match byte for byte unless you say otherwise, and a mapping never guesses. There are two kinds:
//!
//! * A **fold** says which spellings are one name ([`LowerCase`], [`Nfc`], or a tuple of folds). The
//!   directory is asked for *all* its users who fold to the name, and two are an error.
//! * A **rewrite** makes another name of a name ([`StripDomain`], [`NameTable`]).
//!
//! They wrap a directory, and the outermost sees the peer's name first:
//!
//! ```
//! use tower_trusted_app::users::names::{LowerCase, Nfc, StripDomain};
//! use tower_trusted_app::users::{MemoryDirectory, UserDirectoryExt};
//!
//! // `CORP\Alice` is stripped to `Alice` and folded to `alice`.
//! let users = MemoryDirectory::of_names(["alice", "bob"])
//!     .folding((Nfc, LowerCase))
//!     .rewriting(StripDomain::of(["CORP", "corp.example.com"]));
//! ```
//!
//! | the peer's name | with | is asked for as |
//! |---|---|---|
//! | `ALICE` | `LowerCase` | `alice` |
//! | `TITLE` | `LowerCase` | `title`, in Turkey too: no locale is asked |
//! | `İnci` | `LowerCase` | `i̇nci`, with a combining dot: not `inci` |
//! | `ınci` | `LowerCase` | `ınci`: not `inci` |
//! | `STRASSE` | `LowerCase` | `strasse`: not `straße` |
//! | `zoe` and U+0308 | `Nfc` | `zoë` |
//! | full-width `ａｌｉｃｅ` | either | itself: not `alice`, which is NFKC's idea |
//! | `alice` with a zero-width or bidi character | either | itself: nothing is dropped |
//! | `CORP\alice`, `alice@corp` | `StripDomain::of(["CORP"])` | `alice` |
//! | `OTHER\alice` | `StripDomain::of(["CORP"])` | itself: another domain's alice is another alice |
//!
//! Where a mapped name finds nobody, or more than one, the log has the name that was tried.

mod fold;
mod log;
mod rewrite;

pub use fold::{Folded, LowerCase, Nfc};
pub use rewrite::{NameRewrite, NameTable, NameTableError, Rewrite, Rewritten, StripDomain};
pub use trusted_app_core::store::{Exact, FoldedDirectory, FoldedName, NameFold};
