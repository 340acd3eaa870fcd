import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["build", "dist", "**/*.mjs"] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: ["tsconfig.json", "tsconfig.webview.json"] },
    },
    rules: {
      complexity: ["error", 10],
      "max-lines": ["error", 400],
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: "test" }] },
      ],
      "@typescript-eslint/explicit-function-return-type": ["error", { allowExpressions: true }],
    },
  },
);
