//! Trunk by itself: how it is called, and the test that whoever has it gets a page that works from `trunk build` and `trunk serve`.

use crate::process::{Result, run, run_logged};
use crate::setup::{Toolchain, Trunk, WasmBindgen};
use crate::{cache, page, wasm};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// How long `trunk serve` may take before it serves: it compiles first.
const PATIENCE: Duration = Duration::from_secs(600);

/// `trunk build` or another of its commands, into the folder `to`, with all that it calls.
pub fn command(
    name: &str,
    root: &Path,
    toolchain: &Toolchain,
    bindgen: &WasmBindgen,
    trunk: &Trunk,
    to: &Path,
) -> Result<Command> {
    let mut command = toolchain.command(trunk.0.join("trunk"), &[&bindgen.0, &trunk.0], root)?;
    command.args([name, "--offline", "--skip-version-check", "--dist"]).arg(to);
    // Trunk's own chatter would bury the compiler's words; NO_COLOR=1, which some systems set, it refuses.
    command.env_remove("NO_COLOR").args(["--log", "warn"]);
    Ok(command)
}

/// Runs `trunk build`, and shows what the compiler warns of.
pub fn build(command: &mut Command) -> Result<()> {
    eprintln!("Building the page …");
    let log = cache::log("page")?;
    run_logged(command, "Building the page with Trunk", &log)?;
    let said = fs::read_to_string(&log).unwrap_or_default();
    if said.contains("warning: ") {
        eprintln!("{said}");
    }
    Ok(())
}

/// The page and the page for frames, as `trunk build` leaves them and as `trunk serve` serves them, work in Chromium; and the second reloads.
pub fn test(root: &Path) -> Result<()> {
    let toolchain = Toolchain::find_or_install()?;
    wasm::fetch(root, &toolchain)?;
    wasm::reclaim(root)?;
    let bindgen = WasmBindgen::find_or_install(root)?;
    let trunk = Trunk::find_or_install(root)?;
    let folders = ["build", "serve"].map(|name| root.join("target/trunk").join(name));
    for folder in &folders {
        fs::create_dir_all(folder).map_err(|error| format!("{} can't be made: {error}.", folder.display()))?;
    }
    let [built, served] = &folders;
    build(&mut command("build", root, &toolchain, &bindgen, &trunk, built)?)?;

    let port = free_port()?;
    let mut serve = command("serve", root, &toolchain, &bindgen, &trunk, served)?;
    serve.args(["--address", "127.0.0.1", "--port", &port.to_string()]);
    let child = serve.spawn().map_err(|error| format!("`trunk serve` could not be started: {error}."))?;
    let mut server = Server(child);
    server.wait_for(port)?;
    let mut tests = page::node(root)?;
    tests.env("POCKETS_DIST", built).env("POCKETS_TRUNK", format!("http://127.0.0.1:{port}/"));
    run(tests.arg("--test").arg(page::folder(root).join("plain.trunk.mjs")), "A test of the page as Trunk makes it")
}

/// A port that nobody has.
fn free_port() -> Result<u16> {
    let found = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    found.map(|address| address.port()).map_err(|error| format!("No port is free: {error}."))
}

/// `trunk serve`, for as long as this lives.
struct Server(Child);

impl Server {
    fn wait_for(&mut self, port: u16) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if self.0.try_wait().ok().flatten().is_some() || begun.elapsed() > PATIENCE {
                return Err("`trunk serve` serves nothing.".to_owned());
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[cfg(test)]
mod tests {
    /// The words between two others.
    fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
        text.split_once(open).unwrap().1.split_once(close).unwrap().0
    }

    #[test]
    fn the_policy_of_trunk_serve_is_the_pages_own_with_a_nonce() {
        let list = between(include_str!("../../Trunk.toml"), "csp = [", "]\n");
        let served: Vec<&str> = list.lines().map(|line| line.trim().trim_matches([',', '"'])).collect();
        let served = served.join("; ").trim_matches([';', ' ']).to_owned();
        assert!(served.contains(" 'nonce-{{NONCE}}'"));
        for page in [include_str!("../../index.html"), include_str!("../../embed.html")] {
            let own = between(page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
            assert_eq!(served.replace(" 'nonce-{{NONCE}}'", ""), own);
        }
    }
}
