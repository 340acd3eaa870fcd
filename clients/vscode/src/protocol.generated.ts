// Generated from docs/protocol.schema.json by `npm run protocol`. Do not edit.
/* eslint-disable */

/**
 * A kind of request to a model.
 */
export type Task = "complete" | "explain" | "generate";
/**
 * The result of ensemble.accept.
 */
export type AcceptResult = null;
/**
 * The result of ensemble.reject.
 */
export type RejectResult = null;
/**
 * The result of ensemble.choose.
 */
export type ChooseResult = null;
/**
 * The result of ensemble.models.
 */
export type ModelsResult = ModelDescription[];
/**
 * The result of ensemble.providers.
 */
export type ProvidersResult = ProviderDescription[];
/**
 * The result of ensemble.pin.
 */
export type PinResult = null;
/**
 * The result of ensemble.addModel.
 */
export type AddModelResult = null;
/**
 * The result of ensemble.removeModel.
 */
export type RemoveModelResult = null;

/**
 * A position in a document, as in LSP.
 */
export interface Position {
  line: number;
  character: number;
}
/**
 * A range in a document, as in LSP.
 */
export interface Range {
  start: Position;
  end: Position;
}
/**
 * The arguments of ensemble.accept.
 */
export interface AcceptArguments {
  /**
   * The suggestion's id.
   */
  id: string;
  /**
   * For a partial accept: UTF-16 units from the start of the text.
   */
  length?: number;
}
/**
 * The arguments of ensemble.reject.
 */
export interface RejectArguments {
  /**
   * The id of a suggestion, or of a generation with all its candidates.
   */
  id: string;
}
/**
 * The arguments of ensemble.choose.
 */
export interface ChooseArguments {
  /**
   * The id of a candidate, or of a generation to let the user choose.
   */
  id: string;
}
/**
 * The arguments of ensemble.generate.
 */
export interface GenerateArguments {
  /**
   * The document.
   */
  uri: string;
  range: Range;
  /**
   * What to write; empty to use the comment, docstring or selection.
   */
  instruction?: string;
  /**
   * How many models to ask.
   */
  size?: number;
  /**
   * Ask only this model.
   */
  model?: string;
  /**
   * Apply the consensus; true by default.
   */
  apply?: boolean;
  /**
   * Progress is reported under this token.
   */
  workDoneToken?: string | number;
}
/**
 * One answer of an ensemble.
 */
export interface Candidate {
  id: string;
  /**
   * The models that gave this answer.
   */
  models: string[];
  text: string;
}
/**
 * The result of ensemble.generate.
 */
export interface GenerateResult {
  id: string;
  /**
   * The consensus.
   */
  text: string;
  /**
   * The weight of the models behind the consensus, from 0 to 1.
   */
  agreement: number;
  /**
   * False if the agreement is below the threshold and the user has to choose.
   */
  settled: boolean;
  /**
   * All answers, the consensus first.
   */
  candidates: Candidate[];
  /**
   * The models that failed, each with its error message.
   */
  errors: {
    [k: string]: string;
  };
  uri: string;
  range: Range;
}
/**
 * The arguments of ensemble.explain.
 */
export interface ExplainArguments {
  /**
   * The document.
   */
  uri: string;
  range: Range;
  /**
   * How many models to ask.
   */
  size?: number;
  /**
   * Open the explanation in the editor.
   */
  show?: boolean;
  /**
   * Progress is reported under this token.
   */
  workDoneToken?: string | number;
}
/**
 * The result of ensemble.explain.
 */
export interface ExplainResult {
  markdown: string;
  models: string[];
}
/**
 * The arguments of ensemble.models.
 */
export interface ModelsArguments {}
/**
 * Latency percentiles in milliseconds; null where nothing was measured.
 */
export interface Latency {
  first_p50: number | null;
  first_p90: number | null;
  first_p95: number | null;
  total_p50: number | null;
  total_p90: number | null;
  total_p95: number | null;
  calls: number;
}
/**
 * The record of one model for one task, from the history.
 */
export interface Stats {
  model: string;
  task: Task;
  /**
   * All suggestions offered.
   */
  suggestions: number;
  /**
   * Suggestions with a reward; superseded and barely shown ones are excluded.
   */
  shown: number;
  /**
   * Suggestions accepted whole or in part.
   */
  accepted: number;
  /**
   * Accepted suggestions that were accepted in part.
   */
  partial: number;
  /**
   * Suggestions typed by hand.
   */
  typed: number;
  rejected: number;
  ignored: number;
  /**
   * The acceptance rate; null before anything was shown.
   */
  acceptance: number | null;
  /**
   * Lower bound of the acceptance rate's 95 % Wilson interval.
   */
  low: number | null;
  /**
   * Upper bound of the acceptance rate's 95 % Wilson interval.
   */
  high: number | null;
  /**
   * Mean reward of the shown suggestions.
   */
  reward: number | null;
  latency: Latency;
  calls: number;
  failures: number;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  /**
   * US dollars.
   */
  cost: number;
}
/**
 * A configured model and its record.
 */
