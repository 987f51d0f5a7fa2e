//! Requests as people paste them, to `verify` and `explain`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::fs;

use program::{Ran, run};
use trusted_app_test::TestIdentity;

/// A tracker that trusts the wiki, and a request of the wiki's.
struct Files {
    directory: tempfile::TempDir,
    /// As `sign` prints them.
    headers: String,
}

const URL: &str = "http://tracker.test/rest/issues?q=1";
const TARGET: &str = "/rest/issues?q=1";

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let wiki = TestIdentity::wiki();
        let identity = directory.path().join("wiki.pem");
        wiki.local().store(&identity).unwrap();
        let key = wiki.local().public_key().to_base64();
        let apps = format!(
            "[[application]]\nid = \"wiki\"\nkeys = [{{ spki = \"{key}\" }}]\naddresses = \"any\"\npaths = \"any\"\n"
        );
        fs::write(directory.path().join("apps.toml"), apps).unwrap();
        let signed = run(["sign", "--identity", identity.to_str().unwrap(), "--user", "alice", URL], b"");
        assert_eq!(signed.status, 0, "{signed:?}");
        Self { directory, headers: signed.stdout }
    }

    fn verify(&self, pasted: impl AsRef<[u8]>) -> Ran {
        let apps = self.directory.path().join("apps.toml");
        run(["verify", "--apps", apps.to_str().unwrap(), "--user", "alice"], pasted.as_ref())
    }

    /// The request, one line each.
    fn lines(&self, version: &str) -> Vec<String> {
        let start = [format!("GET {TARGET} {version}"), "Host: tracker.test".to_owned()];
        start.into_iter().chain(self.headers.lines().map(str::to_owned)).collect()
    }

    /// The request with something in front of each line, the blank one at its end too.
    fn behind(&self, prefix: &str) -> String {
        let lines = self.lines("HTTP/1.1");
        lines.iter().map(|line| format!("{prefix}{line}\n")).chain([format!("{prefix}\n")]).collect()
    }
}

