// An inspector's answers to the questions of a scorecard.

import type { Answer, Given, Item } from "./api/inspections";

/** The answer that a click gives. Confirming an automatic no keeps the part of the points it left. */
export function answered(item: Item, given: Given, before: Answer | null): Answer {
  const confirmsNo = given === "no" && item.automatic === "no";
  return {
    item: item.item,
    answer: given,
    earned: confirmsNo ? item.automatic_earned : null,
    segment_id: before?.segment_id ?? item.evidence.find((one) => one.segment_id)?.segment_id ?? "",
    note: before?.note ?? "",
  };
}

/** The questions that are answered otherwise here than there: by answer, points or note. */
export function differing(
  items: readonly Item[],
  here: Readonly<Record<string, Answer>>,
  there: readonly Answer[],
): Item[] {
  const others = new Map(there.map((answer) => [answer.item, answer]));
  const said = (answer: Answer | undefined): string =>
    JSON.stringify(answer ? [answer.answer, answer.earned ?? null, answer.note ?? ""] : null);
  return items.filter(({ item }) => said(here[item]) !== said(others.get(item)));
}
