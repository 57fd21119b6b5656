// What changed between two versions of a text.

import { diffArrays, diffChars } from "diff";

/** Lines that have less than this share of their characters in common are two lines. */
const ALIKE = 0.5;

export interface Change {
  kind: "same" | "added" | "removed";
  text: string;
}

/** All that an article says, as a text: the details first. */
export function wholeText(article: { title: string; tags?: readonly string[]; body: string } | undefined): string {
  if (!article) return "";
  const tags = (article.tags ?? []).map((tag) => `#${tag}`).join(" ");
  return [article.title, tags, article.body].join("\n");
}

/** By lines first, and within lines that took each other's place by characters. */
export function changesOf(before: string, after: string): Change[] {
  const found: Change[] = [];
  const parts = diffArrays(before.split("\n"), after.split("\n"));
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at]!;
    const following = parts[at + 1];
    const text = part.value.join("\n");
    if (part.removed && following?.added) {
      found.push(...within(text, following.value.join("\n")));
      at += 1;
    } else {
      found.push({ kind: kindOf(part), text });
    }
    if (at < parts.length - 1) found.push({ kind: "same", text: "\n" });
  }
  return found;
}

function within(before: string, after: string): Change[] {
  const parts = diffChars(before, after);
  const same = parts.reduce((sum, part) => sum + (kindOf(part) === "same" ? part.count : 0), 0);
  if (same < ALIKE * Math.max(before.length, after.length)) {
    return [
      { kind: "removed", text: before },
      { kind: "added", text: after },
    ];
  }
  return parts.map((part) => ({ kind: kindOf(part), text: part.value }));
}

function kindOf(part: { added?: boolean; removed?: boolean }): Change["kind"] {
  if (part.added) return "added";
  return part.removed ? "removed" : "same";
}
