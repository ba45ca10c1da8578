// Errors as Node's own libraries make them: with `code`, and what else is known.

const { getSystemErrorName } = require('node:util');

/** Messages that programs written for `ws` look at. */
const MESSAGES = {
  ROPEWAY_HANDSHAKE_TIMEOUT: () => 'Opening handshake has timed out',
  ROPEWAY_TOO_MANY_REDIRECTS: () => 'Maximum redirects exceeded',
  ROPEWAY_UNEXPECTED_RESPONSE: ({ response }) => `Unexpected server response: ${response.status}`,
};

/** The end of an open connection by one of these is told by 'close' alone. */
const QUIET = new Set([
  'ROPEWAY_CONNECTION_LOST',
  'ROPEWAY_ABORTED',
  'ROPEWAY_NETWORK',
  'ROPEWAY_PONG_TIMEOUT',
  'ROPEWAY_CLOSE_TIMEOUT',
  'ROPEWAY_IDLE_TIMEOUT',
]);

/** The class that `ws` has for an error. */
function classOf(code) {
  return code.startsWith('WS_ERR_') && code !== 'WS_ERR_INVALID_UTF8' ? RangeError : Error;
}

/** An Error for what the native side told. */
function toError(told) {
  const error = new (classOf(told.code))(MESSAGES[told.code]?.(told) ?? told.message);
  error.code = told.code;
  error.fault = told.fault;
  if (told.errno !== undefined) {
    error.errno = -told.errno;
    error.code = getSystemErrorName(error.errno);
  }
  for (const name of ['address', 'port']) if (told[name] !== undefined) error[name] = told[name];
  return error;
}

/** Whether an error that ended an open connection is one that its application hears of by an 'error' event. */
function isLoud(told) {
  return !QUIET.has(told.code);
}

module.exports = { toError, isLoud };
