//! Join links as images that a phone can read.

use qrcode::{Color, QrCode};

/// Width and height of the PNG, in pixels.
const SIZE: u16 = 512;

/// The white border around the code, in modules; readers need four.
const BORDER: usize = 4;

/// The QR code of a text as a drawing: its size in modules, border included, and its dark modules as the `d` of an SVG
/// path. `None` if the text is too long for a code.
pub(super) fn path(text: &str) -> Option<(usize, String)> {
    use std::fmt::Write as _;
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let mut path = String::new();
    for y in 0..width {
        let mut x = 0;
        while x < width {
            let run = (x..width)
                .take_while(|column| code[(*column, y)] == Color::Dark)
                .count();
            if run > 0 {
                // Writing to a string does not fail.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + BORDER, y + BORDER);
            }
            x += run.max(1);
        }
    }
    Some((width + 2 * BORDER, path))
}

/// The QR code of a text as a PNG of 512x512 pixels, in black and white. `None` if the text is too long for a code.
pub(super) fn png(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::new(text).ok()?;
    let width = code.width();
    let modules = width + 2 * BORDER;
    let size = usize::from(SIZE);
    // Modules are as many whole pixels as fit, so that all are of one size; the rest becomes border.
    let scale = (size / modules).max(1);
    let margin = size.saturating_sub(width * scale) / 2;
    let module = |pixel: usize| pixel.checked_sub(margin).map(|inside| inside / scale);
    let mut pixels = Vec::with_capacity(size * size);
    for y in 0..size {
        for x in 0..size {
            let dark = match (module(x), module(y)) {
                (Some(column), Some(row)) if column < width && row < width => code[(column, row)] == Color::Dark,
                _ => false,
            };
            pixels.push(if dark { 0 } else { 255 });
        }
    }
    let mut image = Vec::new();
    let mut encoder = png::Encoder::new(&mut image, u32::from(SIZE), u32::from(SIZE));
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(image)
}
