//! How two things are compared on a machine that others use too.
//!
//! Subject and reference run alternately in short chunks, the order swapped each time; of each the
//! fastest quarter of the chunks is kept. Whatever else the machine does then hits both alike, and
//! mostly neither.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Times a number of runs; what it needs for them is made outside the time.
pub type Timed<'a> = Box<dyn FnMut(u32) -> Duration + 'a>;

/// A subject whose inputs are made beforehand and whose outputs are dropped afterwards.
///
/// A few at a time: a server has just read the request that it answers, so that it lies in the
/// processor's cache.
pub fn timed<'a, I, O>(mut input: impl FnMut() -> I + 'a, mut run: impl FnMut(I) -> O + 'a) -> Timed<'a> {
    const BATCH: u32 = 8;
    Box::new(move |runs| {
        let mut elapsed = Duration::ZERO;
        let mut inputs = Vec::with_capacity(BATCH as usize);
        let mut outputs = Vec::with_capacity(BATCH as usize);
        for begin in (0..runs).step_by(BATCH as usize) {
            inputs.extend((begin..runs.min(begin + BATCH)).map(|_| input()));
            let begun = Instant::now();
            for input in inputs.drain(..) {
                outputs.push(black_box(run(black_box(input))));
            }
            elapsed += begun.elapsed();
            outputs.clear();
        }
        elapsed
    })
}

/// The typical times of one run of each.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Nanoseconds of the subject.
    pub subject: f64,
    /// Nanoseconds of the reference.
    pub reference: f64,
}

impl Times {
    /// Subject by reference.
    #[must_use]
    pub fn ratio(self) -> f64 {
        self.subject / self.reference
    }

    /// How many nanoseconds more the subject takes.
    #[must_use]
    pub fn difference(self) -> f64 {
        self.subject - self.reference
    }
}

/// Compares in alternating chunks.
pub fn compare(mut subject: Timed<'_>, mut reference: Timed<'_>) -> Times {
    const CHUNKS: usize = 200;
    let (subject_runs, reference_runs) = (runs_per_chunk(&mut subject), runs_per_chunk(&mut reference));
    let (mut of_subject, mut of_reference) = (Vec::with_capacity(CHUNKS), Vec::with_capacity(CHUNKS));
    for chunk in 0..CHUNKS {
        if chunk % 2 == 0 {
            of_subject.push(subject(subject_runs));
            of_reference.push(reference(reference_runs));
        } else {
            of_reference.push(reference(reference_runs));
            of_subject.push(subject(subject_runs));
        }
    }
    Times {
        subject: fastest_quarter(of_subject, subject_runs),
        reference: fastest_quarter(of_reference, reference_runs),
    }
}

/// As many runs as take about half a millisecond.
fn runs_per_chunk(timed: &mut Timed<'_>) -> u32 {
    timed(16); // warm up
    let nanos = timed(64).as_nanos().max(1) / 64;
    u32::try_from((500_000 / nanos.max(1)).clamp(4, 20_000)).unwrap_or(4)
}

fn fastest_quarter(mut chunks: Vec<Duration>, runs: u32) -> f64 {
    chunks.sort_unstable();
    chunks.truncate((chunks.len() / 4).max(1));
    let total: f64 = chunks.iter().map(|chunk| chunk.as_nanos() as f64).sum();
    total / chunks.len() as f64 / f64::from(runs)
}

/// How many allocations one run makes; its input is made outside the count, its output dropped
/// outside.
pub fn allocations<I, O>(input: impl FnOnce() -> I, run: impl FnOnce(I) -> O) -> u64 {
    let input = input();
    let mut output = None;
    let info = allocation_counter::measure(|| output = Some(black_box(run(black_box(input)))));
    drop(output);
    info.count_total
}

/// How many bytes a run allocates, on this thread, and keeps.
pub fn allocations_kept(run: impl FnOnce()) -> i64 {
    allocation_counter::measure(run).bytes_current
}
