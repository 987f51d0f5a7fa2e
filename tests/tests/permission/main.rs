//! Whom an application may act as: users, groups, methods and presets against each other, and that the layer asks.

mod grpc;

use std::sync::{Arc, Mutex};

use http::{Method, Request};
use tower_trusted_app::audit::{Decision, Outcome};
use tower_trusted_app::keys::MemoryKeyStore;
use tower_trusted_app::permission::{ActAsPolicy, PermissionRule};
use tower_trusted_app::seraph::Code;
use tower_trusted_app::users::{LogIn, MemoryDirectory, UserDirectoryExt, log_in_fn};
use tower_trusted_app::{KnownUser, Rejected, TrustedAppLayer, UserDirectory};
use trusted_app_test::{FixedClock, TestIdentity};
use trusted_app_tests::exchange::{Answer, send};
use trusted_app_tests::refusals::trusted;
use trusted_app_tests::{URL, public_url};

/// Who is in which group. `root` and `boss` are administrators.
const PEOPLE: [(&str, &[&str]); 6] = [
    ("alice", &["staff"]),
    ("bob", &["staff", "guests"]),
    ("carol", &["guests"]),
    ("dave", &[]),
    ("root", &["staff", "admins"]),
    ("boss", &["staff", "guests"]),
];

const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "DELETE", "get"];

fn people() -> MemoryDirectory {
    MemoryDirectory::of_users(PEOPLE.map(|(name, groups)| {
        let user = KnownUser::new(name, ()).with_groups(groups.iter().copied());
        if ["root", "boss"].contains(&name) { user.as_administrator() } else { user }
    }))
}

/// For each policy the answer about alice, bob, carol, dave, root and boss: `+` may be acted as, or the first letter of
/// the rule that refuses: denied (u)ser, denied (g)roup, (a)dministrator, (n)ot allowed.
fn table() -> Vec<(&'static str, ActAsPolicy, &'static str)> {
    let (anybody, nobody) = (ActAsPolicy::anybody, ActAsPolicy::nobody);
    vec![
        ("the default", ActAsPolicy::default(), "++++aa"),
        ("anybody", anybody(), "++++aa"),
        ("anybody at all", anybody().insecure_administrators(), "++++++"),
        ("nobody", nobody(), "nnnnaa"),
        ("nobody, not even administrators", nobody().insecure_administrators(), "nnnnnn"),
        ("one user", nobody().allow_users(["alice"]), "+nnnaa"),
        ("an administrator by name", nobody().allow_users(["root"]), "nnnnaa"),
        ("and by leave", nobody().allow_users(["root"]).insecure_administrators(), "nnnn+n"),
        ("one group", nobody().allow_groups(["staff"]), "++nnaa"),
        ("a group and a user", nobody().allow_groups(["staff"]).allow_users(["dave"]), "++n+aa"),
        ("two groups", nobody().allow_groups(["staff", "guests"]), "+++naa"),
        ("an unknown group", nobody().allow_groups(["nowhere"]), "nnnnaa"),
        ("a group in other letters", nobody().allow_groups(["Staff"]), "nnnnaa"),
        ("a group as a user", nobody().allow_users(["staff"]), "nnnnaa"),
        ("a user as a group", nobody().allow_groups(["alice"]), "nnnnaa"),
        ("empty lists", nobody().allow_users([""; 0]).allow_groups([""; 0]), "nnnnaa"),
        ("denied: a user", anybody().deny_users(["alice"]), "u+++aa"),
        ("denied: a group", anybody().deny_groups(["guests"]), "+gg+ag"),
        ("denied: an unknown group", anybody().deny_groups(["nowhere"]), "++++aa"),
        ("denied: nobody", anybody().deny_users([""; 0]).deny_groups([""; 0]), "++++aa"),
        ("denied wins over a name", nobody().allow_users(["bob"]).deny_groups(["guests"]), "nggnag"),
        ("denied wins over a group", nobody().allow_groups(["staff"]).deny_users(["bob"]), "+unnaa"),
        ("in whatever order", anybody().deny_users(["bob"]).allow_users(["bob"]), "nunnaa"),
        ("to allow some is to allow only these", anybody().allow_users(["alice"]), "+nnnaa"),
        ("a group of them", anybody().allow_groups(["guests"]), "n++naa"),
        ("an empty list of them", anybody().allow_groups([""; 0]), "nnnnaa"),
        ("allowed: a user in other letters", nobody().allow_users(["Alice"]), "nnnnaa"),
        ("denied: a user in other letters", anybody().deny_users(["ALICE"]), "u+++aa"),
        ("denied: a group in other letters", anybody().deny_groups(["Guests"]), "+gg+ag"),
        ("denied: nearly a user", anybody().deny_users(["alic", "alicee", "alice a"]), "++++aa"),
        ("denied wins over a preset", anybody().insecure_administrators().deny_users(["root"]), "++++u+"),
    ]
}

