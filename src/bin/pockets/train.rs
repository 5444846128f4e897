//! `pockets train NAME`: any network of the paper, a convolutional one, or one that learns from pens too, by candle.

use clap::{Args, builder::PossibleValuesParser};
use indicatif::{ProgressBar, ProgressStyle};
use pockets::{
    digit::Brush,
    idx::Digits,
    lab::{
        convolutional, mnist,
        pens::{self, Material, PenRecipe, Shape},
        recipe::{Convolutional, Method, Part, Recipe, convolutional, file_name, recipes},
        train::{self, Epoch},
    },
    network::Network,
    pen::{self, Drawing, score::Score},
};
use std::{env, error::Error, fs, path::PathBuf, time::Instant};

/// Digits of the training set that `--holdout` keeps for judging.
const HELD_OUT: usize = 10_000;

#[derive(Args)]
pub struct Arguments {
    /// Which network
    #[arg(value_parser = PossibleValuesParser::new(names()))]
    name: String,
    /// The folder of MNIST's files [default: pockets/mnist in the user's cache]
    #[arg(long, value_name = "DIR")]
    mnist: Option<PathBuf>,
    /// A folder of pen strokes, for a network that learns from them too: UNIPEN's format or lines of JSON
    #[arg(long, value_name = "DIR")]
    pen: Option<PathBuf>,
    /// The file to write [default: the network's title, here, e.g. FC10_1e-4.safetensors]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keep the last 10,000 digits from training, and every fifth writer's strokes, and judge by them, not by the test set;
    /// write a file only if --out names one
    #[arg(long)]
    holdout: bool,
    /// Instead of the recipe's epochs
    #[arg(long)]
    epochs: Option<usize>,
    /// Instead of the recipe's batch
    #[arg(long)]
    batch: Option<usize>,
    /// Instead of the recipe's first learning rate
    #[arg(long)]
    rate: Option<f64>,
    /// Instead of the recipe's ρ of sharpness-aware minimisation
    #[arg(long)]
    sharpness: Option<f64>,
    /// Instead of the recipe's λ, one for each layer: 3e-3,3e-3,3e-4
    #[arg(long, value_delimiter = ',')]
    decay: Option<Vec<f64>>,
    /// Instead of the recipe's dropout, the share of each layer's inputs: 0.1,0.2,0.2
    #[arg(long, value_delimiter = ',')]
    dropout: Option<Vec<f64>>,
    /// Instead of the recipe's norms of adversarial examples, one for each layer's input: 1.4,0.5,0
    #[arg(long, value_delimiter = ',')]
    norms: Option<Vec<f64>>,
    /// Instead of the recipe's number of adversarial examples that are made anew for every batch
    #[arg(long)]
    fresh: Option<usize>,
    /// Whether layers below a perturbed one learn from its adversarial examples too, instead of the recipe's choice
    #[arg(long, value_name = "BOOL")]
    below: Option<bool>,
    /// Instead of the recipe's seed
    #[arg(long)]
    seed: Option<u64>,
}

/// What is trained.
enum Chosen {
    Perceptron(Recipe),
    Convolutional(Convolutional),
    Pens(PenRecipe, Desk),
}

/// What a network learns from besides MNIST.
struct Desk {
    drawings: Vec<Drawing>,
    held_out: Vec<Drawing>,
}

