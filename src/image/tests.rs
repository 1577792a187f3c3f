//! The guarantees for published images, checked with independent decoders.

use std::collections::BTreeSet;
use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::LoopCount;
use image::{AnimationDecoder as _, ImageDecoder as _, ImageReader};
use jpeg_encoder::ColorType;
use proptest::prelude::*;

use super::test_images::*;
use super::*;
use crate::message::Message;

/// Everything that a decoder reads from a file: all frames with their delays, in their colour depth.
type Seen = Vec<(u32, u32, u32, Vec<u8>)>;

fn seen(bytes: &[u8]) -> Option<Seen> {
    let frames = match detect(bytes)? {
        ImageFormat::Gif => Some(GifDecoder::new(Cursor::new(bytes)).ok()?.into_frames()),
        ImageFormat::Png => {
            let decoder = PngDecoder::new(Cursor::new(bytes)).ok()?;
            if decoder.is_apng().ok()? { Some(decoder.apng().ok()?.into_frames()) } else { None }
        }
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(Cursor::new(bytes)).ok()?;
            decoder.has_animation().then(|| decoder.into_frames())
        }
        ImageFormat::Jpeg => None,
    };
    match frames {
        None => {
            let image = image::load_from_memory(bytes).ok()?;
            Some(vec![(image.width(), image.height(), 0, image.as_bytes().to_vec())])
        }
        Some(frames) => frames
            .map(|frame| {
                let frame = frame.ok()?;
                let delay = frame.delay().numer_denom_ms().0;
                let buffer = frame.into_buffer();
                Some((buffer.width(), buffer.height(), delay, buffer.into_raw()))
            })
            .collect(),
    }
}

