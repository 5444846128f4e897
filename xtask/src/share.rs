//! What other sites show of the page when somebody links to it: the picture, and an answer to oEmbed.
//!
//! Those who read such tags want absolute addresses, and a static site does not know its own: where the environment variable
//! `POCKETS_SITE` names it, they are absolute, else relative.

use std::path::Path;
use std::{env, fs, io};

/// The picture, and the answer to oEmbed (oembed.com), beside the pages: their addresses stay when the version changes.
pub const FILES: [&str; 2] = ["picture.png", "oembed.json"];

/// Which file is the picture.
const PICTURE: &str = "docs/images/page.png";
const VARIABLE: &str = "POCKETS_SITE";

/// Puts the picture and the answer beside the pages in `made`.
pub fn write(root: &Path, made: &Path) -> io::Result<()> {
    fs::copy(root.join(PICTURE), made.join(FILES[0]))?;
    fs::write(made.join(FILES[1]), answer(&address()))
}

/// A page whose tags name the site.
pub fn with_address(html: &str) -> String {
    tags_with_address(html, &address())
}

/// The site's address, ending in a slash; empty where it is not known.
fn address() -> String {
    let given = env::var(VARIABLE).unwrap_or_default();
    if given.is_empty() || given.ends_with('/') { given } else { format!("{given}/") }
}

fn tags_with_address(html: &str, site: &str) -> String {
    let html = html.replace(
        &format!("property=\"og:image\" content=\"{}\"", FILES[0]),
        &format!("property=\"og:image\" content=\"{site}{}\"", FILES[0]),
    );
    html.replace(&format!("href=\"{}\"", FILES[1]), &format!("href=\"{site}{}\"", FILES[1]))
}

fn answer(site: &str) -> String {
    let frame = format!(
        "<iframe src=\"{site}embed.html#v1;target=8\" title=\"Draw a digit and fool the network\" width=\"640\" height=\"560\" \
         style=\"border: 0\"></iframe>"
    );
    serde_json::json!({
        "version": "1.0", "type": "rich", "provider_name": "Pockets", "provider_url": site,
        "title": "Pockets: the smallest change that makes a network mistake your digit",
        "width": 640, "height": 560, "html": frame,
        "thumbnail_url": format!("{site}{}", FILES[0]), "thumbnail_width": 1280, "thumbnail_height": 820,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_site_is_known_addresses_are_absolute() {
        let html = include_str!("../../index.html");
        assert_eq!(tags_with_address(html, ""), html);
        let told = tags_with_address(html, "https://example.org/p/");
        assert!(told.contains(r#"property="og:image" content="https://example.org/p/picture.png""#));
        assert!(told.contains(r#"href="https://example.org/p/oembed.json""#));
        let answer: serde_json::Value = serde_json::from_str(&answer("https://example.org/p/")).unwrap();
        assert_eq!((answer["version"].as_str(), answer["type"].as_str()), (Some("1.0"), Some("rich")));
        assert!(answer["html"].as_str().unwrap().contains(r#"src="https://example.org/p/embed.html#"#));
    }
}
