// @ts-check
/**
 * WebDriver, as WebKit has it: WebKitGTK's MiniBrowser on a screen that nobody sees, or Safari on a Mac that allows it
 * (`safaridriver --enable`). https://www.w3.org/TR/webdriver2/
 *
 * A session is one browser process with a profile of its own. Its theme, and whether its user wants motion, are fixed when it starts.
 *
 * @typedef {{ isDark: boolean, isStill: boolean }} Taste what the user of a session wants
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether the driver is Safari's. */
export const IN_SAFARI = process.env.SAFARIDRIVER !== undefined;

/** How long a driver may take to answer for the first time, in milliseconds. */
const PATIENCE = 20_000;

/** Windows may be narrow: nothing around the page asks for room. */
const TRAPPINGS = 'button, entry, toolbar, toolitem, box, headerbar { min-width: 0; padding: 0; margin: 0; border: 0 }';

/** What has to end with this process. @type {Set<() => void>} */
const endings = new Set();
process.on('exit', () => {
  for (const end of endings) end();
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** Starts a program that ends when this process does. @param {string} program @param {string[]} given @param {NodeJS.ProcessEnv} env */
function start(program, given, env) {
  // In a group of its own, so that what it starts ends with it.
  const child = spawn(program, given, { env, detached: true, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const end = () => {
    endings.delete(end);
    try {
      if (child.pid) process.kill(-child.pid);
    } catch {
      // It has ended by itself.
    }
  };
  endings.add(end);
  // Neither keeps this process from ending.
  child.unref();
  const said = /** @type {import('node:net').Socket} */ (child.stdio[3]);
  said.unref();
  child.on('error', (error) => console.error(`${program} could not be started: ${error.message}`));
  return { said, end };
}

/** The screen that nobody sees, for all sessions of a process. @type {Promise<string> | undefined} */
let screen;

/** @returns {Promise<string>} its address */
async function startScreen() {
  const given = ['-displayfd', '3', '-screen', '0', '1600x2400x24', '-nolisten', 'tcp'];
  const { said } = start(process.env.XVFB ?? 'Xvfb', given, process.env);
  said.ref();
  const [number] = await once(said, 'data');
  said.unref();
  return `:${String(number).trim()}`;
}

/** A port that was free just now. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
}

/** What a driver answered instead of a value: `no such element`, `javascript error` and so on. */
export class DriverError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** @param {string} method @param {string} address @param {object} [body] @returns {Promise<any>} */
async function call(method, address, body) {
  const response = await fetch(address, { method, body: body && JSON.stringify(body) });
  const { value } = /** @type {any} */ (await response.json());
  if (!response.ok) throw new DriverError(value?.error ?? String(response.status), value?.message ?? '');
  return value;
}

/** A driver's program, what it is given, its environment, and what is asked of its browser. @param {Taste} taste @param {string} folder */
async function recipe(taste, folder) {
  if (IN_SAFARI) {
    return { program: process.env.SAFARIDRIVER ?? '', env: process.env, capabilities: { browserName: 'safari' } };
  }
  screen ??= startScreen();
  mkdirSync(join(folder, 'gtk-3.0'));
  writeFileSync(join(folder, 'gtk-3.0/settings.ini'), `[Settings]\ngtk-enable-animations=${taste.isStill ? 0 : 1}\n`);
  writeFileSync(join(folder, 'gtk-3.0/gtk.css'), TRAPPINGS);
  // XDG_…: no profile of the user's; no bus of accessibility or settings to wait for, no graphics hardware to fail.
  const env = {
    ...process.env,
    DISPLAY: await screen,
    XDG_CONFIG_HOME: folder,
    XDG_DATA_HOME: folder,
    XDG_CACHE_HOME: folder,
    NO_AT_BRIDGE: '1',
    GSETTINGS_BACKEND: 'memory',
    LIBGL_ALWAYS_SOFTWARE: '1',
  };
  const args = ['--automation', ...(taste.isDark ? ['--dark-mode'] : [])];
  const capabilities = { 'webkitgtk:browserOptions': { args } };
  return { program: process.env.WEBKITDRIVER ?? 'WebKitWebDriver', env, capabilities };
}

/** A browser process, and the way to it. */
export class Session {
  #address;
  #end;
  /** What was asked before is done. @type {Promise<unknown>} */ #last = Promise.resolve();
  /** The window and frames that commands go to. */
  place = '';

  /** @param {string} address @param {string} version @param {() => void} end */
  constructor(address, version, end) {
    this.#address = address;
    this.#end = end;
    this.version = version;
  }

  /** @param {Taste} taste @returns {Promise<Session>} */
  static async start(taste) {
    const folder = mkdtempSync(join(tmpdir(), 'pockets-webkit-'));
    const { program, env, capabilities } = await recipe(taste, folder);
    const port = await freePort();
    const { end } = start(program, IN_SAFARI ? ['-p', String(port)] : [`--port=${port}`], env);
    const clean = () => {
      end();
      rmSync(folder, { recursive: true, force: true });
    };
    const driver = `http://127.0.0.1:${port}`;
    for (const begun = performance.now(); ; await sleep(20)) {
      const answers = await call('GET', `${driver}/status`).catch(() => null);
      if (answers) break;
      if (performance.now() - begun > PATIENCE) throw new Error(`${program} does not answer.`);
    }
    const opened = await call('POST', `${driver}/session`, { capabilities: { alwaysMatch: capabilities } });
    return new Session(`${driver}/session/${opened.sessionId}`, opened.capabilities.browserVersion, clean);
  }

  /** Does something after everything before it: a browser has one window and one frame at a time that commands go to. @template T
   * @param {() => Promise<T>} does @returns {Promise<T>} */
  inTurn(does) {
    const done = this.#last.then(does);
    this.#last = done.catch(() => {});
    return done;
  }

  /** @param {string} path of a command, below the session's */
  get(path) {
    return call('GET', this.#address + path);
  }

  /** @param {string} path @param {object} [body] */
  post(path, body = {}) {
    return call('POST', this.#address + path, body);
  }

  /** Closes the window in use. */
  closeWindow() {
    return call('DELETE', `${this.#address}/window`);
  }

  /** Runs the body of a function in the page. @param {string} script @param {any[]} given @returns {Promise<any>} what it returned, awaited */
  run(script, given = []) {
    return this.post('/execute/sync', { script, args: given });
  }

  async close() {
    await call('DELETE', this.#address).catch(() => {});
    this.#end();
  }
}
