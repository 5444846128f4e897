"""Pockets' search beside other attacks, on the same networks, images and goals: prints the tables of docs/search.md.

Every attack may spend 2,000 propagations an image: a forward pass is one, a gradient two. What an attack returns is clipped
to the box, and counts if a plain forward pass in float64 classifies it as asked. The optimality is that of AttackBench (Cinà et al.,
https://arxiv.org/abs/2404.19460, section 3): see `optimality`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import foolbox
import jax
import jax.numpy as jnp
import numpy as np
from foolbox.criteria import Misclassification, TargetedMisclassification
from safetensors import safe_open
from scipy.optimize import minimize

ROOT = Path(__file__).resolve().parent.parent
POCKETS = ROOT / "target/release/pockets"
IMAGES = ROOT / "tests/fixtures/mnist-300-images-idx3-ubyte"
LABELS = ROOT / "tests/fixtures/mnist-300-labels-idx1-ubyte"
NETWORKS = [
    "tests/fixtures/reference/FC100-100-10.safetensors",
    "tests/fixtures/reference/FC10_1e-4.safetensors",
    "networks/FC100-100-10_hardenedinside.safetensors",
]
PROPAGATIONS = 2000


class Network:
    """A plain network of fully connected layers: logits by NumPy in float64, and by JAX in float32 for Foolbox, counted."""

    def __init__(self, path):
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}
        count = sum(name.endswith(".bias") for name in tensors)
        scale = lambda name: tensors.get(f"{name}.weight_scale", np.float32(1))
        self.layers = []
        for name in (f"fc{i}" for i in range(1, count + 1)):
            weight = tensors[f"{name}.weight"].astype(np.float64) * np.reshape(scale(name), (-1, 1))
            self.layers.append((weight, tensors[f"{name}.bias"].astype(np.float64)))
        self.activation = metadata["activation"]
        self.name = metadata["name"]
        self.single = [(jnp.asarray(w, jnp.float32), jnp.asarray(b, jnp.float32)) for w, b in self.layers]
        self.forward = self.backward = 0

    def logits(self, x):
        """[n, 784] to [n, 10], in float64."""
        for i, (weight, bias) in enumerate(self.layers):
            x = x @ weight.T + bias
            if i + 1 < len(self.layers):
                x = self.activate(x)[0]
        return x

    def activate(self, z):
        """The hidden units' values and slopes."""
        if self.activation == "relu":
            return np.maximum(z, 0.0), (z > 0.0).astype(z.dtype)
        if self.activation == "tanh":
            return np.tanh(z), 1.0 - np.tanh(z) ** 2
        a = 1.0 / (1.0 + np.exp(-z))
        return a, a * (1.0 - a)

    def loss_and_gradient(self, x, target):
        """The cross-entropy of one image to `target`, its gradient, and the label."""
        slopes = []
        for i, (weight, bias) in enumerate(self.layers):
            x = weight @ x + bias
            if i + 1 < len(self.layers):
                x, slope = self.activate(x)
                slopes.append(slope)
        p = np.exp(x - x.max())
        p /= p.sum()
        delta = p - (np.arange(10) == target)
        for (weight, _), slope in zip(self.layers[::-1], [*slopes[::-1], 1.0]):
            delta = (weight.T @ delta) * slope
        return -np.log(max(p[target], 1e-300)), delta, int(x.argmax())

    def counted(self, x):
        """What Foolbox calls. Within a gradient JAX passes tracers: the backward pass follows."""
        self.forward += 1
        self.backward += isinstance(x, jax.core.Tracer)
        for i, (weight, bias) in enumerate(self.single):
            x = x @ weight.T + bias
            if i + 1 < len(self.single):
                x = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}[self.activation](x)
        return x


@dataclass
class Result:
    """Norms for each image, infinite where the attack failed; gradients and milliseconds for each image, in the mean."""

    norms: np.ndarray
    gradients: float
    forward: float
    ms: float


