// What can be sent, as bytes.

const { isUtf8 } = require('node:buffer');

const EMPTY = Buffer.alloc(0);
/** RFC 6455 section 5.5.1: a Close frame's payload without its code. */
const MAX_REASON = 123;

/** The bytes of what is no string: a Buffer that shares its memory. Numbers become strings, as in `ws`. */
function toBytes(data) {
  if (typeof data === 'string' || Buffer.isBuffer(data)) return data;
  if (data === undefined || data === null) return EMPTY;
  if (typeof data === 'number') return String(data);
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (Array.isArray(data) && data.length > 0 && data.every(ArrayBuffer.isView)) return Buffer.concat(data.map(toBytes));
  return Buffer.from(data);
}

/** RFC 6455 section 7.4: whether a code may stand in a Close frame. */
function isSendable(code) {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  );
}

/** The bytes of a close reason, checked with its code. */
function toCloseReason(code, reason) {
  if (code !== undefined && !(typeof code === 'number' && isSendable(code))) {
    throw new TypeError('First argument must be a valid error code number');
  }
  if (reason === undefined || reason === null || code === undefined) return EMPTY;
  if (typeof reason !== 'string' && !ArrayBuffer.isView(reason) && !(reason instanceof ArrayBuffer)) {
    throw new TypeError('The reason must be a string or bytes');
  }
  const bytes = Buffer.from(toBytes(reason));
  if (bytes.length > MAX_REASON) throw new RangeError('The message must not be greater than 123 bytes');
  if (!isUtf8(bytes)) throw new TypeError('The reason must be UTF-8');
  return bytes;
}

module.exports = { toBytes, toCloseReason };
