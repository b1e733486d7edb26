import { budget } from './budget.js';
import { dispatch } from './dispatch.js';
import { drivers } from './drivers.js';
import { growth } from './growth.js';
import { members } from './members.js';
import { memory } from './memory.js';
import type { Section } from './section.js';
import { servers } from './servers.js';
import { shapes } from './shapes.js';
import { workers } from './workers.js';

/** Every section, in the order of the report. */
export const SECTIONS: readonly Section[] = [
  servers,
  workers,
  members,
  shapes,
  growth,
  dispatch,
  drivers,
  memory,
  budget,
];
