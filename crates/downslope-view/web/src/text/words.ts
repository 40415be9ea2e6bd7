// How is a quantity written for a person? As in the reports: three digits, and a unit one would say.

export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.001 || size >= 1e6) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e").replace("-", "−");
  const digits = size >= 1000 ? 4 : 3;
  return Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 6 }).replace("-", "−");
}

export const count = (value: number): string => Math.round(value).toLocaleString("en");

export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value < 999.5e-9) return `${number(value * 1e9)} ns`;
  if (value < 999.5e-6) return `${number(value * 1e6)} µs`;
  if (value < 0.9995) return `${number(value * 1e3)} ms`;
  return `${number(value)} s`;
}

/** `1 step`, `2 steps`. */
export const some = (n: number, thing: string): string => `${count(n)} ${thing}${n === 1 ? "" : "s"}`;

export function methodOf(batchSize: number, rows: number): string {
  if (batchSize >= rows) return "batch";
  return batchSize === 1 ? "stochastic" : "mini-batch";
}

/** The batch size as the command has it. */
export const sizeName = (batchSize: number, rows: number): string => (batchSize >= rows ? "full" : String(batchSize));

/** What a rate does, by its share of the measured limit 2/λmax. */
export function course(times: number): string {
  if (times > 1) return "leaping out: every step lands higher up than the last";
  if (times > 0.5) return "bouncing: every step lands on the other side, a little lower";
  if (times > 0.05) return "going down without leaping across";
  return "crawling";
}