/// The EXIF fields that an independent reader finds, by name.
fn exif_of(bytes: &[u8]) -> BTreeSet<String> {
    let found = exif::Reader::new().read_from_container(&mut Cursor::new(bytes));
    found.map(|exif| exif.fields().map(|field| field.tag.to_string()).collect()).unwrap_or_default()
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn published(bytes: &[u8]) -> StrippedImage {
    strip_metadata(bytes.to_vec()).unwrap()
}

fn error_of(bytes: &[u8]) -> ImageError {
    strip_metadata(bytes.to_vec()).unwrap_err()
}

fn baseline() -> Vec<u8> {
    jpeg_of(ColorType::Rgb, false, None)
}

#[test]
fn removes_all_metadata() {
    for Sample { name, with_metadata, .. } in all() {
        assert!(holds(&with_metadata, SECRET.as_bytes()), "{name}: the sample holds no secret");
        let published = published(&with_metadata);
        assert!(!holds(&published.bytes, SECRET.as_bytes()), "{name}");
        assert!(!holds(&published.bytes, b"xmpmeta"), "{name}");
        for latitude in [LATITUDE.to_be_bytes(), LATITUDE.to_le_bytes()] {
            assert!(!holds(&published.bytes, &latitude), "{name}");
        }
        assert_eq!(exif_of(&published.bytes), BTreeSet::new(), "{name}");
    }
}

#[test]
fn the_samples_contain_metadata() {
    let jpeg = jpeg_with_metadata(&baseline(), 1);
    let png = png_with_metadata(&png_of(&gradient(0).into()), 1);
    for found in [exif_of(&jpeg), exif_of(&png)] {
        assert!(found.contains("GPSLatitude") && found.contains("MakerNote"), "{found:?}");
    }
    assert!(holds(&jpeg, &LATITUDE.to_le_bytes()));
}

#[test]
fn keeps_pixels_frames_and_delays() {
    for Sample { name, bare, with_metadata } in all() {
        let published = published(&with_metadata);
        let shown = seen(&published.bytes).unwrap_or_else(|| panic!("{name} cannot be decoded"));
        assert!(seen(&bare) == Some(shown.clone()), "{name}: other pixels than the bare one");
        assert!(
            seen(&with_metadata) == Some(shown.clone()),
            "{name}: other pixels than the with_metadata one"
        );
        assert_eq!((published.width, published.height), (shown[0].0, shown[0].1), "{name}");
        assert_eq!((published.width, published.height), (WIDTH, HEIGHT), "{name}");
        assert_eq!(shown.len() > 1, name.starts_with("animated"), "{name} has {} frames", shown.len());
    }
}

#[test]
fn keeps_the_loop_count() {
    let sample = named("animated GIF");
    let runs = |bytes: &[u8]| match GifDecoder::new(Cursor::new(bytes)).unwrap().loop_count() {
        LoopCount::Infinite => None,
        LoopCount::Finite(times) => Some(times.get()),
    };
    assert_eq!(runs(&published(&sample.with_metadata).bytes), runs(&sample.bare));
    assert_ne!(runs(&sample.bare), runs(&named("GIF").bare));
}

#[test]
fn is_deterministic_and_names_images_by_hash() {
    let mut names = BTreeSet::new();
    for Sample { name, with_metadata, .. } in all() {
        let published = published(&with_metadata);
        assert_eq!(Ok(&published), strip_metadata(with_metadata).as_ref(), "{name}");
        assert_eq!(Ok(&published), strip_metadata(published.bytes.clone()).as_ref(), "{name}: not at rest");
        let digest: String =
            Sha256::digest(&published.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let (stem, ending) = published.name.split_once('.').unwrap();
        assert_eq!(stem, &digest[..32], "{name}");
        let media_type = match ending {
            "jpg" => "image/jpeg",
            ending => &format!("image/{ending}"),
        };
        assert_eq!(published.media_type, media_type, "{name}");
        assert!(is_image_name(&published.name), "{name}");
        names.insert(published.name);
    }
    assert_eq!(names.len(), all().len());
}

#[test]
fn leaves_images_without_metadata_unchanged() {
    for Sample { name, bare, .. } in all() {
        assert_eq!(published(&bare).bytes, bare, "{name}");
    }
}

#[test]
fn the_image_of_the_sample_article_is_unchanged() {
    let sample = include_bytes!("../../feeds/kinh-te/gia-ca-phe-dau-vu.jpg");
    let published = published(sample);
    assert!(published.bytes == sample, "the sample contains metadata");
    assert_eq!((published.width, published.height), (1200, 800));
}

#[test]
fn keeps_the_orientation() {
    let bare = baseline();
    for orientation in 1..=8_u16 {
        for (form, with_metadata) in [
            ("JPEG", jpeg_with_metadata(&bare, orientation)),
            ("PNG", png_with_metadata(&png_of(&gradient(0).into()), orientation)),
        ] {
            let published = published(&with_metadata);
            let turned = orientation >= 5;
            let size = if turned { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) };
            assert_eq!((published.width, published.height), size, "{form} {orientation}");

            let kept = if orientation == 1 { vec![] } else { vec!["Orientation".to_owned()] };
            assert_eq!(exif_of(&published.bytes), kept.into_iter().collect(), "{form} {orientation}");
            let reader = ImageReader::new(Cursor::new(&published.bytes)).with_guessed_format().unwrap();
            let read = reader.into_decoder().unwrap().orientation().unwrap();
            assert_eq!(u16::from(read.to_exif()), orientation, "{form}");
        }
    }
}

#[test]
fn drops_an_invalid_orientation() {
    let turned = exif(6, true);
    let place = turned.windows(4).position(|window| window == [0x12, 0x01, 3, 0]).unwrap();
    let with = |offset: usize, value: u8| {
        let mut exif = turned.clone();
        exif[place + offset] = value;
        exif
    };
    let tables: [(&str, Vec<u8>); 8] = [
        ("0", with(8, 0)),
        ("9", with(8, 9)),
        ("256 + 6", with(9, 1)),
        ("a long number", with(2, 4)),
        ("two numbers", with(4, 2)),
        ("cut short", turned[..place + 9].to_vec()),
        ("nothing", vec![]),
        ("a directory far away", b"II*\0\xFF\xFF\xFF\xFF".to_vec()),
    ];
    assert_eq!(published(&jpeg_with_metadata(&baseline(), 6)).height, WIDTH);
    for (what, exif) in tables {
        let bare = baseline();
        let jpeg = [&bare[..2], &segment(0xE1, &[b"Exif\0\0", &exif]), &bare[2..]].concat();
        assert_eq!(published(&jpeg).bytes, bare, "{what}");
    }
}

#[test]
fn keeps_colour_profiles() {
    for length in [132, 3_000, 65_520, 200_000] {
        let profile = profile(length);
        let png = {
            let mut all = chunks(&png_of(&gradient(0).into()));
            all.insert(1, (*b"iCCP", [b"BIMAT name\0\0", &deflated(&profile)[..]].concat()));
            png_from(&all)
        };
        let webp = webp_from(&[
            extended_head(0x3C),
            riff_chunk(*b"ICCP", &profile),
            lossless_webp(0)[12..].to_vec(),
        ]);
        for (form, with_metadata) in [("JPEG", jpeg_with_profile(&profile)), ("PNG", png), ("WebP", webp)] {
            let published = published(&with_metadata);
            let reader = ImageReader::new(Cursor::new(&published.bytes)).with_guessed_format().unwrap();
            let kept = reader.into_decoder().unwrap().icc_profile().unwrap();
            assert_eq!(kept.as_deref(), Some(&profile[..]), "{form} with a profile of {length}");
            assert!(!holds(&published.bytes, SECRET.as_bytes()), "{form}");
            assert_eq!(Ok(&published), strip_metadata(published.bytes.clone()).as_ref(), "{form}");
        }
    }
    let palette = named("PNG with a palette");
    let kinds: Vec<[u8; 4]> =
        chunks(&published(&palette.with_metadata).bytes).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [*b"IHDR", *b"gAMA", *b"PLTE", *b"tRNS", *b"IDAT", *b"IEND"]);
}

