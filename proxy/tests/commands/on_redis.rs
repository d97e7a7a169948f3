//! The same commands where the store is a Redis.

use super::books::Books;
use crate::redis_server::Server;

fn check(store: &str) -> super::told::Told {
    let books = Books::empty(&format!("[store]\n{store}\n"));
    std::fs::write(books.path().join("password"), "hunter2\n").unwrap();
    books.ask("check")
}

#[test]
fn check_tells_what_could_make_counts_wrong() {
    let server = Server::start(&["--maxmemory 100mb", "--maxmemory-policy allkeys-lru"]);
    let told = check(&format!("url = \"redis://127.0.0.1:{}\"", server.port));
    assert_eq!(told.code, 0, "{told:?}");
    let place = format!("127.0.0.1:{}", server.port);
    assert!(told.out.contains(&format!("\n  store      redis://{place}/0, keys begin with pm:\n")), "{}", told.out);
    assert!(told.out.contains(&format!("\nthe store at redis://{place}/0 answers\n")), "{}", told.out);
    for said in ["maxmemory-policy is allkeys-lru", "it keeps nothing on disk"] {
        assert!(told.aside.contains(&format!("warning: the store at {place}: {said}: ")), "{said}: {}", told.aside);
    }
    let fine = Server::start(&["--appendonly yes", "--maxmemory-policy noeviction"]);
    let told = check(&format!("url = \"redis://127.0.0.1:{}\"", fine.port));
    assert_eq!((told.code, told.aside.as_str()), (0, ""), "{told:?}");
}

#[test]
fn check_tells_a_store_that_is_away_from_one_that_refuses() {
    let server = Server::start(&["--appendonly yes", "--requirepass hunter2"]);
    let url = format!("url = \"redis://127.0.0.1:{}\"", server.port);
    let told = check(&url);
    assert!(told.code == 1 && told.aside.contains("error: the store at redis://127.0.0.1"), "{told:?}");
    let told = check(&format!("{url}\npassword = {{ file = \"password\" }}"));
    assert_eq!((told.code, told.aside.as_str()), (0, ""), "{told:?}");
    drop(server);
    let told = check(&url);
    assert!(told.code == 0 && told.aside.contains("warning: the store at redis://127.0.0.1"), "{told:?}");
}
