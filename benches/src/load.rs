//! A mixed load on one layer, by one thread and by two.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use http::{HeaderValue, Request, StatusCode};
use tower::{Layer as _, Service as _};
use tower_trusted_app::seraph;

use crate::subjects::{Inner, Scene};

/// How many times as many requests two threads answer in a time as one does: the best of some
/// attempts, for the machine has other things to do.
pub(crate) fn two_threads_against_one() -> f64 {
    const ATTEMPTS: usize = 12;
    let scene = Scene::new();
    let (mut one, mut two) = (0.0_f64, 0.0_f64);
    for _ in 0..ATTEMPTS {
        one = one.max(answered(&scene, 1));
        two = two.max(answered(&scene, 2));
    }
    two / one
}

/// Requests a second of so many threads together.
fn answered(scene: &Scene, threads: usize) -> f64 {
    const TIME: Duration = Duration::from_millis(150);
    let service = scene.layer(1024).build().unwrap().layer(Inner);
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                let (mut service, start) = (service.clone(), &start);
                scope.spawn(move || {
                    let mut answer = |request: Request<()>, expected| {
                        let response = service.call(request).now_or_never().expect("nothing waits").unwrap();
                        assert_eq!(response.status(), expected);
                    };
                    start.wait();
                    let (begun, mut count) = (Instant::now(), 0_u32);
                    while begun.elapsed() < TIME {
                        answer(scene.signed(), StatusCode::OK); // remembered
                        answer(forged(scene), StatusCode::UNAUTHORIZED); // verified
                        answer(scene.unsigned(), StatusCode::OK);
                        count += 3;
                    }
                    f64::from(count) / begun.elapsed().as_secs_f64()
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

fn forged(scene: &Scene) -> Request<()> {
    let mut request = scene.signed();
    let other = "A".repeat(342) + "==";
    request.headers_mut().insert(seraph::SIGNATURE, HeaderValue::try_from(other).unwrap());
    request
}
