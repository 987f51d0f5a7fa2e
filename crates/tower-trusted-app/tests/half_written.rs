//! The file store against files that are half written.

#![cfg(feature = "file")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::fs;
use std::path::Path;

use tower_trusted_app::keys::{FileError, FileKeyStore};

fn key(bits: u32) -> String {
    let text =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/certificate_document.json"));
    let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
    vectors["keys"][format!("pub-rsa{bits}")]["public_key_spki_b64"].as_str().unwrap().to_owned()
}

/// Two applications, the second with rules at its end.
fn whole() -> String {
    format!(
        "# Müller's\n[[application]]\nid = 'forum'\nkeys = [{{ spki = '{}' }}]\naddresses = 'any'\npaths = 'any'\n\n\
         [[application]]\nid = 'wiki'\nkeys = [{{ spki = '{}' }}]\naddresses = ['10.0.0.1', '10.0.0.2']\n\
         paths = [\n  '/rest',\n]\ntimeout_ms = 10000\nmethods = ['GET']\nact_as = {{ deny_users = ['bob'] }}\n",
        key(4096),
        key(2048)
    )
}

/// The text up to and with the first `end`.
fn until(end: &str) -> Vec<u8> {
    let whole = whole();
    let at = whole.find(end).unwrap_or_else(|| panic!("{end}")) + end.len();
    whole.as_bytes()[..at].to_vec()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// What becomes of a file.
enum Outcome {
    /// The old applications stay, and the reason has this in it.
    Kept(&'static str),
    /// As many applications are loaded.
    Loaded(usize),
}

use Outcome::{Kept, Loaded};

const CUT: &str = "the text ends there: complete it, or write it again if it was cut";
const EMPTIED: &str =
    "lists no application any more, so it seems to be cut: write it again, or write `application = []`";

#[test]
fn half_a_file_is_not_loaded() {
    let whole = whole();
    let crlf = whole.replace('\n', "\r\n");
    let rows: Vec<(&str, Vec<u8>, Outcome)> = vec![
        ("empty", vec![], Kept(EMPTIED)),
        ("one line end", b"\n".to_vec(), Kept(EMPTIED)),
        ("blank lines", b" \n\t\r\n\n".to_vec(), Kept(EMPTIED)),
        ("a byte order mark alone", b"\xef\xbb\xbf".to_vec(), Kept(EMPTIED)),
        ("a comment", b"# the applications\n".to_vec(), Kept(EMPTIED)),
        ("half a comment", b"# the appl".to_vec(), Kept(EMPTIED)),
        ("the first comment", until("Müller's\n"), Kept(EMPTIED)),
        ("half a character", whole.as_bytes()[..4].to_vec(), Kept("byte 3 is not UTF-8")),
        ("NULs", vec![0; 4096], Kept("it is UTF-16 without a byte order mark")),
        (
            "text, then NULs",
            [until("'forum'\n"), vec![0; 100]].concat(),
            Kept("is NUL: it is no text, or it was not written"),
        ),
        ("one bracket", until("\n["), Kept(CUT)),
        ("half a table header", until("[[applic"), Kept(CUT)),
        ("the first table header", until("[[application]]"), Kept(CUT)),
        ("half a key", until("\nid"), Kept(CUT)),
        ("a key without a value", until("id ="), Kept(CUT)),
        ("half a string", until("id = 'fo"), Kept(CUT)),
        ("half a public key", until("keys = [{ spki = 'MIIBI"), Kept(CUT)),
        ("an application without all of its fields", until("'forum'\n"), Kept(CUT)),
        ("before the last line that must be there", until("'10.0.0.2']\n"), Kept(CUT)),
        ("the second table header", until("\n\n[[application]]\n"), Kept(CUT)),
        ("half a list", until("addresses = ['10.0.0.1'"), Kept(CUT)),
        ("half a list of several lines", until("paths = [\n  '/rest',\n"), Kept(CUT)),
        ("half an inline table", until("act_as = { deny"), Kept(CUT)),
        ("half a name in it", until("deny_users = ['bo"), Kept(CUT)),
        ("half a carriage return", crlf.as_bytes()[..crlf.find("act_as").unwrap() + 6].to_vec(), Kept(CUT)),
        ("half of UTF-16", utf16(&whole)[..101].to_vec(), Kept("begins like UTF-16 but is cut or broken")),
        ("UTF-16 that ends in a table", utf16(&whole[..60]), Kept(CUT)),
        (
            "UTF-16 without a mark",
            utf16(&whole)[2..].to_vec(),
            Kept("it is UTF-16 without a byte order mark"),
        ),
        ("gzip", b"\x1f\x8b\x08\0\0".to_vec(), Kept("it is compressed (gzip)")),
        // What is complete, as far as the text can tell.
        ("none, on purpose", b"application = []\n".to_vec(), Loaded(0)),
        ("none, on purpose, with a comment", b"# moved\napplication = []".to_vec(), Loaded(0)),
        ("whole", whole.clone().into_bytes(), Loaded(2)),
        ("CRLF", crlf.into_bytes(), Loaded(2)),
        ("UTF-16", utf16(&whole), Loaded(2)),
        ("without the last line end", whole.trim_end().as_bytes().to_vec(), Loaded(2)),
        // A cut that stays and is valid: loaded, with a warning (tests/file_log.rs).
        ("one application of two", until("paths = 'any'\n"), Loaded(1)),
        ("before the rules", until("'/rest',\n]\n"), Loaded(2)),
    ];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    for (name, bytes, outcome) in rows {
        fs::write(&path, &whole).unwrap();
        let store =
            FileKeyStore::builder(&path).poll_interval(std::time::Duration::from_secs(3600)).open().unwrap();
        fs::write(&path, &bytes).unwrap();
        let loaded = store.reload();
        let known = known(&store);
        match outcome {
            Kept(reason) => {
                let error = loaded.expect_err(name);
                assert!(error.to_string().contains(reason), "{name}: {error}");
                assert!(error.to_string().contains(&*path.display().to_string()), "{name}: {error}");
                assert_eq!(store.status().last_error, Some(error.to_string()), "{name}");
                assert_eq!((known, store.status().generation), (2, 1), "{name}");
                let is_cut = matches!(error, FileError::Cut { .. } | FileError::NoApplications { .. });
                assert_eq!(is_cut, reason == CUT || reason == EMPTIED, "{name}: {error:?}");
            }
            Loaded(number) => {
                loaded.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert_eq!((known, store.status().last_error), (number, None), "{name}");
            }
        }
    }
}

fn known(store: &FileKeyStore) -> usize {
    ["forum", "wiki"].into_iter().filter(|id| store.get(&id.parse().unwrap()).is_some()).count()
}

/// There is nothing to keep then; the log warns.
#[test]
fn an_empty_file_is_loaded_where_there_was_no_application() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    let write = |text: &str| fs::write(Path::new(&path), text).unwrap();
    write("");
    let store = FileKeyStore::open(&path).unwrap();
    write("# none yet\n");
    store.reload().unwrap();
    write(&whole());
    store.reload().unwrap();
    assert_eq!(known(&store), 2);
    write("# none yet\n");
    assert!(matches!(store.reload(), Err(FileError::NoApplications { .. })));
    write("application = []");
    store.reload().unwrap();
    assert_eq!(known(&store), 0);
}