#[test]
fn a_request_is_read_as_tools_show_it() {
    let files = Files::new();
    let plain = files.lines("HTTP/1.1").join("\n");
    let curl = files.behind("> ");
    let http2: String = files.lines("HTTP/2").iter().map(|line| format!("> {line}\r\n")).collect();
    let timed = |time: fn(usize) -> String| {
        let lines = files.lines("HTTP/1.1").into_iter().chain([String::new()]).enumerate();
        lines.map(|(number, line)| format!("{}{line}\n", time(number))).collect::<String>()
    };
    let fields = |pseudo: &[(&str, &str)], form: fn(&str, &str) -> String| {
        let own = files.headers.lines().map(|line| line.split_once(": ").unwrap());
        let own: Vec<_> = own.map(|(name, value)| (name.to_lowercase(), value)).collect();
        let own = own.iter().map(|(name, value)| (name.as_str(), *value));
        pseudo.iter().copied().chain(own).map(|(name, value)| form(name, value)).collect::<String>()
    };
    const PSEUDO: [(&str, &str); 4] =
        [(":method", "GET"), (":authority", "tracker.test"), (":scheme", "http"), (":path", TARGET)];
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let escaped = files.lines("HTTP/1.1").join(r"\r\n");
    for (form, pasted) in [
        ("plain", plain.clone().into_bytes()),
        ("a byte order mark", format!("\u{feff}{plain}").into_bytes()),
        ("UTF-16", utf16(&format!("\u{feff}{}\r\n\r\n", plain.replace('\n', "\r\n")))),
        ("HTTP/2 in the request line", files.lines("HTTP/2").join("\n").into_bytes()),
        ("HTTP/2.0 in the request line", files.lines("HTTP/2.0").join("\r\n").into_bytes()),
        ("HTTP/3 in the request line", files.lines("HTTP/3").join("\n").into_bytes()),
        ("no version", plain.replacen(" HTTP/1.1", "", 1).into_bytes()),
        ("curl's lines", curl.clone().into_bytes()),
        (
            "all that curl -v shows",
            format!(
                "*   Trying 127.0.0.1:80...\n* Connected to tracker.test (127.0.0.1) port 80 (#0)\n{curl}\
                 * Request completely sent off\n< HTTP/1.1 401 Unauthorized\n< Date: today\n<\n{{ [5 bytes data]\n"
            )
            .into_bytes(),
        ),
        (
            "with the command, by HTTP/2",
            format!(
                "$ curl -v https://tracker.test/ > x\n  % Total    % Received % Xferd  Average Speed   Time\n\
                 \x20                                Dload  Upload   Total   Spent\n  0     0    0     0    0 --:--:-- 0\n\
                 * [HTTP/2] [1] [:method: GET]\r\n{http2}>\r\n< HTTP/2 401\r\n"
            )
            .into_bytes(),
        ),
        ("curl's lines with the time", timed(|at| format!("12:00:0{at}.123456 > ")).into_bytes()),
        ("indented", files.behind("    ").into_bytes()),
        ("indented by a tab, blank line plain", format!("{}\n", files.behind("\t").trim_end()).into_bytes()),
        ("a log's time", timed(|at| format!("2026-12-01T10:00:00.12{at}Z ")).into_bytes()),
        ("a log of the system", timed(|at| format!("Dec 01 10:00:0{at} host app[123]: ")).into_bytes()),
        ("a time in brackets", timed(|at| format!("[2026-12-01 10:00:0{at}] [debug] ")).into_bytes()),
        ("a container's name", files.behind("web-1  | ").into_bytes()),
        ("a quotation", files.behind("> > ").into_bytes()),
        ("a block of code", format!("```http\n{plain}\n```\n").into_bytes()),
        ("a block of code, HTTP/2", format!("```\n{}\n```\n", files.lines("HTTP/2").join("\n")).into_bytes()),
        ("escaped", escaped.clone().into_bytes()),
        ("escaped, with the end", format!(r"{escaped}\r\n\r\n").into_bytes()),
        ("escaped and broken", escaped.replace(r"\r\n", "\\r\\n\n").into_bytes()),
        ("escaped by one character", escaped.replace(r"\r\n", r"\n").into_bytes()),
        ("in quotation marks", format!("\"{escaped}\\r\\n\\r\\n\"").into_bytes()),
        ("Python's bytes", format!("send: b'{escaped}\\r\\n\\r\\n'\n").into_bytes()),
        ("HTTP/2", fields(&PSEUDO, |name, value| format!("{name}: {value}\n")).into_bytes()),
        (
            "HTTP/2 without the scheme",
            fields(&[PSEUDO[0], PSEUDO[1], PSEUDO[3]], |name, value| format!("{name}: {value}\r\n"))
                .into_bytes(),
        ),
        (
            "HTTP/2 as nghttp shows it",
            format!(
                "[  0.010] send HEADERS frame <length=900, flags=0x25, stream_id=13>\n          ; END_STREAM\n{}",
                fields(&PSEUDO, |name, value| format!("          {name}: {value}\n"))
            )
            .into_bytes(),
        ),
        ("HTTP/2 as a browser's table", fields(&PSEUDO, |name, value| format!("{name}\n{value}\n")).into_bytes()),
        (
            "the same with colons",
            fields(&PSEUDO, |name, value| format!("{name}:\n{value}\n")).into_bytes(),
        ),
    ] {
        let ran = files.verify(&pasted);
        assert!(ran.stdout.starts_with("authenticated\n"), "{form}: {ran:?}");
        assert_eq!(ran.stderr, "", "{form}");
        assert!(ran.stdout.contains(URL), "{form}: {ran:?}");
    }
}

