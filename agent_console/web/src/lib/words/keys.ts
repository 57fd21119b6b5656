// The sheet of keys: Chinese, English.

export const KEYS = {
  key_ack: ["确认选中的告警；没有选中时确认最紧急的", "Acknowledge the selected alert, or the most urgent one"],
  key_calls: ["下一通 / 上一通电话", "Next / previous call"],
  key_alerts: ["下一条 / 上一条告警", "Next / previous alert"],
  key_open: ["打开选中告警的通话", "Open the selected alert's call"],
  key_false_alarm: ["把选中的告警判为误报", "Judge the selected alert a false alarm"],
  key_take: ["接手选中的告警，再按一次放回", "Take the selected alert, or give it back"],
  key_comment: ["给选中的告警写备注", "Comment on the selected alert"],
  key_live: ["回到对话的最新处", "Jump to live in the conversation"],
  key_sound: ["声音开关", "Sound on or off"],
  key_pages: ["切换页面（先按 G）", "Go to a page (after G)"],
  key_help: ["显示本页", "Show this sheet"],
  keys_call: ["通话页与回放", "A call's page and its replay"],
  key_play: ["播放 / 暂停", "Play or pause"],
  key_skip: ["后退 / 前进 5 秒", "5 s back or on"],
  key_marks: ["下一处 / 上一处命中或告警", "Next or previous finding or alert"],
  key_replay_sound: ["回放的声音开 / 关", "Sound of a replay on or off"],
  keys_lists: ["投诉、知识库、登记", "Complaints, knowledge, records"],
  key_list: ["列表中下一条 / 上一条", "Next / previous in a list"],
  key_new: ["新建（投诉、条目）", "New (complaint, article)"],
  key_search: ["到搜索框", "Go to the search"],
} as const;
