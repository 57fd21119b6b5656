import { describe, expect, it } from "vitest";
import { untilEscalation } from "./inbox";
import type { Alert } from "./types";

describe("the time until an alert goes up", () => {
  const alert = { severity: "high", escalation: 1, state: "open", at: 100 } as Alert;
  const steps = [{ severity: "high", after_s: 300, level: 2 }] as const;

  it("begins again for whoever it is handed to, as on the server", () => {
    expect(untilEscalation({ ...alert, assigned_at: null }, 150, steps)).toBe(250);
    expect(untilEscalation({ ...alert, assigned_at: 140 }, 150, steps)).toBe(290);
  });
});
