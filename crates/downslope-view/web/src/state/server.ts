// What does the page ask the server once? The answers are the types of `downslope_view::server`.

import type { Lesson } from "./lesson";

export interface Answer {
  prompt: string;
  committed: string | null;
  reason: string | null;
  own_words: string;
  ticks: string[];
  placed: string[];
  correct: boolean | null;
  misses: number;
  done: boolean;
}

export interface Opening {
  version: string;
  lesson: Lesson;
  answers: Record<string, Answer>;
}

export interface Limits {
  lambda_max: number;
  monotone: number;
  limit: number;
  suggested: number;
  batch_size: number;
  n_rows: number;
  n_features: number;
  initial_loss: number;
  steps_per_epoch: number;
  model: string;
  source: string;
}

export interface Ground {
  across: number[];
  up: number[];
  loss: number[];
  start: number[];
  lowest: [number, number];
  lowest_loss: number;
  names: [string, string];
  n_parameters: number;
}

export interface Underfoot {
  height: number;
  slope: [number, number];
}

export interface Cloud {
  full: [number, number];
  dots: [number, number][];
  batch_size: number;
  n_rows: number;
  relative_noise: number;
  standard_error: number;
}

export interface NoiseAt {
  batch_size: number;
  noise: number;
  standard_error: number;
  expected: number;
  n_batches: number;
  step_seconds: number;
}

export interface Price {
  n_rows: number;
  n_features: number;
  threads: number;
  steps: { batch_size: number; step_seconds: number; rows_per_second: number }[];
}

export interface ZigZags {
  /** The one rate of all of them. */
  lr: number;
  found: { batch_size: number; zig_zag: number }[];
}

export interface Method {
  name: string;
  batch_size: number;
  lr: number;
  steps_per_epoch: number;
  epochs: number;
  steps: number;
  gradient_noise: number;
  zig_zag: number;
  loss_at_equal_steps: number | null;
  loss_at_equal_epochs: number | null;
  curve: { step: number; epoch: number; loss: number | null }[];
  time: {
    step_seconds: number;
    training_seconds: number;
    curve_seconds: number[];
    loss_at_equal_seconds: number | null;
    seconds_to_target: number | null;
  };
}

export interface Comparison {
  data: { source: string; n_train: number; n_features: number; model: string };
  epochs: number;
  initial_loss: number;
  equal_steps: number;
  equal_epochs: number;
  target_loss: number | null;
  methods: Method[];
  time: { equal_seconds: number };
}

export interface Exported {
  batch_size: number;
  lr: number;
  epochs: number;
  losses: number[];
}

export interface Asked {
  name: string;
  parameters: Record<string, string>;
  at?: number[];
  batch_size?: string;
}

async function answered(response: Response): Promise<Response> {
  if (response.ok) return response;
  const said = await response.json().catch(() => null);
  throw new Error(said?.error ?? `the server answered ${response.status}`);
}

export async function opening(): Promise<Opening> {
  return (await answered(await fetch("/api/lesson"))).json();
}

export async function probe<T>(what: string, asked: Asked): Promise<T> {
  const body = JSON.stringify(asked);
  return (await answered(await fetch(`/api/probe/${what}`, { method: "POST", body }))).json();
}

export async function keep(id: string, answer: Answer): Promise<void> {
  await answered(await fetch("/api/answers", { method: "POST", body: JSON.stringify({ id, answer }), keepalive: true }));
}

export async function forget(): Promise<void> {
  await answered(await fetch("/api/answers", { method: "DELETE" }));
}
