import type { Task } from './task.js';
import { bytes } from './tasks/bytes.js';
import { digits } from './tasks/digits.js';
import { gestures } from './tasks/gestures.js';
import { poses } from './tasks/poses.js';
import { strings } from './tasks/strings.js';
import { words } from './tasks/words.js';

/** In the order of the page. */
export const tasks: readonly Task[] = [bytes, words, digits, strings, gestures, poses];
