// What the page and the engine's Worker say to each other. Generated from src/studio.rs and what it names: do not edit, but change that file and run
// UPDATE_PROTOCOL=1 cargo test --lib typescript

/** What the page says. */
export type Message = { "engine": {
/** What. */
request: Request,
/** The colours of the pictures in its answers; without any they come without pixels. */
palette: Palette | null, } }
  | { "paint": {
/** The number of this message. */
id: number,
/** The colours. */
palette: Palette,
/** The pictures. */
pictures: Array<Picture>, } };

/** What the Worker says. */
export type Reply = { "engine": {
/** What. */
response: Response,
/** The pixels of an answer's pictures, in their order; none where there is no picture, or no colour for it. */
pixels: Array<Pixels | null>, } }
  | { "painted": {
/** The number of that message. */
id: number,
/** In the order of its pictures; none where a colour is missing. */
pixels: Array<Pixels | null>, } };

/** A label to reach, or any other than the prediction: a number from 0 to 9, or `"any"`. */
export type Target = number | 'any';

/** What the page says. */
export type Request = { "load": {
/** The number of this request. */
id: number,
/** What questions call the network. */
key: string,
/** A safetensors file. */
bytes: Bytes, } }
  | { "digits": {
/** 392 bytes a digit. */
bytes: Bytes, } }
  | { "ask": {
/** The number of this request; larger than all before. */
id: number,
/** Of each channel only the newest question counts. */
channel: string,
/** Whether the question before in this channel may still give its first answer; otherwise it ends at once. */
follows: boolean,
/** What is asked. */
question: Question, } }
  | { "cancel": {
/** Which. */
channel: string, } };

/** What can be asked. Networks are named by the keys that they were loaded under. */
export type Question = { "digit": {
/** The drawing. */
strokes: Drawing, } }
  | { "classify": {
/** The network. */
network: string,
/** The image. */
image: Floats, } }
  | { "attack": {
/** The network. */
network: string,
/** What is attacked. */
subject: Subject,
/** The label to reach. */
target: Target,
/** The reading of c. */
reading: Reading,
/** Whether every evaluation is reported, in the answers' `steps`. */
steps: boolean, } }
  | { "targets": {
/** The network. */
network: string,
/** The reading of c. */
reading: Reading,
/** x. */
image: Floats, } }
  | { "way": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** r. */
r: Floats,
/** Where the way ends. */
until: number,
/** How many places on it are looked at, both ends included. */
count: number, } }
  | { "trace": {
/** The network. */
network: string,
/** The reading of c. */
reading: Reading,
/** x. */
image: Floats,
/** The label to reach. */
target: Target, } }
  | { "readings": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** The targets. */
targets: Array<Target>, } }
  | { "plane": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** r. */
r: Floats,
/** The middle of the square along r, as ‖·‖₂. */
a: number,
/** The middle of the square along the random direction. */
b: number,
/** Half the side of the square. */
reach: number,
/** Cells along a side, a multiple of 12. */
side: number,
/** Chooses the random direction. */
seed: number, } }
  | { "noise": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** ‖·‖₂ of each change. */
norm: number,
/** How many. */
tries: number,
/** Chooses the changes. */
seed: number,
/** Whether they are clipped to the box; else x + noise may leave it. */
clipped: boolean, } }
  | { "crossing": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** The noise's deviations, each above 0. */
deviations: Floats,
/** How many changes of each. */
tries: number,
/** Chooses the changes. */
seed: number, } }
  | { "apart": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** r. */
r: Floats,
/** ‖·‖₂ of each change. */
norm: number,
/** How many of them are shown, at most. */
shown: number, } }
  | { "weights": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** The label to reach. */
target: Target,
/** c, each followed from the one before. */
weights: Floats, } }
  | { "descent": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** The label to reach. */
target: Target,
/** The weight. */
c: number,
/** Which step is the second one, from 1; past the last, the last. */
step: number,
/** Places along a side of the plane's picture. */
side: number, } }
  | { "certify": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** The label to reach. */
target: Target,
/** The smallest ‖r‖₂ that was found for it. */
norm: number,
/** How long to go on, in milliseconds of work. */
milliseconds: number, } }
  | { "rounded": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** r. */
r: Floats,
/** The label to reach. */
target: Target, } }
  | { "npy": {
/** 784 values. */
values: Floats, } }
  | { "csv": {
/** The network. */
network: string,
/** The reading of c. */
reading: Reading,
/** x. */
image: Floats,
/** The label to reach. */
target: Target, } }
  | { "transfer": {
/** The networks. */
networks: Array<string>,
/** x. */
image: Floats,
/** r. */
r: Floats,
/** The label to reach. */
target: Target,
/** The distortion that the example is also amplified to. */
amplify: number, } }
  | { "layers": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** x + r. */
adversarial: Floats,
/** Chooses the random change that r is compared with. */
seed: number, } }
  | { "follow": {
/** The network. */
network: string,
/** x. */
image: Floats,
/** x + r. */
adversarial: Floats, } }
  | { "units": {
/** The network. */
network: string,
/** x, where there is one. */
image: Floats | null,
/** Which layer, from 0. */
layer: number,
/** Which unit of it. */
unit: number,
/** Chooses the random direction; none where only the unit is asked about. */
seed: number | null,
/** Bars of the histograms. */
bins: number,
/** How many digits of each are shown. */
shown: number, } }
  | { "show": {
/** x. */
image: Floats | null,
/** r. */
r: Floats,
/** How much of r. */
t: number,
/** r alone is shown from −limit to limit; 0: to its own largest value. */
limit: number, } };