#[test]
fn a_form_that_is_no_request_is_named() {
    let files = Files::new();
    let log = files.behind("10:00:00 ").replace("10:00:00 Host", "Host");
    for (pasted, why) in [
        ("curl -H 'X-Seraph-Trusted-App-ID: wiki' https://t/", "this is a command"),
        ("$ curl -v https://t/", "this is a command"),
        ("Invoke-WebRequest https://t/", "this is a command"),
        ("fetch(\"https://t/\", {", "this is a command"),
        ("* Trying 127.0.0.1:80...\n* Connected\n", "these are curl's remarks"),
        (
            "=> Send header, 75 bytes (0x4b)\n0000: GET / HTTP/1.1\n000f: Host: t\n",
            "this is what `curl --trace`",
        ),
        (
            "== Info: Trying\n=> Send header, 75 bytes (0x4b)\n0000: GET / HTTP/1.1\n",
            "this is what `curl --trace`",
        ),
        ("HTTP/1.1 401 Unauthorized\nDate: today\n", "this is an answer"),
        ("< HTTP/1.1 401 Unauthorized\n", "this is an answer"),
        (":status: 401\n:method: GET\ndate: today\n", "this is an answer"),
        ("{\"log\":{\"version\":\"1.2\"}}", "this is JSON"),
        ("https://tracker.test/rest", "this is a URL alone"),
        ("\u{16}\u{3}\u{1}\u{2}", "these are bytes of TLS"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "these are the bytes of an HTTP/2 connection"),
        (
            "127.0.0.1 - - [01/Dec/2026:10:00:00 +0000] \"GET /rest HTTP/1.1\" 401 12 \"-\" \"curl\"",
            "this is a line of an access log",
        ),
        (files.headers.as_str(), "these are headers without a request line"),
        (
            "Here it is:\nGET / HTTP/1.1\nHost: t\n",
            "the request begins in line 2: take away what stands before",
        ),
        ("\n\nHere it is:\nGET / HTTP/1.1\nHost: t\n", "the request begins in line 4"),
        (log.as_str(), "line 2 does not begin as the request line does"),
        ("> GET /a HTTP/1.1\n> Host: t\n> GET /b HTTP/1.1\n", "this is more than one request"),
        (":method: GET\nhost: t\n", "a request of HTTP/2 has `:method` and `:path`, each once"),
        (":method: GET\n:path: /\n:path: /x\n", "a request of HTTP/2 has"),
        (":method\nGET\n:path\n", "a request of HTTP/2 has"),
    ] {
        let ran = files.verify(pasted);
        let what = ran.failure().strip_prefix("no HTTP/1.1 request head on standard input: ");
        assert!(what.is_some_and(|what| what.starts_with(why)), "{pasted}: {ran:?}");
    }
    for (bytes, why) in [
        (&b"\x1f\x8b\x08\x00"[..], "it is compressed (gzip): decompress it first"),
        (b"\xff\xfeG\0E\0T", "it begins like UTF-16 but is cut or broken"),
        (b"G\0E\0T\0", "it is UTF-16 without a byte order mark"),
        (b"\xd4\xc3\xb2\xa1\x02\0", "this is a file of network packets"),
    ] {
        let ran = files.verify(bytes);
        assert!(ran.failure().contains(why), "{ran:?}");
    }
}

/// Nothing of a request is lost or added by reading it.
#[test]
fn a_body_is_read_where_it_can_be() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (key, body) = (file("signature.pem"), file("body.json"));
    assert_eq!(run(["keygen", "--algorithm", "ed25519", "--out", &key], b"").status, 0);
    fs::write(&body, "{\"a\":\"\\\\\"}").unwrap();
    let sign = [
        "sign",
        "--signature-key",
        &key,
        "--user",
        "alice",
        "--body",
        &body,
        "--content-type",
        "application/json",
        URL,
    ];
    let headers = run(sign, b"").stdout;
    let body = fs::read_to_string(&body).unwrap();
    let request = format!("POST {URL} HTTP/1.1\n{headers}\n{body}");
    let quoted = request.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\r\n");
    let pseudo = headers.replace('\n', "\r\n");
    let pseudo = format!(
        ":method: POST\r\n:scheme: http\r\n:authority: tracker.test\r\n:path: {TARGET}\r\n{pseudo}\r\n{body}"
    );
    let head = format!("POST {URL} HTTP/1.1\n{headers}").replace('\n', r"\r\n");
    for (form, pasted) in [
        ("plain", request.clone()),
        ("HTTP/2 in the request line", request.replacen("HTTP/1.1", "HTTP/2", 1)),
        ("in quotation marks", format!("\"{quoted}\"")),
        ("escaped", format!("{head}\\r\\n{body}")),
        ("HTTP/2", pseudo),
    ] {
        let ran = run(["explain", "-"], pasted.as_bytes());
        assert!(ran.stdout.contains("has the digest that is signed"), "{form}: {ran:?}");
    }
}
