// @ts-check
/** The Worker of the sections. */
import start, { serve } from '../../sections.js';
import { listen } from '../serve.js';

listen(start, serve);
