// Loads the native module, and tries it before anything relies on it.

const path = require('node:path');

const { version } = require('../package.json');

const platform = `${process.platform}-${process.arch}`;

function load() {
  // Bun and Deno name a version of libuv too, but have not its loop.
  const other = ['bun', 'deno'].find((name) => process.versions[name] !== undefined);
  const uv = other === undefined ? process.versions.uv : undefined;
  if (uv?.split('.')[0] !== '1') {
    const has = uv === undefined ? 'no event loop of libuv' : `libuv ${uv}`;
    throw new Error(
      `ropeway: this runtime (${other ?? process.release.name}) has ${has}; Node.js 20 or later is needed`,
    );
  }
  // Beside this package when it is built from its sources; otherwise from the package of the platform.
  const tried = [path.join(__dirname, '..', `ropeway.${platform}.node`), `@ropeway/${platform}`];
  for (const name of tried) {
    try {
      return require(name);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new Error(`ropeway: there is no native module for ${platform}; tried ${tried.join(' and ')}`);
}

const binding = load();

if (binding.Engine.version() !== version) {
  throw new Error(`ropeway: the native module is of version ${binding.Engine.version()}, the package of ${version}`);
}

module.exports = binding;
