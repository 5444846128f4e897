//! `pockets inspect FILE`: what a network's file holds, how it wants its image, and how well it classifies digits.

use clap::Args;
use pockets::{
    idx::Digits,
    import::{self, Choices, Imported, Subject},
    lab::mnist,
    network::Network,
};
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

/// The most files that are looked at beside a network's own.
const MOST_BESIDE: usize = 100;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 500_000_000;

#[derive(Args)]
pub struct Arguments {
    /// The network, in any format that people have
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    pub judged: Judged,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// What a network is judged by, and what is settled beforehand.
#[derive(Args)]
pub struct Judged {
    /// Test images that judge what the file leaves open, an IDX3 file [default: MNIST's, if it was fetched]
    #[arg(long, value_name = "IDX3", requires = "labels")]
    images: Option<PathBuf>,
    /// Their labels, an IDX1 file
    #[arg(long, value_name = "IDX1", requires = "images")]
    labels: Option<PathBuf>,
    /// How the network wants its image, in the words that inspect prints
    #[arg(long)]
    input: Option<String>,
    /// How an image becomes one of another size
    #[arg(long)]
    size: Option<String>,
    /// The activation of the hidden layers
    #[arg(long)]
    activation: Option<String>,
    /// What pooling takes of a window
    #[arg(long)]
    pooling: Option<String>,
    /// Padding, strides and pooling of every convolution
    #[arg(long)]
    arrangement: Option<String>,
}

impl Judged {
    pub fn choices(&self) -> Choices {
        let all = [
            (Subject::Input, &self.input),
            (Subject::Size, &self.size),
            (Subject::Activation, &self.activation),
            (Subject::Pooling, &self.pooling),
            (Subject::Arrangement, &self.arrangement),
        ];
        Choices(all.into_iter().filter_map(|(subject, value)| Some((subject, value.clone()?))).collect())
    }

    /// The digits, if there are any.
    pub fn digits(&self) -> Result<Option<Digits>, Box<dyn Error>> {
        if let (Some(images), Some(labels)) = (&self.images, &self.labels) {
            return Ok(Some(Digits::parse(&read(images)?, &read(labels)?)?));
        }
        let folder = mnist::default_folder()?;
        let [images, labels] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"].map(|name| folder.join(name));
        if !images.exists() || !labels.exists() {
            return Ok(None);
        }
        Ok(Some(Digits::parse(&read(&images)?, &read(&labels)?)?))
    }
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let digits = arguments.judged.digits()?;
    let imported = import(&arguments.file, digits.as_ref(), &arguments.judged.choices())?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&imported)?);
    } else {
        println!("{imported}");
    }
    Ok(())
}

/// The network in a file of any format.
pub fn network(path: &Path, digits: Option<&Digits>) -> Result<Network, Box<dyn Error>> {
    let bytes = read(path)?;
    // The project's own files need nobody's judgement.
    if let Ok(network) = Network::from_safetensors(&bytes) {
        return Ok(network);
    }
    Ok(Network::from_safetensors(&import(path, digits, &Choices::default())?.safetensors)?)
}

/// What is in a file; its weights may be in others beside it.
pub fn import(path: &Path, digits: Option<&Digits>, choices: &Choices) -> Result<Imported, Box<dyn Error>> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut files = vec![(name(path), read(path)?)];
    files.extend(beside(path).into_iter().filter_map(|path| Some((name(&path), read(&path).ok()?))));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    import::read_with(&files, digits, choices).map_err(|e| format!("{}: {e}", path.display()).into())
}

/// Files that may hold the weights of a description in ONNX or JSON: those that end in `.bin` or `.data`, beside it or in a folder named
/// after it.
fn beside(path: &Path) -> Vec<PathBuf> {
    let ending = path.extension().unwrap_or_default();
    if ending != "json" && ending != "onnx" {
        return Vec::new();
    }
    let mut own_folder = path.as_os_str().to_owned();
    own_folder.push(".files");
    let folders = [path.parent().map(Path::to_path_buf).unwrap_or_default(), own_folder.into()];
    let folders = folders.iter().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let entries = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten().map(|entry| entry.path());
    let holds_weights = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "bin" || ending == "data");
    let mut found: Vec<PathBuf> = entries.filter(holds_weights).take(MOST_BESIDE).collect();
    found.sort();
    found
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let at = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
    let length = fs::metadata(path).map_err(|e| at(&e))?.len();
    if length > LARGEST {
        return Err(at(&format!("it has {length} bytes, more than any network for digits")));
    }
    fs::read(path).map_err(|e| at(&e))
}
