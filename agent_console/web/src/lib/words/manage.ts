// Chinese, English.

export const MANAGE = {} as const;
