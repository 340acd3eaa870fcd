// Generated from docs/protocol.schema.json by `npm run protocol`. Do not edit.
/* eslint-disable */

/**
 * The result of ensemble.accept.
 */
export type AcceptResult = null;
/**
 * A kind of request to a model.
 */
export type Task = "complete" | "explain" | "generate" | "edit";
/**
 * The result of ensemble.choose.
 */
export type ChooseResult = null;
/**
 * The models that were found.
 */
export type FindModelsResult = FoundModel[];
/**
 * The models in the order of the settings.
 */
export type ModelsResult = ModelDescription[];
/**
 * The packaged models, best first.
 */
export type PackagedModelsResult = PackagedModelDescription[];
/**
 * The result of ensemble.pin.
 */
export type PinResult = null;
/**
 * The providers.
 */
export type ProvidersResult = ProviderDescription[];
/**
 * The result of ensemble.reject.
 */
export type RejectResult = null;
/**
 * The result of ensemble.removeModel.
 */
export type RemoveModelResult = null;

/**
 * Record that a suggestion was accepted.
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
 * Add a model for this session: its settings, and `save`.
 */
export interface AddModelArguments {
  /**
   * The unique name of the model, used in lists, pins and the history.
   */
  name: string;
  /**
   * The provider whose protocol the model speaks.
   */
  provider: string;
  /**
   * The provider's id of the model. For `llamacpp`, the path of a GGUF file or the name of a packaged model.
   */
  model?: string;
  /**
   * The address of a server that speaks the provider's protocol, without user name and password.
   */
  baseUrl?: string | null;
  /**
   * The name of the environment variable that holds the API key. Without it, the key comes from the system
   * keyring.
   */
  apiKeyEnv?: string | null;
  /**
   * The API of the provider `openai` to use. `auto` is `chat`, unless the address or the server asks for another:
   * `fim` is `/fim/completions` (Codestral, Inception), `infill` is llama.cpp's own.
   */
  api?: "auto" | "chat" | "completions" | "responses" | "fim" | "infill";
  /**
   * Whether code sent to the model stays on this machine. Without it, the address decides. Set `false` for a proxy
   * on this machine that forwards to a service, and `true` for a host of your own network.
   */
  local?: boolean | null;
  /**
   * Whether the model may think before it answers: `auto` learns what the service allows, `off` and `low` switch
   * thinking off or down.
   */
  thinking?: "auto" | "off" | "low";
  /**
   * The way to send the code around the cursor: `auto`, `none`, `suffix`, or the name of a fill-in-the-middle
   * template.
   */
  fim?: string;
  /**
   * The format in which the model predicts the next edit: `auto` follows the model's id, `chat` is any chat model,
   * and with `none` the model is not asked for edits.
   */
  editFormat?: "auto" | "none" | "zeta" | "zeta-2" | "zeta-2.1" | "sweep-next-edit" | "instinct" | "mercury" | "chat";
  /**
   * The tasks that the model is used for. A model that was trained only for edits has no other by default.
   *
   * @minItems 1
   */
  tasks?: Task[];
  /**
   * Seconds that a complete answer may take.
   */
  timeout?: number;
  /**
   * US dollars per million input tokens.
   */
  inputPrice?: number;
  /**
   * US dollars per million output tokens.
   */
  outputPrice?: number;
  /**
   * The size of the model's context window in tokens. It is known for common models.
   */
  contextTokens?: number | null;
  /**
   * The number of concurrent requests: by default 4 for services and 2 for embedded models, one of them reserved
   * for completions.
   */
  concurrency?: number | null;
  /**
   * Also write the model to the user's config file.
   */
  save?: boolean;
}
/**
 * The place where the model was written.
 */