#[test]
fn drops_invalid_colour_profiles() {
    let bare = baseline();
    let mut tagged = profile(200);
    tagged[150..155].copy_from_slice(SECRET.as_bytes());
    let longer = [&profile(200)[..], b"BIMAT"].concat();
    let part = |number, total, data: &[u8]| segment(0xE2, &[b"ICC_PROFILE\0", &[number, total], data]);
    let (front, back) = tagged.split_at(100);
    for (what, segments) in [
        ("no profile", part(1, 1, b"BIMAT-not-a-profile")),
        ("longer than it says", part(1, 1, &longer)),
        ("a part is missing", part(1, 2, &tagged)),
        ("a part comes twice", [part(1, 1, &tagged), part(1, 1, &tagged)].concat()),
        ("two totals", [part(1, 2, front), part(2, 3, back)].concat()),
        ("numbered from 0", part(0, 1, &tagged)),
        ("no number", segment(0xE2, &[b"ICC_PROFILE\0\x01"])),
    ] {
        let jpeg = [&bare[..2], &segments, &bare[2..]].concat();
        assert_eq!(published(&jpeg).bytes, bare, "{what}");
    }

    let bare = png_of(&gradient(0).into());
    let packed = |profile: &[u8]| [b"name\0\0", &deflated(profile)[..]].concat();
    for (what, data) in [
        ("no profile", packed(b"BIMAT-not-a-profile")),
        ("longer than it says", packed(&longer)),
        ("more behind it", [packed(&profile(200)), SECRET.into()].concat()),
        ("not compressed", [b"name\0\0", &tagged[..]].concat()),
        ("another method", [b"name\0\x01", &deflated(&profile(200))[..]].concat()),
        ("a name without an end", vec![b'B'; 300]),
    ] {
        let mut all = chunks(&bare);
        all.insert(1, (*b"iCCP", data));
        assert_eq!(published(&png_from(&all)).bytes, bare, "{what}");
    }
}

#[test]
fn detects_the_format_by_content() {
    let heic = |brand: &[u8]| [b"\0\0\0\x18ftyp", brand, b"\0\0\0\0mif1heic"].concat();
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", vec![], "picture-empty"),
        ("HEIC", heic(b"heic"), "picture-other-form"),
        ("HEIF", heic(b"mif1"), "picture-other-form"),
        ("AVIF", heic(b"avif"), "picture-other-form"),
        ("video", heic(b"isom"), "picture-video"),
        ("TIFF", b"II*\0\x08\0\0\0".to_vec(), "picture-other-form"),
        ("TIFF, other order", b"MM\0*\0\0\0\x08".to_vec(), "picture-other-form"),
        ("BMP", b"BM\x46\0\0\0".to_vec(), "picture-other-form"),
        (
            "drawing",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec(),
            "picture-drawing",
        ),
        ("drawing", "\u{feff}\n<?xml version='1.0'?><!-- vẽ --><SVG>".into(), "picture-drawing"),
        ("page", b"<!DOCTYPE html><html><body><svg></svg></body></html>".to_vec(), "picture-web-page"),
        ("XML", b"<?xml version='1.0'?><a/>".to_vec(), "picture-web-page"),
        ("Word", b"PK\x03\x04\x14\0".to_vec(), "picture-document"),
        ("old Word", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(), "picture-document"),
        ("PDF", b"%PDF-1.7".to_vec(), "picture-document"),
        ("AVI", b"RIFF\0\0\0\0AVI LIST".to_vec(), "picture-video"),
        ("sound", b"RIFF\0\0\0\0WAVEfmt ".to_vec(), "picture-unknown"),
        ("text", "Quang cảnh Hội nghị".into(), "picture-unknown"),
        ("another GIF", b"GIF88a\x01\0\x01\0".to_vec(), "picture-unknown"),
        ("start of a JPEG", b"\xFF\xD8".to_vec(), "picture-unknown"),
    ];
    for (what, bytes, code) in table {
        assert_eq!(error_of(&bytes).code(), code, "{what}");
    }
    // Type and name are determined by the content.
    assert_eq!(published(&png_of(&gradient(0).into())).media_type, "image/png");
}

#[test]
fn rejects_html_disguised_as_an_image() {
    let html = b"<html><script>alert(document.domain)</script></html>";
    let gif = named("GIF").bare;
    let bare = baseline();
    let disguised = [
        [&bare[..2], &segment(0xFE, &[html]), &bare[2..]].concat(),
        [&bare[..], html].concat(),
        [&gif[..], html, b"PK\x03\x04"].concat(),
    ];
    for bytes in disguised {
        assert!(!holds(&published(&bytes).bytes, b"<script>"));
    }
    for bytes in [&b"GIF89a/*"[..], b"GIF89a<html><script>alert(1)</script>", b"\xFF\xD8\xFF<script>"] {
        assert!(strip_metadata(bytes.to_vec()).is_err());
    }
}

