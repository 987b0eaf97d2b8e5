use std::collections::BTreeMap;

use model::digest::canonical_json;
use model::*;
use scoreboard::note::{Subject, text};
use scoreboard::{
    Bundle, Draft, Manifest, Mismatch, NoteSigner, Record, Rulebook, Signer, bundle, publish, verify,
};

use crate::support::*;

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn signer() -> NoteSigner {
    NoteSigner::new("foundation.example", &[7; 32]).unwrap()
}

pub(crate) fn book() -> Rulebook {
    Rulebook::quick()
}

/// Alpha is good, bravo leaks invalid answers, and one run of bravo's was void and drawn again.
pub(crate) fn good() -> Record {
    let season = small_season(&book());
    let bad = Node { right: 900, capacity: 15, ..Node::default() };
    let mut record = whole(&season, |key| match (key.operator.as_str(), key.window, key.trial.as_str()) {
        ("bravo", 1, "spam") => Node { ended: (Ended::Interrupted, 1), ..Node::default() },
        ("bravo", ..) => bad.clone(),
        _ => Node::default(),
    });
    record.extend(scoreboard::record([run(&season, key(1, "spam", "bravo", 2), &bad)]));
    record
}

pub(crate) fn draft<'a>(
    book: &'a Rulebook,
    season: &'a Season,
    record: &'a Record,
    number: u32,
) -> Draft<'a> {
    Draft {
        book,
        season,
        record,
        windows: number,
        number,
        last: number == 2,
        published_ms: 1_700_000_000_000,
        seed: (number == 2).then(seed),
        previous: None,
        decisions: &[],
    }
}

/// A bundle of this record, after a forger changed its publications: every digest, the chain and
/// the signatures are made anew.
fn forged(record: &Record, forge: impl Fn(&mut Publication)) -> Files {
    let (book, season) = (book(), small_season(&book()));
    let mut publications: Vec<Publication> = Vec::new();
    for number in 1..=2 {
        let mut publication = publish(draft(&book, &season, record, number));
        forge(&mut publication);
        publication.previous = publications.last().map(Digest::of);
        publications.push(publication);
    }
    packed(&book, &season, &publications, record)
}

pub(crate) fn packed(
    book: &Rulebook,
    season: &Season,
    publications: &[Publication],
    record: &Record,
) -> Files {
    let pages = BTreeMap::from([("index.html".to_owned(), Digest::of_bytes(b"page"))]);
    bundle::write(&Bundle { season, book, publications, record, pages: &pages }, &signer())
}

pub(crate) fn honest() -> Files {
    forged(&good(), |_| ())
}

#[track_caller]
pub(crate) fn differs(files: &Files) -> Mismatch {
    verify(files, Some(&signer().verifying())).expect_err("must differ")
}

#[test]
fn an_honest_bundle_is_the_same() {
    let verified = verify(&honest(), Some(&signer().verifying())).unwrap();
    assert_eq!(verified.signer, Signer::Checked("foundation.example".into()));
    assert_eq!((verified.publications, verified.runs, verified.windows), (2, 13, 2));
    assert!(verified.last && verified.known_rulebook);
    assert_eq!(verify(&honest(), None).unwrap().signer, Signer::Unchecked);
}

#[test]
fn the_bytes_of_a_publication_are_pinned() {
    let digest = verify(&honest(), None).unwrap().publication.to_string();
    assert_eq!(digest, "3e4df6559efa0b384b9c9ea16b76360abdb3f372670ac00fa86a0d1b030aa1ff");
}

#[test]
fn a_season_that_goes_on_is_provisional() {
    let (book, season, record) = (book(), small_season(&book()), good());
    let first = publish(draft(&book, &season, &record, 1));
    let verified = verify(&packed(&book, &season, &[first], &record), None).unwrap();
    assert!(!verified.last);
    assert_eq!((verified.windows, verified.runs), (1, 7));
}

