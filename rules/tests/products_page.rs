//! `docs/products.md` tells what the presets hold: below its mark, it is written from the data.
//!
//! `cargo test -p portalmeter-rules --test products_page -- --ignored` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use portalmeter_rules::product::{ALL, Marker, Product};

/// What stands before the part that is written.
const MARK: &str = "<!-- below: written from rules/src/product/ by rules/tests/products_page.rs -->\n";

#[test]
fn the_page_of_products_is_what_the_data_says() {
    let page = std::fs::read_to_string(page()).unwrap();
    let (_, written) = page.split_once(MARK).unwrap();
    let how = "cargo test -p portalmeter-rules --test products_page -- --ignored";
    assert!(written == told(), "docs/products.md is behind the data; write it anew: {how}");
}

#[test]
#[ignore = "writes docs/products.md"]
fn write_the_page_of_products() {
    let page_ = std::fs::read_to_string(page()).unwrap();
    let (before, _) = page_.split_once(MARK).unwrap();
    std::fs::write(page(), format!("{before}{MARK}{}", told())).unwrap();
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/products.md")
}

fn told() -> String {
    let mut text = String::from("\n## At a glance\n\nA `?` behind a marker: nobody has verified it.\n\n");
    text.push_str(
        "| product | `product =` | a guest shows | a signed-in user shows | sign-in | sign-out | session cookie |\n",
    );
    text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for product in ALL {
        let signed_in: Vec<Marker> = product.signs.iter().map(|sign| sign.signed_in).collect();
        let guest: Vec<Marker> = product.signs.iter().filter_map(|sign| sign.guest).collect();
        let guest = if guest.is_empty() && !signed_in.is_empty() { "none of these".to_owned() } else { listed(&guest) };
        let cells = [&signed_in, product.login, product.logout, product.session_cookies].map(listed);
        let [signed_in, login, logout, cookie] = cells;
        let (title, name) = (product.title, product.name);
        writeln!(text, "| {title} | `{name}` | {guest} | {signed_in} | {login} | {logout} | {cookie} |").unwrap();
    }
    for product in ALL {
        section(product, &mut text);
    }
    text
}

fn listed(markers: &[Marker]) -> String {
    let one = |marker: &Marker| format!("`{}`{}", marker.text, if marker.verified { "" } else { " ?" });
    if markers.is_empty() { "—".to_owned() } else { markers.iter().map(one).collect::<Vec<_>>().join(", ") }
}

fn section(product: &Product, text: &mut String) {
    write!(text, "\n## {}\n\n{}\n", product.title, product.note).unwrap();
    if let Some(instead) = product.instead {
        write!(text, "\nNothing on the wire shows who is signed in: {instead}.\n").unwrap();
    }
    if let Some(probe) = product.probe {
        let verified = if probe.verified { "" } else { ", not verified" };
        write!(text, "\nA `probe` may ask `{}` ({}{verified}).\n", probe.text, probe.source).unwrap();
    }
    text.push_str("\n| what | marker | verified | source |\n| --- | --- | --- | --- |\n");
    for sign in product.signs {
        row("signed in", &sign.signed_in, text);
        if let Some(guest) = &sign.guest {
            row("guest", guest, text);
        }
    }
    let lists = [
        ("sign-in", product.login),
        ("sign-out", product.logout),
        ("page", product.pages),
        ("background", product.background),
        ("session cookie", product.session_cookies),
        ("proves nothing", product.no_proof),
    ];
    for (what, markers) in lists {
        for marker in markers {
            row(what, marker, text);
        }
    }
}

fn row(what: &str, marker: &Marker, text: &mut String) {
    let verified = if marker.verified { "yes" } else { "no" };
    writeln!(text, "| {what} | `{}` | {verified} | {} |", marker.text, marker.source).unwrap();
}
