//! Small real images, each without metadata and with everything that a camera or an editor can add.
//!
//! Every text that must be removed begins with [`SECRET`], and the GPS location contains [`LATITUDE`], so that tests only
//! need to search for these two.

use std::io::{Cursor, Write as _};

use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag, Value};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, Frame, ImageFormat, Rgba, RgbaImage};
use jpeg_encoder::{ColorType, Encoder};

/// The prefix of every text that must be removed.
pub const SECRET: &str = "BIMAT";

/// The seconds of the latitude in the EXIF data of the samples: a value that occurs nowhere else.
pub const LATITUDE: u32 = 0x5EC2_E714;

/// The stored dimensions of all samples, except those that are constants.
pub const WIDTH: u32 = 12;
pub const HEIGHT: u32 = 8;

/// An image as expected after stripping, and the same image with metadata.
pub struct Sample {
    pub name: &'static str,
    pub bare: Vec<u8>,
    pub with_metadata: Vec<u8>,
}

/// One sample of every supported kind.
pub fn all() -> Vec<Sample> {
    let jpeg = |name, bare: Vec<u8>| Sample { name, with_metadata: jpeg_with_metadata(&bare, 1), bare };
    let webp = |name, bare: Vec<u8>| Sample { name, with_metadata: webp_with_metadata(&bare), bare };
    let png = |name, bare: Vec<u8>| Sample { name, with_metadata: png_with_metadata(&bare, 1), bare };
    vec![
        jpeg("baseline JPEG", jpeg_of(ColorType::Rgb, false, None)),
        jpeg("progressive JPEG", jpeg_of(ColorType::Rgb, true, None)),
        jpeg("JPEG with restarts", jpeg_of(ColorType::Rgb, false, Some(1))),
        jpeg("grey JPEG", jpeg_of(ColorType::Luma, false, None)),
        jpeg("JPEG for print", jpeg_of(ColorType::Cmyk, false, None)),
        png("PNG", png_of(&gradient(0).into())),
        png("grey PNG", png_of(&DynamicImage::from(gradient(0)).to_luma16().into())),
        png("PNG with a palette", palette_png()),
        png("animated PNG", animated_png()),
        webp("lossy WebP", hex(LOSSY_WEBP)),
        webp("transparent lossy WebP", hex(TRANSPARENT_WEBP)),
        webp("lossless WebP", lossless_webp(0)),
        webp("animated WebP", animated_webp()),
        Sample { name: "GIF", with_metadata: gif_with_metadata(&gif_of(1)), bare: gif_of(1) },
        Sample { name: "animated GIF", with_metadata: gif_with_metadata(&gif_of(3)), bare: gif_of(3) },
    ]
}

/// The sample with this name.
pub fn named(name: &str) -> Sample {
    all().into_iter().find(|sample| sample.name == name).unwrap()
}

/// An image in which all pixels differ.
pub fn gradient(shade: u8) -> RgbaImage {
    RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (x, y) = (u8::try_from(x).unwrap(), u8::try_from(y).unwrap());
        Rgba([x * 20, y * 30, shade, 255 - x * 3])
    })
}

// JPEG

pub fn jpeg_of(colours: ColorType, progressive: bool, restarts: Option<u16>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 80);
    encoder.set_progressive(progressive);
    if let Some(interval) = restarts {
        encoder.set_restart_interval(interval);
    }
    let channels = match colours {
        ColorType::Luma => 1,
        ColorType::Cmyk => 4,
        _ => 3,
    };
    let pixels: Vec<u8> = gradient(90).pixels().flat_map(|pixel| pixel.0[..channels].to_vec()).collect();
    encoder.encode(&pixels, 12, 8, colours).unwrap();
    bytes
}

pub fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
    let data = parts.concat();
    let length = u16::try_from(data.len() + 2).unwrap();
    [&[0xFF, marker], &length.to_be_bytes()[..], &data].concat()
}

