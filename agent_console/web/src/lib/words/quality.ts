// Chinese, English.

export const QUALITY = {} as const;
