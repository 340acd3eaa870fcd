// The message from the extension to the dashboard's page.
import type { Facts, Model, Why } from "../protocol";

export interface State {
  error?: string;
  /** The server is not installed; the page offers to install it. */
  missing?: boolean;
  models?: Model[];
  usage?: Facts | undefined;
  here?: { file: string; line: number; choices: Why[] } | undefined;
}
