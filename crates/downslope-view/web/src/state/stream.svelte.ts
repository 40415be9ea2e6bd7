// How do runs stream to the page? One WebSocket for all of them; a run is a number that the page gives.

export interface Now {
  mode: "running" | "paused" | "finished";
  step: number;
  epoch: number;
  initial_loss: number | null;
  loss: number | null;
  train_loss: number | null;
  lr: number;
  batch_size: number;
  n_rows: number;
  steps_per_epoch: number;
  last_step: number;
  training_seconds: number;
  reason: string | null;
  cause: string | null;
}

interface CurveNews {
  from: number;
  buckets: number[][];
}

interface News extends Now {
  run: number;
  batch: CurveNews | null;
  train: CurveNews | null;
  trail: { from: number; places: [number, number, number][] } | null;
}

export interface Beginning {
  name: string;
  parameters: Record<string, string>;
  batch_size?: string;
  lr?: number;
  from?: number[];
  speed?: number;
  paused?: boolean;
}

/** A loss by step. */
export type Points = [steps: number[], losses: number[]];

function points(buckets: number[][]): Points {
  const result: Points = [[], []];
  for (const bucket of buckets) {
    for (let i = 0; i < bucket.length; i += 2) {
      result[0].push(bucket[i]!);
      result[1].push(bucket[i + 1]!);
    }
  }
  return result;
}

export class Run {
  now = $state.raw<Now | null>(null);
  batch = $state.raw<Points>([[], []]);
  train = $state.raw<Points>([[], []]);
  trail = $state.raw<[number, number, number][]>([]);
  error = $state("");
  #batch: number[][] = [];
  #train: number[][] = [];
  readonly number: number;
  readonly #stream: Stream;

  constructor(stream: Stream, number: number) {
    this.#stream = stream;
    this.number = number;
  }

  get isOver(): boolean {
    return this.now?.mode === "finished";
  }

  start(beginning: Beginning): void {
    this.error = "";
    this.now = null;
    this.#batch = [];
    this.#train = [];
    [this.batch, this.train, this.trail] = [[[], []], [[], []], []];
    this.#stream.send({ do: "start", run: this.number, ...beginning });
  }

  pause = () => this.#stream.send({ do: "pause", run: this.number });
  resume = () => this.#stream.send({ do: "resume", run: this.number });
  step = () => this.#stream.send({ do: "step", run: this.number });
  set = (change: { lr?: number; batch_size?: string; speed?: number }) =>
    this.#stream.send({ do: "set", run: this.number, ...change });
  rewind = (step: number) => this.#stream.send({ do: "rewind", run: this.number, step });
  stop = () => {
    if (this.now) this.#stream.send({ do: "stop", run: this.number });
  };

  fork(step: number, change: { lr?: number; batch_size?: string }): Run {
    const fork = this.#stream.run();
    this.#stream.send({ do: "fork", run: this.number, as: fork.number, step, ...change });
    return fork;
  }

  hear(news: News): void {
    const { batch, train, trail, ...now } = news;
    this.now = now;
    if (batch) {
      this.#batch.splice(batch.from, Infinity, ...batch.buckets);
      this.batch = points(this.#batch);
    }
    if (train) {
      this.#train.splice(train.from, Infinity, ...train.buckets);
      this.train = points(this.#train);
    }
    if (trail) this.trail = [...this.trail.slice(0, trail.from), ...trail.places];
  }
}

class Stream {
  isOpen = $state(false);
  #socket: WebSocket | null = null;
  #waiting: string[] = [];
  #runs = new Map<number, Run>();
  #next = 1;
  #pause = 250;

  run(): Run {
    const run = new Run(this, this.#next++);
    this.#runs.set(run.number, run);
    return run;
  }

  leave(run: Run | undefined): void {
    if (!run) return;
    run.stop();
    this.#runs.delete(run.number);
  }

  send(wish: object): void {
    this.#connect();
    const text = JSON.stringify(wish);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
    else this.#waiting.push(text);
  }

  #connect(): void {
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) return;
    const socket = new WebSocket(`ws://${location.host}/api/stream`);
    this.#socket = socket;
    socket.onopen = () => {
      this.isOpen = true;
      this.#pause = 250;
      for (const text of this.#waiting.splice(0)) socket.send(text);
    };
    socket.onmessage = (message) => this.#hear(JSON.parse(message.data as string));
    socket.onclose = () => {
      this.isOpen = false;
      for (const run of this.#runs.values()) {
        if (run.now && !run.isOver) run.error = "The connection to Downslope was lost. Is it still running?";
      }
      if (this.#waiting.length) setTimeout(() => this.#connect(), (this.#pause = Math.min(2 * this.#pause, 8000)));
    };
  }

  #hear(told: { runs: News[]; refused: { run: number | null; error: string }[] }): void {
    for (const news of told.runs) this.#runs.get(news.run)?.hear(news);
    for (const { run, error } of told.refused) {
      const about = run === null ? undefined : this.#runs.get(run);
      if (about) about.error = error;
    }
  }
}

export const stream = new Stream();
