//! Decisions in publications: on an earlier one, with a reason, and never taken back.

use model::*;
use scoreboard::{Draft, publish, verify};

use crate::support::*;
use crate::verification::{Files, book, differs, draft, good, packed};

fn real_season() -> Season {
    Season { demonstration: false, ..small_season(&book()) }
}

/// The season closed, and then decided on: publications 1 and 2 without, 3 with these decisions.
fn decided(decisions: impl Fn(&[Publication]) -> Vec<Decision>) -> Files {
    let (book, season, record) = (book(), real_season(), good());
    let mut publications: Vec<Publication> = Vec::new();
    for number in 1..=3 {
        let decisions = if number == 3 { decisions(&publications) } else { Vec::new() };
        let previous = publications.last().map(Digest::of);
        let next = Draft {
            number,
            previous,
            decisions: &decisions,
            ..draft(&book, &season, &record, number.min(2))
        };
        publications.push(publish(next));
    }
    packed(&book, &season, &publications, &record)
}

fn admit(publications: &[Publication], number: u32, operator: &str) -> Decision {
    Decision {
        number,
        operator: operator.parse().unwrap(),
        verdict: Verdict::Admit,
        reason: "first of the list".into(),
        publication: 2,
        digest: Digest::of(&publications[1]),
        reviewer: "Foundation".into(),
        decided_ms: 1_700_000_100_000,
        replaces: None,
    }
}

#[test]
fn decisions_go_into_the_next_publication() {
    let files = decided(|before| {
        let corrected = Decision {
            verdict: Verdict::Reject,
            replaces: Some(1),
            reason: "withdrawn\nby the operator".into(),
            ..admit(before, 3, "alpha")
        };
        vec![admit(before, 1, "alpha"), admit(before, 2, "bravo"), corrected]
    });
    let verified = verify(&files, None).unwrap();
    assert_eq!((verified.publications, verified.windows, verified.decisions, verified.last), (3, 2, 3, true));
}

#[test]
fn a_decision_without_ground_is_noticed() {
    type Spoil = fn(&mut Decision);
    let spoils: [(Spoil, &str); 8] = [
        (|d| d.number = 2, "out of order"),
        (|d| d.operator = "nobody".parse().unwrap(), "nobody who applies"),
        (|d| d.operator = "near".parse().unwrap(), "nobody who applies"),
        (|d| d.publication = 3, "no earlier publication"),
        (|d| d.digest = Digest::of_bytes(b"another"), "another digest"),
        (|d| d.reason = " ".into(), "no reason"),
        (|d| d.reviewer = String::new(), "no name"),
        (|d| d.replaces = Some(7), "does not name the decision"),
    ];
    for (spoil, word) in spoils {
        let files = decided(|before| {
            let mut decision = admit(before, 1, "alpha");
            spoil(&mut decision);
            vec![decision]
        });
        let found = differs(&files);
        assert_eq!((found.file.as_str(), found.what.as_str()), ("publications/003.json", "decisions"));
        assert!(found.published.contains(word), "{found}");
    }
}

#[test]
fn a_demonstration_decides_nothing() {
    let (book, season, record) = (book(), small_season(&book()), good());
    let first = publish(draft(&book, &season, &record, 1));
    let decision = Decision { publication: 1, ..admit(&[first.clone(), first.clone()], 1, "alpha") };
    let closed = Draft { previous: Some(Digest::of(&first)), ..draft(&book, &season, &record, 2) };
    let second = publish(Draft { decisions: &[decision], ..closed });
    let found = differs(&packed(&book, &season, &[first, second], &record));
    assert!(found.published.contains("demonstration"), "{found}");
}

#[test]
fn a_published_decision_stays() {
    let (book, season, record) = (book(), real_season(), good());
    let first = publish(draft(&book, &season, &record, 1));
    let on_first = Decision {
        publication: 1,
        digest: Digest::of(&first),
        ..admit(&[first.clone(), first.clone()], 1, "alpha")
    };
    let closed = Draft { previous: Some(Digest::of(&first)), ..draft(&book, &season, &record, 2) };
    let second = publish(Draft { decisions: std::slice::from_ref(&on_first), ..closed });
    let third = publish(Draft { number: 3, previous: Some(Digest::of(&second)), ..closed });
    let with = packed(&book, &season, &[first.clone(), second.clone()], &record);
    assert_eq!(verify(&with, None).unwrap().decisions, 1);
    let found = differs(&packed(&book, &season, &[first, second, third], &record));
    assert!(found.published.contains("changed or left out"), "{found}");
}
