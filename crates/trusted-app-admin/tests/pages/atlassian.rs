//! What Atlassian's own functional test of the pages (`TestTrustedApplications`) asks, one test each.
//!
//! | | Theirs | Test |
//! |---|---|---|
//! | D1.1 | `AdminLinkWorks` | `d1_1_…` |
//! | D1.2 | `RequestSelf` | `d1_2_…` |
//! | D1.3 | `RequestSelfTwice` | `d1_3_…` |
//! | D1.4 | `DirectBrowseWithNoPermission` | `d1_4_…` |
//! | D1.5 | `RequestAppBadUrl` | `d1_5_…` |
//! | D1.6 | `AddEditValidation` | `d1_6_…` |

use http::{Request, StatusCode};

use crate::harness::{Peer, VALID, World, answer, but, with_pending};

#[tokio::test]
async fn d1_1_admin_link_works() {
    let page = World::new().get("/trusted-applications").await;
    for text in [
        "View Trusted Applications",
        "Request New Trusted Application Details",
        "No trusted applications have been configured.",
    ] {
        page.has(text);
    }
}

#[tokio::test]
async fn d1_2_request_self() {
    let world = World::new();
    let (_, page) = world.request(&Peer::wiki().await.origin).await;
    for label in ["Application Name", "Application ID", "Timeout", "IP Address Matches", "URL Paths to Allow"]
    {
        page.has(label);
    }
    page.lacks("Update");
    world.add_wiki().await;
    let list = world.get("/trusted-applications").await;
    list.has("id=\"edit-wiki\"");
    list.has("id=\"delete-wiki\"");
    let edit = world.get("/trusted-applications/edit?id=wiki").await;
    edit.has("id=\"update_submit\"");
    edit.lacks("add_submit");
    let cancel = "<a href=\"../trusted-applications\">Cancel</a>";
    edit.has(cancel);
    let delete = world.get("/trusted-applications/delete?id=wiki").await;
    delete.has("Are you sure you want to delete <strong>Wiki</strong>");
    delete.has(cancel);
    world.get("/trusted-applications").await.has("id=\"delete-wiki\"");
    let fields = [("id", "wiki"), ("version", "1")];
    world.post("/trusted-applications/delete", &fields).await.location();
    let list = world.get("/trusted-applications").await;
    list.has("No trusted applications have been configured.");
    list.lacks("delete-wiki");
    // It is gone, which is what was wanted.
    world.post("/trusted-applications/delete", &fields).await.location();
}

#[tokio::test]
async fn d1_3_request_self_twice() {
    let world = World::new();
    let peer = Peer::wiki().await;
    let (pending, _) = world.request(&peer.origin).await;
    world.add_wiki().await;
    let again = world.post("/trusted-applications/request", &[("base_url", &peer.origin)]).await;
    again.has("wiki already exists. If it has a new key, change its key instead.");
    // What was requested before is refused at last.
    let mut blank = but("name", "");
    blank.push(("pending", &pending));
    let page = world.post("/trusted-applications/add", &blank).await;
    page.has("The Trusted Application with the specified applicationId: wiki already exists.");
    page.has("The Trusted Application Name cannot be blank.");
}

#[tokio::test]
async fn d1_4_direct_browse_with_no_permission() {
    let world = World::new();
    world.add_wiki().await;
    for path in [
        "/trusted-applications",
        "/trusted-applications/edit?id=wiki",
        "/trusted-applications/delete?id=wiki",
    ] {
        let page = world
            .send(Request::get(path).header("x-user", "plain-admin").body(Default::default()).unwrap())
            .await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        page.lacks("Wiki");
        page.lacks("trusted_apps");
    }
}

