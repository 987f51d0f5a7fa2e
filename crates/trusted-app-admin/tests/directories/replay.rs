//! A directory that was signed earlier, shown again by an attacker who has taken over the host.

use std::time::Duration;

use tower_trusted_app::Clock;
use tower_trusted_app::application::KeyState;
use tower_trusted_app::crypto::PrivateSignatureKey;

use crate::publisher::key;
use crate::refresh::Registration;

/// An application that has withdrawn `old`, and what its host answered a minute before that.
async fn withdrawn(old: &PrivateSignatureKey, good: &PrivateSignatureKey) -> (Registration, String) {
    let both = [old.clone(), good.clone()];
    let wiki = Registration::of(&both).await;
    wiki.becomes(&both).await;
    let captured = wiki.publisher.text();
    wiki.becomes(std::slice::from_ref(good)).await;
    assert!(!wiki.is_live(old).await && wiki.is_live(good).await);
    (wiki, captured)
}

#[tokio::test]
async fn a_directory_older_than_one_that_was_accepted_changes_nothing() {
    let (old, good) = (key(), key());
    let (wiki, captured) = withdrawn(&old, &good).await;
    let version = wiki.registered().await.version;
    wiki.publisher.answer(captured);
    let refused = wiki.refresh().await.unwrap_err();
    assert!(refused.to_string().contains("is older than one that was fetched before"), "{refused}");
    assert_eq!(wiki.registered().await.version, version);

    wiki.becomes(&[good, old.clone()]).await;
    assert!(wiki.is_live(&old).await, "signed since then, so its publisher wants it back");
}

#[tokio::test]
async fn a_withdrawn_key_stays_out_after_a_restart_too() {
    let (old, good) = (key(), key());
    let (mut wiki, captured) = withdrawn(&old, &good).await;
    wiki.restart();
    wiki.publisher.answer(captured);
    wiki.refresh().await.unwrap();
    assert!(!wiki.is_live(&old).await && wiki.is_live(&good).await);
    assert_ne!(wiki.state(&old).await, Some(KeyState::Next), "nobody is asked to confirm it");
}

/// Whoever has the withdrawn key signs with it for now, and repeats what the other key signed.
#[tokio::test]
async fn the_oldest_signature_counts() {
    let (old, good) = (key(), key());
    let (mut wiki, captured) = withdrawn(&old, &good).await;
    wiki.world.clock.advance(Duration::from_secs(60));
    wiki.publisher.publish(&[old.clone(), good.clone()]);
    // Of each field, the first key's member as signed now and the second's as signed then.
    let now = wiki.publisher.text();
    let mixed: Vec<_> = now
        .split("\r\n")
        .zip(captured.split("\r\n"))
        .map(|(now, then)| match (now.split_once(", key1="), then.split_once(", key1=")) {
            (Some((first, _)), Some((_, second))) => format!("{first}, key1={second}"),
            _ => now.to_owned(),
        })
        .collect();
    wiki.restart();
    wiki.publisher.answer(mixed.join("\r\n"));
    wiki.refresh().await.unwrap();
    assert!(!wiki.is_live(&old).await && wiki.is_live(&good).await);
}

/// By so many keys that came and went meanwhile that an old one would make room.
#[tokio::test]
async fn a_withdrawn_key_is_not_forgotten_while_it_could_be_replayed() {
    let (old, good) = (key(), key());
    let (mut wiki, captured) = withdrawn(&old, &good).await;
    wiki.world.clock.advance(Duration::from_secs(60));
    let many: Vec<_> = std::iter::once(good.clone()).chain((0..15).map(|_| key())).collect();
    wiki.publisher.publish(&many);
    wiki.world.administration.refresh_directory(wiki.id()).await.unwrap();
    wiki.restart();
    wiki.publisher.answer(captured);
    wiki.refresh().await.unwrap();
    assert!(!wiki.is_live(&old).await);
}

/// What waited for an administrator, or was gone before the application was registered.
#[tokio::test]
async fn keys_that_were_never_trusted_are_not_endorsed_by_an_old_directory() {
    let (old, good, new) = (key(), key(), key());
    let mut wiki = Registration::of(std::slice::from_ref(&good)).await;
    wiki.publisher.publish(&[good.clone(), old.clone()]);
    let captured = wiki.publisher.text();
    wiki.world.clock.advance(Duration::from_secs(120));
    wiki.restart();
    wiki.publisher.answer(captured.clone());
    wiki.refresh().await.unwrap();
    assert_eq!(wiki.state(&old).await, Some(KeyState::Next));

    wiki.becomes(&[good.clone(), new.clone()]).await;
    assert!(wiki.is_live(&new).await && !wiki.is_live(&old).await);
    wiki.restart();
    wiki.publisher.answer(captured);
    wiki.world.clock.advance(Duration::from_secs(1));
    let _ = wiki.refresh().await;
    assert!(!wiki.is_live(&old).await);
}

#[tokio::test]
async fn a_directory_is_good_for_a_day_whatever_it_states() {
    let own = key();
    let wiki = Registration::of(std::slice::from_ref(&own)).await;
    wiki.publisher.publish_with_lifetime(&[own], Duration::from_secs(30 * 24 * 60 * 60));
    let signed = wiki.world.clock.now();
    wiki.world.clock.advance(Duration::from_secs(24 * 60 * 60 - 60));
    wiki.refresh().await.unwrap();
    assert_eq!(wiki.world.clock.now(), signed.saturating_add(Duration::from_secs(24 * 60 * 60)));
    let refused = wiki.refresh().await.unwrap_err();
    assert!(refused.to_string().contains("older than 86400s"), "{refused}");
}
