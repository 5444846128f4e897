//! Serves the finished site on this machine, to nobody else.

use crate::process::Result;
use crate::site;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{io, thread};
use tiny_http::{Header, Method, Request, Response, Server};

/// A page asks for some files at once.
const THREADS: usize = 4;

/// Builds the site and serves it on 127.0.0.1 until the process is ended.
pub fn serve(root: &Path, port: u16) -> Result<()> {
    // Before the work, that is in vain if another has the port.
    let server = Server::http(("127.0.0.1", port))
        .map_err(|error| format!("Port {port} can't be used ({error}); choose another with --port."))?;
    let server = Arc::new(server);
    let folder = site::build(root)?;
    let address = server.server_addr();
    println!("Serving {} at http://{address}/ (end with Ctrl+C)", folder.display());
    let folder = folder.canonicalize().map_err(|error| format!("{} can't be read: {error}.", folder.display()))?;

    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (server, folder) = (Arc::clone(&server), folder.clone());
            thread::spawn(move || server.incoming_requests().for_each(|request| answer(request, &folder)))
        })
        .collect();
    threads.into_iter().for_each(|thread| drop(thread.join()));
    Ok(())
}

/// Answers one request. A browser that has gone away meanwhile is no failure of ours.
fn answer(request: Request, folder: &Path) {
    let refuse = |status: u16, sentence: &str| Response::from_string(sentence).with_status_code(status);
    if !matches!(request.method(), Method::Get | Method::Head) {
        drop(request.respond(refuse(405, "Only GET and HEAD.")));
        return;
    }
    let found = file_for(folder, request.url()).and_then(|path| Some((File::open(&path).ok()?, path)));
    let Some((file, path)) = found else {
        drop(request.respond(refuse(404, "There is no such file.")));
        return;
    };
    let whole = Response::from_file(file).with_chunked_threshold(usize::MAX);
    let response = headers(folder, &path).into_iter().fold(whole, Response::with_header);
    drop::<io::Result<()>>(request.respond(response));
}

/// The file below `folder` that an address asks for; nothing outside of it.
fn file_for(folder: &Path, address: &str) -> Option<PathBuf> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let mut path = folder.join(decode(path)?.trim_start_matches('/'));
    if path.is_dir() {
        path.push("index.html");
    }
    // Resolves `..` and links as the system does.
    let path = path.canonicalize().ok()?;
    path.starts_with(folder).then_some(path)
}

/// Undoes percent-encoding.
fn decode(address: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn headers(folder: &Path, file: &Path) -> Vec<Header> {
    let is_immutable = file.strip_prefix(folder).is_ok_and(is_versioned);
    let caching = if is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    // Pages of other origins may embed what is here.
    let shared = ("Access-Control-Allow-Origin", "*");
    [("Content-Type", media_type(file)), ("Cache-Control", caching), ("X-Content-Type-Options", "nosniff"), shared]
        .into_iter()
        .filter_map(|(name, value)| Header::from_bytes(name, value).ok())
        .collect()
}

/// Whether a file, relative to the site, is in the folder whose contents never change.
fn is_versioned(file: &Path) -> bool {
    let mut parts = file.components();
    let first = parts.next();
    first.is_some_and(|top| top.as_os_str().to_string_lossy().starts_with("v-")) && parts.next().is_some()
}

fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|kind| kind.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn nothing_outside_of_the_folder_is_served() {
        let top = std::env::temp_dir().join(format!("xtask-serve-{}", std::process::id()));
        let folder = top.join("dist");
        fs::create_dir_all(folder.join("a b")).unwrap();
        fs::write(top.join("secret"), "").unwrap();
        fs::write(folder.join("index.html"), "").unwrap();
        fs::write(folder.join("a b/c.wasm"), "").unwrap();
        let folder = folder.canonicalize().unwrap();

        assert_eq!(file_for(&folder, "/"), Some(folder.join("index.html")));
        assert_eq!(file_for(&folder, "/a%20b/c.wasm?v=1"), Some(folder.join("a b/c.wasm")));
        for outside in
            ["/../secret", "/%2e%2e/secret", "/a%20b/../../secret", "/a%20b/%2e%2e%2f%2e%2e%2fsecret", "//etc/passwd"]
        {
            assert_eq!(file_for(&folder, outside), None, "{outside}");
        }
        assert_eq!(file_for(&folder, "/%"), None);
        fs::remove_dir_all(&top).unwrap();
    }
}