/// A JPEG as written by a phone and then an editor.
pub fn jpeg_with_metadata(bare: &[u8], orientation: u16) -> Vec<u8> {
    let mut secrets = vec![
        segment(0xE0, &[b"JFXX\0\x13", b"\x02\x01BIMAT-jfxx"]),
        segment(0xE1, &[b"Exif\0\0", &exif(orientation, true)]),
        segment(0xE1, &[b"Exif\0\0", &exif(3, false)]),
        segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp().as_bytes()]),
        // The digest, the total length, and the offset of this part.
        segment(
            0xE1,
            &[
                b"http://ns.adobe.com/xmp/extension/\0",
                &[b'A'; 32],
                &[0, 0, 0, 14, 0, 0, 0, 0],
                b"BIMAT-extended",
            ],
        ),
        segment(0xE2, &[b"MPF\0", b"II*\0BIMAT-mpf"]),
        segment(0xE2, &[b"FPXR\0BIMAT-flashpix"]),
        segment(0xED, &[b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x10\x1c\x02\x5a\0\x0bBIMAT-iptc"]),
        segment(0xEE, &[b"Adobe\0d\0\0\0\0\0BIMAT-behind-adobe"]),
        segment(0xFE, &["BIMAT chú thích của máy".as_bytes()]),
    ];
    // Decoders use the first Adobe segment for the colours, so the added one must be equal.
    if let Some(adobe) = bare.windows(5).position(|window| window == b"Adobe") {
        secrets[8] = segment(0xEE, &[&bare[adobe..adobe + 12], b"BIMAT-behind-adobe"]);
    } else {
        secrets.remove(8);
    }
    for marker in [0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xEB, 0xEC, 0xEF] {
        secrets.push(segment(marker, &[b"BIMAT-maker-note"]));
    }
    let jfif = bare.starts_with(b"\xFF\xD8\xFF\xE0");
    // The first segment has a thumbnail of 2×2 pixels; the segment of the encoder is ignored.
    let thumbnail = jfif.then(|| segment(0xE0, &[&bare[6..18], &[2, 2], b"BIMATBIMAT12"]));
    let end = bare.len() - 2;
    [
        &bare[..2],
        &thumbnail.unwrap_or_default(),
        &secrets.concat(),
        // Fill bytes, which can precede any marker.
        b"\xFF\xFF\xFF",
        &bare[2..end],
        // The position of later scans in a progressive image.
        &segment(0xFE, &[b"BIMAT-late-comment"]),
        &segment(0xE1, &[b"Exif\0\0", &exif(6, true)]),
        &bare[end..],
        b"\xFF\xD8\xFF\xD9BIMAT-second-picture",
        &[0; 7],
    ]
    .concat()
}

/// Camera, maker note, location and thumbnail, as written by a phone.
pub fn exif(orientation: u16, little_endian: bool) -> Vec<u8> {
    let ascii = |text: &str| Value::Ascii(vec![text.as_bytes().to_vec()]);
    let degrees = Value::Rational(vec![
        Rational { num: 14, denom: 1 },
        Rational { num: 39, denom: 1 },
        Rational { num: LATITUDE, denom: 1_000_000 },
    ]);
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let fields = [
        field(Tag::Make, ascii("BIMAT-make")),
        field(Tag::Orientation, Value::Short(vec![orientation])),
        field(Tag::Artist, ascii("BIMAT-artist")),
        field(Tag::DateTimeOriginal, ascii("2023:05:12 17:39:00 BIMAT")),
        field(Tag::MakerNote, Value::Undefined(b"BIMAT-maker-note".to_vec(), 0)),
        field(Tag::GPSLatitudeRef, ascii("N")),
        field(Tag::GPSLatitude, degrees.clone()),
        field(Tag::GPSLongitude, degrees),
    ];
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    writer.set_jpeg(b"\xFF\xD8BIMAT-thumbnail\xFF\xD9", In::THUMBNAIL);
    let mut bytes = Cursor::new(Vec::new());
    writer.write(&mut bytes, little_endian).unwrap();
    bytes.into_inner()
}

fn xmp() -> String {
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><exif:GPSLatitude>BIMAT 14,39.5N</exif:GPSLatitude></x:xmpmeta>"
        .into()
}

/// A colour profile of this length without tags.
pub fn profile(length: usize) -> Vec<u8> {
    let mut profile = vec![0; length];
    profile[..4].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
    profile[36..40].copy_from_slice(b"acsp");
    profile
}

/// A JPEG with its colour profile split into segments in wrong order.
pub fn jpeg_with_profile(profile: &[u8]) -> Vec<u8> {
    let bare = jpeg_of(ColorType::Rgb, false, None);
    let parts: Vec<&[u8]> = profile.chunks(65_519).collect();
    let total = u8::try_from(parts.len()).unwrap();
    let segments: Vec<Vec<u8>> = (1..=total)
        .zip(parts)
        .map(|(number, part)| segment(0xE2, &[b"ICC_PROFILE\0", &[number, total], part]))
        .rev()
        .collect();
    [&bare[..2], &segments.concat(), &bare[2..]].concat()
}

// PNG