#[test]
fn rejects_truncated_files() {
    for Sample { name, bare, .. } in all() {
        for length in 0..bare.len() {
            assert!(strip_metadata(bare[..length].to_vec()).is_err(), "{name} of {length} bytes");
        }
        let cut = error_of(&bare[..bare.len() * 9 / 10]);
        assert_eq!(cut.code(), "picture-cut-short", "{name}: {cut}");
    }
}

#[test]
fn rejects_damaged_jpegs() {
    let bare = baseline();
    let frame = bare.windows(2).position(|window| window == [0xFF, 0xC0]).unwrap();
    let scan = bare.windows(2).position(|window| window == [0xFF, 0xDA]).unwrap();
    let with = |at: usize, bytes: &[u8]| [&bare[..at], bytes, &bare[at + bytes.len()..]].concat();
    let inserted = |bytes: &[u8]| [&bare[..2], bytes, &bare[2..]].concat();
    for (what, bytes, code) in [
        ("no width", with(frame + 7, &[0, 0]), "picture-damaged"),
        ("no height", with(frame + 5, &[0, 0]), "picture-unshowable"),
        ("twelve bits", with(frame + 4, &[12]), "picture-unshowable"),
        ("two colours", with(frame + 9, &[2]), "picture-damaged"),
        ("arithmetic coding", with(frame + 1, &[0xC9]), "picture-unshowable"),
        ("lossless", with(frame + 1, &[0xC3]), "picture-unshowable"),
        ("too large", with(frame + 5, &[0x4E, 0x20, 0x4E, 0x20]), "picture-too-many-pixels"),
        ("a picture in the picture", inserted(&[0xFF, 0xD8]), "picture-damaged"),
        ("a second frame", [&bare[..scan], &bare[frame..]].concat(), "picture-damaged"),
        ("no frame", [&bare[..frame], &bare[scan..]].concat(), "picture-damaged"),
        ("the scan twice", [&bare[..bare.len() - 2], &bare[scan..]].concat(), "picture-damaged"),
        ("no scan", [&bare[..scan], &[0xFF, 0xD9]].concat(), "picture-damaged"),
        ("bytes between segments", [&bare[..scan], b"<html>", &bare[scan..]].concat(), "picture-damaged"),
        ("a restart before the scan", inserted(&[0xFF, 0xD0]), "picture-damaged"),
        ("a length of one", inserted(&[0xFF, 0xFE, 0, 1]), "picture-damaged"),
        ("a reserved segment", inserted(&segment(0xF0, &[b"x"])), "picture-damaged"),
    ] {
        assert_eq!(error_of(&bytes).code(), code, "{what}");
    }
}

/// A scan of a few bytes makes a decoder go through the image again.
#[test]
fn rejects_a_progressive_jpeg_with_hundreds_of_scans() {
    let bare = jpeg_of(ColorType::Rgb, true, None);
    let markers = |bytes: &[u8]| bytes.windows(2).filter(|window| *window == [0xFF, 0xDA]).count();
    let last = bare.windows(2).rposition(|window| window == [0xFF, 0xDA]).unwrap();
    let with = |scans: usize| {
        let repeated = bare[last..bare.len() - 2].repeat(scans - markers(&bare));
        [&bare[..bare.len() - 2], &repeated, &[0xFF, 0xD9]].concat()
    };
    assert_eq!(markers(&published(&with(100)).bytes), 100);
    assert_eq!(error_of(&with(101)).code(), "picture-damaged");
}

#[test]
fn copies_scans_with_fill_bytes() {
    // In the data of a scan, 0xFF can be repeated before its zero or before a restart marker (T.81 §B.1.1.5).
    let bare = baseline();
    let (scan, end) = bare.split_at(bare.len() - 2);
    let stuffed = [scan, &[0xFF, 0xFF, 0x00, 0x41, 0xFF, 0xFF, 0xD3, 0x42, 0xFF, 0x00], end].concat();
    assert_eq!(published(&stuffed).bytes, stuffed);
}

