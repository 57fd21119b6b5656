// What is still to be written down of a call.

import type { CallRecord, RegisterField } from "./api/registers";

/** Required fields that are empty; a time for the follow-up is due where the outcome is one. */
export function missingFields(
  record: CallRecord,
  required: readonly RegisterField[],
): RegisterField[] {
  const due: RegisterField[] = required.filter((field) => field !== "follow_up_due");
  if (record.outcome === "follow_up") due.push("follow_up_due");
  return due.filter((field) => (record[field] ?? "") === "");
}
