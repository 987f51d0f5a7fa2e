use std::fs;

use super::super::super::samples;
use super::*;

fn text(id: &str) -> String {
    let key = samples::key(2048);
    format!("[[application]]\nid = '{id}'\nkeys = [{{ spki = '{key}' }}]\naddresses = 'any'\npaths = 'any'\n")
}

fn file(content: &str) -> (tempfile::TempDir, ApplicationsFile) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    fs::write(&path, content).unwrap();
    (directory, ApplicationsFile::load(path, None, Unclosed::default()).unwrap())
}

fn knows(file: &ApplicationsFile, id: &str) -> bool {
    file.current.load().get(&id.parse().unwrap()).is_some()
}

#[test]
fn content_is_loaded_when_it_was_the_same_twice() {
    let (_directory, file) = file(&text("one"));
    assert_eq!(file.observe(None), None);

    fs::write(&file.path, text("two")).unwrap();
    let two = file.observe(None);
    assert!(two.is_some());
    fs::write(&file.path, text("three")).unwrap();
    let three = file.observe(two);
    assert!(three.is_some() && three != two);
    assert!(knows(&file, "one"));
    assert_eq!(file.observe(three), None);
    assert!(knows(&file, "three") && !knows(&file, "one"));
    assert_eq!(file.status.load().generation, 2);

    // Written and taken back before it settled.
    fs::write(&file.path, text("four")).unwrap();
    let four = file.observe(None);
    fs::write(&file.path, text("three")).unwrap();
    assert_eq!(file.observe(four), None);
    assert_eq!(file.status.load().generation, 2);
}

#[test]
fn a_fault_is_reported_once() {
    let (_directory, file) = file(&text("one"));
    let fault = |content: &str| {
        fs::write(&file.path, content).unwrap();
        let seen = file.observe(None);
        assert!(seen.is_some());
        assert_eq!(file.observe(seen), None);
        assert_eq!(file.observe(None), None, "it would be reported again");
        assert!(knows(&file, "one"));
        file.status.load().last_error.clone().unwrap()
    };
    let path = file.path.display();
    assert_eq!(
        fault("[[application]]"),
        format!(
            "{path}, line 1: application number 1: id: missing; write the name that its requests carry; the text ends \
             there: complete it, or write it again if it was cut"
        )
    );
    assert_eq!(fault("x = 1"), format!("{path}, line 1: unknown key `x`; known is only [[application]]"));

    // The content that is in use ends the fault, without a load.
    fs::write(&file.path, text("one")).unwrap();
    assert_eq!(file.observe(None), None);
    assert_eq!(file.status.load().last_error, None);
    assert_eq!(file.status.load().generation, 1);

    // The same fault again is one again.
    fault("x = 1");
}

#[test]
fn what_is_no_text_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    fs::write(&path, b"id = '\xff'").unwrap();
    let error = ApplicationsFile::load(path.clone(), None, Unclosed::default()).map(drop).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: byte 6 is not UTF-8: save the file as UTF-8", path.display()));
}

#[test]
fn a_file_that_was_touched_settles_again_and_is_not_loaded_twice() {
    let (_directory, file) = file(&text("one"));
    let touch = |seconds| {
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        fs::OpenOptions::new().append(true).open(&file.path).unwrap().set_modified(at).unwrap();
    };
    touch(1);
    assert_eq!(file.observe(None), None);
    assert_eq!(file.status.load().generation, 1);

    // The same content at two looks, but it was written in between.
    fs::write(&file.path, text("two")).unwrap();
    let first = file.observe(None);
    touch(2);
    let second = file.observe(first);
    assert!(second.is_some() && second != first);
    assert_eq!(file.observe(second), None);
    assert!(knows(&file, "two"));
}

/// Of a process that cannot be seen the system still reports that it wrote, and has not closed the file.
#[test]
fn a_file_that_was_written_and_not_closed_waits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("apps.toml");
    fs::write(&path, text("one")).unwrap();
    let file = ApplicationsFile::load(path, None, Unclosed::written()).unwrap();
    fs::write(&file.path, text("two")).unwrap();
    assert_eq!(file.observe(file.observe(None)), None);
    let waiting = FileStatus::clone(&file.status.load());
    assert!(
        waiting.last_error.unwrap().contains("is still being written: it has just changed, or a process")
    );
    assert!(knows(&file, "one"));

    // What is taken back needs no load.
    fs::write(&file.path, text("one")).unwrap();
    assert_eq!(file.observe(None), None);
    assert_eq!(file.status.load().last_error, None);

    // Who says that it is complete does not wait.
    fs::write(&file.path, text("two")).unwrap();
    file.reload().unwrap();
    assert!(knows(&file, "two"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_another_process_has_open_is_not_loaded() {
    let (_directory, file) = file(&text("one"));
    fs::write(&file.path, text("two")).unwrap();
    let handle = fs::OpenOptions::new().append(true).open(&file.path).unwrap();
    let mut sleep = std::process::Command::new("sleep").arg("60").stdout(handle).spawn().unwrap();
    for error in [
        file.reload().unwrap_err(),
        ApplicationsFile::load(file.path.clone(), None, Unclosed::default()).map(drop).unwrap_err(),
    ] {
        let FileError::StillWritten { writer: Some(writer), .. } = &error else { panic!("{error}") };
        assert_eq!(writer.pid, sleep.id());
    }
    assert_eq!(file.observe(file.observe(None)), None);
    let told = file.status.load().last_error.clone().unwrap();
    assert!(told.contains(&format!("process {} (", sleep.id())), "{told}");
    assert!(knows(&file, "one"));
    sleep.kill().unwrap();
    sleep.wait().unwrap();
    assert_eq!(file.observe(file.observe(None)), None);
    assert!(knows(&file, "two"));
    assert_eq!(file.status.load().last_error, None);
}
