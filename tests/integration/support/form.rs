//! Forms with files, and images to put into them.

/// Name, file name and bytes.
pub type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

/// What separates the parts where it does not matter.
pub const BOUNDARY: &str = "---ranh-gioi";

/// The `Content-Type` and the body of a form with these parts.
pub fn multipart(boundary: &str, parts: &[Part<'_>]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// A PNG of one colour.
pub fn png(width: u32, shade: u8) -> Vec<u8> {
    let pixels = image::RgbImage::from_pixel(width, 120, image::Rgb([shade, 90, 30]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
