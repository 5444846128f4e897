//! PyTorch's files: a state dict or a whole module, in the zip archive of today or in the older row of pickles.

use super::{
    Body, Error, Format,
    layers::{self, Tensor},
    modules,
    pickle::{Node, Pickle, Place},
    zip,
};
use half::{bf16, f16};

/// Under which keys a training's checkpoint holds the network, the likeliest first.
const KEYS: [&str; 11] = [
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "model_state",
    "module",
    "weights",
    "state",
    "params",
    "ema",
];
/// The most numbers of a tensor.
const MOST_NUMBERS: usize = 50_000_000;

/// A tensor's shape and its numbers.
pub(super) type Numbers = (Vec<usize>, Vec<f32>);

/// A pickle, and where the numbers are that it speaks of.
pub(super) struct File<'a> {
    pub pickle: Pickle,
    storages: Vec<(String, &'a [u8])>,
}

/// The network in a file of `torch.save`.
pub(super) fn read(bytes: &[u8]) -> Result<Body, Error> {
    let file = if bytes.starts_with(b"PK") { archive(bytes)? } else { old(bytes)? };
    let pickle = &file.pickle;
    let root = file.network(pickle.root);
    if let Some((class, _)) = pickle.object(root).filter(|(class, _)| !class.ends_with("OrderedDict")) {
        if class.starts_with("__torch__") {
            return Err(script());
        }
        return modules::read(&file, root);
    }
    let mut tensors = Vec::new();
    for (key, value) in pickle.entries(root).unwrap_or_default() {
        if let (Some(name), Some((shape, values))) = (pickle.text(*key), file.tensor(*value)?) {
            tensors.push(Tensor { name: name.to_owned(), shape, values });
        }
    }
    if tensors.is_empty() {
        return Err(file.nothing(pickle.root));
    }
    Ok(Body::Layers(layers::of_tensors(without_prefixes(tensors), Format::PyTorch, true)?))
}

/// What wrappers put before every name falls away.
pub(super) fn without_prefixes(mut tensors: Vec<Tensor>) -> Vec<Tensor> {
    for tensor in &mut tensors {
        loop {
            let rest = ["module.", "_orig_mod.", "_forward_module."]
                .iter()
                .find_map(|prefix| tensor.name.strip_prefix(prefix));
            let Some(rest) = rest else { break };
            tensor.name = rest.to_owned();
        }
    }
    tensors
}

fn script() -> Error {
    Error::Kind {
        format: Format::PyTorch,
        found: "TorchScript, a compiled program".into(),
        advice: "save the weights with torch.save(model.state_dict(), …), or the network with torch.onnx.export",
    }
}

fn archive(bytes: &[u8]) -> Result<File<'_>, Error> {
    let names = zip::names(bytes, Format::PyTorch)?;
    if names.iter().any(|name| name.ends_with("/constants.pkl") || name.contains("/code/")) {
        return Err(script());
    }
    let entries = zip::entries(bytes, Format::PyTorch)?;
    let (name, data) =
        entries.iter().find(|(name, _)| name == "data.pkl" || name.ends_with("/data.pkl")).ok_or_else(|| {
            let found = "a zip archive without a data.pkl".into();
            Error::Kind { format: Format::PyTorch, found, advice: "expected what torch.save writes" }
        })?;
    let root = name.strip_suffix("data.pkl").unwrap_or_default();
    let is_big = entries.iter().any(|(name, data)| name.strip_prefix(root) == Some("byteorder") && *data == b"big");
    if is_big {
        let found = "numbers in the byte order of another kind of machine".into();
        return Err(Error::Kind { format: Format::PyTorch, found, advice: "save it again on a little-endian one" });
    }
    let pickle = Pickle::read(data).map_err(|problem| Error::broken(Format::PyTorch, problem))?;
    let key = |name: &str| Some(name.strip_prefix(root)?.strip_prefix("data/")?.to_owned());
    let storages = entries.iter().filter_map(|(name, data)| Some((key(name)?, *data)));
    Ok(File { pickle, storages: storages.collect() })
}

