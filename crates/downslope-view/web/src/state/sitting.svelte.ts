// What does the page know of this learner: the answers (kept by the server), and what was measured in this sitting?

import type { Comparison, NoiseAt, Price, Answer } from "./server";
import { forget, keep } from "./server";

export interface Measured {
  price?: Price;
  noise?: NoiseAt[];
  race?: Comparison;
}

const KEY = "downslope-sitting";

function stored(): Measured {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Measured;
  } catch {
    return {};
  }
}

class Sitting {
  answers = $state<Record<string, Answer>>({});
  measured = $state.raw<Measured>(stored());
  /** Why the last answer could not be kept. */
  trouble = $state("");

  answer(id: string): Answer | undefined {
    return this.answers[id];
  }

  give(id: string, change: Partial<Answer>): void {
    const blank: Answer = {
      prompt: "", committed: null, reason: null, own_words: "", ticks: [], placed: [], correct: null, misses: 0, done: false,
    };
    this.answers[id] = { ...blank, ...this.answers[id], ...change };
    keep(id, $state.snapshot(this.answers[id])).then(
      () => (this.trouble = ""),
      (error: Error) => (this.trouble = `This answer could not be kept: ${error.message}`),
    );
  }

  async forgetAll(): Promise<void> {
    await forget();
    this.answers = {};
  }

  note(change: Measured): void {
    this.measured = { ...this.measured, ...change };
    try {
      sessionStorage.setItem(KEY, JSON.stringify(this.measured));
    } catch {
      // Without room to store it, it is remembered until the page is closed.
    }
  }
}

export const sitting = new Sitting();