#[test]
fn another_signer_is_noticed() {
    let stranger = NoteSigner::new("foundation.example", &[8; 32]).unwrap().verifying();
    let found = verify(&honest(), Some(&stranger)).unwrap_err();
    assert_eq!((found.file.as_str(), found.what.as_str()), ("manifest.json", "signer"));
}

#[test]
fn every_flipped_bit_of_a_small_file_is_noticed_and_bits_all_over_a_large_one() {
    let files = honest();
    for (path, bytes) in &files {
        let step = if bytes.len() < 700 { 1 } else { bytes.len() / 20 };
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = files.clone();
            changed.get_mut(path).unwrap()[at] ^= 1 << (at % 8);
            assert!(verify(&changed, None).is_err(), "{path} byte {at}");
        }
    }
}

/// Makes the manifest and its note anew over changed files.
fn reseal(mut files: Files) -> Files {
    let mut manifest: Manifest = serde_json::from_slice(&files["manifest.json"]).unwrap();
    files.retain(|path, _| !path.starts_with("manifest."));
    manifest.files = files.iter().map(|(path, bytes)| (path.clone(), Digest::of_bytes(bytes))).collect();
    let bytes = canonical_json(&manifest);
    let said = text(Subject::Manifest, manifest.season, manifest.number, Digest::of_bytes(&bytes));
    files.insert("manifest.note".into(), signer().sign(&said));
    files.insert("manifest.json".into(), bytes);
    files
}

#[test]
fn a_changed_byte_under_a_new_manifest_is_noticed_without_panic() {
    let files = honest();
    assert!(verify(&reseal(files.clone()), None).is_ok());
    for (path, bytes) in files.iter().filter(|(path, _)| !path.starts_with("manifest.")) {
        for at in (0..bytes.len()).step_by((bytes.len() / 12).max(1)) {
            for flip in [1, 0x10] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                let mut files = files.clone();
                files.remove(path);
                let renamed = if path.starts_with("evidence/") {
                    bundle::evidence_path(Digest::of_bytes(&changed))
                } else {
                    path.clone()
                };
                files.insert(renamed, changed);
                assert!(verify(&reseal(files), None).is_err(), "{path} byte {at}");
            }
        }
    }
}

#[test]
fn a_missing_and_an_extra_file_are_noticed() {
    let files = honest();
    for path in files.keys() {
        let mut fewer = files.clone();
        fewer.remove(path);
        assert!(verify(&fewer, None).is_err(), "{path}");
        if path != "manifest.json" && path != "manifest.note" {
            assert!(verify(&reseal(fewer), None).is_err(), "{path} under a new manifest");
        }
    }
    for path in ["more.json", "evidence/more.json", "publications/003.json", "publications/1.json", ""] {
        let mut more = files.clone();
        more.insert(path.into(), b"{}".to_vec());
        assert_eq!(differs(&more).file, path);
        assert!(verify(&reseal(more), None).is_err(), "{path} under a new manifest");
    }
}

#[test]
fn a_dropped_run_is_named_though_everything_was_made_anew() {
    let mut record = good();
    record.remove("w02.door.bravo.1");
    let found = differs(&forged(&record, |_| ()));
    assert_eq!(found.file, "publications/002.json");
    assert!(found.computed.contains("w02.door.bravo.1 is missing"), "{found}");
}

#[test]
fn a_run_left_out_of_the_publication_is_named() {
    let found = differs(&forged(&good(), |one| drop(one.runs.remove("w01.door.bravo.1"))));
    assert_eq!(found.run.as_deref(), Some("w01.door.bravo.1"));
    assert_eq!((found.published.as_str(), found.computed.as_str()), ("left out", "present"));
}

