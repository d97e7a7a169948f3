//! `portalmeter correct`.

use super::books::{Books, today};

/// A correction of support, with these words more.
fn correct(words: &str) -> String {
    format!("correct --portal support --author ann --reason a_test_on_the_live_portal {words}")
}

#[test]
fn a_sealed_day_stays_and_the_difference_is_booked_today() {
    let books = Books::new();
    let day = today().plus(-4);
    let told = books.ask(&correct(&format!("--day {day} --class guest --amount -1")));
    assert_eq!(told.code, 0, "{told:?}");
    let id = told.out.trim();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{told:?}");
    let said = format!("booked: support {day}, guest -1, on {}, by ann: a test on the live portal\n", today());
    assert_eq!(told.aside, format!("{said}{day} is sealed and stays as it is\n"));
    assert_eq!((books.counted("support", day), books.counted("support", today())), ((2, 1), (1, 1)));
    assert_eq!(books.ask("recount --month this").code, 0);
}

#[test]
fn an_open_days_own_total_changes_and_that_is_said() {
    let books = Books::new();
    let told = books.ask(&correct("--day yesterday --class external --amount 12 --account acme"));
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.aside.contains("is still open: its own total changes"), "{}", told.aside);
    assert_eq!(books.counted("support", today().plus(-1)), (2, 13));
}

#[test]
fn a_dry_run_says_the_same_and_books_nothing() {
    let books = Books::new();
    let day = today().plus(-4);
    let told = books.ask(&correct(&format!("--day {day} --class guest --amount -1 --dry-run")));
    assert_eq!((told.code, told.out.as_str()), (0, ""));
    let said = format!("would be booked: support {day}, guest -1, on {}, by ann: ", today());
    assert!(told.aside.starts_with(&said) && told.aside.ends_with("nothing was changed\n"), "{}", told.aside);
    assert_eq!(books.counted("support", today()), (2, 1));
}

#[test]
fn the_same_id_is_booked_once() {
    let books = Books::new();
    let id = "0123456789abcdef0123456789abcdef";
    let words = format!("--day today --class guest --amount 5 --id {id}");
    assert_eq!(books.ask(&correct(&words)).out.trim(), id);
    let again = books.ask(&correct(&words));
    assert_eq!((again.code, again.out.trim()), (0, id));
    assert!(again.aside.starts_with("it was booked already, on "), "{again:?}");
    assert_eq!(books.counted("support", today()), (7, 1));
    let other = books.ask(&correct(&words.replace("--amount 5", "--amount 6")));
    assert_eq!(other.code, 2);
    assert!(other.aside.contains("the id of something else"), "{other:?}");
    assert_eq!(books.ask(&correct(&words.replace(id, "xyz"))).code, 2);
}

#[test]
fn no_more_is_taken_away_than_was_counted() {
    let books = Books::new();
    let day = today().plus(-4);
    let words = correct(&format!("--day {day} --class guest --amount"));
    let told = books.ask(&format!("{words} -3"));
    assert_eq!(told.code, 2);
    assert_eq!(told.aside, format!("support {day} has 2 guest sessions: 3 cannot be taken away\n"));
    assert_eq!(books.ask(&format!("{words} -1")).code, 0);
    let told = books.ask(&format!("{words} -2"));
    assert!(told.aside.contains("has 1 guest sessions (2 counted, -1 corrected)"), "{told:?}");
    assert_eq!(books.ask(&format!("{words} -1")).code, 0);
    assert_eq!(books.ask(&format!("{words} -1")).code, 2);
}

#[test]
fn something_may_be_added_to_a_day_that_is_below_zero() {
    let books = Books::new();
    for back in [-4, -3] {
        let told = books.ask(&correct(&format!("--day {} --class guest --amount -2", today().plus(back))));
        assert_eq!(told.code, 0, "{told:?}");
    }
    assert_eq!(books.counted("support", today()), (-2, 1));
    let told = books.ask(&correct("--day today --class guest --amount 1"));
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(books.counted("support", today()), (-1, 1));
    assert_eq!(books.ask(&correct("--day today --class guest --amount -1")).code, 2);
}

#[test]
fn modules_are_named_where_there_are_some_and_only_there() {
    let books = Books::new();
    let of = |words: &str| books.ask(&correct(&format!("--day today --class guest --amount 1 {words}")));
    let embedded = |words: &str| {
        books.ask(&correct(&format!("--day today --class guest --amount 1 {words}")).replace("support", "embedded"))
    };
    assert!(of("--module chat").aside.contains("has no modules: leave --module out"));
    assert!(embedded("").aside.contains("`embedded` is counted per module: --module chat"));
    assert!(embedded("--module shop").aside.contains("no module `shop`; there are chat"));
    assert_eq!(embedded("--module chat").code, 0);
    assert_eq!(books.counted("embedded", today()), (2, 0));
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_booked() {
    let books = Books::new();
    let tomorrow = today().plus(1);
    let words = "--day today --class guest --amount 1";
    for (words, why) in [
        (correct(words).replace("support", "suport"), "no portal is called `suport`; there are support, embedded"),
        (correct(words).replace("today", "2026-02-30"), "`2026-02-30` is not a day"),
        (correct(words).replace("today", &tomorrow.to_string()), "has not begun in UTC"),
        (correct(words).replace("--amount 1", "--amount 0"), "0 corrects nothing"),
        (correct(words).replace("--amount 1", "--amount 1.5"), "a whole number"),
        (correct(words).replace("--amount 1", "--amount 99999999999"), "a whole number"),
        (correct(words).replace("guest", "visitor"), "invalid value 'visitor'"),
        (correct(words).replace("--author ann", "--author _"), "--author says nothing"),
        (correct(words).replace("a_test", "a\ntest"), "write one line"),
        (correct(words).replace("--author ann ", ""), "--author"),
        (correct(words).replace("--reason a_test_on_the_live_portal ", ""), "--reason"),
    ] {
        let told = books.ask(&words);
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{words}: {told:?}");
        assert!(told.aside.contains(why), "{words}: {}", told.aside);
    }
    assert_eq!(books.counted("support", today()), (2, 1));
}

#[test]
fn where_nothing_was_metered_there_is_nothing_to_correct() {
    let books = Books::empty("");
    let told = books.ask(&correct("--day today --class guest --amount 1"));
    assert_eq!(told.code, 1);
    assert!(told.aside.contains("there is no ledger yet: `portalmeter run` makes it"), "{told:?}");
    assert_eq!(std::fs::read_dir(books.data_dir()).unwrap().count(), 0, "nothing is made");
}
