//! `pockets reproduce`: the paper's tables and figures beside ours.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pockets::{
    lab::{
        mnist,
        recipe::recipes,
        reproduce::{Progress, Reproduction, Sizes, data::data, document, document::Run, figures, write},
    },
    network::Mlp,
};
use safetensors::SafeTensors;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Where trained networks are looked for: those that the page offers, and those that only the tables need.
const NETWORKS: [&str; 2] = ["www/networks", "networks"];

#[derive(Args)]
pub struct Arguments {
    /// A sample of some hundred images, in minutes
    #[arg(long)]
    quick: bool,
    /// With --quick, so few images that it is only seen to run
    #[arg(long, requires = "quick")]
    brief: bool,
    /// The folder of MNIST's files [default: pockets/mnist in the user's cache]
    #[arg(long, value_name = "DIR")]
    mnist: Option<PathBuf>,
    /// Where to write reproduction.md, reproduction.json, figures and finished parts
    /// [default: docs, www and target/reproduction; with --quick all in target/reproduction]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A folder of trained networks [default: www/networks and networks]
    #[arg(long, value_name = "DIR")]
    networks: Vec<PathBuf>,
}

/// Where everything goes.
struct Places {
    document: PathBuf,
    data: PathBuf,
    figures: PathBuf,
    parts: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let folder = arguments.mnist.clone().map_or_else(mnist::default_folder, Ok)?;
    let digits = mnist::load(&folder)?;
    let (networks, settings) = networks(&arguments.networks)?;
    let places = places(arguments);
    let reproduction = Reproduction {
        networks,
        train: &digits.train,
        test: &digits.test,
        sizes: match (arguments.quick, arguments.brief) {
            (_, true) => Sizes::BRIEF,
            (true, false) => Sizes::QUICK,
            (false, false) => Sizes::FULL,
        },
        parts: Some(places.parts.clone()),
    };
    let began = Instant::now();
    let bar = bar()?;
    let measured = AtomicBool::new(false);
    let results = reproduction.run(&|progress: Progress| {
        // The bar counts whole searches.
        bar.set_length(progress.total.ceil() as u64);
        bar.set_position(progress.done as u64);
        bar.set_message(progress.part);
        measured.store(true, Ordering::Relaxed);
    })?;
    bar.finish_and_clear();
    let seconds = began.elapsed().as_secs();
    let took = took(&places.parts, seconds, measured.into_inner())?;
    let run = Run { commit: commit(), command: command(), took, settings };
    write(&places.document, document::document(&results, &run).as_bytes())?;
    write(&places.data, serde_json::to_string(&data(&results, &run))?.as_bytes())?;
    for figure in figures::draw(&results, &digits.test)? {
        write(&places.figures.join(format!("{}.svg", figure.name)), figure.svg.as_bytes())?;
    }
    println!("written: {}, {}, {}", places.document.display(), places.data.display(), places.figures.display());
    Ok(())
}

fn bar() -> Result<ProgressBar, Box<dyn Error>> {
    let style = ProgressStyle::with_template("{wide_bar} {percent} %  {msg}  {elapsed} gone, {eta} left")?;
    let bar = ProgressBar::new(1).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(500));
    Ok(bar)
}

fn places(arguments: &Arguments) -> Places {
    let beside = |folder: &Path| Places {
        document: folder.join("reproduction.md"),
        data: folder.join("reproduction.json"),
        figures: folder.join("figures"),
        parts: folder.join("parts"),
    };
    let scratch = Path::new("target").join("reproduction");
    match &arguments.out {
        Some(folder) => beside(folder),
        None if arguments.quick => beside(&scratch),
        None => Places {
            data: Path::new("www").join("reproduction.json"),
            parts: scratch.join("parts"),
            ..beside(Path::new("docs"))
        },
    }
}

/// Networks, and how each was trained.
type Trained = (Vec<Arc<Mlp>>, Vec<String>);

/// Every network of the paper that is there, in the order of the recipes, and how each was trained.
fn networks(folders: &[PathBuf]) -> Result<Trained, Box<dyn Error>> {
    let usual = NETWORKS.map(PathBuf::from);
    let folders = if folders.is_empty() { &usual[..] } else { folders };
    let (mut networks, mut settings) = (Vec::new(), Vec::new());
    for recipe in recipes() {
        let Some(path) = folders.iter().map(|f| f.join(recipe.file_name())).find(|path| path.is_file()) else {
            eprintln!("{} is left out: train it with `pockets train {}`", recipe.title, recipe.name);
            continue;
        };
        let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        networks.push(Arc::new(Mlp::from_safetensors(&bytes).map_err(|e| format!("{}: {e}", path.display()))?));
        let (_, header) = SafeTensors::read_metadata(&bytes)?;
        let entry = |key: &str| header.metadata().as_ref().and_then(|m| m.get(key)).cloned();
        let seed = entry("seed").map(|seed| format!(", seed {seed}")).unwrap_or_default();
        settings.push(entry("settings").unwrap_or_else(|| "not stated".into()) + &seed);
    }
    Ok((networks, settings))
}

/// How long the parts took, in words: kept beside them, as an interrupted run goes on in another.
fn took(parts: &Path, seconds: u64, measured: bool) -> Result<String, Box<dyn Error>> {
    let file = parts.join("seconds");
    let before: u64 = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let all = if measured { before + seconds } else { before };
    write(&file, all.to_string().as_bytes())?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(format!(", in {} min {} s on {cores} cores.", all / 60, all % 60))
}

/// The commit that is checked out, and whether something that matters here differs from it.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success());
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".into() };
    let sources =
        ["src/attack", "src/attack.rs", "src/experiment", "src/lab", "src/lbfgs.rs", "src/network", "src/network.rs"];
    let changed = git(&[&["status", "--porcelain", "--", "www/networks", "networks"], &sources[..]].concat());
    if changed.is_some_and(|changed| changed.is_empty()) { commit } else { commit + " with changes" }
}

/// The command line, with the program by its name alone.
fn command() -> String {
    std::iter::once("pockets".to_string()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" ")
}
