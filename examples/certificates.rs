use pockets::{
    attack::{Attack, Goal, Options},
    certify::Certifier,
    idx::Digits,
    network::{self, Mlp},
};
use std::{sync::Arc, time::Instant};

fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let count: usize = args[2].parse().unwrap();
    let times: Vec<f64> = args[3].split(',').map(|t| t.parse().unwrap()).collect();
    let network = Arc::new(Mlp::from_safetensors(&std::fs::read(&args[1]).unwrap()).unwrap());
    let digits = Digits::parse(
        &std::fs::read("tests/fixtures/mnist-300-images-idx3-ubyte").unwrap(),
        &std::fs::read("tests/fixtures/mnist-300-labels-idx1-ubyte").unwrap(),
    )
    .unwrap();
    let mut attack = Attack::new(network.clone(), Options::default());
    let mut certifier = Certifier::new(network.clone());
    let mut sums = vec![0.0; times.len()];
    let mut n = 0;
    let kind = args.get(4).map(String::as_str).unwrap_or("any");
    for (image, label) in digits.iter().filter(|(i, l)| network::label(&network.logits(i)) == *l).take(count) {
        let mut best = f32::INFINITY;
        let goal;
        if kind == "any" {
            attack
                .run_all(&image, |_, o, _| {
                    if o.norm > 0.0 {
                        best = best.min(o.norm)
                    }
                })
                .unwrap();
            goal = Goal::Any;
        } else {
            goal = Goal::Target((label + 1) % 10);
            attack.start(&image, goal).unwrap();
            best = attack.run().unwrap().norm;
        }
        certifier.start(&image, goal).unwrap();
        let begin = Instant::now();
        let begin_cpu = cpu();
        let mut first = 0.0;
        let mut longest = 0.0f64;
        let mut line = format!("{label} r {best:.4} ");
        let mut going = true;
        for (k, &t) in times.iter().enumerate() {
            while going && cpu() - begin_cpu < t {
                let s = cpu();
                going = certifier.step();
                longest = longest.max(cpu() - s);
                if first == 0.0 && certifier.bound() > 0.0 {
                    first = cpu() - begin_cpu;
                }
            }
            line += &format!(" {:.4}", certifier.bound() / best);
            sums[k] += f64::from(certifier.bound() / best);
        }
        println!(
            "{line} first {first:.1} longest step {:.1} ms, {:.1} ms {}",
            longest,
            begin.elapsed().as_secs_f64() * 1e3,
            if certifier.bound() > best { "UNSOUND" } else { "" }
        );
        n += 1;
    }
    println!("mean {:?}", sums.iter().map(|s| s / n as f64).collect::<Vec<_>>());
}
