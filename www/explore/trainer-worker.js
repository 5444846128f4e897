// @ts-check
/** The Worker of the trainer. */
import start, { serve } from '../../feed.js';
import { listen } from '../serve.js';

listen(start, serve);