export interface ModelDescription {
  name: string;
  provider: string;
  model: string;
  tasks: Task[];
  available: boolean;
  /**
   * Why the model is not available.
   */
  reason: string;
  /**
   * Where the API key comes from.
   */
  keySource: string;
  /**
   * Where the model is configured.
   */
  origin: string;
  /**
   * Whether the model runs on this machine.
   */
  local: boolean;
  /**
   * The record of each task that the model was asked to do.
   */
  stats: {
    complete?: Stats;
    explain?: Stats;
    generate?: Stats;
  };
}
/**
 * The arguments of ensemble.providers.
 */
export interface ProvidersArguments {}
/**
 * A provider, as its specification describes it.
 */
export interface ProviderDescription {
  /**
   * The value of a model's `provider` setting.
   */
  name: string;
  /**
   * The name to show to users.
   */
  title: string;
  /**
   * The environment variable that usually holds the API key.
   */
  keyEnv: string | null;
  /**
   * The address used when a model has no `baseUrl`; null for a provider without one.
   */
  defaultBaseUrl: string | null;
  /**
   * The model used when a model has no `model`.
   */
  defaultModel: string | null;
  /**
   * Whether the provider runs models on this machine.
   */
  local: boolean;
  /**
   * Whether the default address needs an API key.
   */
  needsKey: boolean;
  /**
   * Whether the `model` setting is required.
   */
  needsModel: boolean;
  /**
   * The tasks that its models can do.
   */
  tasks: Task[];
  /**
   * Whether the provider offers fine-tuning.
   */
  fineTuning: boolean;
}
/**
 * The arguments of ensemble.pin.
 */
export interface PinArguments {
  task: Task;
  /**
   * A model's name; null to let the selector choose again.
   */
  name?: string | null;
}
/**
 * The arguments of ensemble.addModel: a model's settings.
 */
export interface AddModelArguments {
  /**
   * Unique; how lists, pins and the history call it.
   */
  name: string;
  /**
   * The adapter that talks to the service.
   */
  provider: string;
  /**
   * The provider's id; for llamacpp a GGUF file's path or a packaged model's name.
   */
  model?: string;
  /**
   * Any server that speaks the provider's protocol; no user name or password in it.
   */
  baseUrl?: string | null;
  /**
   * The name of the environment variable that holds the key; else the system keyring is asked.
   */
  apiKeyEnv?: string | null;
  /**
   * openai: which of its wire APIs.
   */
  api?: "chat" | "completions" | "responses";
  /**
   * How complete passes prefix and suffix: auto, none, suffix, or a template's name.
   */
  fim?: string;
  /**
   * What it is asked to do.
   *
   * @minItems 1
   */
  tasks?: Task[];
  /**
   * Seconds for a whole answer.
   */
  timeout?: number;
  /**
   * US dollars for a million input tokens.
   */
  inputPrice?: number;
  /**
   * US dollars for a million output tokens.
   */
  outputPrice?: number;
  /**
   * The model's window; known for common models.
   */
  contextTokens?: number | null;
  /**
   * Requests at the same time; 4 for services, 2 for embedded models (one is kept for completions).
   */
  concurrency?: number | null;
  /**
   * Also write the model to the user's config file.
   */
  save?: boolean;
}
/**
 * The arguments of ensemble.removeModel.
 */
export interface RemoveModelArguments {
  name: string;
  /**
   * Also remove the model from the user's config file.
   */
  save?: boolean;
}
/**
 * The arguments of ensemble.why: a suggestion's id, or a task and a place.
 */
export interface WhyArguments {
  /**
   * The suggestion to explain.
   */
  id?: string;
  task?: Task;
  uri?: string;
  position?: Position;
}
/**
 * The selector's estimate of one model for one request.
 */
