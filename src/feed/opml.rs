//! OPML 2.0: the list of all channels, to subscribe to them in one step.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::model::{Channel, Site};
use crate::text::{language_tag, single_line};
use crate::urls::{self, Format, SiteUrls};

/// The list of `channels` without removed ones, in the given order (feed rule O1). It excludes the feed of all channels:
/// subscribers of the whole list would get each article twice.
pub fn opml(site: &Site, addresses: &SiteUrls, channels: &[Channel]) -> Vec<u8> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 0);
    write(&mut writer, site, addresses, channels).expect("writing into memory cannot fail");
    writer.into_inner()
}

fn write(
    writer: &mut Writer<Vec<u8>>,
    site: &Site,
    addresses: &SiteUrls,
    channels: &[Channel],
) -> std::io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    writer.write_event(Event::Start(BytesStart::new("opml").with_attributes([("version", "2.0")])))?;
    writer.write_event(Event::Start(BytesStart::new("head")))?;
    text_element(writer, "title", &single_line(&site.title))?;
    text_element(writer, "ownerName", &single_line(&site.publisher))?;
    writer.write_event(Event::End(BytesEnd::new("head")))?;
    writer.write_event(Event::Start(BytesStart::new("body")))?;
    for channel in channels.iter().filter(|channel| !channel.is_gone()) {
        writer.write_event(Event::Empty(outline(site, addresses, channel)))?;
    }
    writer.write_event(Event::End(BytesEnd::new("body")))?;
    writer.write_event(Event::End(BytesEnd::new("opml")))
}

fn outline(site: &Site, addresses: &SiteUrls, channel: &Channel) -> BytesStart<'static> {
    let title = single_line(&channel.title);
    let feed = addresses.url(&urls::feed_path(Some(&channel.slug), Format::Rss));
    let page = addresses.url(&urls::page_path(Some(&channel.slug)));
    let mut outline = BytesStart::new("outline");
    outline.push_attribute(("text", title.as_ref()));
    outline.push_attribute(("title", title.as_ref()));
    outline.push_attribute(("type", "rss"));
    outline.push_attribute(("xmlUrl", feed.as_str()));
    outline.push_attribute(("htmlUrl", page.as_str()));
    if let Some(language) = language_tag(&site.language) {
        outline.push_attribute(("language", language));
    }
    outline
}

fn text_element(writer: &mut Writer<Vec<u8>>, name: &str, text: &str) -> std::io::Result<()> {
    writer.write_event(Event::Start(BytesStart::new(name)))?;
    writer.write_event(Event::Text(BytesText::new(text)))?;
    writer.write_event(Event::End(BytesEnd::new(name)))
}
