// @ts-check
/**
 * What is painted above the regions of a map: their labels, the rings, x and x′, and the scale.
 *
 * @import { Map as Regions } from '../protocol.js'
 *
 * @typedef {{ a: number, b: number, reach: number }} Place the middle of the square, and half its side, as ‖·‖₂
 * @typedef {{ view: Place, side: number }} Square the part of the plane that is seen, and its side on screen in CSS pixels
 * @typedef {{ regions: Regions, view: Place }} Known what is seen, and the place that it is of
 */
import { colours, rgb } from '../theme.js';

/** Regions smaller than this, in CSS pixels, carry no label. */
const SMALLEST = 18;
const [DARK, LIGHT] = ['#1d1d1f', '#ffffff'];

/** Where a point of the plane is on screen. @param {Square} square @param {number} a @param {number} b @returns {[number, number]} */
export const at = ({ view, side }, a, b) => [(0.5 + (a - view.a) / 2 / view.reach) * side, (0.5 - (b - view.b) / 2 / view.reach) * side];

/** @param {HTMLCanvasElement} canvas @param {Square} square @param {Known | null} known @param {number | null} norm @param {number | null} proved */
export function paint(canvas, square, known, norm, proved) {
  const context = canvas.getContext('2d');
  const { side } = square;
  const ratio = devicePixelRatio || 1;
  if (!context || side === 0) return;
  const pixels = Math.round(side * ratio);
  if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, side, side);
  if (!known || norm === null) return;
  context.textAlign = 'center';
  paintLabels(context, square, known);
  paintRings(context, square, norm, proved ?? 0);
  paintMarks(context, square, norm);
  paintScale(context, square);
}

/** @param {CanvasRenderingContext2D} context @param {Square} square @param {Known} known */
function paintLabels(context, square, { regions, view: of }) {
  const [left, top] = at(square, of.a - of.reach, of.b + of.reach);
  const cell = ((of.reach / square.view.reach) * square.side) / regions.side;
  const { labels } = colours();
  context.textBaseline = 'middle';
  for (const { label, x, y, width } of regions.places) {
    if (width * cell < SMALLEST) continue;
    const [r, g, b] = rgb(labels[label]);
    context.fillStyle = 0.3 * r + 0.59 * g + 0.11 * b > 130 ? DARK : LIGHT;
    context.font = `${Math.min(Math.max(width * cell * 0.4, 17), 34)}px ${getComputedStyle(context.canvas).fontFamily}`;
    context.fillText(String(label), left + x * cell, top + y * cell);
  }
}

/**
 * Within the inner ring nothing changes the prediction, which is proved; on the outer one r does.
 * @param {CanvasRenderingContext2D} context @param {Square} square @param {number} norm @param {number} proved
 */
function paintRings(context, square, norm, proved) {
  const [x, y] = at(square, 0, 0);
  context.strokeStyle = DARK;
  for (const { radius, dashes, width } of [
    { radius: proved, dashes: [], width: 2.5 },
    { radius: norm, dashes: [4, 4], width: 1.2 },
  ]) {
    context.lineWidth = width;
    context.setLineDash(dashes);
    context.beginPath();
    context.arc(x, y, (radius / (2 * square.view.reach)) * square.side, 0, 2 * Math.PI);
    context.stroke();
  }
  context.setLineDash([]);
}

/** x, x′ and the way between them. @param {CanvasRenderingContext2D} context @param {Square} square @param {number} norm */
function paintMarks(context, square, norm) {
  const [[x, y], [u, v]] = [at(square, 0, 0), at(square, norm, 0)];
  context.strokeStyle = DARK;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(u, v);
  context.stroke();
  context.textBaseline = 'alphabetic';
  for (const [px, py, name] of /** @type {[number, number, string][]} */ ([
    [x, y, 'x'],
    [u, v, 'x′'],
  ])) {
    context.beginPath();
    context.arc(px, py, 6, 0, 7);
    context.fillStyle = name === 'x' ? LIGHT : '#b4480a';
    context.fill();
    context.stroke();
    context.font = `italic 20px ${getComputedStyle(context.canvas).fontFamily}`;
    context.lineWidth = 4;
    context.strokeStyle = '#ffffffcc';
    context.strokeText(name, px, py - 13);
    context.fillStyle = DARK;
    context.fillText(name, px, py - 13);
    context.lineWidth = 1.5;
    context.strokeStyle = DARK;
  }
}

/** A bar of a round length. @param {CanvasRenderingContext2D} context @param {Square} square */
function paintScale(context, { view, side }) {
  const unit = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20].find((l) => (l / view.reach) * side > 80) ?? 50;
  const length = (unit / (2 * view.reach)) * side;
  context.textBaseline = 'alphabetic';
  context.fillStyle = '#ffffffd0';
  context.fillRect(10, side - 36, length + 16, 26);
  context.fillStyle = DARK;
  context.fillRect(18, side - 17, length, 1.5);
  context.font = '12px sans-serif';
  context.fillText(`${unit}`, 18 + length / 2, side - 21);
}
