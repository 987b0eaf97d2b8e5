#![expect(clippy::disallowed_methods, reason = "a bundle on disk is what the command reads")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::verification::{honest, signer};

/// A bundle on disk, in a folder of its own.
fn unpacked(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&root);
    for (path, bytes) in honest() {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    root
}

fn touchstone_verify(bundle: &Path, more: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone-verify"));
    let Output { status, stdout, .. } = command.arg(bundle).args(more).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

#[test]
fn the_same_bundle_is_said_to_be_the_same() {
    let bundle = unpacked("same");
    let key = signer().verifying().to_string();
    let (code, text) = touchstone_verify(&bundle, &["--key", &key]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("same, signed by foundation.example\n"), "{text}");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("key.txt");
    fs::write(&file, format!("{key}\n")).unwrap();
    assert_eq!(touchstone_verify(&bundle, &["--key", &format!("@{}", file.display())]), (code, text));
    let (code, text) = touchstone_verify(&bundle, &[]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("self-consistent, signer unchecked\n"), "{text}");
    let (_, json) = touchstone_verify(&bundle, &["--json"]);
    assert!(json.starts_with(r#"{"same":{"season":"Test","#), "{json}");
}

#[test]
fn a_difference_is_named_and_exits_with_one() {
    let bundle = unpacked("differs");
    fs::write(bundle.join("season.json"), b"{}").unwrap();
    let (code, text) = touchstone_verify(&bundle, &[]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("differs: season.json: digest: published "), "{text}");
    let (code, json) = touchstone_verify(&bundle, &["--json"]);
    assert_eq!(code, Some(1));
    assert!(json.starts_with(r#"{"differs":{"file":"season.json","run":null,"#), "{json}");
}

#[test]
fn what_cannot_be_read_exits_with_two() {
    let nothing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nothing");
    assert_eq!(touchstone_verify(&nothing, &[]).0, Some(2));
    let bundle = unpacked("unreadable");
    fs::remove_file(bundle.join("manifest.json")).unwrap();
    let (code, text) = touchstone_verify(&bundle, &[]);
    assert_eq!((code, text.contains("no manifest.json")), (Some(2), true), "{text}");
    assert_eq!(touchstone_verify(&unpacked("badkey"), &["--key", "nonsense"]).0, Some(2));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let bundle = unpacked("links");
    std::os::unix::fs::symlink("/etc/hostname", bundle.join("evidence/more.json")).unwrap();
    assert_eq!(touchstone_verify(&bundle, &[]).0, Some(2));
}
