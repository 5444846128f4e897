//! `pockets attack`: the search on the first images that a network classifies correctly.

use clap::{Args, ValueEnum};
use pockets::{
    LABELS,
    attack::{Attack, Ending, Goal, Options, Outcome, Reading},
    certify::Certifier,
    idx::Digits,
    network::{self, Network},
};
use serde::Serialize;
use std::{
    cmp::Ordering,
    error::Error,
    fmt, fs,
    path::PathBuf,
    str::FromStr,
    time::{Duration, Instant},
};

/// The starts of a thorough search, beside x as the search begins there.
const STARTS: u32 = 40;

#[derive(Args)]
pub struct Arguments {
    /// The network: safetensors, .h5, .keras, .pt, .pth, .onnx, .tflite or a TensorFlow.js model.json
    #[arg(long, value_name = "FILE")]
    network: PathBuf,
    /// The images, an IDX3 file
    #[arg(long, value_name = "IDX3")]
    images: PathBuf,
    /// Their labels, an IDX1 file
    #[arg(long, value_name = "IDX1")]
    labels: PathBuf,
    /// How many of the images that the network classifies correctly
    #[arg(long, default_value_t = 100)]
    count: usize,
    /// What they shall be classified as: next, best, all, a digit, or any
    #[arg(long, default_value = "next")]
    target: Target,
    /// How the paper's c is understood
    #[arg(long, value_enum, default_value_t = ReadingName::Both)]
    reading: ReadingName,
    /// Search from many starts: some hundred times the evaluations, for the smallest r that can be found
    #[arg(long)]
    thorough: bool,
    /// Also prove, for this many milliseconds an image, how small r could be at least
    #[arg(long, value_name = "MS")]
    certify: Option<u64>,
    /// Where to write the results
    #[arg(long, value_name = "OUT.json")]
    json: Option<PathBuf>,
}

/// What the images shall be classified as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// (label + 1) mod 10.
    Next,
    /// The one of nine with the smallest norm.
    Best,
    /// Each of nine.
    All,
    /// This digit.
    Digit(usize),
    /// Anything but the label.
    Any,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("next", _) => Ok(Target::Next),
            ("best", _) => Ok(Target::Best),
            ("all", _) => Ok(Target::All),
            ("any", _) => Ok(Target::Any),
            (_, Ok(digit @ 0..=9)) => Ok(Target::Digit(digit)),
            _ => Err("expected next, best, all, any, or a digit from 0 to 9".into()),
        }
    }
}

/// [`Reading`] as the command line spells it.
#[derive(Clone, Copy, ValueEnum)]
enum ReadingName {
    /// A weight between the size of r and the loss
    Weight,
    /// A scale: minimise for one c, then scale r
    Scale,
    /// The search over c, then the scale step
    Both,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Target::Next => f.write_str("next"),
            Target::Best => f.write_str("best"),
            Target::All => f.write_str("all"),
            Target::Any => f.write_str("any"),
            Target::Digit(digit) => write!(f, "{digit}"),
        }
    }
}

/// What `--json` writes.
#[derive(Serialize)]
struct Report {
    network: String,
    target: String,
    images: Vec<Row>,
}

/// One search. Norms are of pixels in [0, 1]; the distortion is the norm over the root of 784.
#[derive(Serialize)]
struct Row {
    /// Of the image in its file.
    index: usize,
    label: usize,
    /// The label aimed at; for `any` the label reached.
    target: usize,
    success: bool,
    norm: f32,
    norm_c: f32,
    scale: f32,
    c: f32,
    distortion: f32,
    /// Of loss and gradient; for `best`, and for a thorough `any`, those of all nine searches together.
    evaluations: u32,
    margin: f32,
    ms: f64,
    /// No r of a smaller norm reaches this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    certified: Option<f32>,
    /// No r of a smaller norm reaches any label but the image's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    certified_any: Option<f32>,
}

