//! The README's first command, as a person would run it.

use std::path::Path;
use std::process::{Command, Stdio};

/// A short demonstration ends by itself, verifies, and says on every page what it is.
#[test]
fn the_demonstration_publishes_what_verifies() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new(env!("CARGO_BIN_EXE_touchstone"))
        .args(["demo", "--once", "--operators", "2", "--seed", "3"])
        .env("TMPDIR", directory.path())
        .stderr(Stdio::inherit())
        .output()
        .expect("the program starts");
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).expect("text");
    let bundle = said.lines().find_map(|line| line.strip_prefix("bundle: ")).expect("where the bundle is");
    let out = Path::new(bundle).parent().expect("a folder");
    let files = scoreboard::disk::read_dir(&out.join("bundle")).expect("a bundle");
    let key = std::fs::read_to_string(out.join("signer.vkey")).expect("a key").trim().parse().expect("a key");
    let verified = scoreboard::verify(&files, Some(&key)).expect("the bundle verifies");
    assert!(verified.last && verified.runs >= 4 * 3 * 2, "{verified:?}");
    assert!(scoreboard::verify(&files, None).is_ok());
    let pages = pages(&out.join("site"));
    assert!(pages.len() > 20);
    for (path, text) in pages {
        assert!(text.contains("demonstration"), "{path} does not say what it is");
        assert!(!text.contains("127.0.0.1"), "{path} shows an address");
    }
    for (path, bytes) in files {
        assert!(
            !String::from_utf8_lossy(&bytes).contains("127.0.0.1"),
            "{path} of the bundle shows an address"
        );
    }
}

/// Every HTML page below a folder.
fn pages(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "html") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).expect("text")));
        }
    }
    found
}
