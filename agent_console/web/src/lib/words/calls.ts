// Past calls: Chinese, English.

export const CALLS = {
  play_from_here: ["从这里播放", "Play from here"],
} as const;
