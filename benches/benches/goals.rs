//! The goals through criterion: a ratio of 1.043 reads as 1.043 µs.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use trusted_app_benches::GOALS;
use trusted_app_benches::goals::Bound;

fn goals(criterion: &mut Criterion) {
    for goal in GOALS.iter().filter(|goal| matches!(goal.bound, Bound::AtMost(_) | Bound::One)) {
        criterion.bench_function(&format!("{} {}", goal.name, goal.what), |bencher| {
            bencher.iter_custom(|iterations| {
                Duration::from_secs_f64(iterations as f64 * goal.measure().value / 1e6)
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
    targets = goals
}
criterion_main!(benches);
