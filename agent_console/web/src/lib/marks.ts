// Cuts a turn's text at the hits in it.

import type { Hit, Turn } from "./types";

export interface Piece {
  text: string;
  hit: Hit | null;
}

const RANK = { critical: 4, high: 3, medium: 2, low: 1, info: 0 } as const;

/**
 * The text in pieces, each with the heaviest hit over it. Spans count code points, as the server
 * does. A hit without a span marks its phrase where that stands in the text.
 */
export function markTurn(turn: Turn, hits: Hit[]): Piece[] {
  const characters = [...turn.text];
  const over: (Hit | null)[] = characters.map(() => null);
  for (const hit of hits) {
    if (hit.segment_id !== turn.segment_id) continue;
    const span = hit.span ?? find(turn.text, hit.phrase);
    if (!span) continue;
    for (let at = Math.max(0, span[0]); at < Math.min(span[1], characters.length); at += 1) {
      const other = over[at];
      if (!other || RANK[hit.severity] > RANK[other.severity]) over[at] = hit;
    }
  }
  const pieces: Piece[] = [];
  characters.forEach((character, at) => {
    const hit = over[at] ?? null;
    const last = pieces.at(-1);
    if (last && last.hit === hit) last.text += character;
    else pieces.push({ text: character, hit });
  });
  return pieces;
}

function find(text: string, phrase: string): [number, number] | null {
  const at = phrase ? text.indexOf(phrase) : -1;
  if (at < 0) return null;
  const from = [...text.slice(0, at)].length;
  return [from, from + [...phrase].length];
}

/** A text in two or three pieces, one of them marked; the span counts code points too. */
export function cutAt(
  text: string,
  span: readonly [number, number] | null,
): { text: string; marked: boolean }[] {
  const characters = [...text];
  const [from = 0, until = 0] = span ?? [];
  return [
    { text: characters.slice(0, from).join(""), marked: false },
    { text: characters.slice(from, until).join(""), marked: true },
    { text: characters.slice(until).join(""), marked: false },
  ].filter((piece) => piece.text);
}