/// The container of PyTorch up to 1.5: a number, a version and a description of the machine, the object, the names of the storages,
/// and their numbers.
fn old(bytes: &[u8]) -> Result<File<'_>, Error> {
    let broken = |problem: String| Error::broken(Format::PyTorch, problem);
    let mut at = 0;
    let mut next = || -> Result<Pickle, Error> {
        let pickle = Pickle::read(bytes.get(at..).unwrap_or_default()).map_err(broken)?;
        at += pickle.length;
        Ok(pickle)
    };
    let first = next()?;
    if !matches!(first.node(first.root), Node::Int(_)) {
        let found = "a pickle that torch.save did not write".into();
        let advice = "save the network's state dict with torch.save(model.state_dict(), …)";
        return Err(Error::Kind { format: Format::PyTorch, found, advice });
    }
    next()?;
    next()?;
    let pickle = next()?;
    let names = next()?;
    let mut storages = Vec::new();
    for &name in names.list(names.root).unwrap_or_default() {
        let name = names.text(name).ok_or_else(|| broken("a storage has no name".into()))?;
        let width =
            file_width(&pickle, name).ok_or_else(|| broken(format!("nothing refers to the storage {name:?}")))?;
        let count = bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|b| u64::from_le_bytes(*b));
        let length = count.and_then(|count| usize::try_from(count).ok()?.checked_mul(width));
        let data = length.and_then(|length| bytes.get(at + 8..)?.get(..length));
        let data = data.ok_or_else(|| broken("it ends within its numbers".into()))?;
        at += 8 + data.len();
        storages.push((name.to_owned(), data));
    }
    Ok(File { pickle, storages })
}

/// How many bytes a number of the storage of this name has, as what refers to it says.
fn file_width(pickle: &Pickle, name: &str) -> Option<usize> {
    pickle.nodes.iter().find_map(|node| {
        let Node::Outside(place) = node else { return None };
        let &[_, kind, key, ..] = pickle.list(*place)? else { return None };
        (pickle.text(key) == Some(name)).then(|| width(pickle, kind)).flatten()
    })
}

fn width(pickle: &Pickle, kind: Place) -> Option<usize> {
    let Node::Global(name) = pickle.node(kind) else { return None };
    Some(match name.rsplit('.').next()? {
        "DoubleStorage" | "LongStorage" => 8,
        "FloatStorage" | "IntStorage" => 4,
        "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
        "ByteStorage" | "CharStorage" | "BoolStorage" => 1,
        _ => return None,
    })
}

