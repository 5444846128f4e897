// What the page and the trainer say to each other. Generated from src/feed/message.rs: do not edit, but change that file and run
// UPDATE_PROTOCOL=1 cargo test --lib typescript

/** What the page says. */
export type Request = { "digits": {
/** What networks learn from. */
train: Bytes,
/** What they are judged by. */
test: Bytes, } }
  | { "harden": {
/** A safetensors file. */
network: Bytes,
/** How; as [`Options::harden`] if left out. */
options: Options | null, } }
  | { "scratch": {
/** The hidden layers' widths. */
hidden: Array<number>,
/** The hidden layers' non-linearity. */
activation: Activation,
/** λ of the weight decay, which goes before that of the options. */
decay: number,
/** How; as [`Options::scratch`] if left out. */
options: Options | null, } }
  | { "continue": {
/** The checkpoint. */
checkpoint: Saved, } } | "pause" | "resume" | "cancel" | "reset" | "snapshot" | { "attack": {
/** The number of this request, which the response repeats. */
id: number,
/** The image. */
image: Floats,
/** The label to reach; the nearest of the nine others if left out. */
target: number | null, } } | "download";

/** A checkpoint on its way: networks as safetensors files. */
export type Saved = {
/** Steps made. */
step: number,
/** The last good weights. */
weights: Bytes,
/** The network before any step. */
before: Bytes,
/** How it is trained. */
options: Options, };

/** What the Worker says. */
export type Response = "ready" | { "progress": {
/** What it does. */
state: State,
/** Steps made. */
step: number,
/** Steps in all. */
steps: number,
/** The smoothed loss. */
loss: number,
/** Images learned from in a second of training, adversarial examples included; 0 before that is known. */
speed: number,
/** Milliseconds of training that remain, as far as can be told. */
remaining: number | null, } }
  | { "measured": Measures } | { "gallery": {
/** Them. */
digits: Array<Digit>, } }
  | { "checkpoint": Saved } | { "snapshot": {
/** The step that the weights are of. */
step: number,
/** The file. */
network: Bytes, } }
  | { "attacked": {
/** The number of the request. */
id: number,
/** The step that the present weights are of. */
step: number,
/** On the network from before. */
before: Side,
/** On the present one. */
after: Side, } }
  | { "download": {
/** A name for the file. */
name: string,
/** A safetensors file. */
network: Bytes, } }
  | { "failed": {
/** In a sentence. */
message: string, } };

/** What training does. */
export type State = "idle" | "running" | "paused" | "stopped" | "done";

/** A search on one of the two networks. */
export type Side = {
/** What this network predicts of x. */
prediction: number,
/** How the search ended; none if the network predicts the target already. */
outcome: Found | null,
/** r; empty without an outcome. */
r: Floats,
/** What the other network predicts of this x + r. */
transfer: number, };

/** What is shown of an [`Outcome`]. */
export type Found = {
/** Whether r reaches the goal. */
success: boolean,
/** What the network predicts of x + r. */
label: number,
/** ‖r‖₂. */
norm: number,
/** ‖r‖₂/√784. */
distortion: number, };

/** A digit of the gallery. */
export type Digit = {
/** Which of the training digits. */
digit: number,
/** Its label. */
label: number,
/** What it becomes. */
to: number,
/** ‖r‖₂. */
norm: number,
/** x. */
image: Floats,
/** x + r. */
adversarial: Floats, };

/** The non-linearity of the hidden layers. */
export type Activation = "sigmoid" | "relu" | "tanh";

/** Bytes; in JavaScript a `Uint8Array`. */
export type Bytes = Uint8Array;

/** 32-bit numbers; in JavaScript a `Float32Array`. */
export type Floats = Float32Array;

/** What held-out digits say of the weights of one moment. */
export type Measures = {
/** The step of training that the weights are of. */
step: number,
/** The share of the held-out digits that is misclassified, from 0 to 1. */
error: number,
/** Their mean cross-entropy. */
loss: number,
/** The mean minimal distortion, ‖r‖₂/√784, over those of the sample that are classified correctly: the smallest of nine searches,
 * one for each other label. 0 if there is none. */
distortion: number, };

/** How to train. */
export type Options = {
/** Steps in all. */
steps: number,
/** Digits in a step. */
digits: number,
/** Adversarial examples in a step, beside the digits; 0 to learn from digits alone. */
examples: number,
/** Adversarial examples that are made anew for every step. */
fresh: number,
/** Adversarial examples in the pool; the oldest make room. */
pool: number,
/** An example is x + s·r with ‖s·r‖ drawn evenly between these two. */
norms: [number, number],
/** The share of the digits, not of the examples, that are moved by up to a pixel in each direction before they are learned from. */
moved: number,
/** Adam's highest rate: in each round it rises to it from nothing, and falls along a half cosine to a hundredth. */
rate: number,
/** Rounds of equally many steps, at whose ends the network is at its best (Loshchilov and Hutter 2017). */
rounds: number,
/** λ of every layer: the loss has `Σ λ·Σw²/k` added, k being the layer's units (section 4.2). */
decay: number,
/** λ of how smooth the first layer's weights are over the image: the loss has `λ·Σ(w − w of the next pixel)²/k` added, over rows and
 * columns, k being the layer's units. */
smoothness: number,
/** How much of what the network before any step said of the digits, not of the examples, is kept: the loss has so many times the
 * cross-entropy to its probabilities added (Hinton et al. 2015). */
distillation: number,
/** Steps between one measurement on held-out digits and the next; the first is of the network before any step, the last of
 * that after all. */
rest: number,
/** Held-out digits, the first ones, whose minimal distortion is searched for. */
sample: number,
/** Where random numbers begin. */
seed: bigint, };
