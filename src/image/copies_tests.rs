//! The guarantees for the copies of images, checked with independent decoders.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, Rgb, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::{ColorType, Encoder};
use moxcms::ColorProfile;
use proptest::prelude::*;

use super::test_images;
use super::*;

/// Smooth colours with some grain, like a photograph.
fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let grain = (x.wrapping_mul(7919) ^ y.wrapping_mul(104_729)) % 8;
        Rgb([(x * 200 / width + grain) as u8, (y * 200 / height + grain) as u8, 90 + grain as u8])
    })
}

/// Pixels that no encoder makes small.
fn noise(width: u32, height: u32) -> RgbImage {
    let mut state = 1_u32;
    RgbImage::from_fn(width, height, |_, _| {
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        Rgb([random(), random(), random()])
    })
}

fn jpeg(image: &RgbImage, profile: Option<&ColorProfile>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    if let Some(profile) = profile {
        encoder.add_icc_profile(&profile.encode().unwrap()).unwrap();
    }
    let (width, height) = (image.width() as u16, image.height() as u16);
    encoder.encode(image, width, height, ColorType::Rgb).unwrap();
    bytes
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.into().write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

/// The copies of an image after metadata was removed, each of which is an image as served.
fn copies(bytes: Vec<u8>) -> ImageCopies {
    let original = strip_metadata(bytes).unwrap();
    let made = smaller_copies(&original.bytes).unwrap();
    for copy in &made.copies {
        assert_eq!(strip_metadata(copy.bytes.clone()).unwrap(), *copy, "nothing is left to remove");
        assert!(copy.bytes.len() <= 500_000 && copy.width <= 1600 && copy.height <= 1600);
        assert!(copy.width <= original.width && copy.height <= original.height, "never enlarged");
        let decoded = image::load_from_memory(&copy.bytes).unwrap();
        assert_eq!((decoded.width(), decoded.height()), (copy.width, copy.height));
    }
    made
}

fn sizes(made: &ImageCopies) -> Vec<(u32, u32)> {
    made.copies.iter().map(|copy| (copy.width, copy.height)).collect()
}

/// The colour in the middle of a part of the image; both are fractions.
fn colour(copy: &StrippedImage, x: f64, y: f64) -> [u8; 3] {
    let image = image::load_from_memory(&copy.bytes).unwrap().into_rgb8();
    let at = |part: f64, side: u32| (part * f64::from(side)) as u32;
    image.get_pixel(at(x, copy.width), at(y, copy.height)).0
}

#[test]
fn a_photograph_has_three_copies_and_none_is_enlarged() {
    assert_eq!(sizes(&copies(jpeg(&photo(2400, 1600), None))), [(1600, 1067), (800, 533), (400, 267)]);
    assert_eq!(sizes(&copies(jpeg(&photo(1500, 2000), None))), [(1200, 1600), (800, 1067), (400, 533)]);
    assert_eq!(sizes(&copies(jpeg(&photo(1000, 500), None))), [(800, 400), (400, 200)]);
    assert_eq!(sizes(&copies(jpeg(&photo(500, 2500), None))), [(320, 1600), (160, 800)]);
    assert_eq!(sizes(&copies(jpeg(&photo(400, 300), None))), []);
    assert_eq!(sizes(&copies(png(photo(2000, 1)))), [(1600, 1), (800, 1), (400, 1)]);
}

#[test]
fn the_same_image_has_the_same_copies() {
    let bytes = jpeg(&photo(1700, 900), None);
    assert_eq!(copies(bytes.clone()), copies(bytes));
}

#[test]
fn an_image_with_few_pixels_and_many_bytes_has_a_copy_of_its_own_size() {
    let bytes = png(noise(500, 400));
    assert!(bytes.len() > 500_000);
    assert_eq!(sizes(&copies(bytes))[0], (500, 400));
}

#[test]
fn no_copy_has_more_than_500_000_bytes_whatever_the_pixels_are() {
    let made = copies(jpeg(&noise(1700, 1700), None));
    assert!(made.copies[0].width >= 800, "{:?}", sizes(&made));
}

#[test]
fn copies_are_upright() {
    let mut image = photo(2000, 1000);
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        if x < 1000 && y < 500 {
            *pixel = Rgb([250, 10, 10]);
        }
    }
    // Orientation 6: the first row is the right side.
    let turned = test_images::jpeg_with_metadata(&jpeg(&image, None), 6);
    let made = copies(turned);
    assert_eq!(sizes(&made), [(800, 1600), (400, 800)]);
    let [red, green, _] = colour(&made.copies[0], 0.75, 0.25);
    assert!(red > 230 && green < 30, "the red quarter is at the top right");
    assert!(colour(&made.copies[0], 0.25, 0.25)[0] < 200);
}

#[test]
fn colours_are_converted_to_srgb() {
    let plain = RgbImage::from_pixel(900, 600, Rgb([200, 100, 100]));
    let of = |profile: Option<&ColorProfile>| {
        colour(&copies(jpeg(&plain, profile)).copies[0], 0.5, 0.5).map(i32::from)
    };
    let close = |found: [i32; 3], wanted: [i32; 3]| {
        let is_close = found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() <= 4);
        assert!(is_close, "{found:?} instead of {wanted:?}");
    };
    close(of(None), [200, 100, 100]);
    close(of(Some(&ColorProfile::new_srgb())), [200, 100, 100]);
    // Computed with the matrices of CSS Color 4.
    close(of(Some(&ColorProfile::new_display_p3())), [214, 95, 98]);
}

