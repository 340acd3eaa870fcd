// Installs the server into the extension's own virtual environment.
import { spawn } from "node:child_process";
import { mkdir, readdir, rm } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";

import {
  isExecutable,
  managedEnvironment,
  pathFolders,
  scriptsFolder,
  selectedInterpreter,
} from "./serverPath";

const WINDOWS = process.platform === "win32";
const CHECK_VERSION = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";

/** Install or update the server; true on success. Errors are shown to the user. */
export async function install(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<boolean> {
  const location = vscode.ProgressLocation.Notification;
  const title = "Installing the Ensemble server";
  return vscode.window.withProgress(
    { location, title, cancellable: true },
    async (progress, token) => {
      try {
        await createEnvironment(context, log, (message) => progress.report({ message }), token);
        return true;
      } catch (error) {
        if (token.isCancellationRequested) return false;
        log.error(String(error));
        const show = "Show the Log";
        const message = `The server could not be installed: ${(error as Error).message}`;
        void vscode.window.showErrorMessage(message, show).then((chosen) => chosen && log.show());
        return false;
      }
    },
  );
}

async function createEnvironment(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
  report: (message: string) => void,
  token: vscode.CancellationToken,
): Promise<void> {
  const run = (program: string, ...args: string[]): Promise<void> =>
    execute(program, args, log, token);
  report("looking for Python");
  const python = await findPython(run);
  const environment = managedEnvironment(context);
  report("creating a virtual environment");
  await rm(environment, { recursive: true, force: true });
  await mkdir(path.dirname(environment), { recursive: true });
  await run(python, "-m", "venv", environment);
  report("installing packages (a minute or two)");
  const environmentPython = path.join(
    scriptsFolder(environment),
    WINDOWS ? "python.exe" : "python",
  );
  const options = ["install", "--disable-pip-version-check", await requirement(context)];
  await run(environmentPython, "-m", "pip", ...options);
}

/** The wheel packaged with the extension; without one, the package of the Python package index. */
async function requirement(context: vscode.ExtensionContext): Promise<string> {
  const folder = context.asAbsolutePath("wheel");
  const files = await readdir(folder).catch(() => []);
  const wheel = files.find((file) => file.endsWith(".whl"));
  return wheel ? `${path.join(folder, wheel)}[local]` : "ensemble-lsp[local]";
}

async function findPython(
  run: (program: string, ...args: string[]) => Promise<void>,
): Promise<string> {
  const names = WINDOWS ? ["python.exe"] : ["python3", "python"];
  const selected = await selectedInterpreter();
  const found = pathFolders().flatMap((folder) => names.map((name) => path.join(folder, name)));
  for (const python of selected ? [selected, ...found] : found) {
    const suitable =
      (await isExecutable(python)) &&
      run(python, "-c", CHECK_VERSION).then(
        () => true,
        () => false,
      );
    if (await suitable) return python;
  }
  throw new Error("Install Python 3.10 or newer with the venv module, then try again.");
}

function execute(
  program: string,
  args: string[],
  log: vscode.LogOutputChannel,
  token: vscode.CancellationToken,
): Promise<void> {
  log.info([program, ...args].join(" "));
  return new Promise((resolve, reject) => {
    // Outside the workspace, because Python imports modules from its working directory.
    const child = spawn(program, args, { cwd: path.dirname(program), stdio: "pipe" });
    let lastLine = "";
    const logOutput = (data: Buffer): void => {
      const text = data.toString().trim();
      lastLine = text.split("\n").at(-1) ?? lastLine;
      log.info(text);
    };
    child.stdout.on("data", logOutput);
    child.stderr.on("data", logOutput);
    const cancellation = token.onCancellationRequested(() => child.kill());
    child.on("error", reject);
    child.on("close", (code) => {
      cancellation.dispose();
      if (code === 0) resolve();
      else
        reject(new Error(lastLine || `${path.basename(program)} exited with code ${String(code)}`));
    });
  });
}
