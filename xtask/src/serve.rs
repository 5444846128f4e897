//! Serves the finished site on this machine, to nobody else.

use crate::process::Result;
use crate::site;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
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

    listen(&server, &folder).into_iter().for_each(|thread| drop(thread.join()));
    Ok(())
}

/// Answers requests until the server is unblocked as many times as there are threads.
fn listen(server: &Arc<Server>, folder: &Path) -> Vec<JoinHandle<()>> {
    let one = |_| {
        let (server, folder) = (Arc::clone(server), folder.to_owned());
        thread::spawn(move || server.incoming_requests().for_each(|request| answer(request, &folder)))
    };
    (0..THREADS).map(one).collect()
}

/// Answers one request. A browser that has gone away meanwhile is no failure of ours.
fn answer(request: Request, folder: &Path) {
    let refuse = |status: u16, sentence: &str| Response::from_string(sentence).with_status_code(status);
    if !matches!(request.method(), Method::Get | Method::Head) {
        drop(respond(request, refuse(405, "Only GET and HEAD.")));
        return;
    }
    let found = file_for(folder, request.url()).and_then(|path| Some((fs::read(&path).ok()?, path)));
    let Some((bytes, path)) = found else {
        drop(respond(request, refuse(404, "There is no such file.")));
        return;
    };
    let whole = Response::from_data(bytes).with_chunked_threshold(usize::MAX);
    drop(respond(request, headers(folder, &path).into_iter().fold(whole, Response::with_header)));
}

/// Hands head and body to the system in one piece. In two, as the library does it, a small body waits in here until the head is
/// acknowledged (Nagle's algorithm), which the other side puts off for 40 ms.
fn respond<R: Read>(request: Request, response: Response<R>) -> io::Result<()> {
    let is_asked_for_body = *request.method() != Method::Head;
    let mut whole = Vec::new();
    let version = request.http_version().clone();
    response.raw_print(&mut whole, version, request.headers(), !is_asked_for_body, None)?;
    let mut writer = request.into_writer();
    writer.write_all(&whole)?;
    writer.flush()
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
    use std::io::BufRead;
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    /// So many files are asked for, one after the other, on one connection, as a browser does.
    const FILES: usize = 40;
    /// An acknowledgement is put off for 40 ms.
    const SOON: Duration = Duration::from_millis(5);

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

    #[test]
    fn a_small_file_is_there_at_once() {
        let folder = std::env::temp_dir().join(format!("xtask-soon-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let style = "p { margin: 0 }\n".repeat(300);
        fs::write(folder.join("style.css"), &style).unwrap();
        let server = Arc::new(Server::http(("127.0.0.1", 0)).unwrap());
        let threads = listen(&server, &folder.canonicalize().unwrap());

        let mut connection = TcpStream::connect(server.server_addr().to_ip().unwrap()).unwrap();
        let mut times: Vec<Duration> = (0..FILES)
            .map(|_| {
                let begun = Instant::now();
                connection.write_all(b"GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
                assert_eq!(body(&connection), style);
                begun.elapsed()
            })
            .collect();
        times.sort();
        drop(connection);
        threads.iter().for_each(|_| server.unblock());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        fs::remove_dir_all(&folder).unwrap();
        assert!(times[FILES / 2] < SOON, "{:?} in the median, {:?} at most", times[FILES / 2], times[FILES - 1]);
    }

    /// The body of the answer that comes next.
    fn body(connection: &TcpStream) -> String {
        let mut reader = io::BufReader::new(connection);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(number) = line.to_lowercase().strip_prefix("content-length: ") {
                length = number.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }
}