#[test]
fn rejects_damaged_pngs_and_drops_damaged_metadata() {
    let bare = png_of(&gradient(0).into());
    let sound = chunks(&bare);
    let with = |change: fn(&mut Chunks)| {
        let mut all = sound.clone();
        change(&mut all);
        png_from(&all)
    };
    let mut flipped = bare.clone();
    let last_of_pixels = bare.len() - 12 - 5;
    flipped[last_of_pixels] ^= 1;
    for (what, bytes) in [
        ("a wrong check sum", flipped),
        ("no pixels", with(|all| all.retain(|(kind, _)| kind != b"IDAT"))),
        ("no head", with(|all| drop(all.remove(0)))),
        ("two heads", with(|all| all.insert(1, all[0].clone()))),
        ("a longer head", with(|all| all[0].1.push(0))),
        ("no width", with(|all| all[0].1[..4].fill(0))),
        ("colours of no kind", with(|all| all[0].1[9] = 5)),
        ("a palette that is missing", with(|all| all[0].1[9] = 3)),
        ("half a colour", with(|all| all.insert(1, (*b"PLTE", vec![1; 4])))),
        ("a late palette", with(|all| all.insert(2, (*b"PLTE", vec![1; 3])))),
        ("a critical chunk nobody knows", with(|all| all.insert(1, (*b"CgBI", vec![0; 4])))),
    ] {
        assert_eq!(error_of(&bytes).code(), "picture-damaged", "{what}");
    }
    let huge = with(|all| all[0].1[..8].copy_from_slice(&[0, 0, 0x27, 0x11, 0, 0, 0x27, 0x10]));
    assert_eq!(error_of(&huge), ImageError::TooManyPixels { width: 10_001, height: 10_000 });

    for (what, bytes) in [
        ("a remark with a wrong length", with(|all| all.insert(1, (*b"gAMA", vec![0; 5])))),
        ("a remark behind the pixels", with(|all| all.insert(2, (*b"gAMA", vec![0; 4])))),
        ("frames of no animation", with(|all| all.insert(2, (*b"fdAT", b"\0\0\0\x01BIMAT".to_vec())))),
    ] {
        assert_eq!(published(&bytes).bytes, bare, "{what}");
    }
    let mut wrong_sum = chunk(*b"gAMA", &[0; 4]);
    wrong_sum[12] ^= 1;
    let head = 8 + 12 + 13;
    assert_eq!(published(&[&bare[..head], &wrong_sum, &bare[head..]].concat()).bytes, bare);
    let twice = with(|all| {
        all.insert(1, (*b"gAMA", vec![0, 0, 0, 1]));
        all.insert(2, (*b"gAMA", vec![0, 0, 0, 2]));
    });
    let once = with(|all| all.insert(1, (*b"gAMA", vec![0, 0, 0, 1])));
    assert_eq!(published(&twice).bytes, once);
    // Decoders skip the damaged one, and so the second has effect.
    let second = chunk(*b"gAMA", &[0, 0, 0, 1]);
    assert_eq!(published(&[&bare[..head], &wrong_sum, &second, &bare[head..]].concat()).bytes, once);
}

#[test]
fn rejects_damaged_webps() {
    let lossless = lossless_webp(0)[12..].to_vec();
    let lossy = named("lossy WebP").bare[12..].to_vec();
    let changed = |image: &[u8], at: usize, value: u8| {
        let mut image = image.to_vec();
        image[8 + at] = value;
        webp_from(&[image])
    };
    let animation = |chunks: &[Vec<u8>]| {
        let head = [extended_head(0b10), riff_chunk(*b"ANIM", &[0; 6])];
        webp_from(&[&head[..], chunks].concat())
    };
    let mut shifted = webp_frame(&lossless);
    shifted[8] = 1;
    for (what, bytes) in [
        ("no pixels", webp_from(&[extended_head(0), riff_chunk(*b"EXIF", &exif(1, true))])),
        ("no image at all", webp_from(&[riff_chunk(*b"ALPH", b"xx")])),
        ("a wrong signature", changed(&lossless, 0, 0x2E)),
        ("a later version", changed(&lossless, 4, 0x20)),
        ("a wrong start code", changed(&lossy, 3, 0)),
        ("no key frame", changed(&lossy, 0, lossy[8] | 1)),
        ("a hidden frame", changed(&lossy, 0, lossy[8] & !0x10)),
        ("a part longer than the whole", changed(&lossy, 2, 0xFF)),
        ("two sizes", webp_from(&[riff_chunk(*b"VP8X", &[0, 0, 0, 0, 12, 0, 0, 7, 0, 0]), lossless.clone()])),
        ("a short head", webp_from(&[riff_chunk(*b"VP8X", &[0; 9]), lossless.clone()])),
        ("no frames", animation(&[])),
        ("a still image where frames should be", animation(std::slice::from_ref(&lossless))),
        ("a frame without pixels", animation(&[webp_frame(&[])])),
        ("a frame beyond the edge", animation(&[shifted])),
        ("a frame without its head", animation(&[riff_chunk(*b"ANMF", &[0; 15])])),
        ("frames before their head", webp_from(&[extended_head(0b10), webp_frame(&lossless)])),
    ] {
        assert_eq!(error_of(&bytes).code(), "picture-damaged", "{what}");
    }
    let huge =
        webp_from(&[riff_chunk(*b"VP8X", &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), lossless]);
    assert_eq!(error_of(&huge), ImageError::TooManyPixels { width: 1 << 24, height: 1 << 24 });
}

