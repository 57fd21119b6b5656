// The words of all but the frame and the desk, which their code brings along.

import { learn } from "../i18n";
import { AGENT } from "./agent";
import { CALLS } from "./calls";
import { DAY } from "./day";
import { EVIDENCE } from "./evidence";
import { KEYS } from "./keys";
import { MANAGE } from "./manage";
import { ME } from "./me";
import { QUALITY } from "./quality";

export const LATER = { ...EVIDENCE, ...CALLS, ...AGENT, ...QUALITY, ...MANAGE, ...DAY, ...ME, ...KEYS };

learn(LATER);