#[test]
fn a_losing_run_made_void_is_named() {
    let void = |publication: &mut Publication| {
        if let Some(entry) = publication.runs.get_mut("w02.door.bravo.1") {
            (entry.state, entry.score) = (RunState::Void(VoidCause::Ours), None);
        }
    };
    let mut record = good();
    let again = run(&small_season(&book()), key(2, "door", "bravo", 2), &Node::default());
    record.extend(scoreboard::record([again]));
    let found = differs(&forged(&record, void));
    assert!(found.computed.contains("w02.door.bravo.2 stands after"), "{found}");
    let found = differs(&forged(&good(), void));
    assert_eq!(found.run.as_deref(), Some("w02.door.bravo.1"));
    assert_eq!((found.published.as_str(), found.computed.as_str()), ("void (ours)", "measured"));
}

#[test]
fn a_void_run_made_to_count_is_named() {
    let found = differs(&forged(&good(), |publication| {
        publication.runs.get_mut("w01.spam.bravo.1").unwrap().state = RunState::Measured;
    }));
    assert_eq!((found.published.as_str(), found.computed.as_str()), ("measured", "void (ours)"));
}

#[test]
fn a_forged_score_is_named_down_to_its_part() {
    let found = differs(&forged(&good(), |publication| {
        let score = publication.runs.get_mut("w01.door.bravo.1").unwrap().score.as_mut().unwrap();
        score.parts[2].points += 1;
        score.points += 1;
    }));
    assert_eq!(found.file, "publications/001.json");
    assert_eq!(found.run.as_deref(), Some("w01.door.bravo.1"));
    assert_eq!(found.what, "door.capacity points");
}

#[test]
fn a_forged_place_total_or_order_is_named() {
    type Forge = fn(&mut Ranking);
    let forgeries: [(Forge, &str); 7] = [
        (|ranking| ranking.entries[1].place = Some(1), "entry bravo, place"),
        (|ranking| ranking.entries[1].total = Some(99_999), "entry bravo, total"),
        (|ranking| ranking.entries[0].lottery ^= true, "entry alpha"),
        (|ranking| ranking.entries.swap(0, 1), "order of entry"),
        (|ranking| drop(ranking.entries.pop()), "order of entry"),
        (|ranking| ranking.controls[0].windows = 9, "control near"),
        (|ranking| ranking.expected_wrong_seats += 1, "expected wrong seats"),
    ];
    for (forge, what) in forgeries {
        let last = |one: &mut Publication| {
            if one.number == 2 {
                forge(&mut one.ranking)
            }
        };
        let found = differs(&forged(&good(), last));
        assert_eq!((found.file.as_str(), found.what.as_str()), ("publications/002.json", what));
    }
}

#[test]
fn a_dropped_window_is_noticed() {
    let (book, season, record) = (book(), small_season(&book()), good());
    let mut only = publish(draft(&book, &season, &record, 1));
    (only.last, only.seed) = (true, Some(seed()));
    let found = differs(&packed(&book, &season, &[only], &record));
    assert_eq!(
        (found.what.as_str(), found.published.as_str(), found.computed.as_str()),
        ("windows", "1", "2")
    );
}

#[test]
fn the_seed_is_revealed_once_and_is_the_committed_one() {
    let what = |forge: fn(&mut Publication)| differs(&forged(&good(), forge)).what;
    assert_eq!(what(|one| one.seed = None), "seed");
    assert_eq!(what(|one| one.seed = Some(seed())), "seed");
    assert_eq!(what(|one| one.last = true), "seed");
    assert_eq!(what(|one| (one.last, one.seed) = (true, Some(seed()))), "windows");
    let other = |one: &mut Publication| one.seed = one.seed.map(|_| Seed::from_number(8));
    assert_eq!(what(other), "commitment of the seed");
    let drawn = with(&good(), "w01.door.alpha.1", |evidence| {
        evidence.seed = Seed::from_number(8);
        evidence.plan = model::plan::plan_digest(&evidence.parameters, &evidence.seed);
    });
    let found = differs(&forged(&drawn, |_| ()));
    assert_eq!((found.what.as_str(), found.run.as_deref()), ("seed", Some("w01.door.alpha.1")));
}