def read_digits():
    images = np.frombuffer(IMAGES.read_bytes(), np.uint8, offset=16).reshape(-1, 784)
    return images.astype(np.float32) / np.float32(255), np.frombuffer(LABELS.read_bytes(), np.uint8, offset=8).astype(int)


def judged(network, x, points, labels, targets):
    """The norms of what reaches the goal once it is clipped to the box."""
    points = np.clip(np.asarray(points, np.float32), 0, 1)
    reached = network.logits(points.astype(np.float64)).argmax(1)
    success = (reached == targets) if targets is not None else (reached != labels)
    norms = np.linalg.norm(points.astype(np.float64) - x, axis=1)
    return np.where(success, norms, np.inf)


def by_foolbox(network, x, labels, targets, attack, starting_points=False):
    model = foolbox.models.JAXModel(network.counted, bounds=(0, 1))
    goal = Misclassification(jnp.asarray(labels)) if targets is None else TargetedMisclassification(jnp.asarray(targets))
    network.forward = network.backward = 0
    more = {"starting_points": jnp.asarray(starts(network, labels, targets))} if starting_points else {}
    begin = time.perf_counter()
    _, points, _ = attack(model, jnp.asarray(x), goal, epsilons=None, **more)
    points = np.asarray(points)
    ms = (time.perf_counter() - begin) * 1e3 / len(x)
    spent = network.forward + network.backward
    if spent > PROPAGATIONS:
        sys.exit(f"{type(attack).__name__} spent {spent} propagations, more than {PROPAGATIONS}")
    return Result(judged(network, x, points, labels, targets), network.backward, network.forward, ms)


def starts(network, labels, targets):
    """For each image a digit of the test set that the network gives the target (or another label), as Brendel and Bethge's needs."""
    images, _ = read_digits()
    predictions = network.logits(images.astype(np.float64)).argmax(1)
    wanted = targets if targets is not None else (labels + 1) % 10
    return np.stack([images[np.flatnonzero(predictions == t)[0]] for t in wanted])


