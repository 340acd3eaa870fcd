// What the server's own commands and notifications carry.

export type Task = "complete" | "explain" | "generate";
export const TASKS: readonly Task[] = ["complete", "explain", "generate"];

/** `ensemble/status` */
export interface Status {
  state: "idle" | "busy" | "offline";
  task?: Task;
  model?: string;
  message?: string;
  latencyMs?: number;
  acceptRate?: number;
}

/** One model at one task, from the history. */
export interface Stats {
  shown: number;
  accepted: number;
  partial: number;
  typed: number;
  rejected: number;
  ignored: number;
  /** Rate and its Wilson 95 % interval; null before anything was shown. */
  acceptance: number | null;
  low: number | null;
  high: number | null;
  latency: { first_p50?: number | null; total_p50?: number | null; total_p90?: number | null };
  calls: number;
  failures: number;
  input_tokens: number;
  output_tokens: number;
  cost: number;
}

/** A row of `ensemble.models`. */
export interface Model {
  name: string;
  provider: string;
  model: string;
  tasks: Task[];
  available: boolean;
  reason: string;
  keySource?: string;
  local?: boolean;
  stats: Partial<Record<Task, Stats>>;
}

export interface Position {
  line: number;
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

/** The result of `ensemble.generate`. */
export interface Generation {
  id: string;
  text: string;
  agreement: number;
  candidates: { id: string; models: string[]; text: string }[];
  errors: Record<string, string>;
  /** Where the candidates go, in the document as it was when they were asked for. */
  range: Range;
}

export interface Explanation {
  markdown: string;
  models: string[];
}

/** What the selector thinks of one model for one request. */
export interface Ranked {
  model: string;
  expected: number;
  low: number;
  high: number;
  latency_ms: number;
  cost: number;
  utility: number;
  observations: number;
  prior: string;
}

/** The result of `ensemble.why`. */
export interface Why {
  id?: string;
  why: string;
  task: Task;
  models: string[];
  agreement: number | null;
  explored: boolean;
  context: Record<string, unknown>;
  scores: Ranked[];
}
