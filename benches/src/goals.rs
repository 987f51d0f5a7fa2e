//! The goals, one row each.

use std::fmt;

use axum::body::Body;
use http::{Request, Response};

use crate::grpc;
use crate::jwt;
use crate::load;
use crate::many;
use crate::ratio::{Times, allocations, compare, timed};
use crate::rules;
use crate::signatures::SignedScene;
use crate::subjects::Scene;

/// One thing that is measured, and its bound.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    /// The short name, such as `P1`.
    pub name: &'static str,
    /// What is compared with what.
    pub what: &'static str,
    /// The bound.
    pub bound: Bound,
    measure: fn() -> f64,
}

/// The most that a measurement may be; or, for the control, what it must be.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// A ratio.
    AtMost(f64),
    /// A ratio, the larger the better.
    AtLeast(f64),
    /// Bytes.
    Bytes(f64),
    /// A count of allocations.
    Allocations(f64),
    /// Nanoseconds more.
    Nanoseconds(f64),
    /// A thing against itself: 1.00, give or take 0.02.
    One,
}

impl Goal {
    /// Measures now.
    #[must_use]
    pub fn measure(&self) -> Measurement {
        Measurement { goal: *self, value: (self.measure)() }
    }
}

/// A goal and what was measured.
#[derive(Debug, Clone, Copy)]
pub struct Measurement {
    goal: Goal,
    /// A ratio, a count or nanoseconds, as the goal says.
    pub value: f64,
}

impl Measurement {
    /// Whether the goal is met.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        match self.goal.bound {
            Bound::AtMost(most)
            | Bound::Allocations(most)
            | Bound::Bytes(most)
            | Bound::Nanoseconds(most) => self.value <= most,
            Bound::AtLeast(least) => self.value >= least,
            Bound::One => (self.value - 1.0).abs() <= 0.02,
        }
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Goal { name, what, bound, .. } = self.goal;
        let (value, goal) = match bound {
            Bound::AtMost(most) => (format!("{:.3}", self.value), format!("<= {most:.2}")),
            Bound::AtLeast(least) => (format!("{:.3}", self.value), format!(">= {least:.2}")),
            Bound::Bytes(most) => (format!("{:.0} bytes", self.value), format!("<= {most}")),
            Bound::Allocations(most) => (format!("{} allocations", self.value), format!("<= {most}")),
            Bound::Nanoseconds(most) => (format!("{:.0} ns", self.value), format!("<= {most} ns")),
            Bound::One => (format!("{:.3}", self.value), "1.00".to_owned()),
        };
        let verdict = if self.is_ok() { "ok" } else { "short" };
        write!(f, "{name:<8} {value:>15}   {goal:<9} {verdict:<6} {what}")
    }
}