impl Row {
    /// Successes before failures, then smaller norms.
    fn closer(&self, other: &Row) -> Ordering {
        other.success.cmp(&self.success).then(self.norm.total_cmp(&other.norm))
    }
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let read = |path: &PathBuf| fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let digits = Digits::parse(&read(&arguments.images)?, &read(&arguments.labels)?)?;
    let network = crate::inspect::network(&arguments.network, Some(&digits))?;
    let reading = match arguments.reading {
        ReadingName::Weight => Reading::Weight,
        ReadingName::Scale => Reading::Scale,
        ReadingName::Both => Reading::Both,
    };
    let mut attack = Attack::new(network.clone(), Options::new(reading));
    let mut certifier = match arguments.certify {
        Some(ms) => Some((certifier(&network)?, Duration::from_millis(ms))),
        None => None,
    };
    let mut images = Vec::new();
    let right =
        digits.iter().enumerate().filter(|(_, (image, label))| network::label(&network.logits(image)) == *label);
    for (index, (image, label)) in right.take(arguments.count) {
        let image = Image { index, pixels: &image, label };
        let before = images.len();
        attack_one(&mut attack, &network, &image, arguments, &mut images)?;
        if let Some((certifier, time)) = &mut certifier {
            certify(certifier, &image, *time, &mut images[before..])?;
        }
    }
    summarise(&network, &images);
    if let Some(path) = &arguments.json {
        let report = Report { network: network.name().into(), target: arguments.target.to_string(), images };
        fs::write(path, serde_json::to_string_pretty(&report)?).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// An image of the file that the network classifies correctly.
struct Image<'a> {
    index: usize,
    pixels: &'a [f32],
    label: usize,
}

/// The searches that `target` asks for on one image. A digit that is the image's own label asks for none.
fn attack_one(
    attack: &mut Attack,
    network: &Network,
    image: &Image,
    arguments: &Arguments,
    rows: &mut Vec<Row>,
) -> Result<(), Box<dyn Error>> {
    let (label, target, thorough) = (image.label, arguments.target, arguments.thorough);
    let goal = match target {
        Target::Next => Goal::Target((label + 1) % LABELS),
        Target::Any if !thorough => Goal::Any,
        Target::Digit(digit) if digit == label => return Ok(()),
        Target::Digit(digit) => Goal::Target(digit),
        Target::All | Target::Best | Target::Any => {
            let nine = attack_all(attack, network, image, thorough)?;
            let (evaluations, ms) = nine.iter().fold((0, 0.0), |(e, ms), r| (e + r.evaluations, ms + r.ms));
            match target {
                Target::All => rows.extend(nine),
                _ => rows.extend(nine.into_iter().min_by(Row::closer).map(|best| Row { evaluations, ms, ..best })),
            }
            return Ok(());
        }
    };
    let begin = Instant::now();
    attack.start(image.pixels, goal)?;
    let outcome = match goal {
        Goal::Target(target) if thorough => attack.run_thoroughly(image.pixels, target, STARTS)?,
        _ => attack.run(),
    };
    let outcome = outcome.ok_or("the search ended without an outcome")?;
    rows.push(row(network, image, goal, outcome, attack, begin));
    Ok(())
}

/// One search for each label but the image's own.
fn attack_all(
    attack: &mut Attack,
    network: &Network,
    image: &Image,
    thorough: bool,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::with_capacity(LABELS);
    let mut begin = Instant::now();
    let mut found = |target, outcome, attack: &Attack| {
        rows.push(row(network, image, Goal::Target(target), outcome, attack, begin));
        begin = Instant::now();
    };
    if thorough {
        for target in (0..LABELS).filter(|target| *target != image.label) {
            if let Some(outcome) = attack.run_thoroughly(image.pixels, target, STARTS)? {
                found(target, outcome, attack);
            }
        }
    } else {
        attack.run_all(image.pixels, found)?;
    }
    Ok(rows)
}

/// What proves bounds for a network.
fn certifier(network: &Network) -> Result<Certifier, String> {
    let mlp = network.mlp().ok_or_else(|| {
        format!(
            "{}: only a plain network of fully connected layers has certificates here; leave --certify out",
            network.name()
        )
    })?;
    Ok(Certifier::new(mlp.clone()))
}

/// Spends `time` on proofs about one image: half of it on any other label, the other half on the targets of `rows`.
fn certify(certifier: &mut Certifier, image: &Image, time: Duration, rows: &mut [Row]) -> Result<(), Box<dyn Error>> {
    let mut prove = |goal, time| -> Result<f32, Box<dyn Error>> {
        certifier.start(image.pixels, goal)?;
        let begin = Instant::now();
        while certifier.step() && begin.elapsed() < time {}
        Ok(certifier.bound())
    };
    let any = prove(Goal::Any, time / 2)?;
    let share = time / (2 * rows.len().max(1)) as u32;
    for row in rows {
        // What no label reaches, this one does not reach either. A failed search for any label names no target.
        let own = if row.target == image.label { any } else { prove(Goal::Target(row.target), share)? };
        row.certified = Some(own.max(any));
        row.certified_any = Some(any);
    }
    Ok(())
}

/// A plain forward pass: is `point` in the box and classified as the goal says?
fn reaches(network: &Network, point: &[f32], goal: Goal, label: usize) -> bool {
    let prediction = network::label(&network.logits(point));
    let reached = match goal {
        Goal::Target(target) => prediction == target,
        Goal::Any => prediction != label,
    };
    reached && point.iter().all(|p| (0.0..=1.0).contains(p))
}

fn row(network: &Network, image: &Image, goal: Goal, outcome: Outcome, attack: &Attack, begin: Instant) -> Row {
    let ms = begin.elapsed().as_secs_f64() * 1e3;
    let success = outcome.ending == Ending::Success && reaches(network, attack.adversarial(), goal, image.label);
    Row {
        index: image.index,
        label: image.label,
        target: if let Goal::Target(target) = goal { target } else { outcome.label },
        success,
        norm: outcome.norm,
        norm_c: outcome.norm_c,
        scale: outcome.scale,
        c: outcome.c,
        distortion: outcome.distortion(),
        evaluations: outcome.evaluations,
        margin: outcome.margin,
        ms,
        certified: None,
        certified_any: None,
    }
}

fn summarise(network: &Network, rows: &[Row]) {
    let median = |value: &dyn Fn(&Row) -> f64| {
        let mut values: Vec<f64> = rows.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let succeeded: Vec<&Row> = rows.iter().filter(|r| r.success).collect();
    println!("{}: {} of {} searches succeeded", network.name(), succeeded.len(), rows.len());
    if rows.is_empty() {
        println!("nothing was searched for: no image is classified correctly, or each has the target's label already");
        return;
    }
    if succeeded.is_empty() {
        println!("nothing was found: no search ended in a change that reaches its target");
    } else {
        let mean_norm = succeeded.iter().map(|r| f64::from(r.norm)).sum::<f64>() / succeeded.len() as f64;
        println!("mean norm {mean_norm:.4}, mean distortion {:.4}", mean_norm / 28.0);
    }
    println!("median evaluations {}", median(&|r| f64::from(r.evaluations)));
    println!("median time {:.3} ms", median(&|r| r.ms));
    let proved = |of: &dyn Fn(&Row) -> Option<f32>| {
        let parts: Vec<f32> = succeeded.iter().filter_map(|r| of(r).map(|c| c / r.norm)).collect();
        (!parts.is_empty()).then(|| parts.iter().sum::<f32>() / parts.len() as f32)
    };
    if let (Some(certified), Some(any)) = (proved(&|r| r.certified), proved(&|r| r.certified_any)) {
        println!("proved: {certified:.3} of the norm for the target, {any:.3} for any label");
    }
}
