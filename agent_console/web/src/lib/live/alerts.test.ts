import { describe, expect, it } from "vitest";
import type { EventMessage, ProvisionalAlert } from "../types";
import { inSight, withProvisional } from "./alerts";

describe("provisional alerts", () => {
  const event = (type: string, at: number, more: object): EventMessage =>
    ({ seq: 0, type, at, call_id: "c", ...more }) as EventMessage;
  const spoken = (id: string, at: number) => event("provisional_alert", at, { alert_id: id });
  const after = (...events: EventMessage[]) =>
    events.reduce(
      (known, one) => withProvisional(known, one) ?? known,
      new Map<string, ProvisionalAlert>() as ReadonlyMap<string, ProvisionalAlert>,
    );
  const shown = (known: ReadonlyMap<string, ProvisionalAlert>, now: number) =>
    inSight(known, now).map(({ alert_id, outcome }) => [alert_id, outcome]);

  it("stay while nothing is decided, and tell for a moment what became of them", () => {
    const known = after(
      spoken("open", 1),
      spoken("true", 2),
      spoken("wrong", 3),
      event("alert", 4, { alert_id: "a", confirms: "true" }),
      event("alert_withdrawn", 5, { alert_id: "wrong" }),
    );
    expect(shown(known, 6)).toEqual([
      ["open", undefined],
      ["true", "confirmed"],
      ["wrong", "withdrawn"],
    ]);
    expect(known.get("true")?.became).toBe("a");
    expect(shown(known, 10.5)).toEqual([
      ["open", undefined],
      ["wrong", "withdrawn"],
    ]);
    expect(shown(known, 99)).toEqual([["open", undefined]]);
    // What is out of sight is not kept.
    expect([...withProvisional(known, spoken("next", 99))!.keys()]).toEqual(["open", "next"]);
  });

  it("keep the first that was decided, and are not touched by other alerts", () => {
    const known = after(spoken("true", 1), event("alert", 2, { alert_id: "a", confirms: "true" }));
    expect(withProvisional(known, event("alert_withdrawn", 3, { alert_id: "true" }))).toBeNull();
    expect(withProvisional(known, event("alert", 3, { alert_id: "b", confirms: "" }))).toBeNull();
    expect(withProvisional(known, event("call_ended", 3, {}))).toBeNull();
  });
});