fn letter(rule: &PermissionRule) -> char {
    match rule {
        PermissionRule::DeniedUser => 'u',
        PermissionRule::DeniedGroup(group) => {
            assert_eq!(&**group, "guests");
            'g'
        }
        PermissionRule::Administrator => 'a',
        PermissionRule::NotAllowed => 'n',
        PermissionRule::ReadOnly => 'r',
        other => panic!("{other}"),
    }
}

/// Sends a request and hands out the answer, and the rule in the audit record.
async fn ask(
    users: impl UserDirectory<User = ()>,
    policy: ActAsPolicy,
    request: Request<()>,
) -> (Answer, Option<PermissionRule>) {
    let keys = MemoryKeyStore::new([trusted().act_as(policy).build().unwrap()]).unwrap();
    let rules = Arc::new(Mutex::new(Vec::new()));
    let layer = TrustedAppLayer::builder(keys, users, public_url())
        .clock(FixedClock::default())
        .audit({
            let rules = Arc::clone(&rules);
            move |decision: &Decision<'_>| {
                let rule = match decision.outcome {
                    Outcome::Rejected(rejection) => rejection.rule().cloned(),
                    _ => None,
                };
                rules.lock().unwrap().push(rule);
            }
        })
        .build()
        .unwrap();
    let answer = send(&layer, request).await;
    let [rule]: [_; 1] = rules.lock().unwrap().split_off(0).try_into().expect("one record");
    (answer, rule)
}

fn signed_for(name: &str) -> Request<()> {
    TestIdentity::wiki().sign(Request::get(URL).body(()).unwrap(), name, &FixedClock::default())
}

#[tokio::test]
async fn users_groups_methods_and_presets() {
    let signed = PEOPLE.map(|(name, _)| signed_for(name));
    for (what, policy, expected) in table() {
        for read_only in [false, true] {
            let policy = if read_only { policy.clone().read_only() } else { policy.clone() };
            for (((name, _), expected), signed) in PEOPLE.into_iter().zip(expected.chars()).zip(&signed) {
                for method in METHODS {
                    let method = Method::from_bytes(method.as_bytes()).unwrap();
                    let safe = matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
                    let expected = if expected == '+' && read_only && !safe { 'r' } else { expected };
                    let mut request = signed.clone(); // Seraph signs no method
                    *request.method_mut() = method.clone();
                    let (answer, rule) = ask(people(), policy.clone(), request).await;
                    println!("{what}, read-only {read_only}: {method} as {name} -> {rule:?}");
                    match rule {
                        None => {
                            assert_eq!(expected, '+');
                            answer.assert_accepted(name);
                        }
                        Some(rule) => {
                            assert_eq!(expected, letter(&rule));
                            answer.assert_refused(Code::PermissionDenied, 403);
                            assert_tells_nothing(&answer, &rule);
                        }
                    }
                }
            }
        }
    }
}

