import type { Reading, Step } from './www/protocol.js';

export type { Reading, Step };

/** A label, or anything but the prediction. */
export type Target = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 'any';

export interface NetworkFacts {
  name: string;
  /** From 784 to 10. */
  widths: number[];
}

export interface Classification {
  label: number;
  /** Of the ten labels. */
  probabilities: Float32Array;
}

export interface AttackOptions {
  /** 'any' by default. */
  target?: Target;
  /** 'both' by default. */
  reading?: Reading;
  /** Ends the search; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
  /** Called for every evaluation. */
  onStep?: (step: Step) => void;
}

export interface AttackResult {
  /** What the network predicts of the image. */
  label: number;
  target: Target;
  /** What it predicts of the changed image, by a plain forward pass; null without success. */
  adversarial: number | null;
  /** ‖r‖₂. */
  norm: number | null;
  /** √(mean r²). */
  distortion: number | null;
  success: boolean;
  /** 'already': the prediction is the target without any change. */
  ending: 'success' | 'already' | 'unreachable' | 'out-of-evaluations' | 'not-finite';
  c?: number;
  margin?: number;
  evaluations?: number;
  milliseconds?: number;
  /** r, 784 values; null without success. */
  perturbation: Float32Array | null;
  /** x + r, 784 values in [0, 1]; null without success. */
  image: Float32Array | null;
}

/** A Worker with the search in it. */
export class Pockets {
  private constructor();
  /** Takes a network: a safetensors file's bytes or its address; without one, the shipped FC100-100-10 (pens). */
  load(network?: ArrayBuffer | ArrayBufferView | URL | string): Promise<NetworkFacts>;
  /** Strokes x, y, t, x, y, t, … on a pad of the given side (1 by default), y downwards, as MNIST lays digits out; null of a blank pad. */
  digit(strokes: ArrayLike<number>[], side?: number): Promise<Float32Array | null>;
  /** Classifies an image of 784 pixels in [0, 1], row by row, ink high. */
  classify(image: ArrayLike<number>): Promise<Classification>;
  /** Searches for the smallest change of an image that makes the network predict the target. */
  attack(image: ArrayLike<number>, options?: AttackOptions): Promise<AttackResult>;
  /** Ends the Worker; what is under way is rejected. */
  close(): void;
}

/** Starts a Worker with the search in it. Rejects with a sentence where there is none, or no WebAssembly. */
export function start(): Promise<Pockets>;
