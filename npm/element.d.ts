/** The detail of a `pockets-result` event. */
export interface PocketsResult {
  /** What the network predicts of the drawing; null of a blank pad. */
  label: number | null;
  target: number | 'any';
  adversarial: number | null;
  norm: number | null;
  distortion: number | null;
  success: boolean;
}

/** `<pockets-demo>`; each property is an attribute. */
export class PocketsDemo extends HTMLElement {
  network: string;
  target: string;
  sample: string;
  digit: string;
  reading: string;
  theme: string;
  hide: string;
  facade: boolean;
}

declare global {
  interface HTMLElementTagNameMap {
    'pockets-demo': PocketsDemo;
  }
  interface HTMLElementEventMap {
    'pockets-result': CustomEvent<PocketsResult>;
  }
}
