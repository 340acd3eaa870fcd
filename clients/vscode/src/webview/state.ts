// What the extension sends to the dashboard.
import type { Model, Why } from "../protocol";

export interface State {
  error?: string;
  models?: Model[];
  here?: { file: string; line: number; choices: Why[] } | undefined;
}
