// Which colours do canvases paint with, and may things move? Both follow the system as it is now.

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

class Look {
  /** Changes whenever the colours do. */
  version = $state(0);
  isStill = $state(still.matches);

  constructor() {
    dark.addEventListener("change", () => this.version++);
    still.addEventListener("change", () => (this.isStill = still.matches));
  }

  /** The colour of a custom property; read inside an effect it is read again when the theme changes. */
  colour(name: string): string {
    void this.version;
    const value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    // A style sheet made small has #fff for #ffffff.
    return value.replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
  }

  colours<K extends string>(...names: K[]): Record<K, string> {
    return Object.fromEntries(names.map((name) => [name, this.colour(name)])) as Record<K, string>;
  }
}

export const look = new Look();

/** Numbers 0–255 of a colour like #a1b2c3. */
export function rgb(colour: string): [number, number, number] {
  const value = parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export const DASHES = [[], [7, 3], [2, 3], [11, 3, 2, 3]];

/** A canvas as large as its box, in device pixels, and the pen to draw on it in CSS pixels. */
export function pen(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  return context;
}

/** A mark that tells a series by its shape as well. */
export function mark(context: CanvasRenderingContext2D, shape: number, x: number, y: number, size: number): void {
  context.beginPath();
  if (shape % 3 === 0) context.arc(x, y, size, 0, 7);
  else if (shape % 3 === 1) context.rect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
  else {
    context.moveTo(x, y - size * 1.2);
    context.lineTo(x + size * 1.1, y + size * 0.8);
    context.lineTo(x - size * 1.1, y + size * 0.8);
    context.closePath();
  }
  context.fill();
}