#[test]
fn rejects_damaged_gifs() {
    let bare = named("GIF").bare;
    let head = gif_head(&bare);
    let with = |at: usize, bytes: &[u8]| [&bare[..at], bytes, &bare[at + bytes.len()..]].concat();
    // Its left, top, width and height, after the control block.
    let frame = head + 9;
    for (what, bytes, code) in [
        ("an image wider than the screen", with(frame + 4, &[13, 0]), "picture-damaged"),
        ("an image higher than the screen", with(frame + 6, &[0xFF, 0xFF]), "picture-damaged"),
        ("an image beyond the right edge", with(frame, &[1, 0]), "picture-damaged"),
        ("an image below the bottom", with(frame + 2, &[0xFF, 0xFF]), "picture-damaged"),
        ("no width", with(6, &[0, 0]), "picture-damaged"),
        ("too large", with(6, &[0xFF; 4]), "picture-too-many-pixels"),
        ("a block nobody knows", [&bare[..head], &[0x42], &bare[head..]].concat(), "picture-damaged"),
        ("no image", [&bare[..head], &[0x3B]].concat(), "picture-damaged"),
    ] {
        assert_eq!(error_of(&bytes).code(), code, "{what}");
    }
}

#[test]
fn keeps_gif_control_blocks_with_their_image() {
    let bare = named("GIF").bare;
    let head = gif_head(&bare);
    let image = head + 8;
    assert_eq!((bare[head + 1], bare[image]), (0xF9, 0x2C), "the sample begins with a control block");
    // Decoders ignore the text and apply the preceding control block to the next image.
    let text = b"\x21\x01\x0C\0\0\0\0\x01\0\x01\0\x01\x01\0\x01\x02hi\0";
    assert_eq!(published(&[&bare[..image], text, &bare[image..]].concat()).bytes, bare);
    let overridden = [&bare[..head], b"\x21\xF9\x04\x09\x01\x01\x01\0", &bare[head..]].concat();
    assert_eq!(published(&overridden).bytes, bare);
    // Which part of another one has effect depends on the decoder.
    for odd in [&b"\x21\xF9\x05BIMAT\0"[..], b"\x21\xF9\0", b"\x21\xF9\x04\x08\x0A\0\0\x04\x08\x0A\0\0\0"] {
        assert_eq!(error_of(&[&bare[..head], odd, &bare[head..]].concat()).code(), "picture-damaged");
    }
}

#[test]
fn writes_the_gif_loop_count_once() {
    let bare = named("GIF").bare;
    let (head, rest) = bare.split_at(gif_head(&bare));
    let loop_extension = |name: &[u8], runs: u8| [b"\x21\xFF\x0B", name, &[3, 1, runs, 0, 0]].concat();
    let with = |blocks: &[Vec<u8>]| published(&[head, &blocks.concat(), rest].concat()).bytes;
    let seven = [head, &loop_extension(b"NETSCAPE2.0", 7), rest].concat();
    assert_eq!(with(&[loop_extension(b"BIMATPRG1.0", 7)]), bare);
    assert_eq!(with(&[loop_extension(b"NETSCAPE2.0", 7), loop_extension(b"NETSCAPE2.0", 9)]), seven);
    assert_eq!(with(&[loop_extension(b"BIMATPRG1.0", 9), loop_extension(b"ANIMEXTS1.0", 7)]), seven);
}

#[test]
fn takes_linear_time_for_many_tiny_parts() {
    // Each is as long as a large photograph. With quadratic time, this test would not terminate.
    const LENGTH: usize = 4 * 1024 * 1024;
    let pieces = |piece: &[u8]| piece.repeat(LENGTH / piece.len());
    let (jpeg, png) = (baseline(), png_of(&gradient(0).into()));
    let gif = named("GIF").bare;
    let (head, scan_end) = (gif_head(&gif), jpeg.len() - 2);
    let image = lossless_webp(0)[12..].to_vec();
    let before = |bare: &[u8], at: usize, piece: &[u8]| [&bare[..at], &pieces(piece), &bare[at..]].concat();
    for (what, bytes, kept) in [
        ("comments", before(&jpeg, 2, &segment(0xFE, &[])), jpeg.len()),
        ("profiles", before(&jpeg, 2, &segment(0xE2, &[b"ICC_PROFILE\0\x01\x01"])), jpeg.len()),
        ("fill bytes", before(&jpeg, 2, &[0xFF]), jpeg.len()),
        ("comments in scans", before(&jpeg, scan_end, &segment(0xFE, &[])), jpeg.len()),
        ("texts", before(&png, 33, &chunk(*b"tEXt", b"")), png.len()),
        ("gammas", before(&png, 33, &chunk(*b"gAMA", &[0, 0, 0, 1])), png.len() + 16),
        (
            "unknown chunks",
            webp_from(&[extended_head(0), pieces(&riff_chunk(*b"JUNK", b"")), image.clone()]),
            30 + image.len(),
        ),
        ("GIF comments", before(&gif, head, b"\x21\xFE\x01x\0"), gif.len()),
        ("GIF controls", before(&gif, head, b"\x21\xF9\x04\0\0\0\0\0"), gif.len()),
    ] {
        assert!(bytes.len() > LENGTH - 100, "{what}");
        assert_eq!(published(&bytes).bytes.len(), kept, "{what}");
    }
    for (what, bytes) in [
        ("escapes in a scan", before(&jpeg, scan_end, &[0xFF, 0])),
        ("restarts in a scan", before(&jpeg, scan_end, &[0xFF, 0xFF, 0xD0])),
        ("pixels", before(&png, png.len() - 12, &chunk(*b"IDAT", b""))),
        (
            "frames",
            webp_from(&[extended_head(0b10), riff_chunk(*b"ANIM", &[0; 6]), pieces(&webp_frame(&image))]),
        ),
    ] {
        assert_eq!(published(&bytes).bytes.len(), bytes.len(), "{what}");
    }
}

