//! Changing a few values of an XML text and nothing else of it: what is between the changes stays byte by byte, so that
//! elements, attributes and comments that claviger does not know survive.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::ops::Range;

/// An element's place in the text.
struct Place {
    /// From its root down.
    path: Vec<String>,
    /// From its `<` to behind its last `>`.
    whole: Range<usize>,
    /// What is between its tags; none where it is one empty tag.
    inside: Option<Range<usize>>,
    /// Its name and attributes as they are to stay.
    tag: String,
    /// Whether it holds text and nothing else.
    plain: bool,
}

/// `xml` with the element at `path` holding `value`; it is made where it is missing, last in its parent, in a line of its own.
/// None where that would take something away.
pub(super) fn with(xml: &str, path: &[&str], value: &str) -> Option<String> {
    let places = places(xml)?;
    let at = |path: &[&str]| places.iter().find(|place| place.path == path);
    let name = path.last()?;
    let value = quick_xml::escape::escape(value);
    let (range, text) = match at(path) {
        Some(place) if !place.plain => return None,
        Some(place) if place.inside.clone().is_some_and(|inside| xml[inside] == *value) => {
            return Some(xml.to_owned());
        }
        Some(place) => (place.whole.clone(), format!("<{}>{value}</{name}>", place.tag)),
        None => {
            let (parent, made) = match path.split_last()?.1 {
                [] => return None,
                parent => (at(parent), parent),
            };
            let Some(parent) = parent else {
                // Its parent comes first, and then itself into that.
                return with(
                    &with(xml, made, "")?,
                    path,
                    &quick_xml::escape::unescape(&value).ok()?,
                );
            };
            inserted(xml, parent, &format!("<{name}>{value}</{name}>"))
        }
    };
    Some([&xml[..range.start], &text, &xml[range.end..]].concat())
}

/// Where `element` goes into `parent`, and with which white space.
fn inserted(xml: &str, parent: &Place, element: &str) -> (Range<usize>, String) {
    let newline = if xml.contains("\r\n") { "\r\n" } else { "\n" };
    let indent_of = |at: usize| {
        let before = &xml[..at];
        let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
        line.chars().all(|c| c == ' ' || c == '\t').then_some(line)
    };
    let name = parent.path.last().map_or("", String::as_str);
    let own = indent_of(parent.whole.start).unwrap_or_default();
    match &parent.inside {
        // Its closing tag begins a line: the element gets one before it.
        Some(inside) if !inside.is_empty() && indent_of(inside.end).is_some() => {
            (inside.end..inside.end, format!("  {element}{newline}{own}"))
        }
        Some(inside) => (
            inside.end..inside.end,
            format!("{newline}{own}  {element}{newline}{own}"),
        ),
        None => (
            parent.whole.clone(),
            format!("<{}>{newline}{own}  {element}{newline}{own}</{name}>", parent.tag),
        ),
    }
}

/// All elements; none where the text is not well-formed.
fn places(xml: &str) -> Option<Vec<Place>> {
    let mut reader = Reader::from_str(xml);
    let (mut found, mut open) = (Vec::new(), Vec::<Place>::new());
    loop {
        let start = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let end = usize::try_from(reader.buffer_position()).ok()?;
        match event {
            Event::Start(tag) => {
                let mut place = place(&open, &tag, start..end)?;
                place.inside = Some(end..end);
                not_plain(&mut open);
                open.push(place);
            }
            Event::Empty(tag) => {
                let place = place(&open, &tag, start..end)?;
                not_plain(&mut open);
                found.push(place);
            }
            Event::End(_) => {
                let mut place = open.pop()?;
                place.whole.end = end;
                place.inside.as_mut()?.end = start;
                found.push(place);
            }
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {}
            Event::Eof => return open.is_empty().then_some(found),
            _ => not_plain(&mut open),
        }
    }
}

fn not_plain(open: &mut [Place]) {
    if let Some(parent) = open.last_mut() {
        parent.plain = false;
    }
}

/// Its attributes stay, but for that which says that it is nothing.
fn place(open: &[Place], tag: &BytesStart<'_>, whole: Range<usize>) -> Option<Place> {
    let name = tag.name().as_ref().to_owned();
    let mut text = name.clone();
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        let key = attribute.key.as_ref();
        if key.rsplit(':').next() != Some("nil") {
            let quote = if attribute.value.contains('"') { '\'' } else { '"' };
            text = format!("{text} {key}={quote}{}{quote}", attribute.value);
        }
    }
    let parents = open.last().map(|parent| parent.path.clone());
    Some(Place {
        path: parents.into_iter().flatten().chain([name]).collect(),
        whole,
        inside: None,
        tag: text,
        plain: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_value_changes() {
        let xml = "<?xml version=\"1.0\"?>\r\n<!-- c --><R  a = 'x\"'>\r\n <A b='1'\n>o&amp;<![CDATA[d]]></A >\r\n<N/></R>\r\n";
        let new = with(xml, &["R", "A"], "n & <m>").unwrap();
        let expected = xml.replace(
            "<A b='1'\n>o&amp;<![CDATA[d]]></A >",
            "<A b=\"1\">n &amp; &lt;m&gt;</A>",
        );
        assert_eq!(new, expected);
        assert_eq!(with(&new, &["R", "A"], "n & <m>").unwrap(), new);
    }

    #[test]
    fn what_says_that_there_is_nothing_goes() {
        let new = with("<R><A q:nil='true' c='\"'/></R>", &["R", "A"], "v");
        assert_eq!(new.unwrap(), "<R><A c='\"'>v</A></R>");
    }

    #[test]
    fn what_is_missing_is_made_in_a_line_of_its_own() {
        for (xml, expected) in [
            ("<R>\n  <B/>\n</R>", "<R>\n  <B/>\n  <A>v</A>\n</R>"),
            ("<R>\r\n</R>", "<R>\r\n  <A>v</A>\r\n</R>"),
            ("<R><B/></R>", "<R><B/>\n  <A>v</A>\n</R>"),
            ("<R></R>", "<R>\n  <A>v</A>\n</R>"),
            ("<R x='1' />", "<R x=\"1\">\n  <A>v</A>\n</R>"),
        ] {
            assert_eq!(with(xml, &["R", "A"], "v").unwrap(), expected, "{xml}");
        }
        let deep = with("<R>\n  <B/>\n</R>", &["R", "L", "A"], "v").unwrap();
        assert_eq!(deep, "<R>\n  <B/>\n  <L>\n    <A>v</A>\n  </L>\n</R>");
    }

    #[test]
    fn what_would_lose_something_is_refused() {
        for xml in [
            "<R><A><!-- mine -->x</A></R>",
            "<R><A><B/></A></R>",
            "<R><A>",
            "<Q/>",
            "",
        ] {
            assert_eq!(with(xml, &["R", "A"], "v"), None, "{xml}");
        }
    }
}
