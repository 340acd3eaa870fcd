/** A label's text in which `$(name)` is no icon. */
export function withoutIcons(value: string): string {
  return value.replace(/\$\(/g, "\\$(");
}

/** Text from a provider or a repository, escaped so that it cannot become markup. */
export function escaped(value: string): string {
  return value.replace(/[\\`*_{}[\]()<>#|!]/g, "\\$&").replace(/\s+/g, " ");
}
