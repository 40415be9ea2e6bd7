// How is a mountain drawn? Its heights on a grid become quads, seen from above at a slant, the far ones first; contour
// lines lie on them, and fog lies over what nobody has visited.

import { contours } from "d3-contour";
import { mark, rgb } from "../figures/look.svelte";
import type { Ground } from "../state/server";

export interface Colours {
  low: string;
  high: string;
  fog: string;
  shade: string;
  line: string;
  text: string;
  raised: string;
}

export interface Way {
  places: [x: number, y: number][];
  colour: string;
  look: number;
}

/** How far one sees in the fog. */
const SIGHT = 0.62;

export class Mountain {
  readonly ground: Ground;
  readonly side: number;
  readonly #lowest: number;
  readonly #highest: number;
  readonly #lines: { level: number; rings: number[][][] }[];
  /** For each place of the grid, how well it is seen: 0 in fog, 1 in the clear. */
  readonly seen: Float32Array;

  constructor(ground: Ground) {
    this.ground = ground;
    this.side = ground.across.length;
    this.#lowest = Math.min(...ground.loss);
    this.#highest = Math.max(...ground.loss);
    this.seen = new Float32Array(ground.loss.length);
    const levels = Array.from({ length: 12 }, (_, i) => this.#lowest + ((i + 0.6) / 12) * (this.#highest - this.#lowest));
    this.#lines = contours().size([this.side, this.side]).thresholds(levels)(ground.loss).map((line) => ({
      level: line.value,
      rings: line.coordinates.flat() as number[][][],
    }));
  }

  /** Fog lifts around a place. */
  visit(x: number, y: number): void {
    const { across, up } = this.ground;
    for (let j = 0; j < this.side; j++) {
      for (let i = 0; i < this.side; i++) {
        const far = Math.hypot(across[i]! - x, up[j]! - y) / SIGHT;
        const clear = Math.max(0, Math.min(1, 1.6 - far));
        const at = j * this.side + i;
        if (clear > this.seen[at]!) this.seen[at] = clear;
      }
    }
  }

  cover(): void {
    this.seen.fill(0);
  }

  /** How well a place between those of the grid is seen. */
  #clearness(gx: number, gy: number): number {
    const [i, j] = [Math.min(Math.floor(gx), this.side - 2), Math.min(Math.floor(gy), this.side - 2)];
    const [fx, fy] = [gx - i, gy - j];
    const at = (i: number, j: number) => this.seen[j * this.side + i]!;
    return (at(i, j) * (1 - fx) + at(i + 1, j) * fx) * (1 - fy) + (at(i, j + 1) * (1 - fx) + at(i + 1, j + 1) * fx) * fy;
  }

  /** The height between the places of the grid. */
  height(x: number, y: number): number {
    const { across, up, loss } = this.ground;
    const share = (value: number, axis: number[]) =>
      Math.max(0, Math.min(this.side - 1.001, ((value - axis[0]!) / (axis[this.side - 1]! - axis[0]!)) * (this.side - 1)));
    const [gx, gy] = [share(x, across), share(y, up)];
    const [i, j] = [Math.floor(gx), Math.floor(gy)];
    const [fx, fy] = [gx - i, gy - j];
    const at = (i: number, j: number) => loss[j * this.side + i]!;
    return (at(i, j) * (1 - fx) + at(i + 1, j) * fx) * (1 - fy) + (at(i, j + 1) * (1 - fx) + at(i + 1, j + 1) * fx) * fy;
  }

  #view(width: number, height: number): (x: number, y: number, z: number) => [number, number] {
    const reach = this.ground.across[this.side - 1]!;
    const scale = width / (2 * reach * 1.26);
    const lift = (height * 0.24) / (this.#highest - this.#lowest);
    return (x, y, z) => [
      width / 2 + (x + y * 0.24) * scale,
      height * 0.67 - y * ((height * 0.62) / (2 * reach)) - (z - this.#lowest) * lift,
    ];
  }

  /** The place of the grid nearest to a point of the drawing. */
  placeAt(px: number, py: number, width: number, height: number): [number, number] {
    const view = this.#view(width, height);
    const { across, up } = this.ground;
    let [best, found] = [Infinity, [0, 0] as [number, number]];
    for (let j = 0; j < this.side; j++) {
      for (let i = 0; i < this.side; i++) {
        const [x, y] = view(across[i]!, up[j]!, this.ground.loss[j * this.side + i]!);
        const far = Math.hypot(x - px, y - py);
        if (far < best) [best, found] = [far, [across[i]!, up[j]!]];
      }
    }
    return found;
  }

  /** `clear` is how far the fog has lifted as a whole, from 0 to 1. */
  draw(context: CanvasRenderingContext2D, width: number, height: number, colours: Colours, ways: Way[], clear: number): void {
    const { across, up, loss } = this.ground;
    const { side } = this;
    const view = this.#view(width, height);
    const [low, high, fog, shade, paper] = [colours.low, colours.high, colours.fog, colours.shade, colours.raised].map(rgb);
    const seen = (at: number) => Math.max(this.seen[at]!, clear);
    const mix = (a: number[], b: number[], share: number) => a.map((value, i) => value + (b[i]! - value) * share);
    // Nothing is known of the ground in fog: what is seen there is the fog itself, a gentle swell.
    const range = this.#highest - this.#lowest;
    const swell = (gx: number, gy: number) => Math.sin(gx * 0.31 + 1.7 * Math.sin(gy * 0.17)) + Math.sin(gy * 0.43 - gx * 0.13 + 2);
    const fogLevel = (gx: number, gy: number) => this.#lowest + (0.42 + 0.035 * swell(gx, gy)) * range;
    const z = (at: number) => {
      const fog = fogLevel(at % side, Math.floor(at / side));
      return fog + (loss[at]! - fog) * seen(at);
    };
    context.clearRect(0, 0, width, height);
    for (let j = side - 2; j >= 0; j--) {
      for (let i = 0; i < side - 1; i++) {
        const at = j * side + i;
        const corners = [at, at + 1, at + side + 1, at + side];
        const clearness = corners.reduce((sum, corner) => sum + seen(corner), 0) / 4;
        const level = (loss[at]! - this.#lowest) / (this.#highest - this.#lowest);
        // Light from the north-west.
        const slope = loss[at + 1]! - loss[at]! - (loss[at + side]! - loss[at]!);
        const light = Math.max(-0.4, Math.min(0.4, slope * 2.4));
        let colour = mix(low!, high!, Math.pow(level, 0.8));
        colour = light > 0 ? mix(colour, shade!, light * 0.55) : mix(colour, [255, 255, 255], -light * 0.45);
        // The fog is brighter on its crests, and thins out towards the edges of the map.
        const crest = swell(i, j) * 0.09 + (swell(i + 1, j) - swell(i - 1, j)) * 0.16;
        const mist = crest > 0 ? mix(fog!, paper!, crest) : mix(fog!, shade!, -crest * 0.35);
        const edge = Math.min(i, j, side - 2 - i, side - 2 - j) / (side * 0.2);
        colour = mix(mix(paper!, mist, Math.min(1, 0.12 + edge)), colour, clearness);
        context.fillStyle = context.strokeStyle = `rgb(${colour.map(Math.round).join(",")})`;
        context.beginPath();
        const points = [view(across[i]!, up[j]!, z(at)), view(across[i + 1]!, up[j]!, z(at + 1)), view(across[i + 1]!, up[j + 1]!, z(at + side + 1)), view(across[i]!, up[j + 1]!, z(at + side))];
        points.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
        context.closePath();
        context.fill();
        context.stroke();
      }
    }
    // The cut front, so that the ground is a body.
    const thick = height * 0.05;
    for (let i = 0; i < side - 1; i++) {
      const [a, b] = [view(across[i]!, up[0]!, z(i)), view(across[i + 1]!, up[0]!, z(i + 1))];
      const share = (seen(i) + seen(i + 1)) / 2;
      context.fillStyle = context.strokeStyle = `rgb(${mix(paper!, mix(low!, shade!, 0.3), share).map(Math.round).join(",")})`;
      context.beginPath();
      context.moveTo(...a);
      context.lineTo(...b);
      context.lineTo(b[0], b[1] + thick);
      context.lineTo(a[0], a[1] + thick);
      context.closePath();
      context.fill();
      context.stroke();
    }
    context.lineWidth = 1;
    context.strokeStyle = colours.line;
    for (const { level, rings } of this.#lines) {
      for (const ring of rings) {
        for (let k = 1; k < ring.length; k++) {
          const [a, b] = [ring[k - 1]!, ring[k]!];
          const ends = [a, b].map(([gx, gy]) => [Math.max(0, Math.min(side - 1, gx! - 0.5)), Math.max(0, Math.min(side - 1, gy! - 0.5))] as const);
          const isEdge = ends.every(([x]) => x <= 0.01 || x >= side - 1.01) || ends.every(([, y]) => y <= 0.01 || y >= side - 1.01);
          const strengths = ends.map(([x, y]) => Math.max(this.#clearness(x, y), clear));
          const strength = Math.min(...strengths);
          if (isEdge || strength < 0.1) continue;
          const [from, to] = ends.map(([x, y], end) => {
            const fog = fogLevel(x, y);
            return view(across[0]! + (x / (side - 1)) * (across[side - 1]! - across[0]!), up[0]! + (y / (side - 1)) * (up[side - 1]! - up[0]!), fog + (level - fog) * strengths[end]!);
          });
          context.globalAlpha = 0.38 * strength * strength;
          context.beginPath();
          context.moveTo(...from!);
          context.lineTo(...to!);
          context.stroke();
        }
      }
    }
    context.globalAlpha = 1;
    for (const { places, colour, look } of ways) {
      const points = places.map(([x, y]) => view(x, y, this.height(x, y)));
      for (const [ink, thickness] of [[colours.raised, 5], [colour, 2.4]] as const) {
        context.strokeStyle = ink;
        context.lineWidth = thickness;
        context.lineJoin = "round";
        context.beginPath();
        points.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
        context.stroke();
      }
      context.fillStyle = colour;
      points.forEach(([x, y]) => mark(context, 0, x, y, 2.4));
      const end = points.at(-1);
      if (!end) continue;
      context.fillStyle = colours.raised;
      mark(context, look, ...end, 9);
      context.fillStyle = colour;
      mark(context, look, ...end, 6.5);
    }
  }
}
