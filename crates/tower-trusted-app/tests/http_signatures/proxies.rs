//! Fields that a proxy adds to a signed request.

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tower_trusted_app::HttpSignatures;
use tower_trusted_app::httpsig::{RequestMessage, SignaturePolicy, SigningRequest, UserField};
use tower_trusted_app::seraph;

use crate::support::{KEY, NOW, ORIGIN, Parts, Tracker, forum, send, tracker, tracker_of, wiki};
use crate::trusted_forum;

/// What must be covered where it is there, and what a proxy may write into it.
const FIELDS: [(HeaderName, &str); 7] = [
    (http::header::AUTHORIZATION, "Basic eDp5"),
    (http::header::CONTENT_ENCODING, "gzip"),
    (HeaderName::from_static("idempotency-key"), "\"8e03978e\""),
    (HeaderName::from_static("txn-token"), "eyJhbGciOi"),
    (HeaderName::from_static("x-http-method-override"), "DELETE"),
    (HeaderName::from_static("x-original-url"), "/rest/other"),
    (HeaderName::from_static("x-rewrite-url"), "/rest/other"),
];

fn naming(names: impl IntoIterator<Item = HeaderName>) -> Tracker {
    let policy = SignaturePolicy::default().with_proxy_fields(names).unwrap();
    tracker_of(vec![wiki(), trusted_forum()], HttpSignatures::default().policy(policy))
}

/// A request of alice's, signed with these fields, to which a proxy has added others.
fn request(signed: &[(HeaderName, &str)], added: &[(HeaderName, &str)]) -> Request<Parts> {
    let append = |headers: &mut HeaderMap, fields: &[(HeaderName, &str)]| {
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
    };
    let mut request = Request::get("/rest").body(Parts::default()).unwrap();
    append(request.headers_mut(), signed);
    let url = format!("{ORIGIN}/rest");
    let message = RequestMessage { method: request.method(), url: &url, headers: request.headers() };
    let signing = SigningRequest::new(UserField::new("alice").unwrap(), message, NOW);
    signing.sign(&KEY).unwrap().apply(request.headers_mut());
    append(request.headers_mut(), added);
    request
}

/// Status, code if refused, and the field's lines as the handler sees them.
async fn outcome(
    layer: &Tracker,
    name: &HeaderName,
    request: Request<Parts>,
) -> Result<Vec<HeaderValue>, (u16, String)> {
    let (answer, got) = send(layer, request).await;
    let Some(got) = got else { return Err(answer.refusal()) };
    assert_eq!((answer.status, got.user.as_deref()), (200, Some("alice")));
    Ok(got.headers.get_all(name).iter().cloned().collect())
}

#[tokio::test]
async fn a_proxys_field_is_removed_unless_the_signature_covers_it() {
    let other = HeaderName::from_static("x-other");
    for (name, value) in FIELDS {
        let field = (name.clone(), value);
        let (named, not_named) = (naming([name.clone()]), naming([other.clone()]));
        let seen = Ok(vec![HeaderValue::from_static(value)]);
        let invalid = Err((401, "invalid_signature".to_owned()));
        let coverage = Err((401, "coverage".to_owned()));
        for (layer, what, signed, added, expected) in [
            (&named, "added", 0, 1, Ok(vec![])),
            (&named, "added twice", 0, 2, Ok(vec![])),
            (&named, "signed", 1, 0, seen.clone()),
            (&named, "signed and added", 1, 1, invalid.clone()),
            (&named, "not there", 0, 0, Ok(vec![])),
            (&not_named, "added", 0, 1, coverage),
            (&not_named, "signed", 1, 0, seen),
            (&not_named, "signed and added", 1, 1, invalid),
        ] {
            let [signed, added] = [signed, added].map(|times| vec![field.clone(); times]);
            let got = outcome(layer, &name, request(&signed, &added)).await;
            assert_eq!(got, expected, "{name}: {what}");
        }
    }
}

/// All at once, with one that need not be covered.
#[tokio::test]
async fn the_fields_that_are_not_named_stay() {
    let [named, not_named] = ["x-request-id", "x-other"].map(HeaderName::from_static);
    let layer = naming(FIELDS.map(|(name, _)| name).into_iter().chain([named.clone()]));
    let added: Vec<_> = FIELDS.into_iter().chain([(named, "1"), (not_named, "2")]).collect();
    let (answer, got) = send(&layer, request(&[], &added)).await;
    let got = got.unwrap();
    let left = got.headers.keys().filter(|name| added.iter().any(|(added, _)| added == *name));
    assert_eq!((answer.status, left.map(HeaderName::as_str).collect::<Vec<_>>()), (200, vec!["x-other"]));
}

/// What a signature says nothing about is left to whatever answers it.
#[tokio::test]
async fn other_requests_keep_their_fields() {
    let (name, value) = (HeaderName::from_static("x-original-url"), HeaderValue::from_static("/rest/other"));
    let layer = naming([name.clone()]);
    let mut by_seraph = Request::get("/rest").body(Parts::default()).unwrap();
    let signing = seraph::SigningRequest::new("alice", "https://tracker.example.com/rest", NOW);
    signing.sign(&forum()).unwrap().apply(by_seraph.headers_mut());
    let anonymous = Request::get("/rest").body(Parts::default()).unwrap();
    for mut request in [by_seraph, anonymous] {
        request.headers_mut().insert(&name, value.clone());
        let (answer, got) = send(&layer.clone().optional(), request).await;
        assert_eq!((answer.status, got.unwrap().headers.get(&name)), (200, Some(&value)));
    }
}

#[tokio::test]
async fn identity_is_no_content_encoding() {
    let name = http::header::CONTENT_ENCODING;
    for value in ["identity", "Identity", "identity,IDENTITY", " , identity", ""] {
        let got = outcome(&tracker(), &name, request(&[], &[(name.clone(), value)])).await;
        assert!(got.is_ok(), "{value:?}: {got:?}");
    }
    for value in ["gzip", "identity, gzip", "identity;q=1", "x-identity", "br,"] {
        let got = outcome(&tracker(), &name, request(&[], &[(name.clone(), value)])).await;
        assert_eq!(got, Err((401, "coverage".to_owned())), "{value:?}");
    }
    let lines = [(name.clone(), "identity"), (name.clone(), "gzip")];
    let got = outcome(&tracker(), &name, request(&[], &lines)).await;
    assert_eq!(got, Err((401, "coverage".to_owned())));
}
