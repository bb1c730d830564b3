//! Is a page of a bundle one that this program could have made, and can it do no harm?
//!
//! A report has no script, and begins with a policy that forbids any. Whether what it says is true this
//! does not tell.

use crate::report;

/// Elements that reports are made of, those of HTML and those of SVG.
const ELEMENTS: &str = "\
    a article b body br circle code dd details div dl dt em figcaption figure footer g h1 h2 h3 \
    h4 head header html i li line main meta nav ol p path polygon polyline pre rect section \
    small span strong style summary svg table tbody td text th thead title tr ul";

/// Their attributes. What an element does when something happens to it, and what it loads, is not among
/// them; links lead to another place of the page only.
const ATTRIBUTES: &str = "\
    aria-label charset class colspan content cx cy d data-name dx dy fill font-family font-size \
    font-weight height href id lang name opacity open points preserveAspectRatio r role rowspan \
    scope stroke stroke-width tabindex text-anchor title transform viewBox width x x1 x2 xmlns y \
    y1 y2";

/// What is in a page that no report has.
///
/// # Errors
///
/// With words that follow "report.html".
pub(super) fn check(page: &str) -> Result<(), String> {
    let head = report::head();
    let Some(rest) = page.strip_prefix(&*head) else {
        return Err(
            "does not begin with the policy that keeps a report from running scripts".to_owned()
        );
    };
    let mut rest = rest;
    while let Some((_, behind)) = rest.split_once('<') {
        rest = tag(behind)?;
    }
    Ok(())
}

/// Looks at what is between `<` and `>`, and returns what follows.
fn tag(text: &str) -> Result<&str, String> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '>' | '/' | '<');
    let closing = text.strip_prefix('/');
    let text = closing.unwrap_or(text);
    let (name, mut rest) = text.split_at(text.find(is_end).unwrap_or(text.len()));
    if !is_one_of(ELEMENTS, name) {
        return Err(holds(&format!("<{name}>")));
    }
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix("/>").or_else(|| rest.strip_prefix('>')) {
            return match (name, closing) {
                // What is between is no HTML.
                ("style", None) => rest
                    .split_once("</style>")
                    .map(|(_, rest)| rest)
                    .ok_or_else(|| holds("a style sheet without an end")),
                _ => Ok(rest),
            };
        }
        let is_end = |c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/' | '"' | '\'' | '<');
        let (attribute, behind) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
        if !is_one_of(ATTRIBUTES, attribute) {
            return Err(holds(&format!("<{name} {attribute}>")));
        }
        rest = behind;
        if let Some(value) = behind.strip_prefix('=') {
            let value = value.strip_prefix('"').and_then(|value| value.split_once('"'));
            let (value, behind) = value.ok_or_else(|| holds("an attribute without quotes"))?;
            if attribute == "href" && !value.starts_with('#') {
                return Err(holds("a link that leads elsewhere"));
            }
            rest = behind;
        }
    }
}

fn is_one_of(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|one| one == word)
}

fn holds(what: &str) -> String {
    let what: String = what.chars().take(80).collect();
    format!("holds {what}, which no report of this version does")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_or_loads_is_found() {
        let page = |body: &str| check(&format!("{}<title>t</title></head>{body}", report::head()));
        assert_eq!(page("<p class=\"a\">1 &lt; 2 &gt; 0</p><a href=\"#x\">x</a><br/>"), Ok(()));
        assert_eq!(page("<style>a > b { }</style><svg viewBox=\"0 0 1 1\"></svg>"), Ok(()));
        for acts in [
            "<script>1</script>",
            "<SCRIPT>1</SCRIPT>",
            "<p onclick=\"x\">",
            "<p/onclick=x>",
            "<svg><animate onbegin=\"x\"/></svg>",
            "<a href=\"javascript:1\">",
            "<a href=\"https://a.example\">",
            "<a href='#x'>",
            "<img src=\"#\">",
            "<meta http-equiv=\"refresh\" content=\"0\">",
            "<style>a",
            "<p class=\"a\" <script>",
            "< script>",
            "<!--",
        ] {
            assert!(page(acts).is_err(), "{acts}");
        }
        assert!(check("<!DOCTYPE html><html></html>").is_err());
    }
}