#[test]
fn does_not_unpack_huge_profiles() {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        std::io::Write::write_all(&mut encoder, &profile(1024 * 1024)).unwrap();
    }
    let bare = png_of(&gradient(0).into());
    let mut all = chunks(&bare);
    all.insert(1, (*b"iCCP", [b"name\0\0", &encoder.finish().unwrap()[..]].concat()));
    assert_eq!(published(&png_from(&all)).bytes, bare);
}

#[test]
fn rejects_files_above_the_size_limit() {
    let mut bytes = baseline();
    bytes.resize(MAX_BYTES, 0);
    assert!(strip_metadata(bytes.clone()).is_ok());
    bytes.push(0);
    assert_eq!(error_of(&bytes), ImageError::TooManyBytes { bytes: MAX_BYTES + 1 });
}

#[test]
fn few_bytes_that_promise_many_pixels_are_refused_whatever_the_format() {
    let mut gif = b"GIF89a".to_vec();
    gif.extend([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0]);
    gif.extend([0x2C, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 2, 2, 0x4C, 1, 0, 0x3B]);
    let mut jpeg = baseline();
    let frame = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    for bytes in [gif, jpeg] {
        let error = error_of(&bytes);
        assert!(matches!(error, ImageError::TooManyPixels { width: 65_535, height: 65_535 }), "{error:?}");
    }
    assert_eq!(error_of(b""), ImageError::Empty);
}

#[test]
fn every_error_says_how_to_fix_it() {
    let refusals = [
        ImageError::Empty,
        ImageError::TooManyBytes { bytes: MAX_BYTES + 1 },
        ImageError::TooManyPixels { width: 20_000, height: 20_000 },
        ImageError::UnsupportedFormat { form: "HEIC" },
        ImageError::UnsupportedFormat { form: "TIFF" },
        ImageError::VectorImage,
        ImageError::WebPage,
        ImageError::Document { form: "PDF" },
        ImageError::Video,
        ImageError::Unknown,
        ImageError::Truncated { form: "PNG" },
        ImageError::Damaged { form: "GIF", what: "it holds no pixels" },
        ImageError::NotDisplayable { form: "JPEG", what: "more than eight bits for a colour" },
    ];
    for error_of in &refusals {
        let Message { vietnamese, english } = error_of.message();
        assert!(vietnamese.contains(". Hãy ") || vietnamese.contains("nên không đăng. Hãy "), "{vietnamese}");
        assert!(
            ["copy", "save", "scale", "export", "extract"].iter().any(|cure| english.contains(cure)),
            "{english}"
        );
        assert!(error_of.code().starts_with("picture-"), "{english}");
        assert_eq!(error_of.to_string(), english);
    }
    assert!(refusals[1].message().english.contains("33 MB, more than 32 MB"), "{}", refusals[1]);
    assert!(refusals[3].message().vietnamese.contains("JPEG"), "{}", refusals[3]);
}

#[test]
fn matches_images_to_articles_by_name() {
    let decomposed = "bao-ve-rừng".nfd_form();
    for (file, article, number) in [
        ("hop-dan.jpg", "hop-dan", Some(0)),
        ("hop-dan.JPEG", "hop-dan", Some(0)),
        ("hop-dan-1.png", "hop-dan", Some(1)),
        ("hop-dan-02.webp", "hop-dan", Some(2)),
        ("hop-dan-999.gif", "hop-dan", Some(999)),
        ("hop-dan-1.png", "hop-dan-1", Some(0)),
        ("hop-dan-1-2.png", "hop-dan-1", Some(2)),
        ("hop-dan-1-2.png", "hop-dan", None),
        ("hop-dan-0.png", "hop-dan", None),
        ("ke-hoach-2023.jpg", "ke-hoach", None),
        ("hop-dan-+1.jpg", "hop-dan", None),
        ("hop-dan-.jpg", "hop-dan", None),
        ("hop-dan1.jpg", "hop-dan", None),
        ("hop-dan.txt", "hop-dan", None),
        ("hop-dan.jpg.exe", "hop-dan", None),
        ("hop-dan", "hop-dan", None),
        (".jpg", "", None),
        ("-1.jpg", "", None),
        ("Đất & Người.jpg", "Đất & Người", Some(0)),
        ("bao-ve-rừng-3.jpg", &decomposed, Some(3)),
    ] {
        assert_eq!(number_within(file, article), number, "{file} of {article}");
    }
    assert_eq!(number_within(&format!("{decomposed}.jpg"), "bao-ve-rừng"), Some(0));
}

