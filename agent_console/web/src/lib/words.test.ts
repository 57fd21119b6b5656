import { describe, expect, it } from "vitest";
import { DESK } from "./words/desk";
import { FRAME } from "./words/frame";
import { LATER } from "./words/later";

const BROUGHT = "/src/lib/words/later.ts";
const FIRST = "/src/main.ts";

const sources = import.meta.glob<string>(["/src/**/*.{ts,svelte}", "!/src/**/*.test.ts", "!/src/sw.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});

function resolve(from: string, name: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  const path = parts.join("/");
  return [path, `${path}.ts`, `${path}.svelte.ts`].find((one) => one in sources) ?? "";
}

function found(path: string, pattern: RegExp): string[] {
  return [...(sources[path] ?? "").matchAll(pattern)].map((match) => resolve(path, match[1]!)).filter(Boolean);
}

const imported = (path: string) =>
  found(path, /^\s*(?:import|export)\s(?!type\b)(?:[^"';]*\sfrom\s)?"(\.[^"]+)"/gm);
const awaited = (path: string) => found(path, /\bimport\("(\.[^"]+)"\)/g);

/** What is loaded with a module. */
function loadedWith(path: string): Set<string> {
  const all = new Set([path]);
  for (const one of all) imported(one).forEach((other) => all.add(other));
  return all;
}

/** Keys of words that come later and stand in a module's code, as far as that can be read. */
function later(path: string): string[] {
  const code = path.startsWith("/src/lib/words/") ? "" : (sources[path] ?? "");
  const said = [...code.matchAll(/\b(?:t\(|label: |title: )"(\w+)"/g)].map((match) => match[1]!);
  const named = [...code.matchAll(/["'`](\w+_\w+)["'`]/g)].map((match) => match[1]!);
  const prefixes = [...code.matchAll(/\b(?:tv\(["']|t\(`)([a-z_]+?)_?(?:["']|\$)/g)].map((match) => `${match[1]!}_`);
  const first = { ...FRAME, ...DESK };
  return Object.keys(LATER).filter(
    (key) =>
      !(key in first) &&
      (said.includes(key) || named.includes(key) || prefixes.some((prefix) => key.startsWith(prefix))),
  );
}

const ROOTS = [...new Set([FIRST, ...Object.keys(sources).flatMap(awaited)])];

describe("words", () => {
  it("are looked for in what is loaded", () => {
    expect(ROOTS).toContain("/src/pages/DeskPage.svelte");
    expect(loadedWith("/src/pages/MyPage.svelte")).toContain(BROUGHT);
    expect(later("/src/components/me/MySessions.svelte")).toEqual(expect.arrayContaining(["my_sessions", "via_oidc"]));
  });

  it.each(ROOTS)("of %s come with it", (root) => {
    const loaded = loadedWith(root);
    const used = [...loaded].flatMap((path) => later(path).map((key) => `${path}: ${key}`));
    expect(loaded.has(BROUGHT) ? [] : used).toEqual([]);
  });

  it.each([FIRST, "/src/pages/DeskPage.svelte"])("of other pages do not come with %s", (root) => {
    expect(loadedWith(root)).not.toContain(BROUGHT);
  });
});