#[test]
fn a_closed_season_is_not_opened_again() {
    let (book, season, record) = (book(), small_season(&book()), good());
    let first = publish(draft(&book, &season, &record, 1));
    let second = publish(Draft { previous: Some(Digest::of(&first)), ..draft(&book, &season, &record, 2) });
    let again = Draft { number: 3, last: false, seed: None, ..draft(&book, &season, &record, 2) };
    let third = publish(Draft { previous: Some(Digest::of(&second)), ..again });
    let found = differs(&packed(&book, &season, &[first, second, third], &record));
    assert_eq!((found.file.as_str(), found.what.as_str()), ("publications/003.json", "last"));
}

#[test]
fn changed_rules_are_noticed() {
    let (mut book, season, record) = (book(), small_season(&book()), good());
    book.gates.lag_p99_us += 1;
    let one = publish(draft(&book, &season, &record, 1));
    let found = differs(&packed(&book, &season, &[one], &record));
    assert_eq!((found.file.as_str(), found.what.as_str()), ("season.json", "rulebook"));
    let own = Season { rulebook: book.digest(), ..season };
    let one = publish(draft(&book, &own, &record, 1));
    let verified = verify(&packed(&book, &own, &[one], &record), None).unwrap();
    assert!(!verified.known_rulebook);
}

#[test]
fn impossible_rules_and_seasons_are_refused() {
    let (mut book, record) = (book(), good());
    book.traffic.capacity_weight = u32::MAX;
    let season = Season { rulebook: book.digest(), ..small_season(&book) };
    assert_eq!(differs(&packed(&book, &season, &[], &record)).file, "rulebook.json");
    let mut twice = small_season(&self::book());
    twice.operators.push(twice.operators[0].clone());
    assert_eq!(differs(&packed(&self::book(), &twice, &[], &record)).file, "season.json");
    let mut huge = small_season(&self::book());
    (huge.windows, huge.attempts, huge.trials[0].weight) = (u32::MAX, u32::MAX, u32::MAX);
    assert_eq!(differs(&packed(&self::book(), &huge, &[], &record)).file, "season.json");
}

#[test]
fn a_broken_chain_of_publications_is_noticed() {
    let (book, season, record) = (book(), small_season(&book()), good());
    let first = publish(draft(&book, &season, &record, 1));
    let previous = Some(Digest::of_bytes(b"another"));
    let second = publish(Draft { previous, ..draft(&book, &season, &record, 2) });
    let found = differs(&packed(&book, &season, &[first.clone(), second], &record));
    assert_eq!(found.what, "previous");
    let third = publish(Draft { number: 3, ..draft(&book, &season, &record, 2) });
    assert!(verify(&packed(&book, &season, &[first, third], &record), None).is_err());
    assert!(verify(&packed(&book, &season, &[], &record), None).is_err());
}

#[test]
fn evidence_that_is_not_sound_is_named() {
    let unsound = with(&good(), "w01.door.alpha.1", |evidence| evidence.phases[0].lanes[0].landed = u64::MAX);
    let found = differs(&forged(&unsound, |_| ()));
    assert_eq!((found.what.as_str(), found.run.as_deref()), ("evidence", Some("w01.door.alpha.1")));
    assert!(found.file.starts_with("evidence/"));
}

#[test]
fn another_spelling_of_the_same_values_is_refused() {
    let mut files = honest();
    let season = files.get_mut("season.json").unwrap();
    *season = String::from_utf8(season.clone()).unwrap().replacen(':', ": ", 1).into_bytes();
    let found = differs(&reseal(files));
    assert_eq!((found.file.as_str(), found.what.as_str()), ("season.json", "form"));
}

#[test]
fn what_is_no_bundle_is_refused_without_panic() {
    assert!(verify(&Files::new(), None).is_err());
    for junk in ["", "null", "[]", "{", "{}", &"[".repeat(100_000)] {
        let mut files = honest();
        for path in ["manifest.json", "season.json", "rulebook.json", "publications/001.json"] {
            files.insert(path.into(), junk.as_bytes().to_vec());
            assert!(verify(&files, None).is_err());
        }
    }
}
