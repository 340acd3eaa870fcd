import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import * as vscode from "vscode";
import {
  CloseAction,
  LanguageClient,
  type LanguageClientOptions,
  type ServerOptions,
  State,
} from "vscode-languageclient/node";

import { type Phase, ServerConnection, showErrors } from "../src/connection";
import { KeyStore } from "../src/keys";
import { fake, settle } from "./support/fakes";

/** A client without a process. Its restart policy is the real one. */
class FakeClient {
  readonly name = "Ensemble";
  readonly sent: [string, unknown[]][] = [];
  readonly states = new vscode.EventEmitter<{ newState: State }>();
  readonly onDidChangeState = this.states.event;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with this client
  readonly createDefaultErrorHandler = LanguageClient.prototype.createDefaultErrorHandler;
  state = State.Stopped;
  disposed = false;
  failure: Error | undefined;
  private statusHandler: (params: unknown) => void = () => undefined;

  constructor(
    readonly server: ServerOptions,
    readonly options: LanguageClientOptions,
  ) {}

  registerFeature(): void {}

  onRequest(): void {}

  start(): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    this.change(State.Starting);
    this.change(State.Running);
    return Promise.resolve();
  }

  change(state: State): void {
    this.state = state;
    this.states.fire({ newState: state });
  }

  onNotification(_method: string, handler: (params: unknown) => void): void {
    this.statusHandler = handler;
  }

  receiveStatus(status: unknown): void {
    this.statusHandler(status);
  }

  sendRequest(method: string, ...params: unknown[]): Promise<unknown> {
    this.sent.push([method, params]);
    return Promise.resolve("the result");
  }

  sendNotification(method: string, ...params: unknown[]): Promise<void> {
    this.sent.push([method, params]);
    return Promise.resolve();
  }

  dispose(): Promise<void> {
    this.disposed = true;
    this.state = State.Stopped;
    return Promise.resolve();
  }
}

let clients: FakeClient[];
let phases: { phase: Phase; reason: string }[];
let connection: ServerConnection;
let failure: Error | undefined;

beforeEach(() => {
  fake.reset();
  clients = [];
  phases = [];
  failure = undefined;
  fake.settings.set("ensemble.server.path", { globalValue: "/opt/ensemble-lsp" });
  const context = {
    globalStorageUri: vscode.Uri.file("/nowhere"),
    extension: {
      packageJSON: {
        contributes: { configuration: [{ properties: { "ensemble.discover": {} } }] },
        capabilities: { untrustedWorkspaces: { restrictedConfigurations: [] } },
      },
    },
  } as unknown as vscode.ExtensionContext;
  const keys = { environment: () => Promise.resolve({ ACME_API_KEY: "secret" }) };
  const log = { info: () => undefined, error: () => undefined };
  connection = new ServerConnection(
    context,
    keys as unknown as KeyStore,
    log as unknown as vscode.LogOutputChannel,
    {},
    (server, options) => {
      const client = new FakeClient(server, options);
      client.failure = failure;
      clients.push(client);
      return client as unknown as LanguageClient;
    },
  );
  connection.onPhase((phase) => phases.push(phase));
});

function client(): FakeClient {
  const last = clients.at(-1);
  assert.ok(last);
  return last;
}

/** End the server's process and return what the client library is asked to do. */
async function crash(): Promise<CloseAction> {
  const result = await client().options.errorHandler?.closed();
  assert.ok(result);
  assert.equal(result.handled, true, "the library shows no popup of its own");
  return result.action;
}

const names = (): Phase[] => phases.map(({ phase }) => phase);

test("the configured program is started with the stored keys", async () => {
  await connection.restart();
  const { command, args, options } = client().server as {
    command: string;
    args: string[];
    options: { env: Record<string, string> };
  };
  assert.equal(command, "/opt/ensemble-lsp");
  assert.deepEqual(args, ["serve", "--stdio"]);
  assert.equal(options.env["ACME_API_KEY"], "secret");
  assert.ok(connection.running);
});