impl File<'_> {
    /// The network in a checkpoint, or the object itself.
    fn network(&self, place: Place) -> Place {
        let pickle = &self.pickle;
        let inner = KEYS.iter().find_map(|key| pickle.get(place, key));
        let holds_some =
            |place: &Place| pickle.entries(*place).is_some_and(|e| !e.is_empty()) || pickle.object(*place).is_some();
        inner.filter(holds_some).unwrap_or(place)
    }

    /// What there is instead of a network.
    fn nothing(&self, place: Place) -> Error {
        let keys: Vec<&str> =
            self.pickle.entries(place).unwrap_or_default().iter().filter_map(|(k, _)| self.pickle.text(*k)).collect();
        let format = Format::PyTorch;
        if keys.contains(&"param_groups") || keys.iter().any(|key| key.contains("optim")) {
            let advice = "expected the network that it trains: torch.save(model.state_dict(), …)";
            return Error::Kind { format, found: "the state of an optimizer".into(), advice };
        }
        let found =
            if keys.is_empty() { "no network".into() } else { format!("a dictionary with {}", keys.join(", ")) };
        Error::Kind { format, found, advice: "expected a state dict: torch.save(model.state_dict(), …)" }
    }

    /// The shape and the numbers of a tensor; none if it is something else.
    pub fn tensor(&self, place: Place) -> Result<Option<Numbers>, Error> {
        let pickle = &self.pickle;
        let Some((callee, arguments)) = pickle.call(place) else { return Ok(None) };
        match (callee.rsplit('.').next().unwrap_or_default(), arguments) {
            ("_rebuild_parameter" | "_rebuild_parameter_with_state", [inner, ..]) if inner < &place => {
                self.tensor(*inner)
            }
            ("_rebuild_tensor_v2" | "_rebuild_tensor", &[storage, offset, size, stride, ..]) => {
                let broken = || Error::broken(Format::PyTorch, "a tensor in it is not described as PyTorch does");
                let numbers = |place| -> Option<Vec<usize>> {
                    pickle.list(place)?.iter().map(|k| usize::try_from(pickle.int(*k)?).ok()).collect()
                };
                let offset = pickle.int(offset).and_then(|n| usize::try_from(n).ok()).ok_or_else(broken)?;
                let (size, stride) =
                    numbers(size).zip(numbers(stride)).filter(|(a, b)| a.len() == b.len()).ok_or_else(broken)?;
                let values = self.numbers(storage, offset, &size, &stride)?;
                Ok(Some((size, values)))
            }
            _ => Ok(None),
        }
    }

    fn numbers(&self, storage: Place, offset: usize, size: &[usize], stride: &[usize]) -> Result<Vec<f32>, Error> {
        let broken = |problem: &str| Error::broken(Format::PyTorch, problem);
        let Node::Outside(described) = self.pickle.node(storage) else {
            return Err(broken("a tensor in it has no numbers"));
        };
        let &[_, kind, key, ..] = self.pickle.list(*described).unwrap_or_default() else {
            return Err(broken("a tensor in it has no numbers"));
        };
        let key = self.pickle.text(key).unwrap_or_default();
        let data = self
            .storages
            .iter()
            .find(|(name, _)| name == key)
            .ok_or_else(|| broken("it lacks the numbers of a tensor"))?
            .1;
        let Node::Global(kind_name) = self.pickle.node(kind) else {
            return Err(broken("a tensor in it has no format"));
        };
        let kind_name = kind_name.rsplit('.').next().unwrap_or_default();
        let width = width(&self.pickle, kind).ok_or_else(|| Error::Kind {
            format: Format::PyTorch,
            found: format!("numbers as {kind_name}"),
            advice: "expected single, double or half precision: save model.float().state_dict()",
        })?;
        let count = size.iter().try_fold(1usize, |product, n| product.checked_mul(*n)).filter(|n| *n <= MOST_NUMBERS);
        let count = count.ok_or_else(|| broken("a tensor in it is larger than any of a network for digits"))?;
        let mut values = Vec::with_capacity(count);
        for k in 0..count {
            let mut rest = k;
            let mut place = offset;
            for (n, step) in size.iter().zip(stride).rev() {
                place = place.saturating_add((rest % n).saturating_mul(*step));
                rest /= n;
            }
            let bytes = place.checked_mul(width).and_then(|at| data.get(at..)?.get(..width));
            let bytes = bytes.ok_or_else(|| broken("a tensor in it reaches beyond its numbers"))?;
            values.push(decode(kind_name, bytes));
        }
        Ok(values)
    }
}

/// A little-endian number.
fn decode(kind: &str, b: &[u8]) -> f32 {
    match (kind, b) {
        ("FloatStorage", &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        ("DoubleStorage", &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        ("HalfStorage", &[a, b]) => f16::from_le_bytes([a, b]).to_f32(),
        ("BFloat16Storage", &[a, b]) => bf16::from_le_bytes([a, b]).to_f32(),
        ("LongStorage", &[a, b, c, d, e, f, g, h]) => i64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        ("IntStorage", &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32,
        ("ShortStorage", &[a, b]) => f32::from(i16::from_le_bytes([a, b])),
        ("CharStorage", &[a]) => f32::from(a as i8),
        (_, &[a, ..]) => f32::from(a),
        _ => 0.0,
    }
}
