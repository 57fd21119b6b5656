import { describe, expect, it } from "vitest";
import document from "../../../../../tests/data/console/live_fold.json";
import type { Alert, Call, EventMessage, Hello, Message } from "../types";
import { NO_GUIDANCE } from "./guidance";
import { EMPTY, reduce, type LiveData } from "./reducer";

interface Fold {
  messages: EventMessage[];
  expected: { calls: Call[]; alerts: Alert[] };
}

// The same file holds the server's fold to the same result.
const file = document as unknown as Fold;
const fold: Fold = {
  ...file,
  expected: {
    ...file.expected,
    calls: file.expected.calls.map((call) => ({ ...NO_GUIDANCE, ...call })),
  },
};

function hello(more: Partial<Hello> = {}): Hello {
  return {
    type: "hello",
    protocol: 1,
    limits: { wait_s: 15, rings: 3, talk_s: 600 },
    heartbeat_s: 10,
    ended_shown: 30,
    user: { username: "lead", role: "lead" },
    time: 0,
    rate: 1,
    zone: "Asia/Shanghai",
    escalation: [],
    stream: "journal",
    seq: 0,
    health: [],
    speech: [],
    snapshot: { calls: [], alerts: [] },
    ...more,
  };
}

function all(data: LiveData) {
  return {
    calls: [...data.calls.values()].sort((a, b) => a.joined_at - b.joined_at),
    alerts: [...data.alerts.values()].sort((a, b) => a.at - b.at),
  };
}

const after = (messages: Message[], begin = reduce(EMPTY, hello())) => messages.reduce(reduce, begin);

describe("my own phone", () => {
  const told = (state: string, mode = "listen") =>
    ({ type: "supervision_changed", at: 1, seq: 0, call_id: "c", mode, state }) as EventMessage;
  const known = (data: LiveData) => [...data.listening.values()];

  it("is told of from its ringing to its end", () => {
    const rings = after([told("ringing")]);
    expect(known(rings)).toEqual([{ call_id: "c", mode: "listen", state: "ringing" }]);
    const hears = after([told("listening", "barge")], rings);
    expect(known(hears)).toEqual([{ call_id: "c", mode: "barge", state: "listening" }]);
    expect(known(after([told("over", "barge")], hears))).toEqual([]);
  });

  it("is as the server says when the page comes back", () => {
    const mine = { call_id: "d", mode: "whisper", state: "listening" } as const;
    const back = reduce(after([told("listening")]), hello({ listening: [mine] }));
    expect(known(back)).toEqual([mine]);
    expect(known(reduce(back, hello({ snapshot: null })))).toEqual([]);
  });
});

describe("the fold", () => {
  it("comes to the same state as the server's", () => {
    expect(all(after(fold.messages))).toEqual(fold.expected);
  });

  it("ignores numbers that it has seen", () => {
    const twice = fold.messages.flatMap((message) => [
      message,
      ...fold.messages.filter((other) => other.seq && other.seq <= message.seq),
    ]);
    expect(all(after(twice))).toEqual(fold.expected);
  });

  it("never changes what it was given", () => {
    let data = reduce(EMPTY, hello());
    for (const message of fold.messages) {
      const before = structuredClone(data);
      const next = reduce(data, message);
      expect(data).toEqual(before);
      data = next;
    }
  });

  it("keeps as many ended calls as the server says", () => {
    const record = fold.messages.find((message) => message.type === "call_ended")!;
    const joined = fold.messages.find((message) => message.type === "call_joined")!;
    const messages = ["a", "b", "c"].flatMap((call_id, n) => [
      { ...joined, seq: 0, call_id },
      { ...record, seq: 0, call_id, record: { ...(record["record"] as object), ended_at: n } },
    ]);
    const data = after(messages, reduce(EMPTY, hello({ ended_shown: 2 })));
    expect([...data.calls.keys()]).toEqual(["b", "c"]);
  });
});

describe("coming back", () => {
  const middle = Math.floor(fold.messages.length / 2);
  const first = after(fold.messages.slice(0, middle));

  it("goes on from what it has when the server resumes", () => {
    const resumed = reduce(first, hello({ seq: first.seq!, snapshot: null }));
    const done = after(fold.messages.slice(middle), resumed);
    expect(all(done)).toEqual(fold.expected);
  });

  it("takes a snapshot in place of all it had", () => {
    const fresh = hello({ seq: 900, stream: "another", snapshot: fold.expected });
    const data = reduce(first, fresh);
    expect(all(data)).toEqual(fold.expected);
    expect([data.seq, data.stream]).toEqual([900, "another"]);
  });

  it("learns of partials that it missed and forgets who was speaking", () => {
    const call = { ...fold.expected.calls[1]!, speaking: ["agent" as const] };
    const had = reduce(EMPTY, hello({ snapshot: { calls: [call], alerts: [] } }));
    const quiet = reduce(had, hello({ snapshot: null }));
    expect(quiet.calls.get(call.call_id)!.speaking).toEqual([]);
    const turn = {
      segment_id: "s",
      role: "customer" as const,
      start: 1,
      end: 2,
      text: "喂",
      final: false,
      revision: 1,
      stable: 0,
      confidence: null,
      unintelligible: false,
    };
    const speech = [{ call_id: call.call_id, speaking: ["customer" as const], turns: [turn] }];
    const told = reduce(had, hello({ snapshot: null, speech }));
    expect(told.calls.get(call.call_id)!.turns).toContainEqual(turn);
    expect(told.calls.get(call.call_id)!.speaking).toEqual(["customer"]);
  });
});
