// Three clocks: a race is run once, measured on all three, and can be looked at by any of them.

import type { Comparison, Method } from "../state/server";
import type { Points } from "../state/stream.svelte";
import { count, methodOf, number, seconds } from "../text/words";

export type Clock = "seconds" | "epochs" | "steps";
export const CLOCKS: [Clock, string][] = [["seconds", "equal seconds"], ["epochs", "equal epochs"], ["steps", "equal steps"]];

export const title = (method: Method, race: Comparison): string => {
  const kind = methodOf(method.batch_size, race.data.n_train);
  const rows = method.batch_size === 1 ? "1 row" : kind === "batch" ? "all rows" : `${method.batch_size} rows`;
  return `${kind} (${rows})`;
};

/** The training loss of a method by a clock. */
export function curve(method: Method, clock: Clock): Points {
  const result: Points = [[], []];
  method.curve.forEach((point, i) => {
    const at = clock === "seconds" ? method.time.curve_seconds[i] : clock === "epochs" ? point.epoch : point.step;
    if (at === undefined || point.loss === null) return;
    result[0].push(at);
    result[1].push(point.loss);
  });
  return result;
}

/** How far the clock runs for all of them. */
export function end(race: Comparison, clock: Clock): number {
  return { seconds: race.time.equal_seconds, epochs: race.equal_epochs, steps: race.equal_steps }[clock];
}

export function lossAt(method: Method, clock: Clock): number | null {
  return { seconds: method.time.loss_at_equal_seconds, epochs: method.loss_at_equal_epochs, steps: method.loss_at_equal_steps }[clock];
}

/** The methods with the lowest loss when the clock has run, best first. */
export function ranking(race: Comparison, clock: Clock): Method[] {
  const known = race.methods.filter((method) => lossAt(method, clock) !== null);
  return known.sort((a, b) => lossAt(a, clock)! - lossAt(b, clock)!);
}

/** Who reached the target first. */
export function firstThere(race: Comparison): Method | undefined {
  const there = race.methods.filter((method) => method.time.seconds_to_target !== null);
  return there.sort((a, b) => a.time.seconds_to_target! - b.time.seconds_to_target!)[0];
}

export function clockWords(value: number, clock: Clock): string {
  return clock === "seconds" ? seconds(value) : `${value < 10 ? number(value) : count(value)} ${clock}`;
}
