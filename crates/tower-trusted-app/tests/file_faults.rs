//! Requests while the file of applications is written in place, stops at random places, and goes on.

#![cfg(all(feature = "file", feature = "rsa", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, ServiceExt, service_fn};
use tower_trusted_app::client::{ActAs, SignLayer};
use tower_trusted_app::keys::{FileKeyStore, MemoryKeyStore, parse_applications};
use tower_trusted_app::users::MemoryDirectory;
use tower_trusted_app::{KeyStore, LocalApplication, TrustedAppLayer};

const ORIGIN: &str = "https://tracker.example.com";
const CUTS: u32 = 200;
const THREADS: usize = 8;

fn key(bits: u32) -> String {
    let text =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/certificate_document.json"));
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    vectors["keys"][format!("pub-rsa{bits}")]["public_key_spki_b64"].as_str().unwrap().to_owned()
}

/// Each text allows something that the other refuses, and each cut of one before its rules allows more than both.
fn texts() -> [String; 2] {
    let text = |paths: &str, rules: &str| {
        format!(
            "[[application]]\nid = 'forum'\nkeys = [{{ spki = '{}' }}]\naddresses = 'any'\npaths = 'any'\n\n\
             [[application]]\nid = 'wiki'\nkeys = [{{ spki = '{}' }}]\ntimeout_ms = 3600000\naddresses = 'any'\n\
             paths = [{paths}]\n{rules}",
            key(4096),
            key(2048)
        )
    };
    [
        text("'/rest'", "methods = ['GET', 'POST']\nact_as = { deny_users = ['bob'] }\n"),
        text(
            "'/rest', '/secure'",
            "methods = ['GET', 'DELETE']\nact_as.deny_users = ['bob', 'carol']\nact_as.users = ['alice', 'bob']\n",
        ),
    ]
}

type Sent = Request<Full<Bytes>>;

/// Requests of the wiki, by user, path and method. Seraph does not sign the method.
fn requests(runtime: &Runtime) -> Vec<Sent> {
    let wiki = LocalApplication::from_pem(include_str!("data/identity.pem")).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let catch = service_fn(move |request: Sent| {
        sender.send(request).unwrap();
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
    });
    let client = SignLayer::new(wiki).layer(catch);
    for user in ["alice", "bob", "carol"] {
        for path in ["/rest/issues", "/secure/admin", "/other"] {
            let request = Request::get(format!("{ORIGIN}{path}")).extension(ActAs::new(user));
            let request = request.body(Full::default()).unwrap();
            runtime.block_on(client.clone().oneshot(request)).unwrap();
        }
    }
    drop(client);
    let signed: Vec<_> = receiver.try_iter().collect();
    assert_eq!(signed.len(), 9);
    let methods = [Method::GET, Method::POST, Method::DELETE];
    let with = |request: &Sent, method: &Method| {
        let mut request = request.clone();
        *request.method_mut() = method.clone();
        request
    };
    signed.iter().flat_map(|request| methods.iter().map(move |method| with(request, method))).collect()
}

/// Which of the requests a layer with these applications accepts.
fn accepted<K: KeyStore + Clone>(runtime: &Runtime, keys: &K, requests: &[Sent]) -> Vec<bool> {
    let users = MemoryDirectory::of_names(["alice", "bob", "carol"]);
    let layer = TrustedAppLayer::builder(keys.clone(), users, ORIGIN.parse().unwrap()).build().unwrap();
    let service = layer
        .layer(service_fn(|_: Sent| async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }));
    let send = |request: &Sent| runtime.block_on(service.clone().oneshot(request.clone())).unwrap();
    requests.iter().map(|request| send(request).status().is_success()).collect()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// Where a text is cut: half of the time at the end of a line, where it is mostly valid.
fn cut(text: &str, random: &mut Random) -> usize {
    let ends: Vec<_> = text.match_indices('\n').map(|(at, _)| at + 1).filter(|at| *at < text.len()).collect();
    if random.below(2) == 0 { ends[random.below(ends.len())] } else { random.below(text.len()) }
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// One writer that stops in the middle with the file open: it goes on, or another file is renamed over its half.
fn write_with_a_break(path: &Path, store: &FileKeyStore, texts: [&str; 2], at: usize, goes_on: bool) -> bool {
    let [old, new] = texts;
    let generation = store.status().generation;
    let mut file = File::create(path).unwrap();
    file.write_all(&new.as_bytes()[..at]).unwrap();
    wait_until("the half that waits", || {
        store.status().last_error.is_some_and(|error| error.contains("is still being written"))
    });
    if goes_on {
        file.write_all(&new.as_bytes()[at..]).unwrap();
        drop(file);
        wait_until("the whole", || store.status().generation > generation);
    } else {
        let beside = path.with_extension("new");
        fs::write(&beside, old).unwrap();
        fs::rename(beside, path).unwrap();
        wait_until("the old one again", || store.status().last_error.is_none());
        assert_eq!(store.status().generation, generation, "half a file was loaded");
    }
    assert_eq!(store.status().last_error, None);
    goes_on
}

#[test]
fn no_request_is_decided_by_half_a_file() {
    let seed = std::env::var("SEED").ok().map_or_else(
        || u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos()) + 1,
        |seed| seed.parse().unwrap(),
    );
    eprintln!("SEED={seed}");
    let mut random = Random(seed);
    let runtime = runtime();
    let requests = requests(&runtime);
    let texts = texts();
    let of_text = |text: &String| {
        let keys = MemoryKeyStore::new(parse_applications(text).unwrap().applications).unwrap();
        accepted(&runtime, &keys, &requests)
    };
    let [old, new] = [of_text(&texts[0]), of_text(&texts[1])];
    let count =
        |test: fn(bool, bool) -> bool| old.iter().zip(&new).filter(|(old, new)| test(**old, **new)).count();
    let kinds = [count(|old, new| old && new), count(|old, new| old && !new), count(|old, new| !old && new)];
    assert!(kinds.iter().all(|kind| *kind > 0), "the texts do not test both: {kinds:?}");
    assert!(count(|old, new| !old && !new) > 0);

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    fs::write(&path, &texts[0]).unwrap();
    let store = FileKeyStore::builder(&path)
        .settle_time(Duration::from_millis(2))
        .poll_interval(Duration::from_millis(50))
        .open()
        .unwrap();
    let (done, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let ask = || {
            let runtime = self::runtime();
            let mut wrong = Vec::new();
            while !done.load(Ordering::SeqCst) && wrong.is_empty() {
                let now = accepted(&runtime, &store, &requests);
                sent.fetch_add(now.len() as u64, Ordering::Relaxed);
                let is_wrong =
                    |at: &usize| (now[*at] && !old[*at] && !new[*at]) || (!now[*at] && old[*at] && new[*at]);
                wrong.extend((0..now.len()).filter(is_wrong));
                thread::sleep(Duration::from_millis(1));
            }
            wrong
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
        let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut current = 0;
            for _ in 0..CUTS {
                let (from, to) = (&texts[current], &texts[1 - current]);
                let at = cut(to, &mut random);
                if write_with_a_break(&path, &store, [from, to], at, random.below(2) == 0) {
                    current = 1 - current;
                }
            }
        }));
        done.store(true, Ordering::SeqCst);
        let wrong: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let shown = wrong.iter().map(|at| format!("{} {}", requests[*at].method(), requests[*at].uri()));
        assert!(wrong.is_empty(), "decided by half a file: {:?}", shown.collect::<Vec<_>>());
        if let Err(panic) = written {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(sent.load(Ordering::Relaxed) > 1000);
}