/// Everything that can be trained.
fn names() -> Vec<&'static str> {
    let pens = pens::recipes();
    recipes().iter().map(|r| r.name).chain([convolutional().name]).chain(pens.iter().map(|r| r.name)).collect()
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    use_one_thread();
    let chosen = Chosen::of(arguments)?;
    let folder = arguments.mnist.clone().map_or_else(mnist::default_folder, Ok)?;
    let digits = mnist::load(&folder)?;
    let learned = train::part(chosen.part(), digits.train);
    let (title, settings, seed) = chosen.facts();
    if arguments.holdout {
        let (learned, held_out) = learned.split_at(learned.len().saturating_sub(HELD_OUT));
        let network = chosen.train(&learned, &held_out, "held-out error")?;
        let (train_error, error) = (percent(&network, &learned), percent(&network, &held_out));
        if let Some(path) = &arguments.out {
            fs::write(path, network.to_safetensors_f16(&[])?).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        println!("{title}: {settings}, seed {seed}");
        println!("train error {train_error} %, held-out error {error} %");
        chosen.print_held_out(network);
        return Ok(());
    }
    let network = chosen.train(&learned, &digits.test, "test error")?;
    // What is reported is of the weights as written.
    let network = Network::from_safetensors(&network.to_safetensors_f16(&[])?)?;
    let (train_error, test_error) = (percent(&network, &learned), percent(&network, &digits.test));
    let path = arguments.out.clone().unwrap_or_else(|| file_name(title).into());
    let bytes = network.to_safetensors_f16(&[
        ("train_error_pct", train_error.clone()),
        ("test_error_pct", test_error.clone()),
        ("seed", seed.to_string()),
        ("settings", settings.clone()),
    ])?;
    fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    println!("{title}: {settings}, seed {seed}");
    println!("train error {train_error} %, test error {test_error} %, written to {}", path.display());
    Ok(())
}

/// Has candle compute on one thread, unless the environment says otherwise: matrices are so small here that
/// sharing them out takes longer than it saves, and many times longer where other work holds a core.
#[allow(unsafe_code, reason = "the environment can be changed in no other way")]
fn use_one_thread() {
    const THREADS: &str = "RAYON_NUM_THREADS";
    if env::var_os(THREADS).is_none() {
        // SAFETY: the command has only begun, and no other thread runs that could read the environment.
        unsafe { env::set_var(THREADS, "1") };
    }
}

impl Chosen {
    /// What was asked for by name.
    fn of(arguments: &Arguments) -> Result<Self, Box<dyn Error>> {
        if let Some(recipe) = pens::recipes().into_iter().find(|recipe| recipe.name == arguments.name) {
            return Chosen::pens(recipe, arguments);
        }
        if arguments.pen.is_some() {
            return Err(format!("{} learns from MNIST alone; leave out --pen", arguments.name).into());
        }
        let known = convolutional();
        if arguments.name != known.name {
            return Ok(Chosen::Perceptron(recipe(arguments)?));
        }
        let Arguments { sharpness: None, decay: None, dropout: None, norms: None, fresh: None, below: None, .. } =
            arguments
        else {
            return Err(format!("{} takes --epochs, --batch, --rate and --seed alone", known.title).into());
        };
        Ok(Chosen::Convolutional(Convolutional {
            epochs: arguments.epochs.unwrap_or(known.epochs),
            batch: arguments.batch.unwrap_or(known.batch),
            rate: arguments.rate.unwrap_or(known.rate),
            seed: arguments.seed.unwrap_or(known.seed),
            ..known
        }))
    }

    /// A network that learns from pens too, with the strokes that were named.
    fn pens(known: PenRecipe, arguments: &Arguments) -> Result<Self, Box<dyn Error>> {
        let Arguments { sharpness: None, dropout: None, norms: None, fresh: None, below: None, .. } = arguments else {
            return Err(format!("{} takes --epochs, --batch, --rate, --decay and --seed alone", known.title).into());
        };
        let shape = match (known.shape.clone(), &arguments.decay) {
            (Shape::Perceptron { hidden, .. }, Some(decay)) if decay.len() == hidden.len() + 1 => {
                Shape::Perceptron { hidden, decay: decay.clone() }
            }
            (_, Some(_)) => return Err("--decay has one λ for each layer of a perceptron".into()),
            (shape, None) => shape,
        };
        let Some(folder) = &arguments.pen else {
            return Err(format!("{} learns from pen strokes too; name their folder with --pen", known.title).into());
        };
        let mut desk = Desk { drawings: pen::read(folder)?, held_out: Vec::new() };
        if arguments.holdout {
            (desk.held_out, desk.drawings) = pens::hold_out(desk.drawings);
        }
        let recipe = PenRecipe {
            epochs: arguments.epochs.unwrap_or(known.epochs),
            batch: arguments.batch.unwrap_or(known.batch),
            rate: arguments.rate.unwrap_or(known.rate),
            seed: arguments.seed.unwrap_or(known.seed),
            shape,
            ..known
        };
        Ok(Chosen::Pens(recipe, desk))
    }

