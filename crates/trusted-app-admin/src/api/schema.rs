//! What OpenAPI says of an application. The core writes its JSON and knows nothing of OpenAPI.
//!
//! Types have the names and the fields of those in [`tower_trusted_app::application`]; a test compares the fields.

#![expect(dead_code, reason = "only the schemas are used")]

use tower_trusted_app::application;
use tower_trusted_app::conditions;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Object, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An application in the words of its TOML.
#[derive(ToSchema)]
pub(super) struct ShownApplication {
    /// The id that its requests carry.
    id: String,
    /// The name for people.
    name: String,
    /// The URL of the key directory from which its `jwk` keys come.
    #[schema(required = false)]
    key_directory: String,
    /// How old a request may be when it arrives, in milliseconds.
    timeout_ms: u64,
    /// Where its requests may come from.
    addresses: RuleDescription,
    /// Which paths it may ask for.
    paths: RuleDescription,
    /// Which methods it may use, such as `GET`.
    methods: RuleDescription,
    /// How its requests prove themselves.
    schemes: Vec<Scheme>,
    replay_protection: ReplayProtection,
    /// Whether HTTP message signatures may leave the body out.
    insecure_unsigned_bodies: bool,
    /// The smallest RSA key that is allowed, in bits; only where it is below the default.
    #[schema(required = false)]
    insecure_min_rsa_bits: u32,
    act_as: ActAsDescription,
    keys: Vec<ShownKey>,
    /// What is allowed but hardly meant.
    warnings: Vec<String>,
}

/// A key as it is written, and by what people compare it.
#[derive(ToSchema)]
pub(super) struct ShownKey {
    /// A key of Seraph's: its SubjectPublicKeyInfo in base64.
    #[schema(required = false)]
    spki: String,
    /// A key for HTTP message signatures.
    #[schema(required = false, value_type = Object)]
    jwk: (),
    state: KeyState,
    /// The first instant at which it is good.
    #[schema(required = false, format = DateTime)]
    not_before: String,
    /// The last instant at which it is good.
    #[schema(required = false, format = DateTime)]
    not_after: String,
    /// The SHA-256 of a key of Seraph's.
    #[schema(required = false)]
    fingerprint: String,
    /// The size of a key of Seraph's.
    #[schema(required = false)]
    bits: u32,
    /// The SHA-256 of a JWK (RFC 7638).
    #[schema(required = false)]
    thumbprint: String,
    /// The algorithm of a key for HTTP message signatures, such as `ed25519`.
    #[schema(required = false)]
    algorithm: String,
}

/// Whom an application may act as.
#[derive(ToSchema)]
pub(super) struct ActAsDescription {
    /// Only these, and who is in one of the `groups`; everybody if neither list is there.
    #[schema(required = false)]
    users: Vec<String>,
    /// Only the users of these, and the `users`.
    #[schema(required = false)]
    groups: Vec<String>,
    /// None of these.
    deny_users: Vec<String>,
    /// None of the users of these.
    deny_groups: Vec<String>,
    /// Only by safe methods.
    read_only: bool,
    /// Administrators too.
    insecure_administrators: bool,
}

/// The word `any`, or a list.
pub(super) struct RuleDescription;

impl ToSchema for RuleDescription {}

impl PartialSchema for RuleDescription {
    fn schema() -> RefOr<Schema> {
        let rule = OneOfBuilder::new().item(words(["any"], "Everything."));
        let entries = ArrayBuilder::new().items(Object::with_type(Type::String));
        rule.item(entries.description(Some("Only these; or `any` alone."))).into()
    }
}

/// Where a key stands in a rotation.
pub(super) struct KeyState;

impl ToSchema for KeyState {}

impl PartialSchema for KeyState {
    fn schema() -> RefOr<Schema> {
        let states = application::KeyState::ALL.map(application::KeyState::as_str);
        words(states, "Where it stands in a rotation.").into()
    }
}

/// A scheme.
pub(super) struct Scheme;

impl ToSchema for Scheme {}

impl PartialSchema for Scheme {
    fn schema() -> RefOr<Schema> {
        words(application::Scheme::ALL.iter().map(|scheme| scheme.as_str()), "How a request proves itself.")
            .into()
    }
}

/// Which requests count once only.
pub(super) struct ReplayProtection;

impl ToSchema for ReplayProtection {}

impl PartialSchema for ReplayProtection {
    fn schema() -> RefOr<Schema> {
        let rules = conditions::ReplayProtection::ALL.map(conditions::ReplayProtection::as_str);
        words(rules, "Which requests count once only.").into()
    }
}

/// One of these words.
fn words(words: impl IntoIterator<Item = &'static str>, description: &str) -> Object {
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
    word.description(Some(description)).build()
}
