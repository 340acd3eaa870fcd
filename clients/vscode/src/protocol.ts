// The messages of the server, under the names that the client uses. The types are generated.
export type {
  AddModelArguments,
  AddModelResult,
  Candidate,
  Commands,
  ExplainResult as Explanation,
  FoundModel,
  GenerateResult as Generation,
  ModelDescription as Model,
  Notifications,
  PackagedModelDescription as PackagedModel,
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
