//! Login and logout. Any name will do: the demo has no secrets to keep.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::content::{ACME, COMPANIES, Company};
use super::html::{Place, Text, page};
use super::session::{BadName, COOKIE_NAME, Role, Sender, Sessions, User, UserName};

/// The empty form.
pub(super) async fn form(Extension(sender): Extension<Sender>, RawQuery(query): RawQuery) -> Html<String> {
    let filled = Filled::from_urlencoded(query.unwrap_or_default().as_bytes());
    login_page(&sender, &Filled { name: String::new(), ..filled }, None)
}

/// Signs in, or shows the form again with what is wrong.
pub(super) async fn sign_in(
    State(sessions): State<Arc<Sessions>>,
    Extension(sender): Extension<Sender>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let filled = Filled::from_urlencoded(&body);
    let user = match filled.user() {
        Ok(user) => user,
        Err(wrong) => {
            return (StatusCode::UNPROCESSABLE_ENTITY, login_page(&sender, &filled, Some(wrong))).into_response();
        }
    };
    sessions.end(&headers);
    match sessions.begin(user) {
        Ok(id) => {
            let cookie = format!("{COOKIE_NAME}={id}; Path=/; HttpOnly; SameSite=Lax");
            ([(SET_COOKIE, cookie)], Redirect::to(&filled.next)).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "the demo portal has no randomness for a session");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Signs out and goes home, whoever asks.
pub(super) async fn sign_out(State(sessions): State<Arc<Sessions>>, headers: HeaderMap) -> Response {
    sessions.end(&headers);
    let gone = format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    ([(SET_COOKIE, gone)], Redirect::to("/")).into_response()
}

/// The login form as filled in; what is missing is empty.
#[derive(Debug, Default)]
struct Filled {
    name: String,
    role: String,
    company: String,
    next: String,
}

impl Filled {
    fn from_urlencoded(text: &[u8]) -> Self {
        let mut filled = Self { next: "/".to_owned(), ..Self::default() };
        for (field, value) in form_urlencoded::parse(text) {
            match field.as_ref() {
                "name" => filled.name = value.into_owned(),
                "role" => filled.role = value.into_owned(),
                "company" => filled.company = value.into_owned(),
                "next" if is_own_path(&value) => filled.next = value.into_owned(),
                _ => {}
            }
        }
        filled
    }

    fn user(&self) -> Result<User, BadName> {
        let name = UserName::parse(&self.name)?;
        let role = Role::named(&self.role);
        let company = match role {
            Role::Staff => &ACME,
            Role::Customer => company(&self.company, &name),
        };
        Ok(User { name, role, company })
    }
}

/// The company chosen; without a choice, always the same one for the same name.
fn company(chosen: &str, name: &UserName) -> &'static Company {
    let by_name = || {
        let sum: usize = name.as_str().bytes().map(usize::from).sum();
        &COMPANIES[sum % COMPANIES.len()]
    };
    COMPANIES.iter().find(|company| company.id == chosen).unwrap_or_else(by_name)
}

/// Whether a redirect there stays here. `//host` and `/\host` would leave.
fn is_own_path(target: &str) -> bool {
    let plain = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    plain && target.starts_with('/') && !target.starts_with("//")
}

fn login_page(sender: &Sender, filled: &Filled, wrong: Option<BadName>) -> Html<String> {
    let (invalid, message) = match wrong {
        Some(wrong) => (
            r#" aria-invalid="true" aria-describedby="wrong""#,
            format!(r#"<p class="wrong" id="wrong" role="alert">{wrong}</p>"#),
        ),
        None => ("", String::new()),
    };
    let main = format!(
        r#"<div class="narrow"><h1>Sign in</h1>
<p class="lead">Any name will do. There is no password.</p>
<form class="panel" method="post" action="/login">
<input type="hidden" name="next" value="{}">
<div class="field"><label for="name">Name</label>
<input id="name" name="name" value="{}" autocomplete="username" maxlength="40" required{invalid}>{message}</div>
<fieldset><legend>You are</legend>{}{}</fieldset>
<div class="field"><label for="company">Company <span class="soft">(customers)</span></label>
<select id="company" name="company">{}</select></div>
<button>Sign in</button>
</form></div>"#,
        Text(&filled.next),
        Text(&filled.name),
        choice(Role::Customer, "A customer", filled),
        choice(Role::Staff, "Acme staff", filled),
        COMPANIES.iter().map(|company| option(company, filled)).collect::<String>()
    );
    page("Sign in", Place::Elsewhere, sender, &main)
}

fn choice(role: Role, label: &str, filled: &Filled) -> String {
    let value = role.as_str();
    let checked = if Role::named(&filled.role) == role { " checked" } else { "" };
    format!(r#"<label class="choice"><input type="radio" name="role" value="{value}"{checked}> {label}</label>"#)
}

fn option(company: &Company, filled: &Filled) -> String {
    let selected = if company.id == filled.company { " selected" } else { "" };
    format!(r#"<option value="{}"{selected}>{}</option>"#, company.id, Text(company.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_nowhere_else() {
        for away in ["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x=y", ""] {
            assert!(!is_own_path(away), "{away:?}");
        }
        assert!(is_own_path("/articles?from=mail"));
    }

    #[test]
    fn a_customer_without_a_choice_always_has_the_same_company() {
        let company = || Filled::from_urlencoded(b"name=Ann&role=customer").user().unwrap().company;
        assert_eq!(company(), company());
    }
}
