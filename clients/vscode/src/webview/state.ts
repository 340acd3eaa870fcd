// What the extension sends to the dashboard.
import type { Model, Why } from "../protocol";

export interface State {
  error?: string;
  /** There is no server to run: it can be installed. */
  missing?: boolean;
  models?: Model[];
  here?: { file: string; line: number; choices: Why[] } | undefined;
}
