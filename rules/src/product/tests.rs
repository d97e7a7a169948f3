use std::collections::BTreeSet;

use super::*;

/// Every marker, with the product it belongs to.
fn markers() -> impl Iterator<Item = (&'static Product, Marker)> {
    ALL.into_iter().flat_map(|product| {
        let signs = product.signs.iter().flat_map(|sign| [Some(sign.signed_in), sign.guest]).flatten();
        let lists = [
            product.login,
            product.logout,
            product.pages,
            product.background,
            product.session_cookies,
            product.no_proof,
        ];
        let all: Vec<Marker> = signs.chain(lists.into_iter().flatten().copied()).chain(product.probe).collect();
        all.into_iter().map(move |marker| (product, marker))
    })
}

fn cookies(product: &Product) -> Vec<&'static str> {
    let names = product.signs.iter().map(|sign| match sign.shown {
        Shown::Cookie { logged_in } => logged_in,
        _ => &[],
    });
    names.flatten().copied().collect()
}

#[test]
fn the_products_of_the_contract_are_known_by_names_of_their_own() {
    let names: Vec<&str> = ALL.iter().map(|product| product.name).collect();
    assert_eq!(
        names,
        [
            "servicenow",
            "salesforce",
            "zendesk",
            "liferay",
            "drupal",
            "wordpress",
            "django",
            "rails",
            "power_pages",
            "jira",
            "confluence",
            "discourse",
            "joomla",
            "keycloak",
            "oauth2_proxy",
            "oidc"
        ]
    );
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    assert!(names.iter().all(|name| Product::named(name).is_some_and(|product| product.name == *name)));
    assert!(Product::named("sharepoint").is_none());
}

#[test]
fn every_marker_says_where_it_comes_from() {
    for (product, marker) in markers() {
        assert!(!marker.text.is_empty(), "{}", product.name);
        assert!(marker.source.len() > 8, "{}: {marker:?}", product.name);
    }
}

#[test]
fn every_pattern_can_be_read() {
    for product in ALL {
        let addresses = [product.login, product.logout, product.pages, product.background];
        for marker in addresses.into_iter().flatten() {
            assert!(Pattern::path(marker.text).is_ok(), "{}: {}", product.name, marker.text);
        }
        for cookie in cookies(product) {
            assert!(Pattern::name(cookie).is_ok(), "{}: {cookie}", product.name);
        }
        for sign in product.signs {
            if let SourceKind::Cookie { logged_in, .. } = sign.source() {
                assert!(!logged_in.is_empty(), "{}", product.name);
            }
        }
    }
}

#[test]
fn no_address_is_so_broad_that_it_takes_all_pages() {
    for product in ALL {
        let addresses = [product.login, product.logout, product.pages, product.background];
        for marker in addresses.into_iter().flatten() {
            let pattern = Pattern::path(marker.text).unwrap();
            for page in ["/", "/home", "/index.php?id=5", "/csp?id=home", "/web/guest/login-help", "/questions/logout"]
            {
                assert!(!pattern.matches_target(page.as_bytes()), "{}: {} matches {page}", product.name, marker.text);
            }
        }
    }
}

#[test]
fn what_proves_nothing_is_read_by_no_sign() {
    for product in ALL {
        let signs: Vec<Pattern> = cookies(product).into_iter().map(|name| Pattern::name(name).unwrap()).collect();
        for marker in product.no_proof {
            let name = marker.text.replace('*', "7f");
            let read = signs.iter().find(|sign| sign.matches(name.as_bytes()));
            assert!(read.is_none(), "{}: {} is read by {read:?}", product.name, marker.text);
        }
    }
}

#[test]
fn remember_me_and_guests_cookies_are_read_nowhere() {
    let guests = [
        "JSESSIONID",
        "PHPSESSID",
        "csrftoken",
        "sessionid",
        "SSESS0f",
        "SESS0f",
        "GUEST_LANGUAGE_ID",
        "comment_author_7f",
        "glide_user",
        "remember_user_token",
        "seraph.rememberme.cookie",
        "REMEMBER_ME",
        "KEYCLOAK_IDENTITY",
        "_oauth2_proxy",
        "_app_session",
        "_forum_session",
        "_zendesk_shared_session",
    ];
    for product in ALL {
        for sign in cookies(product) {
            let sign = Pattern::name(sign).unwrap();
            assert!(guests.iter().all(|name| !sign.matches(name.as_bytes())), "{}: {sign}", product.name);
        }
    }
}

#[test]
fn trusted_signs_are_asked_first_and_a_cookie_alone_never_makes_a_colleague() {
    for product in ALL {
        let trusted: Vec<bool> = product.signs.iter().map(|sign| sign.source().is_trusted()).collect();
        assert!(trusted.is_sorted_by(|before, after| before >= after), "{}", product.name);
        for sign in product.signs {
            assert_eq!(sign.source().is_trusted(), !matches!(sign.shown, Shown::Cookie { .. }), "{}", product.name);
        }
        // A cookie source always has something to say: none after it would be asked.
        assert!(trusted.iter().filter(|trusted| !**trusted).count() <= 1, "{}", product.name);
    }
}

#[test]
fn a_products_fields_stay_visible_to_its_own_scripts() {
    for product in ALL {
        for sign in product.signs {
            if let SourceKind::ResponseHeader(marker) = sign.source() {
                assert_eq!(marker.hidden().count(), 0, "{}", product.name);
                assert_eq!(marker.header, marker.header.to_ascii_lowercase(), "{}", product.name);
            }
        }
    }
}

#[test]
fn a_product_that_shows_nobody_says_what_to_configure_instead() {
    for product in ALL {
        assert_eq!(product.signs.is_empty(), product.instead.is_some(), "{}", product.name);
    }
}
