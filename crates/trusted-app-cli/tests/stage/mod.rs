//! A store of one test's own.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tower_trusted_app::Scheme;
use tower_trusted_app::seraph::CertificateDocument;
use trusted_app_test::TestIdentity;

use crate::program::{Ran, run};

/// A store, and files to bring in.
pub(crate) struct Stage {
    pub(crate) directory: TempDir,
    pub(crate) store: String,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = format!("sqlite:{}", directory.path().join("trust.db").display());
        Self { directory, store }
    }

    pub(crate) fn run(&self, args: &str) -> Ran {
        self.run_with(args, b"")
    }

    pub(crate) fn run_with(&self, args: &str, input: &[u8]) -> Ran {
        let by = if ["add", "edit", "rotate", "remove", "import"].contains(&args.split(' ').next().unwrap()) {
            &["--by", "carol"][..]
        } else {
            &[]
        };
        run(
            ["apps"]
                .into_iter()
                .chain(args.split(' '))
                .chain(["--store", &self.store])
                .chain(by.iter().copied()),
            input,
        )
    }

    /// What it printed, when it was done and nothing was to be remarked.
    #[track_caller]
    pub(crate) fn done(&self, args: &str) -> String {
        let ran = self.run(args);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
        ran.stdout
    }

    #[track_caller]
    pub(crate) fn json(&self, args: &str) -> Value {
        serde_json::from_str(&self.done(args)).unwrap()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let file = self.directory.path().join(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    pub(crate) fn document(&self, identity: &TestIdentity) -> String {
        let document = CertificateDocument::of(identity.local()).to_text(Scheme::SeraphV3);
        self.file(&format!("{}.document", identity.id()), &document)
    }

    pub(crate) fn add_wiki(&self) {
        let document = self.document(&TestIdentity::wiki());
        self.done(&format!("add --document {document} --name Wiki --address 10.1.*.* --path /rest"));
    }
}