pub fn png_of(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    let sum = crc32fast::hash(&[&kind[..], data].concat()).to_be_bytes();
    [&length[..], &kind, data, &sum].concat()
}

/// Types and data of all chunks of a PNG.
pub type Chunks = Vec<([u8; 4], Vec<u8>)>;

pub fn chunks(png: &[u8]) -> Chunks {
    let mut found = Vec::new();
    let mut rest = &png[8..];
    while rest.len() >= 12 {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        found.push((rest[4..8].try_into().unwrap(), rest[8..8 + length].to_vec()));
        rest = &rest[12 + length..];
    }
    found
}

pub fn png_from(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let chunks: Vec<u8> = chunks.iter().flat_map(|(kind, data)| chunk(*kind, data)).collect();
    [b"\x89PNG\r\n\x1a\n", &chunks[..]].concat()
}

pub fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn palette_png() -> Vec<u8> {
    let rows: Vec<u8> =
        (0..8).flat_map(|y| std::iter::once(0).chain((0..12).map(move |x| (x + y) % 4))).collect();
    png_from(&[
        (*b"IHDR", [&[0, 0, 0, 12, 0, 0, 0, 8][..], &[8, 3, 0, 0, 0]].concat()),
        (*b"gAMA", 45_455_u32.to_be_bytes().to_vec()),
        (*b"PLTE", vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90]),
        (*b"tRNS", vec![255, 128, 0]),
        (*b"IDAT", deflated(&rows)),
        (*b"IEND", vec![]),
    ])
}

/// Two frames; the first is also the static image.
fn animated_png() -> Vec<u8> {
    let pixels = |shade| {
        let chunks = chunks(&png_of(&gradient(shade).into()));
        chunks.into_iter().filter(|(kind, _)| kind == b"IDAT").flat_map(|(_, data)| data).collect::<Vec<u8>>()
    };
    let head = chunks(&png_of(&gradient(0).into())).swap_remove(0);
    let control = |number: u8| {
        let size = [0, 0, 0, number, 0, 0, 0, 12, 0, 0, 0, 8];
        [&size[..], &[0; 8], &[0, 1, 0, 10, 0, 0]].concat()
    };
    png_from(&[
        head,
        (*b"acTL", vec![0, 0, 0, 2, 0, 0, 0, 0]),
        (*b"fcTL", control(0)),
        (*b"IDAT", pixels(10)),
        (*b"fcTL", control(1)),
        (*b"fdAT", [&[0, 0, 0, 2][..], &pixels(200)].concat()),
        (*b"IEND", vec![]),
    ])
}

/// With texts, EXIF, time, and private chunks.
pub fn png_with_metadata(bare: &[u8], orientation: u16) -> Vec<u8> {
    let packed = deflated(b"BIMAT-packed");
    let before = [
        (*b"eXIf", exif(orientation, true)),
        (*b"tEXt", b"Comment\0BIMAT-comment".to_vec()),
        (*b"zTXt", [b"Raw profile type exif\0\0", &packed[..]].concat()),
        (*b"iTXt", [b"XML:com.adobe.xmp\0\0\0\0\0", xmp().as_bytes()].concat()),
        (*b"tIME", vec![7, 231, 5, 12, 17, 39, 0]),
        (*b"caBX", b"BIMAT-c2pa".to_vec()),
        (*b"prVt", b"BIMAT-private".to_vec()),
        // Invalid length.
        (*b"sRGB", b"BIMAT-srgb".to_vec()),
    ];
    let behind = [(*b"tEXt", b"Author\0BIMAT-author".to_vec()), (*b"eXIf", exif(6, false))];
    let mut all = chunks(bare);
    all.splice(1..1, before);
    let end = all.len() - 1;
    all.splice(end..end, behind);
    [&png_from(&all)[..], b"BIMAT-uncropped"].concat()
}

// WebP

const LOSSY_WEBP: &str = "5249464642000000574542505650382036000000d001009d012a0c00080004006825b00274010eacaed6\
    0000fef18417bd0d33bc8e04448c75bba117f8f4d68047c07b847dc9b0180000";

const TRANSPARENT_WEBP: &str = "524946467200000057454250565038580a000000100000000b0000070000414c50481700000001b9\
    0a44f43f40a46d33ff5ae761ece802222620ab854b005650382034000000f001009d012a0c00080004006825b00274ba0003082a5020\
    00feef67749f3c14521e5d2b5b076954116756804392de2728c22000";

fn hex(digits: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    digits.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

pub fn lossless_webp(shade: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    gradient(shade).write_to(&mut bytes, ImageFormat::WebP).unwrap();
    bytes.into_inner()
}

pub fn riff_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    [&kind[..], &length, data, &[0][..data.len() % 2]].concat()
}