/** Strokes on a pad of side 1. */
export type Drawing = {
/** x, y, t, x, y, t, …, y downwards, t in milliseconds. */
points: Floats,
/** Each stroke's first point. */
starts: Uint32Array | number[], };

/** What is attacked. */
export type Subject = { "strokes": Drawing } | { "image": Floats };

/** What the engine says. */
export type Response = "ready" | "alive" | { "loaded": {
/** Of the request. */
id: number,
/** What was taken. */
network: Facts, } }
  | { "outgrown": {
/** Of the request. */
id: number, } }
  | { "answer": {
/** Of the request. */
id: number,
/** Whether nothing more follows. */
last: boolean,
/** The answer, of the same name as the question. */
answer: Answer,
/** What there is to see of it; [`Answer`] says what, none where there is nothing. */
pictures: Array<Picture | null>, } }
  | { "failed": {
/** Of the request. */
id: number,
/** Why, in a sentence. */
message: string, } }
  | { "superseded": {
/** Of the request. */
id: number, } };

/** What a network is. */
export type Facts = {
/** What its file calls it. */
name: string,
/** The widths of its layers, from 784 to 10; none of a network that is no plain one of fully connected layers. */
widths: Array<number>, };

/** An answer, of the same name as its question, and which pictures come with it. */
export type Answer = { "digit": Floats | null } | { "classify": Prediction } | { "attack": Attacked } | { "targets": Array<Found> } | { "way": Way } | { "trace": Trace } | { "readings": Array<Compared> } | { "plane": Map } | { "noise": Counted } | { "crossing": Crossed } | { "apart": Apart } | { "weights": Array<Weighed> } | { "descent": Descent | null } | { "certify": Certified } | { "rounded": Rounded } | { "npy": Bytes } | { "csv": Bytes } | { "transfer": Array<Transferred> } | { "layers": Amplified } | { "follow": Followed } | { "units": Array<Ranked> } | "show";

/** What a network makes of an image. */
export type Prediction = {
/** The label. */
label: number,
/** The ten labels' probabilities. */
probabilities: Floats, };

/** An image, and what the network makes of it. */
export type Seen = {
/** The image. */
values: Floats,
/** The label. */
label: number,
/** The ten labels' probabilities. */
probabilities: Floats, };

/** How far a search has come. */
export type State = "blank" | "already" | "searching" | "failed" | "found";

/** What is known of one subject. */
export type Attacked = {
/** How far it has come. */
state: State,
/** What it is for. */
target: Target,
/** x and f(x); none of a blank pad. */
digit: Seen | null,
/** The search as it ended. */
outcome: Outcome | null,
/** ‖r‖₂ / √784, where one was found. */
distortion: number | null,
/** Milliseconds spent searching. */
milliseconds: number,
/** r, where one was found. */
perturbation: Change | null,
/** x + r and f(x + r) by a plain forward pass, where one was found. */
adversarial: Seen | null,
/** The evaluations since the answer before, where they were asked for. */
steps: Array<Step>, };

/** A change of an image. */
export type Change = {
/** 784 values. */
values: Floats,
/** It is shown from −limit to limit. */
limit: number, };

/** One evaluation of loss and gradient, in numbers. */
export type Step = {
/** How many there have been, this one included. */
evaluations: number,
/** What the search was doing. */
phase: Phase,
/** Cross-entropy towards the target. */
loss: number,
/** ‖r‖₂. */
norm: number,
/** How far x + r is beyond the boundary, in logits; negative before it. */
margin: number,
/** The weight. */
c: number,
/** c·‖r‖² + loss. */
objective: number,
/** The largest c known to succeed. */
succeeds: number | null,
/** The smallest c known to fail. */
fails: number | null, };

