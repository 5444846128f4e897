// @ts-check
/**
 * What stands between a page and the servers of this process, for a browser that lets nobody stand there itself (WebDriver knows neither
 * requests nor scripts that run before a page's own): answers of a test's own, a script that comes first, and a record of what was asked.
 *
 * @typedef {object} Answer
 * @property {Buffer | string} [body]
 * @property {string} [contentType]
 * @property {Record<string, string>} [headers]
 * @property {'cut' | 'through'} [way] the connection is cut; or it is answered as if nobody stood there
 *
 * @typedef {object} Standing
 * @property {(url: string, whole: () => Promise<Buffer>) => Promise<Answer | null>} answer what a test answers, if it does
 * @property {() => string} first a script, or nothing
 * @property {(url: string) => void} asked
 * @property {(status: number, url: string) => void} answered
 */

/** All who stand there: one for each context of a browser. @type {Set<Standing>} */
export const standings = new Set();

/** The first of the answers that tests have for an address. @param {string} url @param {() => Promise<Buffer>} whole */
export async function answerOf(url, whole) {
  for (const standing of standings) {
    const answer = await standing.answer(url, whole);
    if (answer) return answer;
  }
  return null;
}

/** A page with the scripts that come first: before its policy too, which therefore does not apply to them. @param {string} html */
export function withScripts(html) {
  const scripts = [...standings].map((standing) => standing.first()).filter(Boolean);
  return scripts.length ? html.replace(/<head[^>]*>/, (head) => `${head}<script>${scripts.join(';')}</script>`) : html;
}
