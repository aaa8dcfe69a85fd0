//! Takes the two files that the page of the API's documentation needs out of the archive of Swagger UI, which comes as a
//! crate, so that a build needs no other network than crates.io. They leave the archive as they are in it, deflated; only
//! the wrapping becomes gzip's, and that is how the gateway sends them.

use std::path::Path;
use std::{env, fs};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED as ARCHIVE;

const FILES: [&str; 2] = ["swagger-ui.css", "swagger-ui-bundle.js"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    for name in FILES {
        let gzip =
            entry(ARCHIVE, &format!("/dist/{name}")).unwrap_or_else(|| panic!("no {name} in Swagger UI's archive"));
        fs::write(Path::new(&out).join(format!("{name}.gz")), gzip).expect("OUT_DIR can be written");
    }
}

/// The deflated file whose path ends with `suffix`, as gzip. Offsets are those of the ZIP format, PKWARE APPNOTE 6.3.10,
/// sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16 (its end).
fn entry(zip: &[u8], suffix: &str) -> Option<Vec<u8>> {
    let end = zip.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let (count, mut at) = (u16_at(zip, end + 10)?, u32_at(zip, end + 16)?);
    for _ in 0..count {
        let (name_length, extra, comment) = (u16_at(zip, at + 28)?, u16_at(zip, at + 30)?, u16_at(zip, at + 32)?);
        let name = zip.get(at + 46..at + 46 + name_length)?;
        let (method, packed) = (u16_at(zip, at + 10)?, u32_at(zip, at + 20)?);
        if name.ends_with(suffix.as_bytes()) && method == 8 {
            let local = u32_at(zip, at + 42)?;
            let data = local + 30 + u16_at(zip, local + 26)? + u16_at(zip, local + 28)?;
            // RFC 1952: no name, no time, unknown system; then CRC-32 and size, which both formats write alike.
            let mut gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
            gzip.extend_from_slice(zip.get(data..data + packed)?);
            gzip.extend_from_slice(zip.get(at + 16..at + 20)?);
            gzip.extend_from_slice(zip.get(at + 24..at + 28)?);
            return Some(gzip);
        }
        at += 46 + name_length + extra + comment;
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?).into())
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()
}
