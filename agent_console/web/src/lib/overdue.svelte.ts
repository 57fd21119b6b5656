// How many complaints are late, for those who handle them: a number beside the page's name.

import * as complaints from "./api/complaints";

const MOST = 99;

class Overdue {
  count = $state(0);

  async read(): Promise<void> {
    // Without an answer the number stays; what is told next reads it again.
    const page = await complaints.list({ state: "overdue", limit: MOST }).catch(() => null);
    if (page) this.count = page.items.length;
  }
}

export const overdue = new Overdue();
