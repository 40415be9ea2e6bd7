// What is there still to do in a step?

import type { Block, Choice, Question, Sort, Step } from "./lesson";
import type { Answer } from "./server";

export type Asking = { type: "question" | "sort" | "choice" } & (Question | Sort | Choice);

export const asks = (block: Block): block is Extract<Block, { type: "question" | "sort" | "choice" }> =>
  block.type === "question" || block.type === "sort" || block.type === "choice";

/** Whether something in a step is not answered yet. */
export const isOpen = (step: Step, answers: Record<string, Answer>): boolean => {
  const asking = step.blocks.filter(asks);
  return asking.length === 0 || asking.some((block) => !answers[block.id]?.done);
};

/** Everything that was got wrong and not mended, in the order of the lesson. */
export const missed = (steps: Step[], answers: Record<string, Answer>) =>
  steps.flatMap((step) => step.blocks.filter(asks).filter((block) => block.type !== "sort" && answers[block.id]?.misses));
