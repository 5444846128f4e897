// What the page and the Worker for files say to each other. Generated from src/importer.rs and src/import.rs: do not edit, but change that file and run
// UPDATE_PROTOCOL=1 cargo test --lib typescript

/** What the page says. */
export type Message = { "digits": {
/** 392 bytes a digit. */
images: Bytes,
/** One byte a digit. */
labels: Bytes, } }
  | { "read": {
/** The number of this message. */
id: number,
/** The file, and those that its weights are in. */
files: Array<File>,
/** What was chosen instead of what would be assumed. */
choices: Array<Choice>, } };

/** A file that was dropped. */
export type File = {
/** Its name. */
name: string,
/** What is in it. */
bytes: Bytes, };

/** A choice of the visitor's. */
export type Choice = {
/** What it is about. */
subject: Subject,
/** One of the alternatives to what was assumed. */
value: string, };

/** What the Worker says. */
export type Reply = "ready" | { "read": {
/** Of the message. */
id: number,
/** A safetensors file, as the engine takes it. */
network: Bytes,
/** What it is, and what was assumed. */
about: Imported, } }
  | { "failed": {
/** Of the message; 0 if it had none. */
id: number,
/** Why, in a sentence. */
message: string, } };

/** A file's format. */
export type Format = "KerasH5" | "Keras" | "PyTorch" | "Onnx" | "TensorFlowJs" | "TfLite" | "Safetensors";

/** What a file may leave open. */
export type Subject = "Input" | "Size" | "Activation" | "Pooling" | "Arrangement" | "Unactivated";

/** Something that the file does not say. */
export type Assumption = {
/** What it is about. */
subject: Subject,
/** What was taken. */
taken: string,
/** What could be, the better first; each may be in [`Choices`]. */
alternatives: Array<Alternative>, };

/** Another reading of the file. */
export type Alternative = {
/** What it is. */
value: string,
/** How many of the digits it was tried on it classifies as they are labelled; none where there were no digits. */
accuracy: Accuracy | null, };

/** How many of how many digits are classified as they are labelled. */
export type Accuracy = {
/** So many are. */
right: number,
/** Of so many. */
of: number, };

/** A network that was read. */
export type Imported = {
/** The format that it came in. */
format: Format,
/** Its operations, first to last, in a few words each. */
operations: Array<string>,
/** How many weights it has. */
weights: number,
/** How many digits it classifies as they are labelled, if there were any. */
accuracy: Accuracy | null,
/** What the file does not say. */
assumptions: Array<Assumption>,
/** What may be wrong, in sentences. */
warnings: Array<string>, };

/** Bytes; in JavaScript a `Uint8Array`. */
export type Bytes = Uint8Array;
