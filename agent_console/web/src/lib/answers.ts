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
