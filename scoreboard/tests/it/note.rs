use model::Digest;
use scoreboard::note::{BadNote, Subject, text};
use scoreboard::{NoteSigner, VerifyingNote};

fn signer() -> NoteSigner {
    NoteSigner::new("foundation.example", &[7; 32]).unwrap()
}

fn said() -> String {
    text(Subject::Publication, Digest::of_bytes(b"season"), 3, Digest::of_bytes(b"file"))
}

/// The example of the C2SP signed-note specification (and of Go's golang.org/x/mod/sumdb/note).
#[test]
fn a_note_of_another_implementation_is_understood() {
    let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let signature =
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    let key: VerifyingNote = key.parse().unwrap();
    let note = format!("{text}\n\u{2014} PeterNeumann {signature}\n");
    assert_eq!(key.check(note.as_bytes(), text), Ok(()));
}

#[test]
fn a_note_holds_and_is_the_same_each_time() {
    let note = signer().sign(&said());
    assert_eq!(note, signer().sign(&said()));
    assert_eq!(signer().verifying().check(&note, &said()), Ok(()));
    assert!(note.starts_with(b"touchstone publication v1\n"));
}

#[test]
fn every_flipped_bit_of_a_note_is_noticed() {
    let (note, key) = (signer().sign(&said()), signer().verifying());
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut changed = note.clone();
            changed[at] ^= 1 << bit;
            assert!(key.check(&changed, &said()).is_err(), "byte {at} bit {bit}");
        }
    }
    for length in 0..note.len() {
        assert!(key.check(&note[..length], &said()).is_err(), "cut at {length}");
    }
    let more = [note.as_slice(), b"\n"].concat();
    assert!(key.check(&more, &said()).is_err());
    let twice = [note.as_slice(), note.as_slice()].concat();
    assert!(key.check(&twice, &said()).is_err());
}

#[test]
fn a_note_is_about_one_thing_only() {
    let note = signer().sign(&said());
    let other = text(Subject::Manifest, Digest::of_bytes(b"season"), 3, Digest::of_bytes(b"file"));
    assert_eq!(signer().verifying().check(&note, &other), Err(BadNote::Text));
    let stranger = NoteSigner::new("foundation.example", &[8; 32]).unwrap().verifying();
    assert_eq!(stranger.check(&note, &said()), Err(BadNote::Signer));
    let renamed = NoteSigner::new("other.example", &[7; 32]).unwrap().verifying();
    assert_eq!(renamed.check(&note, &said()), Err(BadNote::Signer));
}

#[test]
fn a_key_has_one_spelling() {
    let text = signer().verifying().to_string();
    assert_eq!(text.parse(), Ok(signer().verifying()));
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] ^= 1;
        let changed = String::from_utf8(changed).unwrap();
        assert_ne!(changed.parse(), Ok(signer().verifying()), "{changed}");
    }
    for bad in ["", "a", "a+b", "a+00000000+", "a+00000000+AQ==", "+00000000+AQ=="] {
        assert!(bad.parse::<VerifyingNote>().is_err(), "{bad}");
    }
}

#[test]
fn names_that_would_break_a_note_are_refused() {
    for bad in ["", "a b", "a+b", "a\nb", "a\u{2003}b", &"a".repeat(101)] {
        assert!(NoteSigner::new(bad, &[1; 32]).is_err(), "{bad:?}");
    }
}
