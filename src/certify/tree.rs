//! Branching: a region that does not close is cut in two, until every part does or patience ends.

use super::{
    node::{Node, Outcome, Problem, Work},
    region::{Region, Slab, least_within},
};
use crate::vector::dot;

/// Slabs of one node at most.
const DIRECTIONS: usize = 6;
/// A direction with more curvature than this part of the identity's is cut next.
const STEEP: f64 = 0.9;

/// A proof that nothing within a radius is an example of one enemy.
pub(super) struct Tree {
    pub radius: f64,
    work: Work,
    /// Parts that nobody has looked at yet, the next one last.
    open: Vec<Node>,
    /// The least bound of all parts that were given up.
    least: f64,
    nodes: u32,
    most: u32,
}

/// Where a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    More,
    /// Nothing within the radius is an example.
    Closed,
    /// That could not be shown.
    Open,
}

impl Tree {
    /// From a root whose units are bounded, with at most so many nodes.
    pub(super) fn new(root: Node, radius: f64, most: u32) -> Self {
        Tree { radius, work: Work::bounded(root), open: Vec::new(), least: f64::INFINITY, nodes: 1, most }
    }

    /// No example is nearer than this, as far as it is known.
    pub(super) fn bound(&self) -> f64 {
        let parts = self.open.iter().map(|node| node.best).fold(self.least, f64::min);
        let half = parts.min(self.work.node.best).min(0.5 * self.radius * self.radius);
        (2.0 * half.max(0.0)).sqrt() * (1.0 - 1e-12)
    }

    pub(super) fn step(&mut self, problem: &Problem) -> Growth {
        match self.work.step(problem) {
            Outcome::More => return Growth::More,
            Outcome::Closed => {}
            Outcome::Open => {
                if self.nodes + self.open.len() as u32 + 2 > self.most {
                    self.least = self.least.min(self.work.node.best);
                    return Growth::Open;
                }
                match branch(problem, &self.work.node) {
                    Some(parts) => self.open.extend(parts),
                    None => {
                        self.least = self.least.min(self.work.node.best);
                        return Growth::Open;
                    }
                }
            }
        }
        let Some(node) = self.open.pop() else { return Growth::Closed };
        self.nodes += 1;
        self.work = Work::new(node);
        Growth::More
    }
}

/// Two halves of a node, the one with the enemy's point last: cut along the direction of the most curvature, or through
/// the slab whose multiplier costs most. Any cut is sound: together the parts are the whole.
fn branch(problem: &Problem, node: &Node) -> Option<Vec<Node>> {
    let (direction, curvature) = &node.steepest;
    let cost = |(j, slab): (usize, &Slab)| {
        let width = slab.high - slab.low;
        let m = node.multipliers.get(j).copied().unwrap_or(0.0);
        (m * width * width + 1e-9 * width, j)
    };
    let widest = node.slabs.iter().enumerate().map(cost).max_by(|a, b| a.0.total_cmp(&b.0));
    let is_steep = *curvature > STEEP || widest.is_none_or(|(cost, _)| cost < 1e-6);
    let mut slabs = node.slabs.clone();
    let cut = if is_steep && slabs.len() < DIRECTIONS && !direction.is_empty() {
        let normal = problem.basis.to_pixels(direction);
        let negative: Vec<f64> = normal.iter().map(|v| -v).collect();
        let at = dot(&normal, &node.region.centre);
        let low = at + least_within(&node.region, &node.slabs, &normal) - 1e-11;
        let high = at - least_within(&node.region, &node.slabs, &negative) + 1e-11;
        slabs.push(Slab { normal, direction: direction.clone(), low, high });
        slabs.len() - 1
    } else {
        widest?.1
    };
    let (low, high) = (slabs[cut].low, slabs[cut].high);
    if high - low <= 1e-6 {
        return None;
    }
    let middle = 0.5 * (low + high);
    let mut parts: Vec<Node> = [(low, middle), (middle, high)]
        .map(|ends| {
            let mut slabs = slabs.clone();
            (slabs[cut].low, slabs[cut].high) = ends;
            let region = around(&node.region, &slabs[cut]);
            Node { region, slabs, multipliers: Vec::new(), ..node.clone() }
        })
        .to_vec();
    let t = dot(&slabs[cut].normal, &problem.enemy.point);
    parts.sort_by_key(|part| (part.slabs[cut].low..=part.slabs[cut].high).contains(&t));
    Some(parts)
}