def by_lbfgsb(network, x, labels, targets):
    """½‖r‖² + h·loss by SciPy's L-BFGS-B: h tenfold until it succeeds, then bisected on a logarithmic scale, each time from r = 0."""
    norms, spent = [], []
    begin = time.perf_counter()
    for image, target in zip(x.astype(np.float64), targets):
        best, evaluations, low, high, h = np.inf, 0, None, None, 1.0
        while evaluations < PROPAGATIONS // 2 and (low is None or high is None or high > 1.01 * low):

            def objective(u):
                loss, gradient, _ = network.loss_and_gradient(u, target)
                return 0.5 * np.sum((u - image) ** 2) + h * loss, u - image + h * gradient

            options = {"maxfun": PROPAGATIONS // 2 - evaluations, "maxcor": 10}
            found = minimize(objective, image, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * 784, options=options)
            evaluations += found.nfev
            point = found.x.astype(np.float32)[None]
            norm = judged(network, image[None], point, None, np.array([target]))[0]
            best = min(best, norm)
            low, high = (low, h) if np.isfinite(norm) else (h, high)
            h = np.sqrt(low * high) if low and high else (h / 10 if high else h * 10)
        norms.append(best)
        spent.append(evaluations)
    ms = (time.perf_counter() - begin) * 1e3 / len(x)
    return Result(np.array(norms), np.mean(spent), np.mean(spent), ms)


def by_pockets(path, indices, target, *more):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [POCKETS, "attack", "--network", path, "--images", IMAGES, "--labels", LABELS]
        command += ["--count", str(len(indices)), "--target", target, "--json", out, *more]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        rows = json.loads(out.read_text())["images"]
    assert [row["index"] for row in rows] == list(indices), "Pockets attacks the same images"
    norms = np.array([row["norm"] if row["success"] else np.inf for row in rows])
    return Result(norms, np.mean([row["evaluations"] for row in rows]), np.nan, np.mean([row["ms"] for row in rows]))


def optimality(norms, best):
    """How near an attack's robustness curve comes to the best one: 1 if no attack finds a smaller norm on any image, 0 if it finds none.

    ρ(ε), the part of the images that keeps its label within ε, is a staircase, and its area up to ε₀, where the best attack has
    changed all of them, is the mean of min(‖r‖, ε₀). The optimality is 1 less the area that the attack leaves above the best
    curve, as a part of all the area above it. All images are classified correctly to begin with.
    """
    end = best.max()
    return 1.0 - (np.minimum(norms, end).mean() - best.mean()) / (end - best.mean())


def attacks(network, path, x, labels, indices, targets):
    """Name and call of every attack on one goal; step sizes are those that did best on twenty of the images."""
    steps = PROPAGATIONS // 2
    fb = foolbox.attacks
    call = lambda attack, **more: lambda: by_foolbox(network, x, labels, targets, attack, **more)
    goal = "any" if targets is None else "next"
    yield "Pockets", lambda: by_pockets(path, indices, goal)
    if targets is None:
        yield "Pockets, nearest of nine", lambda: by_pockets(path, indices, "best")
    yield "Pockets, `--thorough`", lambda: by_pockets(path, indices, goal, "--thorough")
    yield "Foolbox DDN", call(fb.DDNAttack(steps=steps - 20, init_epsilon=1.0))
    yield "Foolbox FMN", call(fb.L2FMNAttack(steps=steps - 10, max_stepsize=0.05))
    yield "Foolbox C&W", call(fb.L2CarliniWagnerAttack(binary_search_steps=5, steps=steps // 5 - 1, stepsize=0.03, initial_const=1.0))
    yield "Foolbox Brendel–Bethge", call(fb.L2BrendelBethgeAttack(steps=600), starting_points=True)
    if targets is None:
        yield "Foolbox DeepFool", call(fb.L2DeepFoolAttack(steps=50, overshoot=0.02))
    else:
        yield "SciPy L-BFGS-B, penalty", lambda: by_lbfgsb(network, x, labels, targets)


def table(network, path, x, labels, indices, targets, only):
    results = {}
    for name, call in attacks(network, path, x, labels, indices, targets):
        if not only or any(word in name for word in only):
            results[name] = call()
    best = np.min([result.norms for result in results.values()], axis=0)
    ours = results["Pockets"].norms
    print(f"\n{network.name}, {len(x)} digits, {'any other label' if targets is None else '(label + 1) mod 10'}:\n")
    print("| attack | found | median ‖r‖₂ | mean | optimality | gradients | forward passes | ms an image | nearer than Pockets by 0.1 % |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, r in results.items():
        found = np.isfinite(r.norms)
        forward = "" if np.isnan(r.forward) else f"{r.forward:.0f}"
        nearer = "" if name == "Pockets" else f"{np.count_nonzero(r.norms < 0.999 * ours)}"
        print(
            f"| {name} | {found.sum()} | {np.median(r.norms):.4f} | {r.norms[found].mean():.4f} | {optimality(r.norms, best):.4f} "
            f"| {r.gradients:.0f} | {forward} | {r.ms:.2f} | {nearer} |",
            flush=True,
        )
    others = np.min([r.norms for name, r in results.items() if not name.startswith("Pockets")], axis=0)
    nearer = [f"{name} on {np.count_nonzero(others < 0.999 * r.norms)}" for name, r in results.items() if name.startswith("Pockets")]
    print(f"\nImages on which some other attack is nearer by 0.1 %: than {', than '.join(nearer)}.", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=100, help="images of each network")
    parser.add_argument("--network", action="append", help="a safetensors file; may be given several times")
    parser.add_argument("--only", nargs="*", help="attacks whose names have one of these words; Pockets is always there")
    arguments = parser.parse_args()
    images, labels = read_digits()
    for path in arguments.network or [ROOT / name for name in NETWORKS]:
        network = Network(path)
        right = network.logits(images.astype(np.float64)).argmax(1) == labels
        indices = np.flatnonzero(right)[: arguments.count]
        x, own = images[indices], labels[indices]
        only = arguments.only and [*arguments.only, "Pockets"]
        for targets in [(own + 1) % 10, None]:
            table(network, path, x, own, indices, targets, only)


if __name__ == "__main__":
    main()