/// The peer learns that it was refused, and not by which rule.
#[track_caller]
fn assert_tells_nothing(answer: &Answer, rule: &PermissionRule) {
    let body = std::str::from_utf8(answer.response.body()).unwrap();
    let text = format!("{:?} {body}", answer.response.headers());
    for secret in [rule.as_str(), rule.hint(), "guests", "staff"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert_eq!(answer.error().unwrap().message(), "Permission Denied");
}

/// A rule is held against the directory's spelling, so that another one does not slip past.
#[tokio::test]
async fn the_canonical_name_counts() {
    let users = tower_trusted_app::users::user_directory_fn(|_, name: String| async move {
        Ok::<_, std::convert::Infallible>(tower_trusted_app::UserLookup::found(name.to_lowercase(), ()))
    });
    let policy = ActAsPolicy::anybody().deny_users(["admin"]);
    for name in ["admin", "Admin", "ADMIN"] {
        let (answer, rule) = ask(users, policy.clone(), signed_for(name)).await;
        answer.assert_refused(Code::PermissionDenied, 403);
        assert_eq!(rule, Some(PermissionRule::DeniedUser), "{name}");
    }
}

/// By no locale, and on the side of refusing.
#[test]
fn what_is_denied_is_denied_in_any_letters() {
    for (denied, name) in [
        ("Straße", "STRASSE"),
        ("straße", "STRAẞE"),
        ("strasse", "straẞe"),
        ("ΝΊΚΟΣ", "νίκος"),
        ("νίκοσ", "νίκος"),
        ("\u{212a}ate", "kate"), // the Kelvin sign
        ("TITLE", "tıtle"),
        ("ZOË", "zo\u{eb}"),
        ("管理者", "管理者"),
        ("zo\u{eb}", "zoe\u{308}"), // composed and decomposed
        ("Zoe\u{308}", "zo\u{eb}"),
        ("\u{212b}ngstr\u{f6}m", "a\u{30a}ngstro\u{308}m"),
    ] {
        let (user, group) =
            (KnownUser::new(name, ()), KnownUser::new("alice", ()).with_groups(["staff", name]));
        let users = ActAsPolicy::anybody().deny_users([denied]);
        let groups = ActAsPolicy::anybody().deny_groups([denied]);
        assert_eq!(users.check(&user, &Method::GET), Err(PermissionRule::DeniedUser), "{denied} {name}");
        let refused = Err(PermissionRule::DeniedGroup(name.into()));
        assert_eq!(groups.check(&group, &Method::GET), refused, "{denied} {name}");
        assert_eq!(users.check(&group, &Method::GET), Ok(()), "a group is no user");
    }
    for (denied, name) in [("zo\u{eb}", "zoe"), ("alice", "аlice"), ("管理者", "管理"), ("ß", "s")] {
        let policy = ActAsPolicy::anybody().deny_users([denied]);
        assert_eq!(policy.check(&KnownUser::new(name, ()), &Method::GET), Ok(()), "{denied} {name}");
    }
}

#[tokio::test]
async fn the_host_applications_log_in_policy() {
    let closed = |user: &KnownUser<()>| match &*user.name {
        "dave" => LogIn::Refused("no licence".into()),
        _ => LogIn::Allowed,
    };
    let users = people().log_in_policy(log_in_fn(move |_, user: &KnownUser<()>| closed(user)));
    ask(users.clone(), ActAsPolicy::anybody(), signed_for("alice")).await.0.assert_accepted("alice");
    let (answer, rule) = ask(users, ActAsPolicy::anybody(), signed_for("dave")).await;
    answer.assert_refused(Code::PermissionDenied, 403);
    assert_eq!(rule, Some(PermissionRule::LogIn("no licence".into())));
    assert_eq!(rule.unwrap().to_string(), "log-in: no licence");
    let rejection = answer.response.extensions().get::<Rejected>().unwrap();
    assert_eq!(rejection.to_string(), "PERMISSION_DENIED: Permission Denied");
}