pub fn webp_from(chunks: &[Vec<u8>]) -> Vec<u8> {
    riff_chunk(*b"RIFF", &[b"WEBP", &chunks.concat()[..]].concat())
}

/// The extended header of a sample.
pub fn extended_head(flags: u8) -> Vec<u8> {
    riff_chunk(*b"VP8X", &[flags, 0, 0, 0, 11, 0, 0, 7, 0, 0])
}

fn animated_webp() -> Vec<u8> {
    webp_from(&[
        extended_head(0b1_0010),
        riff_chunk(*b"ANIM", &[0, 0, 0, 0, 0, 0]),
        webp_frame(&lossless_webp(10)[12..]),
        webp_frame(&lossless_webp(200)[12..]),
    ])
}

/// A full-size frame shown for 100 ms.
pub fn webp_frame(chunks: &[u8]) -> Vec<u8> {
    let head = [0, 0, 0, 0, 0, 0, 11, 0, 0, 7, 0, 0, 100, 0, 0, 0];
    riff_chunk(*b"ANMF", &[&head[..], chunks].concat())
}

/// The extended format with EXIF, XMP and unknown chunks, also within the frames of an animation.
fn webp_with_metadata(bare: &[u8]) -> Vec<u8> {
    let secrets = [
        riff_chunk(*b"EXIF", &exif(6, true)),
        riff_chunk(*b"XMP ", xmp().as_bytes()),
        riff_chunk(*b"ODD ", b"BIMAT-odd"),
    ]
    .concat();
    let unknown = riff_chunk(*b"JUNK", b"BIMAT-unknown");
    let with_metadata = match &bare[12..16] {
        b"VP8X" => {
            let flags = bare[20] | 0b1100;
            let mut rest = &bare[30..];
            let mut chunks = vec![extended_head(flags), unknown];
            while !rest.is_empty() {
                let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
                let (chunk, behind) = rest.split_at(8 + length + length % 2);
                let in_frame = chunk.starts_with(b"ANMF");
                let data =
                    if in_frame { [&chunk[8..], &secrets].concat() } else { chunk[8..8 + length].to_vec() };
                chunks.push(riff_chunk(chunk[..4].try_into().unwrap(), &data));
                rest = behind;
            }
            chunks.push(secrets);
            webp_from(&chunks)
        }
        // A simple file with extra chunks, which decoders ignore.
        _ => webp_from(&[bare[12..].to_vec(), secrets]),
    };
    [&with_metadata[..], b"BIMAT-trailer"].concat()
}

// GIF

fn gif_of(frames: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    if frames > 1 {
        encoder.set_repeat(Repeat::Finite(7)).unwrap();
    }
    for shade in 0..frames {
        let delay = Delay::from_numer_denom_ms(100 * (u32::from(shade) + 1), 1);
        encoder.encode_frame(Frame::from_parts(gradient(shade * 50), 0, 0, delay)).unwrap();
    }
    drop(encoder);
    bytes
}

/// The length of the header before the first block.
pub fn gif_head(gif: &[u8]) -> usize {
    13 + if gif[10] & 0x80 == 0 { 0 } else { 3 << ((gif[10] & 7) + 1) }
}

/// With comments, XMP, a plain text block and an application block, before and after the frames.
fn gif_with_metadata(bare: &[u8]) -> Vec<u8> {
    // XMP is stored raw; its trailer leads readers of sub-blocks to its end (XMP part 3, §1.1.2).
    let landing: Vec<u8> = std::iter::once(1).chain((0..=255).rev()).chain([0]).collect();
    let xmp = [b"\x21\xFF\x0BXMP DataXMP", xmp().as_bytes(), &landing].concat();
    let secrets = [
        &b"\x21\xFE\x0EBIMAT-comment1\x05 more\0"[..],
        &xmp,
        b"\x21\xF9\x04\x05\x01\0\x01\0\x21\x01\x0C\0\0\0\0\x01\0\x01\0\x01\x01\0\x01\x0ABIMAT-text\0",
        b"\x21\xFF\x0BBIMATPRG1.0\x0BBIMAT-thing\0",
        b"\x21\xFF\x0BICCRGBG1012\x09BIMAT-icc\0",
    ]
    .concat();
    let (head, end) = (gif_head(bare), bare.len() - 1);
    [&bare[..head], &secrets, &bare[head..end], &secrets, &bare[end..], b"BIMAT-trailer"].concat()
}