export interface AddModelResult {
  /**
   * The path of the config file; null without `save`.
   */
  saved: string | null;
  /**
   * The models that were found before and were written with it, so that the list does not replace them.
   */
  kept: string[];
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
 * Apply one candidate of a generation, or let the user choose one.
 */
export interface ChooseArguments {
  /**
   * The id of a candidate to apply, or of a generation to let the user choose.
   */
  id: string;
}
/**
 * Measure models on the workspace's own code; the options are those of the command line.
 */
export interface CompareArguments {
  /**
   * Files and folders; by default the workspace's folders.
   */
  paths?: string[];
  task?: Task;
  models?: string[];
  samples?: number;
  seed?: number;
  language?: string;
  kinds?: string[];
  /**
   * US dollars that the comparison must not exceed.
   */
  maxCost?: number;
  engine?: "local" | "ray";
  /**
   * Ask again, even if an earlier run has answers.
   */
  fresh?: boolean;
  /**
   * Let the selector start from the results.
   */
  learn?: boolean;
  /**
   * An absolute path for the report.
   */
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
 * The paths of the report's files, or `cancelled`.
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
 * A problem that another tool reports.
 */
export interface DiagnosticArgument {
  message: string;
  range: Range;
  /**
   * `error` by default.
   */
  severity?: "error" | "warning" | "information" | "hint";
  code?: string;
  /**
   * The name of the tool.
   */
  source?: string;
}
/**
 * A range in a document, as in LSP.
 */
export interface Range {
  start: Position;
  end: Position;
}
/**
 * A position in a document, as in LSP.
 */
export interface Position {
  line: number;
  character: number;
}
/**
 * The suggestion left the screen.
 */
export interface DidEndParams {
  id: string;
  reason: "accepted" | "rejected" | "ignored" | "superseded";
  shownMs?: number;
}
/**
 * Part of the suggestion was accepted.
 */
export interface DidPartiallyAcceptParams {
  id: string;
  /**
   * UTF-16 units from the start of the item's ``insertText``, cumulative.
   */
  length: number;
}
/**
 * The suggestion is on the screen.
 */
export interface DidShowParams {
  id: string;
}
/**
 * Download the weights of a packaged model and use the model.
 */
export interface DownloadModelArguments {
  name: string;
  /**
   * Progress is reported under this token; cancelling it ends the download and leaves nothing behind.
   */
  workDoneToken?: string | number;
}
/**
 * The downloaded model, which is in use now.
 */
export interface DownloadModelResult {
  name: string;
  /**
   * The path of the weights.
   */
  path: string;
  /**
   * The config file, if it lists models and the new one was added to it. If only the editor's settings list
   * models, the client has to add it there.
   */
  saved: string | null;
}
/**
 * Explain code with several models.
 */
export interface ExplainArguments {
  /**
   * The document.
   */
  uri: string;
  range: Range;
  /**
   * The number of models to ask.
   */
  size?: number;
  /**
   * Progress is reported under this token.
   */
  workDoneToken?: string | number;
  /**
   * Open the explanation in the editor.
   */
  show?: boolean;
  /**
   * The problems to explain instead of the code.
   */
  diagnostics?: DiagnosticArgument[];
  /**
   * The one model to ask. If it is not the one that explained this code before, the user refuses the earlier
   * explanation.
   */
  model?: string;
  /**
   * A question about the code that follows an explanation. The answer is the result's `markdown`.
   */
  question?: string;
  /**
   * The explanation, with earlier questions and answers, that the question follows.
   */
  previous?: string;
}
/**
 * An explanation and its authors.
 */
export interface ExplainResult {
  /**
   * The id for ``ensemble.accept`` and ``ensemble.reject``, which say whether the explanation was helpful.
   */
  id: string;
  markdown: string;
  models: string[];
}
/**
 * Look for models on this machine again. Without configured models, what is found is used.
 */
export interface FindModelsArguments {}
/**
 * A model that this machine offers: by a key, on a local server, or by installed weights.
 */
export interface FoundModel {
  /**
   * The arguments for `ensemble.addModel`.
   */
  settings: {
    [k: string]: unknown;
  };
  /**
   * The reason why it was found.
   */
  why: string;
  /**
   * Whether it is one of the models in use.
   */
  inUse: boolean;
}
/**
 * Write code with several models and apply the first answer.
 */
export interface GenerateArguments {
  /**
   * The document.
   */
  uri: string;
  range: Range;
  /**
   * The number of models to ask.
   */
  size?: number;
  /**
   * Progress is reported under this token.
   */
  workDoneToken?: string | number;
  /**
   * The instruction; empty to use the comment, docstring or selection.
   */
  instruction?: string;
  /**
   * Ask only this model.
   */
  model?: string;
  /**
   * Apply the first answer; true by default.
   */
  apply?: boolean;
  /**
   * A ready-made request: fix the `diagnostics`, write tests or write the documentation of the function or class
   * at the range. Each finds its own place for the code; an `instruction` adds to it.
   */
  preset?: "fix" | "tests" | "documentation";
  /**
   * The problems to fix.
   */
  diagnostics?: DiagnosticArgument[];
  /**
   * An earlier answer to the instruction, which `followUp` changes.
   */
  draft?: string;
  /**
   * The change to the draft, such as "shorter" or "use a dict".
   */
  followUp?: string;
  /**
   * LSP's ``FormattingOptions``, for a document that has no indented lines.
   */
  formattingOptions?: {
    [k: string]: unknown;
  };
  /**
   * The answer of one model is reported under this token while it is written, as a `PartialAnswer`.
   */
  partialResultToken?: string | number;
}
/**
 * The candidates of a generation.
 */
export interface GenerateResult {
  id: string;
  /**
   * The first answer: the consensus of two or more models, or the answer of the model with the best record.
   */
  text: string;
  /**
   * The estimated probability that the first answer is right, from 0 to 1.
   */
  agreement: number;
  /**
   * False if the agreement is below the threshold and the user has to choose.
   */
  settled: boolean;
  /**
   * All answers, the first one first.
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
 * Percentiles in milliseconds (±5 %); None without measurements.
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
 * A configured model and its record.
 */
export interface ModelDescription {
  name: string;
  provider: string;
  model: string;
  tasks: Task[];
  available: boolean;
  /**
   * The reason why the model is not available, or its last failure.
   */
  reason: string;
  /**
   * The kind of the reason.
   */
  problem: "key" | "credit" | "budget" | "limit" | "offline" | "model" | "noModel" | "other";
  /**
   * The source of the API key.
   */
  keySource: string;
  /**
   * The environment variable that may hold the API key; null for a model that reads none.
   */
  keyVariable: string | null;
  /**
   * The place where the model is configured.
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
    edit?: Stats;
  };
}
/**
 * The record of one model at one task.
 */
export interface Stats {
  model: string;
  task: Task;
  /**
   * Suggestions that were offered.
   */
  suggestions: number;
  /**
   * Suggestions that were judged: settled with a reward; not those superseded or barely shown.
   */
  shown: number;
  /**
   * Accepted whole or in part; ``typed`` is counted separately.
   */
  accepted: number;
  /**
   * Accepted in part; included in ``accepted``.
   */
  partial: number;
  typed: number;
  rejected: number;
  ignored: number;
  /**
   * ``accepted / shown``.
   */
  acceptance: number | null;
  /**
   * Wilson 95 % interval of the acceptance rate.
   */
  low: number | null;
  high: number | null;
  /**
   * Mean over those shown.
   */
  reward: number | null;
  latency: Latency;
  calls: number;
  failures: number;
  input_tokens: number;
  output_tokens: number;
  cached_tokens: number;
  cost: number;
}
/**
 * The calls to one model in a period.
 */
export interface ModelUsage {
  model: string;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  /**
   * US dollars.
   */
  cost: number;
}
/**
 * List the models with their state and their record.
 */
export interface ModelsArguments {}
/**
 * Predict the next edit at a position and apply it.
 */
export interface NextEditArguments {
  /**
   * The document.
   */
  uri: string;
  position: Position;
}
/**
 * The edit that was predicted.
 */
export interface NextEditResult {
  id: string;
  /**
   * Whether the client applied it.
   */
  applied: boolean;
}
/**
 * A model that runs on this machine once its weights are downloaded.
 */
export interface PackagedModelDescription {
  /**
   * The name for `ensemble.downloadModel`, and the `model` setting of the provider `llamacpp`.
   */
  name: string;
  title: string;
  /**
   * Bytes to download.
   */
  downloadSize: number;
  licence: string;
  /**
   * Whether it was trained to complete code at the cursor.
   */
  fillsInTheMiddle: boolean;
  note: string;
  /**
   * Whether its weights are on this machine.
   */
  installed: boolean;
}
/**
 * List the packaged models, whose weights can be downloaded.
 */
export interface PackagedModelsArguments {}
/**
 * The value of `$/progress` for `partialResultToken`: an answer that is still being written.
 */
export interface PartialAnswer {
  /**
   * The model that writes it. Another one replaces it only if it fails.
   */
  model: string;
  /**
   * All of its text so far.
   */
  text: string;
  uri: string;
  range: Range;
}
/**
 * The calls to all models in a period.
 */
export interface PeriodUsage {
  /**
   * US dollars.
   */
  cost: number;
  inputTokens: number;
  outputTokens: number;
  /**
   * The models that were asked, by descending cost.
   */
  models: ModelUsage[];
}
/**
 * Use one model for a task, or let the selector choose again.
 */
export interface PinArguments {
  task: Task;
  /**
   * A model's name; null to let the selector choose again.
   */
  name?: string | null;
}
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
 * List the providers that a model can use.
 */
export interface ProvidersArguments {}
/**
 * One model's estimates for one request.
 */
export interface Ranked {
  model: string;
  /**
   * Expected reward, 0 to 1.
   */
  expected: number;
  low: number;
  /**
   * 90 % interval of the expected reward.
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
   * Expected reward times the chance of an answer, minus the weighted latency and cost.
   */
  utility: number;
  /**
   * Outcomes that the expected reward rests on.
   */
  observations: number;
  /**
   * Source of the expectation before the first outcome, as a noun phrase.
   */
  prior: string;
  /**
   * Expected time to the first token.
   */
  first_ms: number;
  /**
   * Chance that the call fails, from recent calls and calls at this hour of the day.
   */
  failures: number;
  /**
   * Highest cyclomatic complexity at which the model's record holds up; None if unknown.
   */
  reach: number | null;
  /**
   * Share of the remembered suggestions that the user kept; None with fewer than five.
   */
  acceptance: number | null;
  /**
   * Suggestions that this share counts, as the end of a clause: all, or those in the context that matters.
   */
  acceptance_scope: string;
  /**
   * Whether the times were measured in calls; else they are typical of such a model.
   */
  timed: boolean;
}
/**
 * Record that a suggestion was rejected.
 */
export interface RejectArguments {
  /**
   * The id of a suggestion, or of a generation with all its candidates.
   */
  id: string;
}
/**
 * Remove a model for this session.
 */
export interface RemoveModelArguments {
  name: string;
  /**
   * Also remove the model from the user's config file.
   */
  save?: boolean;
}
/**
 * Write the report of the history.
 */
export interface ReportArguments {
  task?: Task;
}
/**
 * The paths of the report's files.
 */
export interface ReportResult {
  markdown: string;
  html: string | null;
}
/**
 * Stop automatic completions and next edits for a time; without arguments, return the state.
 */
export interface SnoozeArguments {
  /**
   * The length of the snooze; 0 ends it.
   */
  minutes?: number;
  /**
   * Snooze until the server ends.
   */
  untilRestart?: boolean;
}
/**
 * The state after the command.
 */
export interface SnoozeResult {
  snoozed: boolean;
  /**
   * The end in milliseconds since 1970; null if it lasts until the server ends, or if not snoozed.
   */
  until: number | null;
}
/**
 * Return what a status bar shows beside the notification `ensemble/status`.
 */
export interface StatusArguments {}
/**
 * The server's state changed.
 */
export interface StatusParams {
  /**
   * `offline`: no model answered the last request; `problem` says why.
   */
  state: "idle" | "busy" | "offline";
  task?: Task;
  /**
   * The model that is asked, or whose answer was offered.
   */
  model?: string;
  /**
   * The reason for a wait, or the error of a model, which begins with what to do.
   */
  message?: string;
  /**
   * The kind of the error. With `idle`: another model answered, but this one needs the user.
   */
  problem?: "key" | "credit" | "budget" | "limit" | "offline" | "model" | "noModel" | "other";
  latencyMs?: number;
  acceptRate?: number;
  /**
   * True while automatic completions and next edits are snoozed.
   */
  snoozed?: boolean;
  /**
   * The end of the snooze in milliseconds since 1970; absent if it lasts until the server ends.
   */
  snoozedUntil?: number;
}
/**
 * Pins, faults of the settings, and usage.
 */
export interface StatusResult {
  /**
   * The models pinned by command or in the settings.
   */
  pins: {
    complete?: string;
    explain?: string;
    generate?: string;
    edit?: string;
  };
  /**
   * Faults of the settings, when they were last read.
   */
  issues: string[];
  /**
   * The user's config file, which may not exist.
   */
  configPath: string;
  /**
   * The setting `selector.dailyBudget`.
   */
  dailyBudget: number | null;
  today: PeriodUsage;
  month: PeriodUsage;
}
/**
 * Ask a model one tiny question, to see whether it answers.
 */
export interface TestModelArguments {
  name: string;
}
/**
 * Whether the model answered.
 */
export interface TestModelResult {
  name: string;
  ok: boolean;
  /**
   * `answers`, or what is wrong and what to do.
   */
  message: string;
  latencyMs: number;
  /**
   * The kind of the failure; `other` without one.
   */
  problem: "key" | "credit" | "budget" | "limit" | "offline" | "model" | "noModel" | "other";
}
/**
 * Explain which models were asked for a suggestion, or would be asked at a position.
 */
export interface WhyArguments {
  /**
   * The suggestion to explain. Without it, `task`, `uri` and `position` are required.
   */
  id?: string;
  task?: Task;
  uri?: string;
  position?: Position;
  /**
   * Explain the choice at a position as if no model were pinned.
   */
  unpinned?: boolean;
}
/**
 * The choice of models with its reasons.
 */
export interface WhyResult {
  /**
   * The reason in plain words.
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
   * The suggestion's id; absent for a position.
   */
  id?: string;
}

export const TASK_VALUES: readonly Task[] = ["complete", "explain", "generate", "edit"];

/** The server's commands. */
export interface Commands {
  "ensemble.accept": { arguments: AcceptArguments; result: AcceptResult };
  "ensemble.addModel": { arguments: AddModelArguments; result: AddModelResult };
  "ensemble.choose": { arguments: ChooseArguments; result: ChooseResult };
  "ensemble.compare": { arguments: CompareArguments; result: CompareResult };
  "ensemble.downloadModel": { arguments: DownloadModelArguments; result: DownloadModelResult };
  "ensemble.explain": { arguments: ExplainArguments; result: ExplainResult };
  "ensemble.findModels": { arguments: FindModelsArguments; result: FindModelsResult };
  "ensemble.generate": { arguments: GenerateArguments; result: GenerateResult };
  "ensemble.models": { arguments: ModelsArguments; result: ModelsResult };
  "ensemble.nextEdit": { arguments: NextEditArguments; result: NextEditResult };
  "ensemble.packagedModels": { arguments: PackagedModelsArguments; result: PackagedModelsResult };
  "ensemble.pin": { arguments: PinArguments; result: PinResult };
  "ensemble.providers": { arguments: ProvidersArguments; result: ProvidersResult };
  "ensemble.reject": { arguments: RejectArguments; result: RejectResult };
  "ensemble.removeModel": { arguments: RemoveModelArguments; result: RemoveModelResult };
  "ensemble.report": { arguments: ReportArguments; result: ReportResult };
  "ensemble.snooze": { arguments: SnoozeArguments; result: SnoozeResult };
  "ensemble.status": { arguments: StatusArguments; result: StatusResult };
  "ensemble.testModel": { arguments: TestModelArguments; result: TestModelResult };
  "ensemble.why": { arguments: WhyArguments; result: WhyResult };
}

/** The server's own notifications. */
export interface Notifications {
  "ensemble/didEnd": DidEndParams;
  "ensemble/didPartiallyAccept": DidPartiallyAcceptParams;
  "ensemble/didShow": DidShowParams;
  "ensemble/status": StatusParams;
}
