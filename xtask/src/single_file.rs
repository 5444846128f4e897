//! The whole page as one HTML file that asks nobody for anything: `cargo xtask single-file`.
//!
//! The finished site's files go into the page as JSON, text as it is and the rest in base64, and a small script
//! (single-file.js) hands them out in the place of a server.

use crate::supply::NOTICE;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The script that takes the place of the server.
const LOADER: &str = include_str!("single-file.js");
/// Nothing is loaded from anywhere: what runs is in the file, or in a blob made from it.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline' blob: 'wasm-unsafe-eval'; style-src 'unsafe-inline' data:; \
                      img-src data: blob:; connect-src data: blob:; worker-src blob:";

/// What makes no sense there: keeping the page for later visits.
const NOT_IN_A_FILE: [&str; 1] = ["offline.js"];

/// The file's name, beside the page that it is made from.
pub const NAME: &str = "pockets.html";

/// Makes the file's contents of a page and the `assets`, relative to `folder`, that it may ask for.
pub fn make(page: &str, folder: &Path, assets: &[PathBuf]) -> io::Result<String> {
    let mut files = serde_json::Map::new();
    for asset in assets {
        let bytes = fs::read(folder.join(asset))?;
        let contents = match String::from_utf8(bytes) {
            Ok(text) => serde_json::json!({ "text": text }),
            Err(binary) => serde_json::json!({ "base64": base64(binary.as_bytes()) }),
        };
        files.insert(asset.to_string_lossy().into_owned(), contents);
    }
    let text_of = |file: &str| files.get(file).and_then(|file| file["text"].as_str());

    let mut html = String::new();
    let mut entries = Vec::new();
    for line in page.lines() {
        let attribute = |name: &str| {
            let (_, rest) = line.split_once(&format!(" {name}=\""))?;
            Some(rest.split_once('"')?.0.trim_start_matches("./"))
        };
        let trimmed = line.trim_start();
        if trimmed.starts_with("<meta property=") || trimmed.starts_with("<link rel=\"alternate\"") {
            continue; // nobody links to it
        } else if trimmed.contains(&format!("href=\"./{NOTICE}\"")) || trimmed.contains(&format!("href=\"{NOTICE}\"")) {
            continue; // it is in the file itself
        } else if trimmed.starts_with("<meta http-equiv=\"Content-Security-Policy\"") {
            html.push_str(&format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\" />"));
        } else if let (true, Some(style)) = (line.contains("rel=\"stylesheet\""), attribute("href").and_then(text_of)) {
            html.push_str(&format!("<style>\n{style}</style>"));
        } else if let (true, Some(icon)) = (line.contains("rel=\"icon\""), attribute("href").and_then(text_of)) {
            let data = base64(icon.as_bytes());
            html.push_str(&format!("<link rel=\"icon\" href=\"data:image/svg+xml;base64,{data}\" />"));
        } else if let (true, Some(script)) = (trimmed.starts_with("<script type=\"module\""), attribute("src")) {
            if !NOT_IN_A_FILE.iter().any(|name| script.ends_with(name)) {
                entries.push(script.to_owned());
            }
            continue;
        } else {
            html.push_str(line);
        }
        html.push('\n');
    }
    // `<` would end the script early.
    let files = serde_json::Value::Object(files).to_string().replace('<', "\\u003c");
    let entries = serde_json::json!(entries);
    let script = format!("<script>\n{LOADER}pocketsInOneFile({files}, {entries});\n</script>\n");
    Ok(html.replace("</body>", &format!("{script}</body>")))
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0u32, |number, k| number << 8 | u32::from(*three.get(k).unwrap_or(&0)));
        for k in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * k)) as usize & 63];
            text.push(if k <= three.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in cases {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn no_address_is_left_in_the_page() {
        let folder = std::env::temp_dir().join(format!("xtask-single-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = [("style.css", "p {}"), ("icon.svg", "<svg/>"), ("main.js", "'</script>'"), ("offline.js", "")];
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        let page = r#"<meta http-equiv="Content-Security-Policy" content="default-src 'self'" />
            <link rel="icon" href="./icon.svg" />
            <link rel="stylesheet" href="./style.css" />
            <script type="module" src="./main.js"></script>
            <script type="module" src="./offline.js"></script>
            <body></body>"#;
        let made = make(page, &folder, &files.map(|(name, _)| PathBuf::from(name))).unwrap();
        assert!(made.contains("<style>\np {}</style>") && made.contains(r#"["main.js"]"#));
        assert!(!made.contains("src=") && !made.contains("href=\"./"), "{made}");
        assert_eq!(made.matches("</script>").count(), 1, "a file's text does not end the script");
        fs::remove_dir_all(&folder).unwrap();
    }
}
