//! Narrative: well-formed XHTML with the elements and attributes that R4 allows (txt-1), and with content (txt-2).
//! Not an XML parser for other uses. What R4 names as forbidden is an issue; other HTML is let pass.
//! <http://hl7.org/fhir/R4/narrative.html#xhtml>

use serde_json::Value;

use super::rule;
use super::walk::Walk;

/// Elements that narrative SHALL NOT have: head and body, scripts, forms, frames, objects, links to other content, and
/// those that HTML 4.0 calls deprecated.
const FORBIDDEN: [&str; 28] = [
    "applet", "base", "basefont", "body", "button", "center", "dir", "embed", "fieldset", "font",
    "form", "frame", "frameset", "head", "html", "iframe", "input", "isindex", "link", "menu",
    "meta", "noframes", "noscript", "object", "option", "script", "select", "textarea",
];

/// Open elements of one narrative; more is not read.
const MAX_OPEN: usize = 256;

/// What is wrong with a narrative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Not well-formed, or nested too deeply.
    Form,
    Element,
    Attribute,
    Empty,
}

impl Walk<'_> {
    /// The `div` of a narrative that is a string.
    pub(super) fn narrative(&mut self, div: &Value) {
        let Some(text) = div.as_str() else { return };
        match check(text) {
            Ok(()) => {}
            Err(Fault::Form) => self.report(rule::XHTML, "is not well-formed XHTML"),
            Err(Fault::Element) => self.report(
                rule::XHTML,
                "has an element that narrative must not have (scripts, forms, frames, objects, deprecated ones)",
            ),
            Err(Fault::Attribute) => self.report(
                rule::XHTML,
                "has an attribute that narrative must not have (events, active addresses)",
            ),
            Err(Fault::Empty) => self.report(rule::NARRATIVE_EMPTY, "has neither text nor an image"),
        }
    }
}

/// True if the rules have nothing against a narrative.
pub(super) fn is_allowed(div: &str) -> bool {
    check(div).is_ok()
}

fn check(text: &str) -> Result<(), Fault> {
    let mut open: Vec<&str> = Vec::new();
    let mut has_content = false;
    let mut has_root = false;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.split_once("-->").ok_or(Fault::Form)?.1;
        } else if let Some(after) = rest.strip_prefix("<![CDATA[") {
            let (data, behind) = after.split_once("]]>").ok_or(Fault::Form)?;
            has_content |= !data.trim().is_empty();
            rest = behind;
        } else if let Some(after) = rest.strip_prefix("<?") {
            rest = after.split_once("?>").ok_or(Fault::Form)?.1;
        } else if let Some(after) = rest.strip_prefix("</") {
            let (name, behind) = after.split_once('>').ok_or(Fault::Form)?;
            if open.pop() != Some(name.trim_end()) {
                return Err(Fault::Form);
            }
            rest = behind;
        } else if let Some(after) = rest.strip_prefix('<') {
            if open.is_empty() && has_root || open.len() == MAX_OPEN {
                return Err(Fault::Form);
            }
            has_root = true;
            rest = tag(after, &mut open, &mut has_content)?;
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            let is_blank = rest[..end].trim().is_empty();
            if !is_blank && open.is_empty() {
                return Err(Fault::Form);
            }
            has_content |= !is_blank;
            rest = &rest[end..];
        }
    }
    if !open.is_empty() {
        return Err(Fault::Form);
    }
    if has_content {
        Ok(())
    } else {
        Err(Fault::Empty)
    }
}

/// Reads a tag behind its `<`; gives what follows.
fn tag<'t>(
    text: &'t str,
    open: &mut Vec<&'t str>,
    has_content: &mut bool,
) -> Result<&'t str, Fault> {
    let is_end = |character: char| character.is_whitespace() || matches!(character, '>' | '/');
    let end = text.find(is_end).ok_or(Fault::Form)?;
    let name = &text[..end];
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if !is_name {
        return Err(Fault::Form);
    }
    let local = name.rsplit(':').next().unwrap_or(name);
    if FORBIDDEN.contains(&local.to_ascii_lowercase().as_str()) {
        return Err(Fault::Element);
    }
    *has_content |= local == "img";
    let mut rest = text[end..].trim_start();
    loop {
        if let Some(after) = rest.strip_prefix("/>") {
            return Ok(after);
        }
        if let Some(after) = rest.strip_prefix('>') {
            open.push(name);
            return Ok(after);
        }
        rest = attribute(rest)?.trim_start();
    }
}

/// Reads an attribute; gives what follows.
fn attribute(text: &str) -> Result<&str, Fault> {
    let (name, after) = text.split_once('=').ok_or(Fault::Form)?;
    let name = name.trim().to_ascii_lowercase();
    if name.is_empty()
        || name.contains(|character: char| character.is_whitespace() || character == '<')
    {
        return Err(Fault::Form);
    }
    let after = after.trim_start();
    let quote = after
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    let quote = quote.ok_or(Fault::Form)?;
    let (value, behind) = after[1..].split_once(quote).ok_or(Fault::Form)?;
    let is_active = matches!(name.as_str(), "href" | "src")
        && value
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("javascript:");
    if name.starts_with("on") || is_active {
        return Err(Fault::Attribute);
    }
    Ok(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formatted_text_passes() {
        for text in [
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class='a'>a &lt; b<br/></p><table><tr><td>1</td></tr></table></div>",
            "<div><img src=\"#a\" alt=\"b\"/></div>",
            "<!-- x --><div><a href=\"http://a\">b</a> <b>c</b></div>",
            "<div> <h:p>a</h:p> </div>\n",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn active_content_and_broken_form_are_found() {
        for (text, fault) in [
            ("<div><script>a</script></div>", Fault::Element),
            ("<div><FORM>a</FORM></div>", Fault::Element),
            ("<div><p onclick=\"a()\">a</p></div>", Fault::Attribute),
            (
                "<div><a href=' javascript:a()'>a</a></div>",
                Fault::Attribute,
            ),
            ("<div><p>a</div>", Fault::Form),
            ("<div>a", Fault::Form),
            ("<div a=b>a</div>", Fault::Form),
            ("<div>a</div><div>b</div>", Fault::Form),
            ("<div> <p/> </div>", Fault::Empty),
        ] {
            assert_eq!(check(text), Err(fault), "{text}");
        }
    }
}
