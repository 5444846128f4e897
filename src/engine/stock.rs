//! What questions share: networks with room for searches on them, and digits.

use super::message::{Drawing, Facts, Floats, Prediction, Seen};
use crate::{
    LABELS, PIXELS,
    attack::{Attack, Options, Reading},
    digit::{Rasteriser, Strokes},
    experiment::spectrum,
    network::{Mlp, Network, NetworkError, kernel::Evaluator, label, probabilities},
};
use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
    sync::Arc,
};

/// Bytes of one packed digit.
const PACKED: usize = PIXELS / 2;

/// The networks by their keys, the digits, and the pen.
#[derive(Default)]
pub(super) struct Stock {
    networks: RefCell<Vec<(String, Rc<Loaded>)>>,
    digits: RefCell<Rc<Digits>>,
    rasteriser: RefCell<Rasteriser>,
}

/// Digits of 4 bits a pixel, two pixels a byte.
#[derive(Default)]
pub(super) struct Digits(Vec<u8>);

/// A network, and what is kept of it from one question to the next.
pub(super) struct Loaded {
    network: Network,
    pub(super) evaluator: RefCell<Evaluator>,
    /// A search for each reading of c that was asked for. One that nobody else holds is free.
    attacks: RefCell<Vec<(Reading, Rc<RefCell<Attack>>)>>,
    bounds: OnceCell<Vec<f64>>,
    projected: RefCell<Option<Projected>>,
}

/// Digits, and what each layer makes of all of them: the activations, one digit after the other.
type Projected = (Rc<Digits>, Rc<Vec<Vec<f32>>>);

impl Stock {
    /// Takes a network, in the place of an older one of the same key.
    pub(super) fn load(&self, key: String, bytes: &[u8]) -> Result<Facts, NetworkError> {
        let network = Network::from_safetensors(bytes)?;
        let facts = Facts::of(&network);
        let mut networks = self.networks.borrow_mut();
        networks.retain(|(known, _)| *known != key);
        networks.push((key, Rc::new(Loaded::new(network))));
        Ok(facts)
    }

    #[inline(never)]
    pub(super) fn network(&self, key: &str) -> Option<Rc<Loaded>> {
        self.networks.borrow().iter().find(|(known, _)| known == key).map(|(_, network)| network.clone())
    }

    pub(super) fn take_digits(&self, bytes: Vec<u8>) {
        self.digits.replace(Rc::new(Digits(bytes)));
    }

    pub(super) fn digits(&self) -> Rc<Digits> {
        self.digits.borrow().clone()
    }

    /// The image of a drawing; none of a blank pad.
    #[inline(never)]
    pub(super) fn rasterise(&self, drawing: &Drawing) -> Result<Option<Vec<f32>>, String> {
        let strokes = Strokes::from_flat(1.0, &drawing.points.0, &drawing.starts).map_err(|error| error.to_string())?;
        Ok(self.rasteriser.borrow_mut().rasterise(&strokes).map(|digit| digit.pixels.to_vec()))
    }
}

impl Digits {
    pub(super) fn count(&self) -> usize {
        self.0.len() / PACKED
    }

    /// 784 pixels; black where there is no such digit.
    #[inline(never)]
    pub(super) fn image(&self, index: usize) -> Vec<f32> {
        let bytes = self.0.get(index * PACKED..(index + 1) * PACKED).unwrap_or_default();
        bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|level| f32::from(level) / 15.0).collect()
    }
}

impl Loaded {
    fn new(network: Network) -> Self {
        Loaded {
            evaluator: RefCell::new(Evaluator::new(network.clone())),
            network,
            attacks: RefCell::default(),
            bounds: OnceCell::new(),
            projected: RefCell::default(),
        }
    }

    /// The network as one whose layers can be looked into, or the sentence that says that it is none.
    pub(super) fn mlp(&self) -> Result<&Arc<Mlp>, String> {
        self.network
            .mlp()
            .ok_or_else(|| "Only a plain network of fully connected layers can be looked into here.".into())
    }

    /// The ten logits of an image.
    #[inline(never)]
    pub(super) fn logits(&self, image: &[f32]) -> [f32; LABELS] {
        *self.evaluator.borrow_mut().logits(image)
    }

    pub(super) fn label(&self, image: &[f32]) -> usize {
        label(&self.logits(image))
    }

    #[inline(never)]
    pub(super) fn classify(&self, image: &[f32]) -> Prediction {
        let logits = self.logits(image);
        let probabilities = Floats(probabilities(&logits).to_vec());
        Prediction { label: label(&logits) as u32, probabilities }
    }

    #[inline(never)]
    pub(super) fn see(&self, image: Vec<f32>) -> Seen {
        let Prediction { label, probabilities } = self.classify(&image);
        Seen { values: Floats(image), label, probabilities }
    }

    /// Room for a search, kept for the next one when it is let go.
    #[inline(never)]
    pub(super) fn attack(&self, reading: Reading) -> Rc<RefCell<Attack>> {
        let mut attacks = self.attacks.borrow_mut();
        let kept = attacks.iter().find(|(of, _)| *of == reading);
        if let Some((_, attack)) = kept.filter(|(_, attack)| Rc::strong_count(attack) == 1) {
            return attack.clone();
        }
        let is_new = kept.is_none();
        let attack = Rc::new(RefCell::new(Attack::new(self.network.clone(), Options::new(reading))));
        if is_new {
            attacks.push((reading, attack.clone()));
        }
        attack
    }

    /// By how much each layer can amplify a difference at most.
    #[inline(never)]
    pub(super) fn bounds(&self, mlp: &Mlp) -> Vec<f64> {
        let bounds = || spectrum::bounds(mlp).into_iter().map(|bound| bound.product()).collect();
        self.bounds.get_or_init(bounds).clone()
    }

    /// What the layers make of these digits, if that is known.
    pub(super) fn projected(&self, digits: &Rc<Digits>) -> Option<Rc<Vec<Vec<f32>>>> {
        self.projected.borrow().as_ref().filter(|(of, _)| Rc::ptr_eq(of, digits)).map(|(_, layers)| layers.clone())
    }

    pub(super) fn keep_projected(&self, digits: Rc<Digits>, layers: Rc<Vec<Vec<f32>>>) {
        self.projected.replace(Some((digits, layers)));
    }
}