/// Every goal, in order. A name may have several rows.
pub const GOALS: &[Goal] = &[
    Goal {
        name: "control",
        what: "bare aws-lc-rs verify, against itself",
        bound: Bound::One,
        measure: || bare_against(|scene| timed(|| (), scene.bare_aws_lc())),
    },
    Goal {
        name: "P1",
        what: "v3 authentication in the core, RSA-2048, against the bare aws-lc-rs verify",
        bound: Bound::AtMost(1.05),
        measure: || bare_against(|scene| timed(|| (), scene.core())),
    },
    Goal {
        name: "P1L",
        what: "the same through the whole layer, against the bare aws-lc-rs verify",
        bound: Bound::AtMost(1.10),
        measure: || bare_against(|scene| timed(|| scene.signed(), scene.through_the_layer(0))),
    },
    Goal {
        name: "P1L",
        what: "allocations of the layer's own",
        bound: Bound::Allocations(10.0),
        measure: || {
            let scene = Scene::new();
            let mut subject = scene.through_the_layer(0);
            subject(scene.signed());
            let ours = allocations(|| scene.signed(), subject);
            let bare = allocations(|| scene.signed(), scene.passed_through());
            ours as f64 - bare as f64
        },
    },
    Goal {
        name: "P2",
        what: "v3 authentication in the core by rsa alone, against the bare rsa verify",
        bound: Bound::AtMost(1.02),
        measure: || {
            let scene = Scene::pure_rust();
            compare(timed(|| (), scene.core()), timed(|| (), scene.bare_rsa())).ratio()
        },
    },
    Goal {
        name: "P3",
        what: "allocations more of a request without credentials, against a pass-through layer",
        bound: Bound::Allocations(0.0),
        measure: || {
            let scene = Scene::new();
            let ours = allocations(|| scene.unsigned(), scene.through_the_layer(0));
            let bare = allocations(|| scene.unsigned(), scene.passed_through());
            ours as f64 - bare as f64
        },
    },
    Goal {
        name: "P3",
        what: "time more of a request without credentials, against a pass-through layer",
        bound: Bound::Nanoseconds(60.0),
        measure: || {
            let scene = Scene::new();
            let subject = timed(|| scene.unsigned(), scene.through_the_layer(0));
            compare(subject, timed(|| scene.unsigned(), scene.passed_through())).difference()
        },
    },
    Goal {
        name: "P4",
        what: "v3 in an axum router, against jsonwebtoken RS256 in an axum router, as axum's example has it",
        bound: Bound::AtMost(0.80),
        measure: || against_jwt(Scene::in_axum, jwt::Verifier::of_one_key()),
    },
    Goal {
        name: "P4",
        what: "the same, against jsonwebtoken whose rules are made once",
        bound: Bound::AtMost(0.85),
        measure: || against_jwt(Scene::in_axum, jwt::Verifier::of_one_key().with_rules_made_once()),
    },
    Goal {
        name: "P4",
        what: "the same, against jsonwebtoken whose key is chosen by `kid`, as ours is by the application's id",
        bound: Bound::AtMost(0.80),
        measure: || against_jwt(Scene::in_axum, jwt::Verifier::of_applications()),
    },
    Goal {
        name: "P4",
        what: "the same, the layer around the router",
        bound: Bound::AtMost(0.80),
        measure: || against_jwt(Scene::around_axum, jwt::Verifier::of_applications()),
    },
    Goal {
        name: "P5",
        what: "an identical certificate again, core step, against the bare aws-lc-rs verify",
        bound: Bound::AtMost(0.04),
        measure: || bare_against(|scene| timed(|| (), scene.core_again())),
    },
    Goal {
        name: "P5",
        what: "allocations of that core step",
        bound: Bound::Allocations(0.0),
        measure: || {
            let scene = Scene::new();
            let subject = scene.core_again();
            allocations(|| (), subject) as f64
        },
    },
    Goal {
        name: "P5",
        what: "an identical certificate again through the layer, against the bare aws-lc-rs verify",
        bound: Bound::AtMost(0.08),
        measure: || bare_against(|scene| timed(|| scene.signed(), scene.through_the_layer(1024))),
    },
    Goal {
        name: "gRPC",
        what: "allocations more of an exempt unary RPC, against the bare tonic service",
        bound: Bound::Allocations(0.0),
        measure: || {
            let (mut ours, mut bare) = (grpc::exempt(), grpc::bare());
            ours(grpc::unsigned()); // what is made once only is not counted
            bare(grpc::unsigned());
            allocations(grpc::unsigned, ours) as f64 - allocations(grpc::unsigned, bare) as f64
        },
    },
    Goal {
        name: "gRPC",
        what: "an exempt unary RPC, against the bare tonic service",
        bound: Bound::AtMost(1.15),
        measure: || {
            compare(timed(grpc::unsigned, grpc::exempt()), timed(grpc::unsigned, grpc::bare())).ratio()
        },
    },
    Goal {
        name: "gRPC",
        what: "a verified unary RPC, against the bare tonic service and a bare aws-lc-rs verify",
        bound: Bound::AtMost(1.10),
        measure: || {
            let scene = Scene::new();
            let (verify, mut bare) = (scene.bare_aws_lc(), grpc::bare());
            let reference = timed(grpc::unsigned, move |request| {
                verify(());
                bare(request)
            });
            compare(timed(grpc::signed(), grpc::verified()), reference).ratio()
        },
    },
    Goal {
        name: "P6",
        what: "an HTTP message signature in the core, Ed25519, against the bare aws-lc-rs verify",
        bound: Bound::AtMost(1.05),
        measure: || {
            let scene = SignedScene::new();
            compare(timed(|| (), scene.core()), timed(|| (), scene.bare_aws_lc())).ratio()
        },
    },
    Goal {
        name: "P6",
        what: "allocations of that core step",
        bound: Bound::Allocations(2.0),
        measure: || {
            let scene = SignedScene::new();
            let (ours, bare) = (scene.core(), scene.bare_aws_lc());
            ours(()); // what is made once only is not counted
            bare(());
            allocations(|| (), ours) as f64 - allocations(|| (), bare) as f64
        },
    },
    Goal {
        name: "P7",
        what: "the replay guard in memory, each signature new, against the bare aws-lc-rs verify",
        bound: Bound::AtMost(0.02),
        measure: || bare_against(|scene| timed(scene.another_url(), scene.replay_guard())),
    },
    Goal {
        name: "P8",
        what: "an address rule of 100 000 patterns, against one of 10",
        bound: Bound::AtMost(10.0),
        measure: || {
            let ((address, check), (another, reference)) = (rules::addresses(100_000), rules::addresses(10));
            compare(timed(address, check), timed(another, reference)).ratio()
        },
    },
    Goal {
        name: "P8",
        what: "a path rule of 10 000 patterns, against one of 10",
        bound: Bound::AtMost(10.0),
        measure: || {
            let ((path, check), (another, reference)) = (rules::paths(10_000), rules::paths(10));
            compare(timed(path, check), timed(another, reference)).ratio()
        },
    },
    Goal {
        name: "P9",
        what: "a look-up among 1 000 000 registered applications, against one among 10",
        bound: Bound::AtMost(3.0),
        measure: || {
            let ((id, look_up), (another, reference)) = (many::look_up_of_many(), many::look_up_of_ten());
            compare(timed(id, look_up), timed(another, reference)).ratio()
        },
    },
    Goal {
        name: "P9",
        what: "memory of each of 1 000 000 registered applications",
        bound: Bound::Bytes(1024.0),
        measure: many::bytes_each,
    },
    Goal {
        name: "P11",
        what: "a mixed load on one layer by two threads, against one thread",
        bound: Bound::AtLeast(1.95),
        measure: load::two_threads_against_one,
    },
];

fn bare_against(subject: impl for<'a> Fn(&'a Scene) -> crate::ratio::Timed<'a>) -> f64 {
    let scene = Scene::new();
    let times: Times = compare(subject(&scene), timed(|| (), scene.bare_aws_lc()));
    times.ratio()
}

fn against_jwt<S>(subject: impl FnOnce(&Scene) -> S, verifier: jwt::Verifier) -> f64
where
    S: FnMut(Request<Body>) -> Response<Body> + 'static,
{
    let scene = Scene::new();
    let subject = subject(&scene);
    compare(timed(|| scene.axum_request(), subject), timed(jwt::request(), verifier.axum())).ratio()
}
