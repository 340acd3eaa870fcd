// The messages of the server, under the names that the client uses. The types are generated.
export type {
  AddModelArguments,
  AddModelResult,
  Candidate,
  Commands,
  DiagnosticArgument as Diagnostic,
  ExplainResult as Explanation,
  FoundModel,
  GenerateArguments as Generate,
  GenerateResult as Generation,
  ModelDescription as Model,
  Notifications,
  PackagedModelDescription as PackagedModel,
  PartialAnswer,
  ProviderDescription as Provider,
  Range,
  Ranked,
  ReportResult as ReportPaths,
  Stats,
  StatusResult as Facts,
  StatusParams as Status,
  Task,
  WhyArguments,
  WhyResult as Why,
} from "./protocol.generated";
export { TASK_VALUES as TASKS } from "./protocol.generated";

export type Preset = NonNullable<import("./protocol.generated").GenerateArguments["preset"]>;
