// @ts-check
/** The Worker that reads other people's files. */
import start, { serve } from '../../import.js';
import { listen } from '../serve.js';

listen(start, serve);