test("the server is ready when it has listed its models", async () => {
  await connection.restart();
  await settle();
  assert.equal(names().at(-1), "ready");
  assert.deepEqual(client().sent, [
    ["workspace/executeCommand", [{ command: "ensemble.models", arguments: [{}] }]],
  ]);
});

test("a program that cannot start is reported as failed", async () => {
  failure = new Error("spawn ENOENT");
  await connection.restart();
  assert.deepEqual(phases.at(-1), {
    phase: "failed",
    reason: "/opt/ensemble-lsp did not start: spawn ENOENT",
  });
  assert.equal(connection.running, false);
});

test("without a program the server is missing", async () => {
  fake.settings.clear();
  const path = process.env["PATH"];
  process.env["PATH"] = "/nowhere";
  try {
    await connection.restart();
  } finally {
    process.env["PATH"] = path;
  }
  assert.equal(names().at(-1), "missing");
  await assert.rejects(connection.executeCommand("ensemble.models", {}), /is not installed/);
  assert.equal(clients.length, 0);
});

test("a crashed server restarts four times, then the connection has failed", async () => {
  await connection.restart();
  await settle();
  for (let count = 0; count < 4; count += 1) assert.equal(await crash(), CloseAction.Restart);
  assert.equal(names().includes("failed"), false);
  assert.equal(await crash(), CloseAction.DoNotRestart);
  assert.equal(phases.at(-1)?.phase, "failed");
  assert.match(phases.at(-1)?.reason ?? "", /stopped 5 times in three minutes/);
});

test("crashes far apart do not add up", async (context) => {
  context.mock.timers.enable({ apis: ["Date"] });
  await connection.restart();
  for (let count = 0; count < 12; count += 1) {
    assert.equal(await crash(), CloseAction.Restart);
    context.mock.timers.tick(60_000);
  }
});

test("a restart by the user begins to count anew", async () => {
  await connection.restart();
  for (let count = 0; count < 5; count += 1) await crash();
  await connection.restart();
  assert.equal(await crash(), CloseAction.Restart);
});

test("a restart stops the old client first, also when called twice at once", async () => {
  await Promise.all([connection.restart(), connection.restart()]);
  assert.equal(clients.length, 2);
  assert.deepEqual(
    clients.map(({ disposed }) => disposed),
    [true, false],
  );
});

test("events of a client that was replaced are ignored", async () => {
  await connection.restart();
  const old = client();
  await connection.restart();
  await settle();
  const count = phases.length;
  old.change(State.Starting);
  assert.equal(phases.length, count);
});

test("status notifications reach the listeners", async () => {
  const statuses: unknown[] = [];
  connection.onStatus((status) => statuses.push(status));
  await connection.restart();
  client().receiveStatus({ state: "busy", model: "gpt" });
  assert.deepEqual(statuses, [{ state: "busy", model: "gpt" }]);
});

test("commands fail and notifications are dropped while no server runs", async () => {
  await assert.rejects(connection.executeCommand("ensemble.models", {}), /is not running/);
  connection.notify("ensemble/didShow", { id: "1" });
  await connection.restart();
  await settle();
  client().sent.length = 0;
  connection.notify("ensemble/didShow", { id: "2" });
  assert.deepEqual(client().sent, [["ensemble/didShow", [{ id: "2" }]]]);
});

test("the server's request for settings gets only what the user set", async () => {
  fake.settings.set("ensemble.discover", { defaultValue: true, globalValue: false });
  await connection.restart();
  const configuration = client().options.middleware?.workspace?.configuration;
  assert.ok(configuration);
  const items = [{ section: "ensemble" }, { section: "editor" }];
  const token = {} as vscode.CancellationToken;
  const answer = await configuration({ items }, token, () => ["all of it", { tabSize: 4 }]);
  assert.deepEqual(answer, [{ discover: false }, { tabSize: 4 }]);
});

test("errors are shown to the user, cancellations are not", async () => {
  const fails = (error: Error): Promise<unknown> => showErrors(() => Promise.reject(error));
  await fails(new Error("No model answered."));
  await fails(Object.assign(new Error("cancelled"), { code: -32800 }));
  await fails(new vscode.CancellationError());
  assert.deepEqual(fake.messages, ["No model answered."]);
});