/// A ball that holds what a slab leaves of a region: its centre moves to the slab's near face, and the cap beyond is no
/// wider than its rim. Moving the centre into the box then takes it no further from any point of the box.
fn around(region: &Region, slab: &Slab) -> Region {
    let t = dot(&slab.normal, &region.centre);
    let square = dot(&slab.normal, &slab.normal);
    let step = t.max(slab.low).min(slab.high) - t;
    if step == 0.0 || square < 0.5 {
        return region.clone();
    }
    let centre = region.centre.iter().zip(&slab.normal).map(|(c, v)| (c + step / square * v).clamp(0.0, 1.0));
    let left = region.radius * region.radius - step * step / square;
    // A difference of squares may have lost digits before the root is taken.
    let left = left.max(0.0) + 1e-13 * region.radius * region.radius;
    Region { centre: centre.collect(), radius: left.sqrt() * (1.0 + 1e-12) + 1e-9 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        LABELS, PIXELS,
        attack::{Attack, Goal, Options},
        certify::{
            Certifier,
            basis::Basis,
            nearest::nearest,
            proof::Enemy,
            shape::{Shaper, Task, Touch},
        },
        experiment::random,
        idx::Digits,
        network::{self, Activation, Layer, Mlp, Network},
        vector::squared_distance,
    };
    use rand::Rng;
    use std::sync::Arc;

    fn digits() -> Digits {
        let read = |kind: &str| std::fs::read(format!("tests/fixtures/mnist-300-{kind}")).unwrap();
        Digits::parse(&read("images-idx3-ubyte"), &read("labels-idx1-ubyte")).unwrap()
    }

    /// Those of the project's networks for which curvature is kept as a matrix.
    fn networks() -> Vec<(String, Arc<Mlp>)> {
        let mut all = Vec::new();
        for folder in ["networks", "www/networks", "tests/fixtures/reference"] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|e| e == "safetensors") {
                    let network = Network::from_safetensors(&std::fs::read(&path).unwrap()).unwrap();
                    all.extend(network.mlp().map(|mlp| (path.display().to_string(), mlp.clone())));
                }
            }
        }
        all.retain(|(_, mlp)| ready(mlp).basis.is_some());
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// One or two hidden layers of random weights, with biases that centre them.
    fn made_up(rng: &mut impl Rng) -> (String, Arc<Mlp>) {
        let activation = [Activation::Sigmoid, Activation::Tanh, Activation::Relu][rng.random_range(0..3)];
        let hidden: Vec<usize> = (0..rng.random_range(1..3)).map(|_| rng.random_range(1..24)).collect();
        let scale: f32 = rng.random_range(0.5..14.0);
        let (mut inputs, mut middle) = (PIXELS, 0.13);
        let layers = hidden.iter().chain([&LABELS]).map(|&outputs| {
            let size = scale / (inputs as f32).sqrt();
            let weight: Vec<f32> = (0..inputs * outputs).map(|_| rng.random_range(-size..size)).collect();
            let bias = weight.chunks_exact(inputs).map(|row| -middle * row.iter().sum::<f32>()).collect();
            let layer = Layer { inputs, outputs, weight, bias };
            middle = if activation == Activation::Sigmoid { 0.5 } else { 0.0 };
            inputs = outputs;
            layer
        });
        let mlp = Mlp::new("made up", activation, layers.collect()).unwrap();
        (format!("{activation:?} {hidden:?} {scale}"), Arc::new(mlp))
    }

    /// A certifier whose matrices are made.
    fn ready(mlp: &Arc<Mlp>) -> Certifier {
        let mut certifier = Certifier::new(mlp.clone());
        while !certifier.gram.is_ready() {
            certifier.gram.next_row(&certifier.model.layers[0]);
        }
        while let Some(basis) = certifier.basis.as_mut().filter(|basis| !basis.is_ready()) {
            basis.next_row(&certifier.gram, &certifier.model.layers[0]);
        }
        certifier
    }

    /// An example of a label, as it is found, and the enemy that a proof would fight.
    struct Found {
        image: Vec<f64>,
        enemy: Enemy,
        point: Vec<f64>,
        norm: f64,
    }

    fn find(certifier: &Certifier, mlp: &Arc<Mlp>, image: &[f32], target: usize) -> Option<Found> {
        let mut attack = Attack::new(mlp.clone(), Options::default());
        attack.start(image, Goal::Target(target)).ok()?;
        let outcome = attack.run()?;
        let point: Vec<f64> = attack.adversarial().iter().map(|&p| f64::from(p)).collect();
        let reached = network::label(&mlp.logits(attack.adversarial())) == target;
        if outcome.norm <= 0.0 || !reached {
            return None;
        }
        let image: Vec<f64> = image.iter().map(|&p| f64::from(p)).collect();
        let prediction = network::label(&mlp.logits(&image.iter().map(|&p| p as f32).collect::<Vec<_>>()));
        let mut enemy = Enemy::new(target, vec![prediction]);
        enemy.aim_at(nearest(&certifier.model, &image, target, &enemy.rivals, 10));
        let norm = squared_distance(&point, &image).sqrt();
        if enemy.eta <= 0.0 {
            enemy.eta = norm * norm;
        }
        Some(Found { image, enemy, point, norm })
    }

    fn problem<'a>(certifier: &'a Certifier, basis: &'a Basis, found: &'a Found, radius: f64) -> Problem<'a> {
        let Certifier { model, gram, .. } = certifier;
        Problem { model, gram, basis, image: &found.image, enemy: &found.enemy, radius }
    }

    fn bounded_root(problem: &Problem) -> Node {
        let mut work = Work::new(Node::root(problem.image, problem.radius));
        work.bounds_only = true;
        while work.step(problem) == Outcome::More {}
        work.node
    }

    /// Whether what is known of a node allows for this point.
    fn holds(problem: &Problem, node: &Node, point: &[f64]) -> bool {
        let z = problem.model.forward(point);
        let layers = node.intervals.low.iter().zip(&node.intervals.high).zip(&z);
        let near = |v: f64, low: f64, high: f64| v >= low - 1e-9 && v <= high + 1e-9;
        layers.flat_map(|((low, high), z)| low.iter().zip(high).zip(z)).all(|((l, h), z)| near(*z, *l, *h))
            && squared_distance(point, &node.region.centre).sqrt() <= node.region.radius + 1e-9
            && node.slabs.iter().all(|slab| near(dot(&slab.normal, point), slab.low, slab.high))
    }

    /// A radius beyond an example is put to the proof: it must not close, and some part has to keep the example.
    fn never_closes_over(certifier: &Certifier, found: &Found, factor: f64, nodes: u32, name: &str) {
        let Some(basis) = &certifier.basis else { return };
        let problem = problem(certifier, basis, found, factor * found.norm);
        let root = bounded_root(&problem);
        assert!(holds(&problem, &root, &found.point), "{name}: the units' first bounds exclude an example");
        let mut tree = Tree::new(root, problem.radius, nodes);
        let mut growth = Growth::More;
        while growth == Growth::More {
            growth = tree.step(&problem);
            assert!(tree.bound() <= found.norm * (1.0 + 1e-9), "{name}: {} is proved of {}", tree.bound(), found.norm);
            let parts = tree.open.iter().chain([&tree.work.node]);
            assert!(
                growth == Growth::Open || parts.into_iter().any(|node| holds(&problem, node, &found.point)),
                "{name}: an example at {} is lost within {}",
                found.norm,
                problem.radius
            );
        }
        assert_eq!(growth, Growth::Open, "{name}: nothing is said to be within {}, {}", problem.radius, found.norm);
    }

    fn try_beyond(name: &str, mlp: &Arc<Mlp>, images: &[usize], nodes: u32, rng: &mut impl Rng) -> u32 {
        let certifier = ready(mlp);
        let mut tried = 0;
        for &index in images {
            let image = digits().images().get(index).unwrap();
            let prediction = network::label(&mlp.logits(&image));
            let target = (prediction + rng.random_range(1..LABELS)) % LABELS;
            if let Some(found) = find(&certifier, mlp, &image, target) {
                for factor in [1.0005, 1.05] {
                    never_closes_over(&certifier, &found, factor, nodes, name);
                    tried += 1;
                }
            }
        }
        tried
    }

    #[test]
    fn a_radius_beyond_an_example_is_never_proved_and_no_cut_loses_the_example() {
        let mut rng = random(21);
        for (name, mlp) in networks() {
            let index = rng.random_range(0..300);
            let wide = mlp.layers()[0].outputs > 150;
            try_beyond(&name, &mlp, &[index], if wide { 1 } else { 5 }, &mut rng);
        }
        let mut tried = 0;
        for _ in 0..60 {
            let (name, mlp) = made_up(&mut rng);
            tried += try_beyond(&name, &mlp, &[rng.random_range(0..300)], 9, &mut rng);
        }
        assert!(tried > 60, "{tried} examples to be proved impossible");
    }

    /// Hours long: `cargo test --release --lib certify -- --ignored`.
    #[test]
    #[ignore = "takes hours"]
    fn a_radius_beyond_an_example_is_never_proved_in_a_long_run() {
        let mut rng = random(22);
        for (name, mlp) in networks() {
            println!("{name}");
            let images: Vec<usize> = (0..40).map(|_| rng.random_range(0..300)).collect();
            try_beyond(&name, &mlp, &images, 60, &mut rng);
        }
        for round in 0..20_000 {
            let (name, mlp) = made_up(&mut rng);
            println!("{round} {name}");
            let images: Vec<usize> = (0..4).map(|_| rng.random_range(0..300)).collect();
            try_beyond(&name, &mlp, &images, 30, &mut rng);
        }
    }

    /// The largest of `F(u) − ½‖u − x‖² − η·margin(u)` by steps along its gradient inside the region, from many starts.
    fn worst_over(
        problem: &Problem,
        node: &Node,
        whole: bool,
        eta: f64,
        starts: u32,
        rng: &mut impl Rng,
    ) -> Option<f64> {
        let mut point = problem.enemy.point.clone();
        node.draw_in(&mut point);
        let touch = Touch::new(problem.model, &node.intervals, &problem.enemy.weights, point);
        let costs: Vec<f64> = node.slabs.iter().map(|slab| (slab.high - slab.low).powi(2) / 6.0).collect();
        let task = Task {
            model: problem.model,
            basis: problem.basis,
            touch: &touch,
            slabs: &node.slabs,
            slab_costs: &costs,
            ball_cost: 0.3,
            eta,
            whole,
        };
        let mut shaper = Shaper::new(Vec::new());
        for _ in 0..8 {
            shaper.round(&task);
        }
        let bowl = shaper.finish(&task, 0.0, &node.region.centre, node.region.radius)?;
        let weights = &problem.enemy.weights;
        let mut worst = f64::NEG_INFINITY;
        for _ in 0..starts {
            let mut u: Vec<f64> = node.region.centre.iter().map(|c| c + rng.random_range(-0.5..0.5)).collect();
            node.draw_in(&mut u);
            let mut step = 0.5 * node.region.radius;
            for _ in 0..25 {
                let z = problem.model.forward(&u);
                let place = bowl.at(problem.basis, problem.image, u.clone());
                let margin = dot(weights, &z[problem.model.hidden()]);
                if node.slabs.iter().all(|s| (s.low..=s.high).contains(&dot(&s.normal, &u))) {
                    worst = worst.max(place.value - 0.5 * squared_distance(&u, problem.image) - bowl.eta * margin);
                }
                let gradient = problem.model.gradient(&z, weights);
                let slope: Vec<f64> = (0..PIXELS)
                    .map(|i| place.gradient[i] - (u[i] - problem.image[i]) - bowl.eta * gradient[i])
                    .collect();
                let size = dot(&slope, &slope).sqrt().max(1e-12);
                u.iter_mut().zip(&slope).for_each(|(u, s)| *u += step * s / size);
                node.draw_in(&mut u);
                step *= 0.85;
            }
        }
        Some(worst)
    }

    #[test]
    fn what_is_below_the_margin_is_below_it_wherever_it_is_looked_for() {
        let mut rng = random(23);
        let shipped = networks().into_iter().filter(|(name, _)| name.contains("FC100-100-10")).collect::<Vec<_>>();
        let made: Vec<_> = (0..40).map(|_| made_up(&mut rng)).collect();
        let (mut looked, mut cut) = (0, 0);
        for (name, mlp) in shipped.into_iter().chain(made) {
            let certifier = ready(&mlp);
            let image = digits().images().get(rng.random_range(0..300)).unwrap();
            let target = (network::label(&mlp.logits(&image)) + 1) % LABELS;
            let (Some(found), Some(basis)) = (find(&certifier, &mlp, &image, target), &certifier.basis) else {
                continue;
            };
            let problem = problem(&certifier, basis, &found, found.norm * rng.random_range(0.5..1.1));
            let root = bounded_root(&problem);
            let mut nodes = vec![root.clone()];
            // A cut, once the steepest direction is known.
            let mut work = Work::bounded(root);
            while work.node.steepest.0.is_empty() && work.step(&problem) == Outcome::More {}
            nodes.extend(branch(&problem, &work.node).into_iter().flatten());
            for node in &nodes {
                for (whole, part) in [(true, 1.0), (false, 0.4)] {
                    if whole && !node.slabs.is_empty() {
                        continue;
                    }
                    let eta = part * found.enemy.eta;
                    if let Some(worst) = worst_over(&problem, node, whole, eta, 4, &mut rng) {
                        assert!(worst <= 1e-9, "{name}: {worst} above the margin, whole: {whole}");
                        looked += 1;
                        cut += u32::from(!node.slabs.is_empty());
                    }
                }
            }
        }
        assert!(looked > 40 && cut > 10, "{looked} functions, {cut} of them between slabs");
    }
}
