//! Which enemy to look at next, within what radius, and with how much patience.

use super::{
    BEYOND, SETTLED,
    basis::Basis,
    model::Model,
    node::{Node, Outcome, Problem, Work},
    proof::Enemy,
    spectrum::Gram,
    tree::{Growth, Tree},
};
use crate::vector::dot;

/// Nodes of a tree, by effort.
const NODES: [u32; 5] = [1, 12, 80, 500, 4000];
/// Radii that every enemy is tried with, in parts of the aim: what is known of the whole ball serves them all.
const RUNGS: [f64; 5] = [0.65, 0.8, 0.9, 0.96, BEYOND];

/// How far one enemy's proofs have come.
struct Progress {
    effort: u32,
    /// The least radius at which a proof of this effort failed.
    ceiling: f64,
}

/// Proofs with curvature kept as a matrix: always of the enemy of which least is known.
pub(super) struct Search {
    aim: f64,
    progress: Vec<Progress>,
    /// Whole balls whose units are bounded.
    roots: Vec<(f64, Node)>,
    now: Option<Now>,
}

/// What is being done.
enum Now {
    /// Bounding the units of a whole ball.
    Root(f64, Box<Work>),
    /// Proving, for this enemy.
    Tree(usize, Box<Tree>),
}

impl Search {
    pub(super) fn new(model: &Model, image: &[f64], enemies: &mut [Enemy], aim: f64) -> Self {
        let logits = &model.forward(image)[model.hidden()];
        for enemy in enemies.iter_mut().filter(|enemy| enemy.eta <= 0.0) {
            // Where no example was found: as if the margin fell evenly towards one at the aim.
            enemy.eta = aim * aim / dot(&enemy.weights, logits).max(1e-3);
        }
        let progress = enemies.iter().map(|_| Progress { effort: 0, ceiling: f64::INFINITY }).collect();
        Search { aim, progress, roots: Vec::new(), now: None }
    }

    /// A few milliseconds' work. Returns whether there is more to do.
    pub(super) fn step(
        &mut self,
        model: &Model,
        gram: &Gram,
        basis: &Basis,
        image: &[f64],
        enemies: &mut [Enemy],
    ) -> bool {
        match self.now.take() {
            None => self.choose(image, enemies),
            Some(Now::Root(radius, mut work)) => {
                let problem = Problem { model, gram, basis, image, enemy: &enemies[0], radius };
                match work.step(&problem) {
                    Outcome::More => self.now = Some(Now::Root(radius, work)),
                    _ => self.roots.push((radius, work.node)),
                }
                true
            }
            Some(Now::Tree(e, mut tree)) => {
                let problem = Problem { model, gram, basis, image, enemy: &enemies[e], radius: tree.radius };
                let growth = tree.step(&problem);
                enemies[e].bound = enemies[e].bound.max(tree.bound());
                match growth {
                    Growth::More => self.now = Some(Now::Tree(e, tree)),
                    Growth::Closed => enemies[e].bound = enemies[e].bound.max(tree.radius),
                    Growth::Open => {
                        let progress = &mut self.progress[e];
                        progress.ceiling = progress.ceiling.min(tree.radius);
                    }
                }
                true
            }
        }
    }

    /// Begins the next proof. Returns whether there is one.
    fn choose(&mut self, image: &[f64], enemies: &[Enemy]) -> bool {
        let weakest = enemies.iter().enumerate().min_by(|a, b| a.1.bound.total_cmp(&b.1.bound));
        let Some((e, enemy)) = weakest else { return false };
        if enemy.bound >= self.aim {
            return false;
        }
        let progress = &mut self.progress[e];
        let most = self.aim * BEYOND;
        if progress.ceiling.min(most) - enemy.bound <= SETTLED * self.aim && progress.ceiling.is_finite() {
            progress.effort += 1;
            progress.ceiling = f64::INFINITY;
        }
        let Some(&nodes) = NODES.get(progress.effort as usize) else { return false };
        let rungs = RUNGS.map(|rung| rung * self.aim);
        let rung = rungs.into_iter().find(|r| *r > enemy.bound + 0.5 * SETTLED * self.aim).unwrap_or(most);
        let radius = if progress.effort == 0 && rung < progress.ceiling {
            rung
        } else {
            let ceiling = progress.ceiling.min(most);
            let part = if progress.ceiling > most { 0.35 } else { 0.5 };
            let between = enemy.bound + part * (ceiling - enemy.bound);
            if ceiling - enemy.bound <= SETTLED * self.aim { ceiling } else { between }
        };
        let root = self.roots.iter().find(|(known, _)| *known == radius);
        self.now = Some(match root {
            Some((_, root)) => Now::Tree(e, Box::new(Tree::new(root.clone(), radius, nodes))),
            None => {
                self.roots.retain(|(known, _)| rungs.contains(known));
                let mut work = Work::new(Node::root(image, radius));
                work.bounds_only = true;
                Now::Root(radius, Box::new(work))
            }
        });
        true
    }
}
