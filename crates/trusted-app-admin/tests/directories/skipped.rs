//! Entries of a key directory that give no key, beside others that do.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::crypto::PrivateSignatureKey;
use trusted_app_admin::{Administrator, ApplicationEdit};

use crate::publisher::{Publisher, key, world};
use crate::refresh::Registration;

const UNKNOWN: &str = r#"{"kty":"AKP","alg":"ML-DSA-65","kid":"next-year","pub":"AAAA"}"#;

fn entry(key: &PrivateSignatureKey) -> String {
    key.public_key().to_jwk()
}

fn with(key: &PrivateSignatureKey, member: &str) -> String {
    entry(key).replace('}', &format!(",{member}}}"))
}

#[tokio::test]
async fn what_is_gone_is_withdrawn_beside_a_key_of_an_unknown_kind() {
    let (gone, good) = (key(), key());
    let wiki = Registration::of(&[gone.clone(), good.clone()]).await;
    wiki.world.clock.advance(std::time::Duration::from_secs(60));
    wiki.publisher.publish_entries(&[entry(&good), UNKNOWN.to_owned()], std::slice::from_ref(&good));
    let path = format!("/api/v1/applications/{}/key-directory-refreshes", wiki.id());
    let request = Request::post(path).header("x-user", "admin").header("content-type", "application/json");
    let refreshed = wiki.world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    assert!(!wiki.is_live(&gone).await && wiki.is_live(&good).await);

    let refreshed: Value = serde_json::from_str(&refreshed.text).unwrap();
    assert_eq!(refreshed["id"], wiki.id());
    let skipped = &refreshed["skipped_keys"][0];
    assert_eq!(
        (&skipped["index"], &skipped["kind"], &skipped["kid"]),
        (&1.into(), &"AKP".into(), &"next-year".into())
    );
    let named = "keys[1] (AKP, `next-year`): not a usable JWK: it is neither Ed25519 nor P-256 nor RSA";
    let page = format!("/trusted-applications/directory?id={}", wiki.id());
    wiki.world.get(&page).await.has(named);
    let status = wiki.world.administration.directory_status(&Administrator::new("admin"), wiki.id()).unwrap();
    assert_eq!((status.skipped.len(), status.failure), (1, None));

    wiki.becomes(std::slice::from_ref(&good)).await;
    wiki.world.get(&page).await.lacks("are skipped.");
}

/// Each is how a publisher may change the entry of a key that we trust.
#[tokio::test]
async fn a_known_key_whose_entry_is_not_understood_is_not_live() {
    for member in [
        r#""use":"enc""#,
        r#""alg":"ES256""#,
        r#""exp":1767225600.5"#,
        r#""nbf":"tomorrow""#,
        r#""kid":"wiki-2026""#,
        r#""d":"AAAA""#,
    ] {
        let (known, good) = (key(), key());
        let both = [known.clone(), good.clone()];
        let wiki = Registration::of(&both).await;
        let changed = entry(&known).replacen(r#""use":"sig""#, "\"x5t\":\"\"", 1);
        let changed = match member.split_once(':').unwrap().0 {
            "\"kid\"" => changed.replace(&known.public_key().thumbprint().to_string(), "wiki-2026"),
            _ => changed.replace('}', &format!(",{member}}}")),
        };
        wiki.publisher.publish_entries(&[changed, entry(&good)], &both);
        wiki.refresh().await.unwrap();
        assert!(!wiki.is_live(&known).await && wiki.is_live(&good).await, "{member}");

        wiki.becomes(&both).await;
        assert!(wiki.is_live(&known).await, "{member}: it is listed as it was");
    }
}

#[tokio::test]
async fn a_directory_without_one_understood_and_proven_key_withdraws_nothing() {
    let own = key();
    let stranger = key();
    let wiki = Registration::of(std::slice::from_ref(&own)).await;
    let version = wiki.registered().await.version;
    for (entries, signers) in [
        (vec![UNKNOWN.to_owned()], vec![own.clone()]),
        (vec![with(&own, r#""alg":"ES256""#)], vec![own.clone()]),
        (vec![entry(&own)], vec![stranger.clone()]),
        (vec![entry(&own), entry(&stranger)], vec![]),
        (vec![entry(&own), with(&own, r#""exp":1"#)], vec![own.clone()]),
    ] {
        wiki.publisher.publish_entries(&entries, &signers);
        let refused = wiki.refresh().await.unwrap_err();
        assert!(refused.to_string().contains("no key in it can be used: keys[0] ("), "{refused}");
        assert!(wiki.is_live(&own).await, "{entries:?}");
    }
    assert_eq!(wiki.registered().await.version, version);
}

/// Possession is proven for each key that becomes live, and a key that only stands there endorses none.
#[tokio::test]
async fn a_key_that_did_not_sign_is_not_live_and_endorses_none() {
    let (old, new) = (key(), key());
    let wiki = Registration::of(std::slice::from_ref(&old)).await;
    wiki.publisher.publish_entries(&[entry(&old), entry(&new)], std::slice::from_ref(&old));
    wiki.refresh().await.unwrap();
    assert!(wiki.is_live(&old).await);
    assert_eq!(wiki.state(&new).await, None);

    wiki.publisher.publish_entries(&[entry(&old), entry(&new)], std::slice::from_ref(&new));
    wiki.refresh().await.unwrap();
    assert!(!wiki.is_live(&old).await && !wiki.is_live(&new).await);
    assert_eq!(wiki.state(&new).await, Some(KeyState::Next));
}

#[tokio::test]
async fn a_registration_shows_what_it_leaves_out() {
    let (world, admin, own) = (world(), Administrator::new("admin"), key());
    let publisher = Publisher::of(&world.clock, std::slice::from_ref(&own)).await;
    publisher.publish_entries(&[UNKNOWN.to_owned(), entry(&own)], std::slice::from_ref(&own));
    let pending = world.administration.request_directory(&admin, &publisher.base()).await.unwrap();
    let path = format!("/trusted-applications/directory/add?pending={}", pending.token);
    world.get(&path).await.has("keys[0] (AKP, `next-year`): ");
    let asked = serde_json::json!({ "base_url": publisher.base() }).to_string();
    let request = Request::post("/api/v1/key-directories").header("content-type", "application/json");
    let request = request.header("x-user", "admin").body(Body::from(asked)).unwrap();
    let details: Value = serde_json::from_str(&world.send(request).await.text).unwrap();
    assert_eq!(
        (details["keys"].as_array().unwrap().len(), &details["skipped_keys"][0]["index"]),
        (1, &0.into())
    );

    let edit = ApplicationEdit::proposed_with_directory(&pending.fetched);
    let added = world.administration.add(&admin, &pending.token, Ok(edit), false).await.unwrap();
    let keys: Vec<_> = added.application.signature_keys().iter().map(|key| key.public_key()).collect();
    assert_eq!(keys, [own.public_key()]);
}