/** The smallest change towards one of the nine labels. */
export type Found = {
/** The label. */
target: number,
/** ‖r‖₂; none where the search failed. */
norm: number | null,
/** Whether no other is smaller. */
nearest: boolean, };

/** Probabilities on a way. */
export type Way = {
/** Ten for each place. */
probabilities: Floats,
/** The label at each place. */
labels: Bytes,
/** The first place where the prediction is not that at x any more. */
flip: Flip | null, };

/** Where a prediction changes. */
export type Flip = {
/** How much of r. */
t: number,
/** What into. */
label: number, };

/** A search, evaluation by evaluation. */
export type Trace = {
/** All of them. */
steps: Array<Step>,
/** r of each, 784 values. */
changes: Floats,
/** The largest change of a pixel in the result, for one scale through all pictures. */
limit: number,
/** How it ended. */
outcome: Outcome, };

/** A reading of c and what it comes to. */
export type Compared = {
/** The reading. */
reading: Reading,
/** The target. */
target: Target,
/** None where the prediction is the target already. */
outcome: Outcome | null, };

/** What a map shows. */
export type Map = {
/** Cells along a side. */
side: number,
/** The label of each cell, from the top left, row by row. */
labels: Bytes,
/** For each label in view, the largest square that it fills. */
places: Array<Place>,
/** The labels' shares of the map, the largest first. */
shares: Array<Share>, };

/** A square of one label. */
export type Place = {
/** The label. */
label: number,
/** Its middle, in cells from the left. */
x: number,
/** Its middle, in cells from the top. */
y: number,
/** Its side, in cells. */
width: number, };

/** How much of a map has a label. */
export type Share = {
/** The label. */
label: number,
/** Its share, at most 1. */
share: number, };

/** Random changes, counted. */
export type Counted = {
/** How many so far. */
tried: number,
/** How many of them changed the prediction. */
changed: number, };

/** How often noise changes a prediction, and what is expected. */
export type Crossed = {
/** ‖·‖₂ to the nearest boundary found, with no box in the way; none where none was found. */
distance: number | null,
/** How many changes of each deviation so far. */
tried: number,
/** For each deviation, how many changed the prediction. */
changed: Array<number>,
/** For each deviation Φ(−distance/deviation), the share that a plane at this distance would let through. */
expected: Array<number>, };

/** Changes of one norm with no pixel in common, each of which reaches. */
export type Apart = {
/** How many were found: at least so many dimensions has what they span. */
found: number,
/** How many there would be beyond a plane as far away as r is long, with no box in the way. */
half_space: number, };

/** The minimiser for one weight. */
export type Weighed = {
/** c. */
c: number,
/** ‖r(c)‖₂. */
norm: number,
/** The loss at x + r(c). */
loss: number,
/** How far x + r(c) is beyond the boundary, in logits; negative before it. */
margin: number,
/** The label there. */
label: number,
/** r(c), 784 values. */
r: Floats, };

/** Two successive steps of L-BFGS from A over B to C, on the plane through B along the first step and the direction searched next.
 * Its points are clipped to the box. Coordinates are ‖·‖₂ from B, along the first step and at a right angle to it. The objective is
 * c·‖r‖² + loss. */
export type Descent = {
/** How many steps the minimisation took. */
steps: number,
/** Which step is the second one, from 1. */
step: number,
/** Left, right, bottom and top of the picture. */
bounds: [number, number, number, number],
/** The objective, `side`² values from the top left, row by row. */
heights: Floats,
/** A, which lies at `from`, 0. */
from: number,
/** How far the direction leads, where its step length is 1. */
direction: [number, number],
/** The step lengths that the line search tried, C's last. */
trials: Array<Tried>,
/** The slope of the objective at B along the direction, for a step length of 1; negative. */
slope: number,
/** The objective at B. */
height: number,
/** The objective along the direction, for step lengths evenly from 0 to `until`. */
cut: Floats,
/** Where the cut ends. */
until: number,
/** The second derivatives at B over the pixels that are free to move: along the first step, mixed, along the second axis. */
curvature: [number, number, number],
/** The same as the curvature pairs have it; none where the first step showed no positive curvature, so that its pair was left out. */
learnt: [number, number, number] | null, };

/** A step length that a line search tried. */
export type Tried = {
/** The step length. */
step: number,
/** The objective there. */
height: number, };

/** How small r could be: see [`crate::certify`]. */
export type Certified = {
/** No r of a smaller norm than this reaches the target. */
target: number,
/** No r of a smaller norm than this changes the prediction. */
any: number,
/** Whether the norm that was found is the smallest that reaches the target, to 0.1 per cent. */
is_smallest: boolean, };

