//! Two files to keep, made here: a guide as PDF and the prices as CSV.

use std::fmt::Write as _;

use axum::Extension;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};

use super::content::Article;
use super::html::{Place, page as framed};
use super::session::Sender;

/// The list of downloads.
pub(super) async fn page(Extension(sender): Extension<Sender>) -> Html<String> {
    let main = format!(
        r#"<h1>Downloads</h1>
<ul class="list files">
<li><a href="/downloads/quick-start.pdf">Quick start guide</a><p>One page to put beside the router. PDF, {} bytes.</p></li>
<li><a href="/downloads/price-list.csv">Price list</a><p>Plans and extras, for your spreadsheet. CSV, {} bytes.</p></li>
</ul>"#,
        guide_pdf().len(),
        PRICES.len()
    );
    framed("Downloads", Place::Downloads, &sender, &main)
}

/// The guide.
pub(super) async fn guide() -> impl IntoResponse {
    attachment("application/pdf", r#"attachment; filename="quick-start.pdf""#, guide_pdf())
}

/// The price list.
pub(super) async fn prices() -> impl IntoResponse {
    attachment("text/csv; charset=utf-8", r#"attachment; filename="price-list.csv""#, PRICES)
}

const PRICES: &str = "plan,monthly_eur,note\r\n\
                      Office 100,29.00,one router included\r\n\
                      Office 250,39.00,one router included\r\n\
                      Office 1000,59.00,two routers included\r\n\
                      Second router,6.00,any plan\r\n";

fn attachment(kind: &'static str, disposition: &'static str, body: impl IntoResponse) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind), (CONTENT_DISPOSITION, disposition)], body)
}

fn guide_pdf() -> Vec<u8> {
    let steps = Article::at("set-up-your-router").map_or(&[][..], |article| article.steps);
    let numbered = steps.iter().zip(1..).map(|(step, number)| format!("{number}. {step}"));
    one_page_pdf("Acme quick start guide", numbered)
}

/// A PDF of one A4 page: a heading and lines below it.
fn one_page_pdf(heading: &str, lines: impl Iterator<Item = String>) -> Vec<u8> {
    let mut shown = format!("BT /F1 22 Tf 56 760 Td ({}) Tj /F1 11 Tf", pdf_text(heading));
    for line in lines {
        let _ = write!(shown, " 0 -28 Td ({}) Tj", pdf_text(&line));
    }
    shown.push_str(" ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{shown}\nendstream", shown.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut index = String::new();
    for (object, number) in objects.iter().zip(1..) {
        let _ = writeln!(index, "{:010} 00000 n ", file.len());
        let _ = write!(file, "{number} 0 obj\n{object}\nendobj\n");
    }
    let (start, count) = (file.len(), objects.len() + 1);
    let _ = write!(
        file,
        "xref\n0 {count}\n0000000000 65535 f \n{index}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    file.into_bytes()
}

/// Text between the parentheses of a PDF string; the font here knows ASCII and little more.
fn pdf_text(text: &str) -> String {
    text.chars().fold(String::new(), |mut plain, letter| {
        match letter {
            '(' | ')' | '\\' => plain.extend(['\\', letter]),
            '“' | '”' => plain.push('"'),
            '’' => plain.push('\''),
            letter if letter.is_ascii() => plain.push(letter),
            _ => plain.push('?'),
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_the_pdf_points_at_its_objects() {
        let file = String::from_utf8(guide_pdf()).unwrap();
        let entries = file.lines().skip_while(|line| *line != "xref").filter(|line| line.ends_with(" n "));
        let offsets: Vec<usize> = entries.map(|line| line[..10].parse().unwrap()).collect();
        assert_eq!(offsets.len(), 5);
        for (offset, number) in offsets.into_iter().zip(1..) {
            assert!(file[offset..].starts_with(&format!("{number} 0 obj")));
        }
    }

    #[test]
    fn parentheses_do_not_end_a_pdf_string() {
        assert_eq!(pdf_text(r"a (b) \ “c”"), r#"a \(b\) \\ "c""#);
    }
}
