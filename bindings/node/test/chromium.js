// Where the system's Chromium is.

const { execFileSync } = require('node:child_process');

/** Its path, or undefined where there is none. */
function findChromium() {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8', stdio: 'pipe' }).trim();
    } catch {
      // The next one, then.
    }
  }
  return undefined;
}

module.exports = { findChromium };
