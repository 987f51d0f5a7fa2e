//! What a cache reports through the `metrics` facade; see [`CachedRegistry`](super::CachedRegistry).

use std::time::Duration;

#[cfg(feature = "metrics")]
pub(super) fn loaded(how: &'static str, generation: u64, applications: usize, skipped: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    let set = |name: &'static str, value: u64| metrics::gauge!(name).set(value as f64);
    set("trusted_app_registry_generation", generation);
    set("trusted_app_registry_applications", applications as u64);
    set("trusted_app_registry_skipped", skipped as u64);
    metrics::counter!("trusted_app_registry_loads_total", "how" => how).increment(1);
}

#[cfg(feature = "metrics")]
pub(super) fn failed() {
    metrics::counter!("trusted_app_registry_errors_total").increment(1);
}

#[cfg(feature = "metrics")]
pub(super) fn age(age: Duration) {
    metrics::gauge!("trusted_app_registry_age_seconds").set(age.as_secs_f64());
}

#[cfg(not(feature = "metrics"))]
pub(super) fn loaded(_: &'static str, _: u64, _: usize, _: usize) {}

#[cfg(not(feature = "metrics"))]
pub(super) fn failed() {}

#[cfg(not(feature = "metrics"))]
pub(super) fn age(_: Duration) {}
