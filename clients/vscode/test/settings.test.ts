import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { completionsEnabled, setCompletionsEnabled, settingsFor } from "../src/settings";
import { fake } from "./support/fakes";

const MANIFEST = {
  contributes: {
    configuration: [
      {
        properties: {
          "ensemble.server.path": { scope: "machine" },
          "ensemble.models": { scope: "machine" },
        },
      },
      {
        properties: {
          "ensemble.complete.enabled": { scope: "window" },
          "ensemble.complete.maxLines": { scope: "window" },
          "ensemble.complete.disabledLanguages": { scope: "window" },
        },
      },
      { properties: { "ensemble.privacy.exclude": { scope: "window" } } },
    ],
  },
  capabilities: {
    untrustedWorkspaces: {
      restrictedConfigurations: ["ensemble.complete.enabled", "ensemble.privacy.exclude"],
    },
  },
};

beforeEach(() => fake.reset());

test("settings that nobody set are not sent", () => {
  fake.settings.set("ensemble.complete.maxLines", { defaultValue: 12 });
  assert.deepEqual(settingsFor(MANIFEST, true), {});
});

test("the user's settings are nested as in the server's schema", () => {
  fake.settings.set("ensemble.complete.maxLines", { defaultValue: 12, globalValue: 3 });
  fake.settings.set("ensemble.complete.enabled", { defaultValue: true, globalValue: false });
  fake.settings.set("ensemble.server.path", { globalValue: "/opt/ensemble-lsp" });
  assert.deepEqual(settingsFor(MANIFEST, true), { complete: { maxLines: 3, enabled: false } });
});

test("a workspace overrides the user, a folder overrides the workspace", () => {
  const key = "ensemble.complete.maxLines";
  fake.settings.set(key, { globalValue: 3, workspaceValue: 4 });
  assert.deepEqual(settingsFor(MANIFEST, true), { complete: { maxLines: 4 } });
  fake.settings.set(key, { globalValue: 3, workspaceValue: 4, workspaceFolderValue: 5 });
  assert.deepEqual(settingsFor(MANIFEST, true), { complete: { maxLines: 5 } });
});

test("no workspace can set models, trusted or not", () => {
  const mine = [{ name: "mine" }];
  fake.settings.set("ensemble.models", {
    globalValue: mine,
    workspaceValue: [{ name: "theirs" }],
    workspaceFolderValue: [{ name: "theirs" }],
  });
  assert.deepEqual(settingsFor(MANIFEST, true)["models"], mine);
  assert.deepEqual(settingsFor(MANIFEST, false)["models"], mine);
  fake.settings.set("ensemble.models", { workspaceValue: [{ name: "theirs" }] });
  assert.equal("models" in settingsFor(MANIFEST, true), false);
});

test("an untrusted workspace sets only what is not restricted", () => {
  fake.settings.set("ensemble.complete.enabled", { globalValue: true, workspaceValue: false });
  fake.settings.set("ensemble.complete.maxLines", { workspaceValue: 1 });
  assert.deepEqual(settingsFor(MANIFEST, true), { complete: { enabled: false, maxLines: 1 } });
  const { complete } = settingsFor(MANIFEST, false);
  assert.deepEqual(complete, { enabled: true, maxLines: 1 });
});

test("nothing of an untrusted workspace is run, whatever the user's settings", () => {
  const off = { runExamples: false, runTests: "" };
  assert.deepEqual(settingsFor(MANIFEST, false), { ensemble: off });
});

test("a workspace adds to the exclusion list and cannot shorten it", () => {
  const key = "ensemble.privacy.exclude";
  fake.settings.set(key, { defaultValue: [".env*"], workspaceValue: ["*.pem"] });
  assert.deepEqual(settingsFor(MANIFEST, true), { privacy: { exclude: [".env*", "*.pem"] } });
  fake.settings.set(key, { globalValue: ["mine", "*.pem"], workspaceValue: ["*.pem"] });
  assert.deepEqual(settingsFor(MANIFEST, true), { privacy: { exclude: ["mine", "*.pem"] } });
  fake.settings.set(key, { globalValue: ["mine"], workspaceValue: [] });
  assert.deepEqual(settingsFor(MANIFEST, false)["privacy"], { exclude: ["mine"] });
});

test("completions are turned off and on for one language", async () => {
  fake.settings.set("ensemble.complete.disabledLanguages", { defaultValue: [] });
  await setCompletionsEnabled(false, "python");
  assert.equal(completionsEnabled("python"), false);
  assert.equal(completionsEnabled("go"), true);
  await setCompletionsEnabled(true, "python");
  assert.equal(completionsEnabled("python"), true);
  const inspected = fake.settings.get("ensemble.complete.disabledLanguages");
  assert.equal(inspected?.globalValue, undefined, "an empty list leaves no setting behind");
});

test("completions are turned off and on everywhere", async () => {
  fake.settings.set("ensemble.complete.enabled", { defaultValue: true });
  await setCompletionsEnabled(false, undefined);
  assert.equal(completionsEnabled("python"), false);
  await setCompletionsEnabled(true, undefined);
  assert.equal(completionsEnabled("python"), true);
});
