use scoreboard::{BehindGap, Rulebook, season_faults};

use crate::support::*;

/// The standard rules as they were before version 7.
pub(crate) fn version_6() -> Rulebook {
    let mut book = Rulebook { version: 6, ..Rulebook::standard() };
    book.duty.votes_chance = 0;
    book
}

/// The standard rules as they were before version 6.
pub(crate) fn version_5() -> Rulebook {
    let mut book = Rulebook { version: 5, ..version_6() };
    let harm = book.key_change.harm.as_mut().unwrap();
    (harm.lasts_us, harm.until_back) = (90_000_000, false);
    book
}

/// The standard rules as they were before version 5.
pub(crate) fn version_4() -> Rulebook {
    let mut book = Rulebook { version: 4, ..version_5() };
    book.key_change.harm = None;
    book.duty.hasty_says_nothing = false;
    book
}

#[test]
fn the_rules_that_are_shipped_can_be() {
    for book in [Rulebook::standard(), Rulebook::quick(), Rulebook::demonstration()] {
        assert_eq!(book.faults(), Vec::<String>::new());
        assert!(book.is_shipped());
        assert!(season_faults(&season(&book)).is_empty());
    }
    assert_ne!(Rulebook::quick().digest(), Rulebook::demonstration().digest());
}

#[test]
fn the_standard_rules_are_pinned() {
    assert_eq!(
        Rulebook::standard().digest().to_string(),
        "82f4833ec244630c9b275daf56cf180a3f7143fdd10160170b6cbf5690ff8bc6"
    );
}

#[test]
fn rules_of_earlier_versions_are_read_as_they_were() {
    let fourth = version_4();
    let mut third = Rulebook { version: 3, ..fourth.clone() };
    third.defense.behind_gap = None;
    third.duty.hasty_may_be_empty = false;
    third.key_change.first_turns = false;
    for (book, digest) in [
        (version_6(), "848d743aaa29c4c6f8766f0dddb765834cd8ee86474588395d4b5b3e333729b5"),
        (version_5(), "da3ad631718832157e8027b0ebb78e048528e96aa38bff933856ca53af64f767"),
        (fourth, "df219e875fd9cb06f6b1c7fbb2978e455a2dfc40de5fe413c0f8d462f3cc18b3"),
        (third, "0be7f6063394d69ca578bf42dc40dfb984dbfdc0d0310a9d24c1b916d8a30d09"),
    ] {
        assert_eq!(book.digest().to_string(), digest);
        let text = serde_json::to_string(&book).unwrap();
        assert_eq!(serde_json::from_str::<Rulebook>(&text).unwrap(), book);
    }
}

#[test]
fn rules_that_cannot_be_are_named() {
    type Break = fn(&mut Rulebook);
    fn behind_gap(book: &mut Rulebook) -> &mut BehindGap {
        book.defense.behind_gap.as_mut().unwrap()
    }
    let breaks: [(Break, &str); 21] = [
        (|book| book.schema = 2, "schema"),
        (|book| book.name = String::new(), "name"),
        (|book| book.gates.stall_intervals = 0, "stall_intervals"),
        (|book| book.gates.withheld_per_mille = 1_001, "withheld_per_mille"),
        (|book| book.traffic.delay_weight += 1, "add up to 1000"),
        (|book| book.traffic.inclusion_zero = 990, "inclusion_zero"),
        (|book| book.traffic.capacity_full = 0, "capacity_full"),
        (|book| book.defense.recovery_zero_blocks = 10, "recovery_full_blocks"),
        (|book| book.defense.recovery_zero = u32::MAX, "recovery_zero"),
        (|book| behind_gap(book).full = 144, "defense.behind_gap"),
        (|book| behind_gap(book).zero = 193, "defense.behind_gap"),
        (|book| book.duty.votes_weight += 1, "duty: the weights"),
        (|book| book.duty.zero = 990, "duty: zero"),
        (|book| book.duty.votes_full = 1_001, "votes_zero"),
        (|book| book.duty.votes_chance = 5_001, "votes_chance"),
        (|book| book.key_change.failed_turns = 0, "failed_turns"),
        (|book| book.key_change.turns_zero = 990, "turns_zero"),
        (|book| book.key_change.harm.as_mut().unwrap().missed_votes = 0, "missed_votes"),
        (|book| book.minimums.rated_windows = 0, "rated_windows"),
        (|book| book.minimums.ranked_windows = 1, "ranked_windows"),
        (|book| book.confidence.lottery_windows = 0, "lottery_windows"),
    ];
    for (break_it, word) in breaks {
        let mut book = Rulebook::standard();
        break_it(&mut book);
        let faults = book.faults();
        assert!(faults.iter().any(|fault| fault.contains(word)), "{word}: {faults:?}");
        assert!(!book.is_shipped());
    }
}

#[test]
fn a_season_that_cannot_be_scored_is_named() {
    let book = Rulebook::quick();
    let fault = |change: fn(&mut model::Season)| {
        let mut season = season(&book);
        change(&mut season);
        season_faults(&season).join("; ")
    };
    assert!(fault(|season| season.windows = 0).contains("windows"));
    assert!(fault(|season| season.attempts = 0).contains("attempts"));
    assert!(fault(|season| season.operators.clear()).contains("operators"));
    assert!(fault(|season| season.trials[1].id = season.trials[0].id.clone()).contains("twice"));
    assert!(fault(|season| season.trials[0].weight = 0).contains("weight"));
    assert!(fault(|season| season.operators[0].name = "a\u{7}".into()).contains("operator alpha"));
}
