// What an agent is told of an alert on the own call: Chinese, English.

const APOLOGY = [
  "先致歉，听对方说完，再给办法和答复时间。",
  "Apologise, hear the caller out, then offer a way and a time.",
] as const;
const EMERGENCY = [
  "请对方立即拨打120，问清所在位置，不要先挂断。",
  "Have them call 120 at once, ask where they are, do not hang up first.",
] as const;
const VISIT = [
  "更正说法：疗效因人而异，请以医生面诊为准。",
  "Put it right: results vary, and the doctor decides at a visit.",
] as const;

/** What the agent can do, by an alert's kind: what its rule advises is for the lead. */
export const GENTLY: Readonly<Record<string, readonly [string, string]>> = {
  medical_emergency: EMERGENCY,
  emergency_not_directed: EMERGENCY,
  emergency_left_alone: EMERGENCY,
  self_harm_risk: [
    "多倾听、不评判，问清所在位置，不要挂断；组长会协助您。",
    "Listen and do not judge, ask where they are, stay on the line; your lead will help.",
  ],
  violence_threat: [
    "保持平静，不激化；组长会协助您。",
    "Stay calm and do not provoke; your lead will help.",
  ],
  red_line: VISIT,
  phone_diagnosis: VISIT,
  privacy_leak: [
    "不再透露他人信息，先核实来电者身份。",
    "Tell nothing more of others; verify who is calling first.",
  ],
  tout_suspected: ["不作承诺，请走正规渠道。", "Promise nothing; point to the regular ways."],
  taboo_phrase: APOLOGY,
  customer_complaint: APOLOGY,
  customer_anger: APOLOGY,
  escalation_threat: APOLOGY,
  appointment_readback_missing: [
    "复述时间、科室和医生，请对方确认。",
    "Read time, department and doctor back.",
  ],
  missing_greeting: ["报医院、工号，问需要什么帮助。", "Name the hospital and your number; offer help."],
  missing_closing: ["挂机前致谢或祝愿。", "Thank or wish well before hanging up."],
  interruption: ["请等对方说完。", "Let the caller finish."],
  dead_air: ["说明您正在查询。", "Say what you are doing."],
  fast_speech: ["请放慢语速。", "Speak more slowly."],
  long_hold: ["回线说明进度。", "Return and say how it stands."],
};

/** Once the call is over. */
export const GENTLY_AFTER = [
  "通话已结束：请补全登记；需要更正或致歉的，与组长商量回拨。",
  "The call is over: complete the record; where something has to be put right, agree with your lead on a call back.",
] as const;
