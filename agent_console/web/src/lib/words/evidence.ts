// What an alert rests on, and what was done to it: Chinese, English.

export const EVIDENCE = {
  evidence: ["依据", "Evidence"],
  of_rule: ["规则", "rule"],
  of_pack: ["版本", "version"],
  recognised_at: ["识别置信度 {n}%", "recognition {n} % sure"],
  words_around: ["前后双方的话", "What both sides said around it"],
  listen_from: ["从 {n} 起播放", "Play from {n}"],
  alert_history: ["处理记录", "What was done"],
  did_alert_acknowledged: ["确认", "acknowledged"],
  did_alert_assigned: ["指派给", "assigned to"],
  did_alert_unassigned: ["取消指派", "took it back"],
  did_alert_commented: ["备注", "commented"],
  did_alert_feedback: ["判定", "judged"],
  did_alert_escalated: ["上报到级别", "escalated to level"],
  by_timer: ["定时", "timer"],
} as const;
