//! x
use pockets::lab::{convolutional::train, mnist, recipe::convolutional};
use std::time::Instant;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let digits = mnist::load(&mnist::default_folder()?)?;
    let (learned, held) = digits.train.split_at(50_000);
    let mut r = convolutional();
    let a: Vec<f64> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    r.epochs = a[0] as usize;
    r.channels = [a[1] as usize, a[2] as usize];
    r.rate = a[3];
    r.shift = a[4] as i8;
    r.seed = a[5] as u64;
    let t = Instant::now();
    train(&r, &learned, &held, |e| println!("{a:?} {} loss {:.4} held out {:.4} {:.0} s", e.number, e.loss, e.error, t.elapsed().as_secs_f64()))?;
    Ok(())
}