/// The number of an image among those of an article.
fn number_within(file: &str, article: &str) -> Option<u32> {
    use unicode_normalization::UnicodeNormalization as _;
    let stem: String = article.nfc().collect();
    owner_candidates(file).into_iter().find(|owner| owner.stem == stem).map(|owner| owner.number)
}

#[test]
fn the_exact_name_precedes_the_numbered_one() {
    let owners = owner_candidates("hop-dan-1.jpg");
    let wanted = [("hop-dan-1", 0), ("hop-dan", 1)];
    assert_eq!(owners, wanted.map(|(stem, number)| ImageOwner { stem: stem.to_owned(), number }));
    assert!(owner_candidates("hop-dan-1.txt").is_empty());
}

trait Decomposed {
    fn nfd_form(&self) -> String;
}

impl Decomposed for str {
    fn nfd_form(&self) -> String {
        unicode_normalization::UnicodeNormalization::nfd(self).collect()
    }
}

/// Whether the scan of a JPEG has less data than its frame declares: decoders then disagree about the missing pixels, and
/// make them of what follows the scan, whatever it is.
fn leaves_decoders_guessing(published: &StrippedImage) -> bool {
    let (scan, end) = published.bytes.split_at(published.bytes.len() - 2);
    let followed_by = |other: &[u8]| seen(&[scan, other, end].concat());
    let shown = followed_by(&[]);
    let segments = [0xFE, 0xE8].map(|marker| segment(marker, &[b"BIMAT"]));
    let mut others = [0x00, 0x5A].map(|byte| vec![byte; 512]).into_iter().chain(segments);
    published.media_type == "image/jpeg" && others.any(|other| followed_by(&other) != shown)
}

/// Whether a PNG declares its animation twice, which is invalid: decoders then disagree.
fn animates_twice(bytes: &[u8]) -> bool {
    bytes.windows(4).filter(|window| window == b"acTL").count() > 1
}

/// For any input: the output is unchanged by stripping again, has no metadata, and shows the same image.
fn check_guarantees(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let before = bytes.clone();
    let Ok(published) = strip_metadata(bytes) else { return Ok(()) };
    let again = strip_metadata(published.bytes.clone());
    prop_assert_eq!(Ok(&published), again.as_ref());
    prop_assert!(u64::from(published.width) * u64::from(published.height) <= MAX_PIXELS);
    prop_assert!(published.bytes.len() <= before.len() + 64);
    let exif = exif_of(&published.bytes);
    prop_assert!(exif.iter().all(|field| field == "Orientation"), "{exif:?}");
    let small = u64::from(published.width) * u64::from(published.height) < 10_000;
    if small
        && !animates_twice(&before)
        && !leaves_decoders_guessing(&published)
        && let Some(shown) = seen(&before)
    {
        prop_assert!(Some(shown) == seen(&published.bytes), "other pixels");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn never_panics_on_any_bytes(
        head in prop::sample::select(vec![
            &b""[..], b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR", b"RIFF\x40\0\0\0WEBPVP8X", b"GIF89a\x01\0\x01\0",
            b"RIFF\x40\0\0\0WEBPVP8L", b"RIFF\x40\0\0\0WEBPVP8 ",
        ]),
        tail in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        check_guarantees([head, &tail].concat())?;
    }

    #[test]
    fn damaged_images_are_rejected_or_unchanged(
        which in any::<prop::sample::Index>(),
        with_metadata in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        doubled in prop::option::of((any::<prop::sample::Index>(), 1..40_usize)),
        end in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut samples = all();
        let sample = samples.swap_remove(which.index(samples.len()));
        let mut bytes = if with_metadata { sample.with_metadata } else { sample.bare };
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some((from, length)) = doubled {
            let from = from.index(bytes.len());
            let again = bytes[from..(from + length).min(bytes.len())].to_vec();
            bytes.splice(from..from, again);
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        check_guarantees(bytes)?;
    }

    #[test]
    fn only_image_names_have_owners(file in "\\PC{0,12}(-[0-9]{0,5})?(\\.[a-zA-Z]{0,5})?") {
        prop_assert_eq!(owner_candidates(&file).is_empty(), !is_image_name(&file));
    }
}