    /// How the network does on the writers that were kept from it, if there are any.
    fn print_held_out(&self, network: Network) {
        let Chosen::Pens(_, desk) = self else { return };
        let score = Score::of(network, &desk.held_out, Brush::default());
        for (set, share) in score.collections() {
            println!("{set}, held-out writers: {} drawings, {:.2} % as meant", share.drawings, share.percent());
        }
    }

    /// The digits that it learns from.
    fn part(&self) -> Part {
        match self {
            Chosen::Perceptron(recipe) => recipe.part,
            Chosen::Convolutional(_) | Chosen::Pens(..) => Part::All,
        }
    }

    /// Its title, its settings in words, its seed.
    fn facts(&self) -> (&'static str, String, u64) {
        match self {
            Chosen::Perceptron(recipe) => (recipe.title, recipe.settings(), recipe.seed),
            Chosen::Convolutional(recipe) => (recipe.title, recipe.settings(), recipe.seed),
            Chosen::Pens(recipe, _) => (recipe.title, recipe.settings(), recipe.seed),
        }
    }

    /// Trains behind a progress bar that shows the loss and the error on `judged`.
    fn train(&self, learned: &Digits, judged: &Digits, error: &str) -> Result<Network, Box<dyn Error>> {
        let epochs = match self {
            Chosen::Perceptron(recipe) => recipe.epochs,
            Chosen::Convolutional(recipe) => recipe.epochs,
            Chosen::Pens(recipe, _) => recipe.epochs,
        };
        let style = ProgressStyle::with_template("{prefix} {wide_bar} epoch {pos}/{len}  {msg}  {eta} left")?;
        let bar = ProgressBar::new(epochs as u64).with_style(style).with_prefix(self.facts().0);
        bar.set_message(format!("{} digits", learned.len()));
        bar.tick();
        let began = Instant::now();
        let report = |epoch: Epoch| {
            bar.set_message(format!("loss {:.4}  {error} {:.2} %", epoch.loss, 100.0 * epoch.error));
            bar.set_position(epoch.number as u64);
        };
        let network = match self {
            Chosen::Perceptron(recipe) => train::train(recipe, learned, judged, report)?.into(),
            Chosen::Convolutional(recipe) => convolutional::train(recipe, learned, judged, report)?.into(),
            Chosen::Pens(recipe, Desk { drawings, .. }) => {
                let material = Material { digits: learned, drawings };
                pens::train(recipe, material, judged, report)?
            }
        };
        bar.finish();
        eprintln!("trained in {:.0} s", began.elapsed().as_secs_f64());
        Ok(network)
    }
}

/// The recipe of that name with the settings that were given instead.
fn recipe(arguments: &Arguments) -> Result<Recipe, Box<dyn Error>> {
    let known = recipes().into_iter().find(|r| r.name == arguments.name);
    let mut recipe = known.ok_or_else(|| format!("there is no network named {:?}", arguments.name))?;
    recipe.epochs = arguments.epochs.unwrap_or(recipe.epochs);
    recipe.batch = arguments.batch.unwrap_or(recipe.batch);
    recipe.rate = arguments.rate.unwrap_or(recipe.rate);
    recipe.sharpness = arguments.sharpness.unwrap_or(recipe.sharpness);
    recipe.decay = arguments.decay.clone().unwrap_or(recipe.decay);
    recipe.dropout = arguments.dropout.clone().unwrap_or(recipe.dropout);
    if let Method::BackFeeding(settings) = &mut recipe.method {
        settings.norms = arguments.norms.clone().unwrap_or_else(|| settings.norms.clone());
        settings.fresh = arguments.fresh.unwrap_or(settings.fresh);
        settings.below = arguments.below.unwrap_or(settings.below);
    } else if arguments.norms.is_some() || arguments.fresh.is_some() || arguments.below.is_some() {
        return Err(format!("{} learns from no adversarial examples", recipe.title).into());
    }
    recipe.seed = arguments.seed.unwrap_or(recipe.seed);
    Ok(recipe)
}

/// The error in per cent, two digits after the point: one digit of 10,000 shows.
fn percent(network: &Network, digits: &Digits) -> String {
    format!("{:.2}", 100.0 * train::error(network.clone(), digits))
}
