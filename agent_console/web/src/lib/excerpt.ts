// An article's text as one line of a list.

const LEADING = /^\s*(?:#{1,6}|>|[-*+](?:\s+\[[ x]\])?|\d+[.)])\s+/;
const RULE = /^[\s|:*_-]+$/;

/** Markdown without its marks, on one line; what is shown of it is cut by the page. */
export function plainLine(markdown: string): string {
  return markdown
    .split("\n")
    .filter((line) => !RULE.test(line))
    .map((line) => line.replace(LEADING, "").replace(/\*\*|__|`|~~/g, "").replaceAll("|", " "))
    .join(" ")
    .replace(/\s+/g, " ")
    .trim();
}
