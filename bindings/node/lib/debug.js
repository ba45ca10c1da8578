// What `NODE_DEBUG=ropeway` shows on the standard error stream: openings and ends here, each frame by the core.

const { debuglog } = require('node:util');

module.exports = { debug: debuglog('ropeway') };
