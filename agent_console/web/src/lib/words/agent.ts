// Chinese, English.

export const AGENT = {} as const;