export interface Ranked {
  model: string;
  /**
   * Expected reward, from 0 to 1.
   */
  expected: number;
  /**
   * Lower bound of the expected reward's 90 % interval.
   */
  low: number;
  /**
   * Upper bound of the expected reward's 90 % interval.
   */
  high: number;
  /**
   * Expected time to the whole answer.
   */
  latency_ms: number;
  /**
   * Expected US dollars.
   */
  cost: number;
  /**
   * Expected reward minus the weighted latency and cost.
   */
  utility: number;
  observations: number;
  /**
   * The source of the estimate before the first observation.
   */
  prior: string;
  /**
   * Expected time to the first token.
   */
  first_ms: number;
  /**
   * Probability that the call fails.
   */
  failures: number;
  /**
   * The highest cyclomatic complexity at which the model's record holds; null if unknown.
   */
  reach: number | null;
}
/**
 * The result of ensemble.why.
 */
export interface WhyResult {
  /**
   * The reason in one sentence.
   */
  why: string;
  task: Task;
  /**
   * The models that were asked, or that would be asked.
   */
  models: string[];
  agreement: number | null;
  /**
   * Whether the choice was an exploration.
   */
  explored: boolean;
  /**
   * The features of the request.
   */
  context: {
    [k: string]: unknown;
  };
  /**
   * Every model considered, best first.
   */
  scores: Ranked[];
  /**
   * The suggestion's id; absent for a place.
   */
  id?: string;
}
/**
 * The arguments of ensemble.report.
 */
export interface ReportArguments {
  task?: Task;
}
/**
 * The result of ensemble.report: the paths of the written files.
 */
export interface ReportResult {
  markdown: string;
  html: string | null;
}
/**
 * The arguments of ensemble.compare; see the command line's options.
 */
export interface CompareArguments {
  paths?: string[];
  task?: Task;
  models?: string[];
  samples?: number;
  seed?: number;
  language?: string;
  kinds?: string[];
  maxCost?: number;
  engine?: "local" | "ray";
  fresh?: boolean;
  learn?: boolean;
  out?: string;
  /**
   * Start without asking, even if code leaves the machine.
   */
  yes?: boolean;
  /**
   * Progress is reported under this token.
   */
  workDoneToken?: string | number;
}
/**
 * The result of ensemble.compare: the paths of the written files, or `cancelled`.
 */
export interface CompareResult {
  markdown?: string;
  html?: string | null;
  advice?: string;
  /**
   * US dollars spent.
   */
  cost?: number;
  cancelled?: boolean;
}
/**
 * ensemble/didShow, from the client: the suggestion is on the screen.
 */
export interface DidShowParams {
  id: string;
}
/**
 * ensemble/didPartiallyAccept, from the client.
 */
export interface DidPartiallyAcceptParams {
  id: string;
  /**
   * UTF-16 units from the start of the text, cumulative.
   */
  length: number;
}
/**
 * ensemble/didEnd, from the client: the suggestion left the screen.
 */
export interface DidEndParams {
  id: string;
  reason: "accepted" | "rejected" | "ignored" | "superseded";
  shownMs?: number;
}
/**
 * ensemble/status, from the server.
 */
export interface StatusParams {
  state: "idle" | "busy" | "offline";
  task?: Task;
  model?: string;
  message?: string;
  latencyMs?: number;
  acceptRate?: number;
}

export const TASK_VALUES: readonly Task[] = ["complete", "explain", "generate"];

/** The server's commands. */
export interface Commands {
  "ensemble.accept": { arguments: AcceptArguments; result: AcceptResult };
  "ensemble.reject": { arguments: RejectArguments; result: RejectResult };
  "ensemble.choose": { arguments: ChooseArguments; result: ChooseResult };
  "ensemble.generate": { arguments: GenerateArguments; result: GenerateResult };
  "ensemble.explain": { arguments: ExplainArguments; result: ExplainResult };
  "ensemble.models": { arguments: ModelsArguments; result: ModelsResult };
  "ensemble.providers": { arguments: ProvidersArguments; result: ProvidersResult };
  "ensemble.pin": { arguments: PinArguments; result: PinResult };
  "ensemble.addModel": { arguments: AddModelArguments; result: AddModelResult };
  "ensemble.removeModel": { arguments: RemoveModelArguments; result: RemoveModelResult };
  "ensemble.why": { arguments: WhyArguments; result: WhyResult };
  "ensemble.report": { arguments: ReportArguments; result: ReportResult };
  "ensemble.compare": { arguments: CompareArguments; result: CompareResult };
}

/** The server's own notifications. */
export interface Notifications {
  "ensemble/didShow": DidShowParams;
  "ensemble/didPartiallyAccept": DidPartiallyAcceptParams;
  "ensemble/didEnd": DidEndParams;
  "ensemble/status": StatusParams;
}
