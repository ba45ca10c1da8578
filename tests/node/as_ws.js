// Preloaded in a checkout of the `ws` package: what its tests require of the package is Ropeway's.

const Module = require('node:module');
const path = require('node:path');

const ropeway = require('../../bindings/node');

const STANDS_FOR = {
  'index.js': ropeway,
  'lib/event-target.js': ropeway,
  'lib/stream.js': ropeway.createWebSocketStream,
};

const load = Module._load;
Module._load = function (request, parent, ...rest) {
  const file = request.startsWith('.') ? Module._resolveFilename(request, parent) : '';
  const own = path.relative(process.cwd(), file);
  return Object.hasOwn(STANDS_FOR, own) ? STANDS_FOR[own] : load.call(this, request, parent, ...rest);
};