/** A picture of 256 levels. */
export type Rounded = {
/** What the network predicts of it. */
label: number,
/** ‖levels/255 − x‖₂. */
norm: number,
/** What it took. */
rounding: RoundingKind,
/** By how much r was lengthened for it. */
scale: number,
/** The picture as a PNG file, white on black as in MNIST. */
png: Bytes, };

/** What it took for a rounded picture to keep its prediction; see [`crate::experiment::rounding::Rounding`]. */
export type RoundingKind = "nearest" | "towards" | "further" | "lost";

/** What one network makes of an example made for another. */
export type Transferred = {
/** The network. */
network: string,
/** Its prediction of x. */
digit: Judged,
/** Its prediction of x + r. */
example: Judged,
/** Its prediction of the amplified example. */
amplified: Judged,
/** Its own smallest r for the target; none where the prediction is the target already or the search failed. */
own: Own | null, };

/** A prediction and how sure it is. */
export type Judged = {
/** The label. */
label: number,
/** Its probability. */
share: number, };

/** A network's own smallest change. */
export type Own = {
/** ‖r‖₂. */
norm: number,
/** 784 values. */
r: Floats,
/** It is shown from −limit to limit. */
limit: number,
/** The cosine of the angle between it and the example's r. */
cosine: number, };

/** How much each layer amplifies a difference. */
export type Amplified = {
/** At most: L_k, layer by layer. */
bounds: Array<number>,
/** The difference r. */
searched: Array<number>,
/** A random difference of the same size. */
random: Array<number>,
/** ‖r‖₂, and how large the difference is after each layer: at most, r's, the random one's. */
sizes: [Array<number>, Array<number>, Array<number>],
/** The products of the first three. */
total: [number, number, number], };

/** A change followed through the hidden layers. Its lead is the logit of the label of x + r less that of the label of x. */
export type Followed = {
/** The label of x. */
from: number,
/** The label of x + r. */
to: number,
/** The lead at x and at x + r. */
lead: [number, number],
/** The hidden layers. */
layers: Array<FollowedLayer>, };

/** The units of one hidden layer. */
export type FollowedLayer = {
/** Activations at x. */
before: Floats,
/** Activations at x + r. */
after: Floats,
/** What the change of each contributes to that of the lead; they sum to it. */
shares: Floats,
/** The units, those with the largest shares first. */
order: Array<number>, };

/** Digits along a direction of a layer. */
export type Ranked = {
/** The smallest and the largest projection, x's included. */
range: [number, number],
/** How many digits fall into each of equal parts of the range. */
counts: Array<number>,
/** How many digits there are. */
digits: number,
/** The projection of x, where there is one. */
own: number | null,
/** How many digits have a larger projection than x. */
larger: number, };

/** What is to be seen, without its colours. */
export type Picture = { "ink": Floats } | { "change": {
/** 784 values. */
values: Floats,
/** They are shown from −limit to limit. */
limit: number, } }
  | { "labels": {
/** Row by row, from the top left. */
labels: Bytes,
/** Cells along a side. */
side: number, } }
  | { "grid": {
/** Row by row, from the top left. */
values: Floats,
/** Cells along a side. */
side: number,
/** Whether they are signed. */
signed: boolean, } };

/** Colours, as RGB triples in bytes. Each is mixed with the next in sRGB, as a CSS gradient mixes them. */
export type Palette = {
/** Paper and ink. */
ink: Bytes,
/** Less, none and more ink. */
change: Bytes,
/** The ten labels of a map; empty where there is no map. */
labels: Bytes, };

/** A square of pixels. */
export type Pixels = {
/** Pixels along its side. */
side: number,
/** Red, green, blue and opacity, row by row. */
rgba: Bytes, };

/** Bytes; in JavaScript a `Uint8Array`. */
export type Bytes = Uint8Array;

/** How a search ended. */
export type Ending = "success" | "unreachable" | "out-of-evaluations" | "not-finite";

/** 32-bit numbers; in JavaScript a `Float32Array`. */
export type Floats = Float32Array;

/** What a search found. */
export type Outcome = {
/** How it ended. */
ending: Ending,
/** The label that the network predicts for x. */
prediction: number,
/** The label that it predicts for x + r; that of x if the search failed. */
label: number,
/** ‖r‖₂; 0 if the search failed. */
norm: number,
/** ‖r‖₂ before the scale step. */
norm_c: number,
/** s of the scale step. */
scale: number,
/** The c at which r was found. */
c: number,
/** The margin at x + r, in logits. */
margin: number,
/** Loss-and-gradient evaluations spent. */
evaluations: number, };

/** What the search was doing at an evaluation. */
export type Phase = "bracket" | "root" | "boundary" | "scale";

/** How the paper's `c` is understood. */
export type Reading = "weight" | "scale" | "both";
