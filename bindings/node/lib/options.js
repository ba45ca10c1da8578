// What the options of a WebSocket or a WebSocketServer mean to the core. Those that the `ws` package has too are named as
// there; src/options.rs has the native names.

const { binding } = require('./engine');
const { debug } = require('./debug');

/** Numbers handed on under their own names: sizes in bytes, waits in milliseconds. */
const NUMBERS = [
  'maxPayload',
  'maxFragments',
  'maxHeadSize',
  'maxHeaders',
  'handshakeTimeout',
  'closeTimeout',
  'pingInterval',
  'pongTimeout',
  'idleTimeout',
  'maxQueuedBytes',
  'highWaterMark',
  'lowWaterMark',
];

/** For these 0 is no limit, as in `ws`. */
const UNLIMITED_BY_ZERO = new Set(['maxPayload', 'maxFragments']);

/** As many as an unsigned 32-bit number can count: no limit on fragments, 49 days, 4 GiB. */
const LARGEST = 2 ** 32 - 1;

/** `perMessageDeflate`: true, false, or an object as `ws` has it. */
function compression(value) {
  if (!value) return undefined;
  const settings = value === true ? {} : value;
  const bits = (name) => (typeof settings[name] === 'number' ? settings[name] : undefined);
  const zlib = settings.zlibDeflateOptions ?? {};
  return {
    serverNoContextTakeover: settings.serverNoContextTakeover,
    clientNoContextTakeover: settings.clientNoContextTakeover,
    serverMaxWindowBits: bits('serverMaxWindowBits'),
    clientMaxWindowBits: bits('clientMaxWindowBits'),
    threshold: settings.threshold,
    level: zlib.level,
    memoryLevel: zlib.memLevel,
  };
}

/** A field's values; Node takes a list for several fields of one name. */
function headerList(headers) {
  const list = [];
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) list.push(name, String(one));
  }
  return list;
}

/** The core's options for a server's connections, or a client's. */
function makeOptions(options, { server, protocols, headers }) {
  const settings = { server };
  for (const name of NUMBERS) {
    const value = options[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'number' || !(value >= 0)) {
      throw new RangeError(`The option ${name} must be a number that is not negative; it is ${value}`);
    }
    const isUnlimited = value === Infinity || (value === 0 && UNLIMITED_BY_ZERO.has(name));
    settings[name] = Math.min(isUnlimited ? Infinity : value, LARGEST);
  }
  settings.autoPong = options.autoPong;
  settings.closeSlowSubscribers = options.closeSlowSubscribers;
  settings.compression = compression(options.perMessageDeflate);
  settings.protocols = protocols;
  settings.headers = headers;
  settings.origin = options.origin;
  settings.plainHttp = Boolean(options.handleRequest);
  settings.trace = debug.enabled;
  return new binding.Options(settings);
}

module.exports = { makeOptions, headerList };
