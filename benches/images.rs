//! What the smaller copies of a camera's photograph cost: `cargo bench --bench images`. Prints the bytes and pixels of the
//! photograph, the CPU time of its copies and the largest amount of memory that the process has had.

use std::time::{Duration, Instant};

/// A photograph from a camera with 48 megapixels has about 31 MB.
const SIZE: (u16, u16) = (8000, 6000);
const WANTED_BYTES: usize = 31_000_000;
const RUNS: usize = 5;

/// Areas of colour with the grain of a sensor. `grain`: more of it takes more bytes.
fn photograph(grain: u32) -> Vec<u8> {
    let (width, height) = (u32::from(SIZE.0), u32::from(SIZE.1));
    let mut state = 1_u32;
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                // xorshift: the same photograph on every machine.
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                let smooth = (x / 40 + y / 30 * (channel + 1)) % (256 - grain);
                pixels.push((smooth + state % grain) as u8);
            }
        }
    }
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
    encoder.encode(&pixels, SIZE.0, SIZE.1, jpeg_encoder::ColorType::Rgb).expect("the size is valid");
    bytes
}

/// The photograph whose size is nearest to the wanted one.
fn camera_photograph() -> Vec<u8> {
    let all = [8, 16, 24, 32, 48, 64].map(photograph);
    all.into_iter().min_by_key(|bytes| bytes.len().abs_diff(WANTED_BYTES)).unwrap_or_default()
}

/// CPU time of this process. Linux counts it in ticks of 10 ms.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The value of a line of `/proc/self/status`, in MiB.
fn memory(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    line.and_then(|number| number.parse::<u64>().ok()).unwrap_or_default() >> 10
}

fn main() {
    let sent = camera_photograph();
    println!("photograph: {} bytes, {} × {} pixels", sent.len(), SIZE.0, SIZE.1);
    let (began, used) = (Instant::now(), cpu());
    let stripped = bantin::image::strip_metadata(sent).expect("it is valid");
    println!("without its metadata: {:?}, CPU {:?}", began.elapsed(), cpu() - used);
    // The largest amount so far was that of the encoder above; the kernel forgets it.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = memory("VmRSS:");
    let (began, used) = (Instant::now(), cpu());
    let mut copies = Vec::new();
    for _ in 0..RUNS {
        copies = bantin::image::smaller_copies(&stripped.bytes).expect("it is decoded").copies;
    }
    let runs = RUNS as u32;
    println!("copies: {:?}, CPU {:?}", began.elapsed() / runs, (cpu() - used) / runs);
    println!("memory: {} MiB before, at most {} MiB", before, memory("VmHWM:"));
    for copy in copies {
        println!("  {} × {}, {} bytes, {}", copy.width, copy.height, copy.bytes.len(), copy.media_type);
    }
}
