//! `pockets strokes FILE…`: how a network classifies what people wrote.

use clap::Args;
use pockets::{
    digit::Brush,
    network::Network,
    pen::{
        self, Drawing,
        score::{Score, Share},
    },
};
use std::{collections::BTreeSet, error::Error, fs, path::PathBuf};

/// Writers of fewer digits have no share worth a line of its own.
const FEWEST: usize = 20;

#[derive(Args)]
pub struct Arguments {
    /// Files of pen strokes, or folders of them: UNIPEN's format (.tra, .tes, .dat, .unp) or lines of JSON (.jsonl)
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The network
    #[arg(long, value_name = "FILE", default_value = "www/networks/FC100-100-10.safetensors")]
    network: PathBuf,
    /// Width of the pen's line, in image pixels, instead of the page's
    #[arg(long)]
    width: Option<f32>,
    /// How far the pen's path is smoothed, in image pixels, instead of the page's
    #[arg(long)]
    smoothing: Option<f32>,
    /// Move images by whole pixels only, as MNIST's makers did
    #[arg(long)]
    whole_pixels: bool,
    /// Write every drawing that was missed, with what it was taken for, as an SVG picture
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut drawings = Vec::new();
    for file in &arguments.files {
        drawings.extend(pen::read(file)?);
    }
    let path = &arguments.network;
    let at = |e: &dyn Error| format!("{}: {e}", path.display());
    let network = Network::from_safetensors(&fs::read(path).map_err(|e| at(&e))?).map_err(|e| at(&e))?;
    let name = network.name().to_owned();
    let page = Brush::default();
    let brush = Brush {
        width: arguments.width.unwrap_or(page.width),
        smoothing: arguments.smoothing.unwrap_or(page.smoothing),
        whole_pixels: arguments.whole_pixels,
        ..page
    };
    let score = Score::of(network, &drawings, brush);
    print(&name, &drawings, &score);
    if let Some(path) = &arguments.sheet {
        fs::write(path, score.sheet(&drawings)).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("\n{} missed, drawn in {}", score.missed.len(), path.display());
    }
    Ok(())
}

fn print(name: &str, drawings: &[Drawing], score: &Score) {
    let Share { drawings: count, right } = score.all;
    let digits: BTreeSet<u8> = drawings.iter().map(|drawing| drawing.digit).collect();
    println!(
        "{name} classifies {right} of {count} drawings as meant, {:.2} %, of {} writers and {} different digits",
        score.all.percent(),
        score.writers.len(),
        digits.len()
    );
    println!("\nset                   drawings  as meant");
    for (set, share) in &score.sets {
        println!("{set:<20} {:>9} {:>7.2} %", share.drawings, share.percent());
    }
    println!("\ndigit  drawings  as meant   taken for");
    for (digit, share) in score.digits().iter().enumerate().filter(|(_, share)| share.drawings > 0) {
        let mut others: Vec<(usize, usize)> = score.confusion[digit].iter().copied().enumerate().collect();
        others.retain(|&(other, count)| other != digit && count > 0);
        others.sort_by_key(|&(other, count)| (usize::MAX - count, other));
        let others: Vec<String> = others.iter().map(|(other, count)| format!("{other} ×{count}")).collect();
        println!("{digit:>5} {:>9} {:>7.2} %   {}", share.drawings, share.percent(), others.join(", "));
    }
    print_writers(score);
}

/// Writers of enough digits, worst first, as far as anything of theirs was missed.
fn print_writers(score: &Score) {
    let (many, few): (Vec<_>, Vec<_>) = score.writers.iter().partition(|(_, share)| share.drawings >= FEWEST);
    let (mut some, none): (Vec<_>, Vec<_>) = many.into_iter().partition(|(_, share)| share.right < share.drawings);
    some.sort_by(|(_, a), (_, b)| a.percent().total_cmp(&b.percent()));
    println!("\nwriter                         drawings  as meant");
    for ((set, writer), share) in &some {
        println!("{:<29} {:>9} {:>7.2} %", format!("{set} {writer}"), share.drawings, share.percent());
    }
    let (perfect, all) = (none.len(), some.len() + none.len());
    println!("nothing missed of {perfect} of the {all} writers of {FEWEST} digits or more");
    if !few.is_empty() {
        let sum = |of: fn(&Share) -> usize| few.iter().map(|(_, share)| of(share)).sum::<usize>();
        let share = Share { drawings: sum(|s| s.drawings), right: sum(|s| s.right) };
        let (writers, count) = (few.len(), share.drawings);
        println!("writers of fewer digits: {writers}, {count} drawings together, {:.2} %", share.percent());
    }
}