#[tokio::test]
async fn d1_5_request_app_bad_url() {
    let world = World::new();
    let other = Peer::serving(answer("404 Not Found", "", "")).await.origin;
    let not_supported =
        format!("The application at URL {other} does not support the Trusted Application protocol.");
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = format!("http://{unused}");
    for (url, message) in [
        ("", "URL must not be empty."),
        ("junkUrl", "a URL begins with http:// or https://"),
        ("http://www.something.invalid/", "The host http://www.something.invalid/ could not be found."),
        (&other, &not_supported),
        (&format!("  {other} "), &not_supported),
        (&refused, &format!("The host {refused} refused the connection. Cannot fetch")),
    ] {
        let page = world.post("/trusted-applications/request", &[("base_url", url)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.has(message);
        page.has("aria-invalid=\"true\"");
    }
}

#[tokio::test]
async fn d1_6_add_edit_validation() {
    let world = World::new();
    let (pending, _) = world.request(&Peer::wiki().await.origin).await;
    let pattern = |text: &str| format!("The IP address pattern: {text} is invalid.");
    let timeout = || {
        "You must specify a positive Timeout value. It is a whole number of milliseconds, at least 1."
            .to_owned()
    };
    let cases = [
        ("name", "", "The Trusted Application Name cannot be blank.".to_owned()),
        ("timeout_ms", "", timeout()),
        ("timeout_ms", "asdasd", timeout()),
        ("timeout_ms", "-8888", timeout()),
        ("timeout_ms", "0", timeout()),
        (
            "timeout_ms",
            "9223372036854775808",
            "The Timeout is at most 9223372036854775807 milliseconds.".to_owned(),
        ),
        ("timeout_ms", "1.5", timeout()),
        ("addresses", "\r\n", "You must specify IP addresses to match against.".to_owned()),
        ("paths", "\r\n", "You must specify URLs to match against.".to_owned()),
        ("addresses", "blah", pattern("blah")),
        ("addresses", "123.123.123.123.1.1", pattern("123.123.123.123.1.1")),
        ("addresses", "299.299.299.299", pattern("299.299.299.299")),
        ("addresses", "192,168,0,1", pattern("192,168,0,1")),
        ("addresses", "192.168.?.1", pattern("192.168.?.1")),
        ("addresses", "10.0.0.1, any", "The word any stands alone".to_owned()),
        ("paths", "any\r\n/rest", "The word any stands alone".to_owned()),
        ("paths", "/rest/*", "In `/rest/*` the asterisk is a plain character and no wildcard".to_owned()),
        ("paths", "/rest?x=1", "No path that is accepted begins with `/rest?x=1` (query)".to_owned()),
        ("paths", "/%2e", "No path that is accepted begins with `/%2e` (encoded dot)".to_owned()),
        ("paths", "//rest", "No path that is accepted begins with `//rest` (empty segment)".to_owned()),
        (
            "paths",
            "rest",
            "No path begins with `rest`, for each begins with a slash: write `/rest`.".to_owned(),
        ),
        (
            "paths",
            "/rest, /plugins",
            "`/rest, /plugins` is more than one path: write each as an entry".to_owned(),
        ),
        (
            "paths",
            "/rest /plugins",
            "`/rest /plugins` is more than one path: write each as an entry".to_owned(),
        ),
        ("paths", "/my path", "`/my path` has a blank in it, and no path has".to_owned()),
        (
            "addresses",
            "10.1.2.3 10.1.2.4",
            "It has a blank between two addresses: write a comma there".to_owned(),
        ),
        (
            "addresses",
            "10.1.2.3:8080",
            "It has a port, and rules compare addresses alone: write 10.1.2.3.".to_owned(),
        ),
        ("addresses", "::1%0", "It has the zone `0`, which no request shows: write ::1.".to_owned()),
        (
            "addresses",
            "localhost",
            "It is a name, and rules compare addresses: write 127.0.0.1 and ::1".to_owned(),
        ),
    ];
    for (field, value, message) in &cases {
        let page = world.post("/trusted-applications/add", &with_pending(&pending, &but(field, value))).await;
        page.has(message);
        page.has("<h1>Add New Trusted Application</h1>");
        if *field != "name" {
            assert_eq!(page.value("name"), "Wiki");
        }
    }
    let all = [("name", ""), ("timeout_ms", ""), ("addresses", ""), ("paths", "")];
    let page = world.post("/trusted-applications/add", &with_pending(&pending, &all)).await;
    for message in ["cannot be blank.", "positive Timeout", "specify IP addresses", "specify URLs"] {
        page.has(message);
    }
    let mut good = but("addresses", "1.1.1.1\r\n2.2.2.2");
    good.retain(|(name, _)| *name != "paths");
    good.extend([("paths", "/some/url"), ("pending", &pending)]);
    world.post("/trusted-applications/add", &good).await.location();
    for (field, value, message) in &cases {
        let mut fields = but(field, value);
        fields.extend([("id", "wiki"), ("version", "1")]);
        let page = world.post("/trusted-applications/edit", &fields).await;
        page.has(message);
        page.has("<h1>Edit Trusted Application Details</h1>");
    }
    let mut fields = VALID.to_vec();
    fields.extend([("id", "wiki"), ("version", "1")]);
    world.post("/trusted-applications/edit", &fields).await.location();
}
