// @ts-check
/** The Worker of a demo. */
import start, { serve } from '../pockets.js';
import { listen } from './serve.js';

listen(start, serve);
