// Installing the server into the extension's own virtual environment.
import { spawn } from "node:child_process";
import { mkdir, readdir, rm } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";

import { binaries, interpreter, ownEnvironment, runs, searchPath } from "./server";

const WINDOWS = process.platform === "win32";
const OLDEST = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";

/** Install or update; true when it is done. Errors and leaving are told to the user here. */
export async function install(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<boolean> {
  const location = vscode.ProgressLocation.Notification;
  const title = "Installing the Ensemble server";
  return vscode.window.withProgress({ location, title, cancellable: true }, async (bar, token) => {
    try {
      await build(context, log, (message) => bar.report({ message }), token);
      return true;
    } catch (error) {
      if (token.isCancellationRequested) return false;
      log.error(String(error));
      const show = "Show the log";
      const said = `The server was not installed: ${(error as Error).message}`;
      void vscode.window.showErrorMessage(said, show).then((chosen) => chosen && log.show());
      return false;
    }
  });
}

async function build(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
  report: (message: string) => void,
  token: vscode.CancellationToken,
): Promise<void> {
  const run = (program: string, ...args: string[]): Promise<void> =>
    execute(program, args, log, token);
  report("looking for Python");
  const python = await findPython(run);
  const environment = ownEnvironment(context);
  report("making a virtual environment");
  await rm(environment, { recursive: true, force: true });
  await mkdir(path.dirname(environment), { recursive: true });
  await run(python, "-m", "venv", environment);
  report("installing (a minute or two)");
  const own = path.join(binaries(environment), WINDOWS ? "python.exe" : "python");
  await run(own, "-m", "pip", "install", "--disable-pip-version-check", await packageOf(context));
}

/** The package that came with the extension; without one, that of the Python package index. */
async function packageOf(context: vscode.ExtensionContext): Promise<string> {
  const folder = context.asAbsolutePath("wheel");
  const files = await readdir(folder).catch(() => []);
  const wheel = files.find((file) => file.endsWith(".whl"));
  return wheel ? `${path.join(folder, wheel)}[local]` : "ensemble-lsp[local]";
}

async function findPython(
  run: (program: string, ...args: string[]) => Promise<void>,
): Promise<string> {
  const names = WINDOWS ? ["python.exe"] : ["python3", "python"];
  const selected = await interpreter();
  const found = searchPath().flatMap((place) => names.map((name) => path.join(place, name)));
  for (const python of selected ? [selected, ...found] : found) {
    const fits =
      (await runs(python)) &&
      run(python, "-c", OLDEST).then(
        () => true,
        () => false,
      );
    if (await fits) return python;
  }
  throw new Error("Python 3.10 or newer, with venv, was not found; install it and try again.");
}

function execute(
  program: string,
  args: string[],
  log: vscode.LogOutputChannel,
  token: vscode.CancellationToken,
): Promise<void> {
  log.info([program, ...args].join(" "));
  return new Promise((done, failed) => {
    // Not in the workspace: Python looks for modules in its folder.
    const child = spawn(program, args, { cwd: path.dirname(program), stdio: "pipe" });
    let last = "";
    const take = (data: Buffer): void => {
      const text = data.toString().trim();
      last = text.split("\n").at(-1) ?? last;
      log.info(text);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const cancelling = token.onCancellationRequested(() => child.kill());
    child.on("error", failed);
    child.on("close", (code) => {
      cancelling.dispose();
      if (code === 0) done();
      else failed(new Error(last || `${path.basename(program)} ended with ${String(code)}`));
    });
  });
}
