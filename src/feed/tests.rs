use super::samples::*;
use super::*;

fn printed(document: &Document<'_>, format: Format) -> String {
    String::from_utf8(print(document, format)).unwrap()
}

const ARCHIVE: Part = Part::Archive { page: 2, previous: Some(1) };

#[test]
fn whole_documents() {
    let (world, empty) = (World::hostile(), World::empty());
    let hub = Some("https://example.vn/hub?a=1&b=2");
    let live = Part::Live { previous_archive: Some(2), complete: false };
    let complete = Part::Live { previous_archive: Some(2), complete: true };
    for (name, document) in [
        ("live", Document { hub, ..world.document(live) }),
        ("archive", Document { hub, ..world.document(ARCHIVE) }),
        ("delta", Document { hub, entries: &world.entries[..1], ..world.document(Part::Delta) }),
        (
            "everything",
            Document { entries: &world.entries[1..2], tombstones: &[], ..world.everything(complete) },
        ),
        ("empty", empty.document(LIVE)),
    ] {
        for format in Format::ALL {
            let text = printed(&document, format);
            assert_eq!(read_back(&document, format, text.as_bytes()), Ok(()), "{name} {format:?}");
            insta::assert_snapshot!(format!("{name}.{}", format.name()), text);
        }
    }
    let text = String::from_utf8(opml(&world.site, &world.addresses, &world.channels)).unwrap();
    insta::assert_snapshot!("opml", text);
}
