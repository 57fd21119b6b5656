// What helps with a call, as events tell it: score, topic, script, moods, sentences to say.

import type { Call, Emotion, EventMessage, Offer, Score, Script, Topic } from "../types";

type Handler = (call: Call, event: EventMessage) => Partial<Call>;

const scored =
  (final: boolean): Handler =>
  (call, event) => {
    if (!final && call.score?.final) return {};
    const { card, revision, score, items } = event as unknown as Score;
    return { score: { card, revision, score, items, final } };
  };

const scripted =
  (finished: boolean): Handler =>
  (call, event) => {
    if (!finished && call.script?.finished) return {};
    const { script, topic, title, title_en, steps, next_step } = event as unknown as Script;
    return {
      script: { script, topic, title, title_en, steps, next_step: next_step ?? "", finished },
    };
  };

export const NO_GUIDANCE = {
  score: null,
  topic: null,
  script: null,
  emotions: [],
  empathy: [],
  muted_rules: [],
} satisfies Partial<Call>;

export const GUIDANCE: Readonly<Record<string, Handler>> = {
  running_score: scored(false),
  score: scored(true),
  script_progress: scripted(false),
  script_finished: scripted(true),
  topic_detected(_call, event) {
    const { topic, title, title_en, confidence, stable } = event as unknown as Topic;
    return { topic: { topic, title, title_en, confidence, stable } };
  },
  emotion_changed(call, event) {
    const { role, scene, score, trend } = event as unknown as Emotion;
    const others = call.emotions.filter((other) => other.role !== role);
    return { emotions: [...others, { role, scene, score, trend }] };
  },
  empathy_offered(call, event) {
    const { offer_id, scene, sentences } = event as unknown as Offer;
    if (call.empathy.some((other) => other.offer_id === offer_id)) return {};
    const offer = { offer_id, scene, at: event.at, sentences, used: null, sentence_id: "" };
    return { empathy: [...call.empathy, offer] };
  },
  empathy_used: (call, event) => ({
    empathy: call.empathy.map((offer) =>
      offer.offer_id === event["offer_id"]
        ? {
            ...offer,
            used: event["used"] as boolean,
            sentence_id: event["sentence_id"] as string,
          }
        : offer,
    ),
  }),
  rule_muted(call, event) {
    const rule = event["rule"] as string;
    const others = call.muted_rules.filter((other) => other !== rule);
    return { muted_rules: event["muted"] === false ? others : [...others, rule] };
  },
};
