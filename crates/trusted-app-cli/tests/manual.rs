//! Completions and the manual, as a shell and a reader of `man` use them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod program;

use std::process::Command;

use program::run;

/// Every command that has something of its own to say.
const COMMANDS: [&str; 12] = [
    "keygen",
    "certificate",
    "details",
    "sign",
    "verify",
    "explain",
    "doctor",
    "request",
    "apps",
    "audit",
    "completions",
    "man",
];

#[test]
fn each_shell_learns_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(["completions", shell], b"");
        assert_eq!((script.status, script.stderr.as_str()), (0, ""));
        for command in COMMANDS {
            assert!(script.stdout.contains(command), "{shell} does not know {command}");
        }
    }
    assert!(run(["completions", "csh"], b"").failure().contains("[possible values: bash, elvish, fish,"));
    assert_eq!(run(["completions"], b"").failure(), "<SHELL> is missing (see --help)");
}

/// What bash offers after these words, the last of which is only begun.
#[cfg(unix)]
fn offered(words: &[&str]) -> String {
    let script = run(["completions", "bash"], b"").stdout;
    let (last, before) = (words.len() - 1, words.len().saturating_sub(2));
    let ask = format!(
        "{script}
        completer=$(complete -p trusted-app); completer=${{completer##*-F }}; completer=${{completer%% *}}
        COMP_WORDS=({}); COMP_CWORD={last}
        $completer trusted-app '{}' '{}'
        echo \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words[last],
        words[before]
    );
    let bash = Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
    assert!(bash.status.success(), "{bash:?}");
    String::from_utf8(bash.stdout).unwrap().trim().to_owned()
}

#[cfg(unix)]
#[test]
fn bash_completes() {
    assert_eq!(offered(&["trusted-app", "si"]), "sign");
    assert_eq!(offered(&["trusted-app", "sign", "--sig"]), "--signature-key");
    assert_eq!(offered(&["trusted-app", "apps", "rot"]), "rotate");
    assert_eq!(offered(&["trusted-app", "nothing"]), "");
}

#[test]
fn each_command_has_a_page() {
    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().to_str().unwrap();
    let written = run(["man", "--out", to], b"");
    let pages = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(written.stdout, format!("{pages} pages written to {to}\n"));

    let page = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    for command in COMMANDS {
        assert!(page("trusted-app.1").contains(&format!("trusted\\-app\\-{command}(1)")), "{command}");
        assert!(page(&format!("trusted-app-{command}.1")).contains(&format!("trusted\\-app\\-{command}")));
    }
    let rotate = page("trusted-app-apps-rotate.1");
    assert!(
        rotate.contains("\\-\\-signature\\-key") && rotate.contains("trusted\\-app apps rotate"),
        "{rotate}"
    );

    // The pages of an earlier version are replaced; where there is no directory nothing is made.
    assert_eq!(run(["man", "--out", to], b"").status, 0);
    let nowhere = directory.path().join("nowhere");
    let refused = run(["man", "--out", nowhere.to_str().unwrap()], b"");
    assert!(refused.failure().contains("nowhere"), "{refused:?}");
    assert!(!nowhere.exists());
}
