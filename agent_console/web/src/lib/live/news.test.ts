import { describe, expect, it } from "vitest";
import type { Alert, Call, EventMessage, Severity } from "../types";
import { provisionalLoud } from "../inbox";
import { Teller } from "./news";
import { EMPTY, reduce, type LiveData } from "./reducer";

const start: LiveData = {
  ...EMPTY,
  seq: 0,
  calls: new Map([["c", { call_id: "c" } as Call]]),
};
const event = (type: string, id: string, more: object = {}): EventMessage =>
  ({ seq: 0, type, at: 1, call_id: "c", alert_id: id, severity: "critical", ...more }) as EventMessage;
const spoken = (id: string, severity: Severity = "critical") =>
  event("provisional_alert", id, { severity });
const raised = (id: string, confirms = "") => event("alert", id, { confirms, evidence: {} });
const withdrawn = (id: string) => event("alert_withdrawn", id);

/** What is told of batches that come one after the other. */
function told(early: boolean, ...batches: EventMessage[][]): string[][] {
  const teller = new Teller();
  let data = start;
  return batches.map((batch) => {
    const before = data;
    data = batch.reduce(reduce, data);
    const news = teller.tell(batch, before, data, early);
    return news.map(({ what, about }) => `${what} ${about.alert_id}`);
  });
}

describe("what is told", () => {
  it("is an alert once, told provisionally before it stands", () => {
    const [alert] = [raised("a", "p")];
    expect(told(true, [spoken("p")], [spoken("p")], [alert!], [alert!])).toEqual([
      ["provisional p"],
      [],
      ["confirmed a"],
      [],
    ]);
  });

  it("is taken back once, and only if it was told", () => {
    expect(told(true, [spoken("p")], [withdrawn("p")], [withdrawn("p")])).toEqual([
      ["provisional p"],
      ["withdrawn p"],
      [],
    ]);
    expect(told(true, [withdrawn("unheard of")])).toEqual([[]]);
  });

  it("is told as it stands where it was settled at once", () => {
    expect(told(true, [spoken("p"), raised("a", "p")])).toEqual([["new a"]]);
    expect(told(true, [spoken("p"), withdrawn("p")])).toEqual([[]]);
  });

  it("is nothing provisional where no bar shows it, nor what breaks in nowhere", () => {
    expect(told(false, [spoken("p")], [raised("a", "p")])).toEqual([[], ["new a"]]);
    expect(told(true, [spoken("p", "medium")], [raised("a", "p")])).toEqual([[], ["new a"]]);
  });

  it("is not told again where the link broke before it stood", () => {
    const teller = new Teller();
    const before = reduce(start, spoken("p"));
    teller.tell([spoken("p")], start, before, true);
    const away = { ...before, provisional: new Map() };
    const [news] = teller.tell([raised("a", "p")], away, reduce(away, raised("a", "p")), true);
    expect(news?.what).toBe("confirmed");
  });
});

describe("the bar's provisional alerts", () => {
  const after = (...events: EventMessage[]) => events.reduce(reduce, start);
  const shown = ({ provisional, alerts }: LiveData, loudest: Alert | null) =>
    provisionalLoud([...provisional.values()], alerts, loudest).map((one) => one.alert_id);

  it("are those that break in, the gravest first", () => {
    const data = after(spoken("m", "medium"), spoken("h", "high"), spoken("c"));
    expect(shown(data, null)).toEqual(["c", "h"]);
  });

  it("stay to say what became of them, but not beside the alert itself", () => {
    const data = after(spoken("p"), spoken("q"), raised("a", "p"), withdrawn("q"));
    const alert = data.alerts.get("a")!;
    expect(shown(data, alert)).toEqual(["q"]);
    expect(shown(data, null)).toEqual(["p", "q"]);
    const taken = reduce(data, event("alert_acknowledged", "a", { by: "lead" }));
    expect(shown(taken, null)).toEqual(["q"]);
  });
});
