// What is a lesson, as the server gives it? The same as `downslope_view::lesson`.

export interface Lesson {
  title: string;
  steps: Step[];
}

export interface Step {
  id: string;
  heading: string;
  blocks: Block[];
}

export type Block =
  | { type: "prose"; text: string }
  | ({ type: "question" } & Question)
  | ({ type: "experiment" } & Experiment)
  | ({ type: "sort" } & Sort)
  | ({ type: "choice" } & Choice)
  | ({ type: "code" } & Code)
  | { type: "unknown"; kind: string; line: number; text: string };

export interface Experiment {
  id: string;
  name: string;
  parameters: Record<string, string>;
  caption: string | null;
}

export type Sketch = "fall" | "crawl" | "jitter" | "bounce" | "explode" | "flat";

export interface Prediction {
  text: string;
  correct: boolean | null;
  feedback: string | null;
  sketch: Sketch | null;
  outcome: string | null;
}

export interface Reason {
  text: string;
  correct: boolean;
  feedback: string | null;
}

export interface Question {
  id: string;
  prompt: string;
  options: Prediction[];
  unit: string | null;
  reasons: Reason[];
  own_words: string | null;
  keywords: string[];
  reveal: string | null;
  ticks: string[];
}

export interface Choice {
  id: string;
  prompt: string;
  options: Reason[];
  reveal: string | null;
}

export interface Sort {
  id: string;
  prompt: string;
  boxes: string[];
  items: { text: string; box: number; reason: string | null; prove: Experiment | null }[];
}

export interface Code {
  language: string | null;
  caption: string | null;
  highlight: number[];
  text: string;
}

/** What came of an experiment: the name of its outcome, or the number that was to be guessed. */
export interface Outcome {
  outcome?: string;
  /** In the unit of the question. */
  seconds?: number;
}

/** Questions belong together with the first experiment after them, up to the next question. */
export type Group =
  | { kind: "block"; block: Block }
  | { kind: "inquiry"; question: Question; between: Block[]; experiment: Experiment | null };

export function grouped(blocks: Block[]): Group[] {
  const groups: Group[] = [];
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i]!;
    if (block.type !== "question") {
      groups.push({ kind: "block", block });
      continue;
    }
    let end = i + 1;
    while (end < blocks.length && blocks[end]!.type !== "question" && blocks[end]!.type !== "experiment") end++;
    const found = blocks[end];
    if (found?.type === "experiment") {
      groups.push({ kind: "inquiry", question: block, between: blocks.slice(i + 1, end), experiment: found });
      i = end;
    } else {
      groups.push({ kind: "inquiry", question: block, between: [], experiment: null });
    }
  }
  return groups;
}