#[test]
fn drawings_and_transparent_images_are_lossless() {
    let drawing = RgbImage::from_fn(900, 600, |x, y| {
        if (x / 100 + y / 100) % 2 == 0 { Rgb([255, 255, 255]) } else { Rgb([0, 60, 160]) }
    });
    let made = copies(png(drawing));
    assert_eq!(made.copies[0].media_type, "image/webp");
    let logo =
        RgbaImage::from_fn(
            900,
            600,
            |x, _| if x < 450 { Rgba([9, 9, 9, 0]) } else { Rgba([200, 0, 0, 255]) },
        );
    let made = copies(png(logo));
    assert_eq!(made.copies[0].media_type, "image/webp");
    let decoded = image::load_from_memory(&made.copies[0].bytes).unwrap().into_rgba8();
    assert_eq!(decoded.get_pixel(10, 10).0[3], 0);
    assert_eq!(decoded.get_pixel(790, 10).0, [200, 0, 0, 255], "the transparent part does not bleed");
    // A photograph is smaller as JPEG, in whatever format it came.
    assert_eq!(copies(png(photo(900, 600))).copies[0].media_type, "image/jpeg");
    // Too large without loss: on white.
    let mut large = DynamicImage::from(noise(1600, 1200)).into_rgba8();
    large.pixels_mut().take(1600 * 600).for_each(|pixel| pixel.0[3] = 0);
    let made = copies(png(large));
    assert_eq!(made.copies[0].media_type, "image/jpeg");
    assert!(colour(&made.copies[0], 0.5, 0.25).iter().all(|channel| *channel > 245), "white");
}

#[test]
fn an_animation_has_a_still_copy_for_feeds_only_if_it_is_large() {
    let gif = |width, height| {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
        for shade in [0, 200] {
            let frame = RgbaImage::from_pixel(width, height, Rgba([shade, 80, 80, 255]));
            encoder.encode_frame(Frame::new(frame)).unwrap();
        }
        drop(encoder);
        bytes
    };
    let small = copies(gif(900, 600));
    assert_eq!((sizes(&small), small.are_still), (vec![], true));
    let large = copies(gif(2000, 1000));
    assert_eq!((sizes(&large), large.are_still), (vec![(1600, 800)], true));
    for name in ["animated PNG", "animated WebP", "animated GIF"] {
        assert!(copies(test_images::named(name).with_metadata).are_still, "{name}");
    }
}

#[test]
fn every_kind_of_image_has_copies() {
    let wide = photo(1200, 300);
    let deep = DynamicImage::from(wide.clone()).into_rgb16();
    let grey = DynamicImage::from(wide.clone()).into_luma8();
    let encoded = |colours, channels: usize, progressive| {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 90);
        encoder.set_progressive(progressive);
        let samples: Vec<u8> = wide
            .pixels()
            .flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 0][..channels].to_vec())
            .collect();
        encoder.encode(&samples, 1200, 300, colours).unwrap();
        bytes
    };
    for (what, bytes) in [
        ("16-bit PNG", png(deep)),
        ("grey PNG", png(grey)),
        ("progressive JPEG", encoded(ColorType::Rgb, 3, true)),
        ("grey JPEG", encoded(ColorType::Luma, 1, false)),
        ("CMYK JPEG", encoded(ColorType::Cmyk, 4, false)),
        ("YCCK JPEG", encoded(ColorType::CmykAsYcck, 4, false)),
    ] {
        assert!(sizes(&copies(bytes)).contains(&(800, 200)), "{what}");
    }
    let print = encoded(ColorType::Cmyk, 4, false);
    // The samples are cyan, magenta and yellow without black: the right end has much cyan.
    let [red, green, _] = colour(&copies(print).copies[0], 0.95, 0.1);
    assert!(red < 100 && green > 200, "{red} {green}");
    for sample in test_images::all() {
        assert_eq!(sizes(&copies(sample.with_metadata)), [], "{}: it is small", sample.name);
    }
}

#[test]
fn an_image_that_needs_too_much_memory_is_refused_before_it_is_decoded() {
    // 10,000 × 10,000 pixels with 16 bits per channel and alpha: 800 MB.
    let mut bytes = png(DynamicImage::new_rgba16(8, 8));
    bytes[16..20].copy_from_slice(&10_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&10_000_u32.to_be_bytes());
    let check = crc32fast::hash(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&check);
    let cause = smaller_copies(&bytes).unwrap_err();
    assert!(cause.contains("emory"), "{cause}");
}

#[test]
fn an_image_that_makes_the_decoder_panic_has_copies_or_an_error() {
    // Found by `tests/fuzz`: `zune-jpeg` 0.5.15 panics.
    let image = strip_metadata(include_bytes!("panicking.jpg").to_vec()).unwrap();
    // It returns.
    let _ = smaller_copies(&image.bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_images_have_copies_or_an_error(sample in 0..15_usize, at in any::<prop::sample::Index>(), byte: u8, end in any::<prop::sample::Index>()) {
        let mut bytes = test_images::all().swap_remove(sample).bare;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        // An error or not: it returns.
        let _ = smaller_copies(&bytes);
        bytes.truncate(end.index(bytes.len()));
        let _ = smaller_copies(&bytes);
    }
}
