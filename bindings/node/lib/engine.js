// The engine of this JavaScript thread. The native side calls `dispatch` once for each wake-up, with a list of what
// happened; this file hands every event to the object at its connection's place.

const { AsyncResource } = require('node:async_hooks');

const binding = require('./binding');

// A record: what happened, the place, and the payload's offset and length in a slab (src/batch.rs has the same).
const RECORDS = 1024;
const RECORD = 4;
const TEXT = 1;
const BINARY = 2;
const PING = 3;
const PONG = 4;
const REQUEST = 5;
const OPENED = 6;
const CLOSED = 7;
const WRITABLE = 8;
const ACCEPT_FAILED = 9;
const RELAYED = 10;
// The payload is one of the values: the offset says which.
const VALUE = 0x100;
// The payload is in the wide slab.
const WIDE = 0x200;
// The payload is where it was read.
const READ = 0x400;
const KIND = 0xff;

/** Bits of what became of a message (src/seats.rs has the same). */
const QUEUED = 1;
const GATHERED = 2;
const REFUSED = 4;

/** Makes views as `Buffer.from(arrayBuffer, offset, length)` does, without its checks. */
const View = Buffer[Symbol.species];

const records = new Int32Array(RECORDS * RECORD);
/** By place: objects with the `_on…` methods that `deliver` calls. */
const connections = [];
/** By number: servers. */
const listeners = [];
/** Is told of other nodes' messages. */
let onRelayed;

let slab = new ArrayBuffer(0);
let wide = slab;
let region = slab;
let values = [];
let next = 0;
let end = 0;

/** Hands out a batch; with a count of -1 the rest of the last one, after a handler threw. */
function dispatch(count, newSlab, newWide, newRegion, newValues) {
  if (count >= 0) {
    next = 0;
    end = count;
    values = newValues;
    if (newSlab !== undefined) slab = newSlab.buffer;
    if (newWide !== undefined) wide = newWide.buffer;
    if (newRegion !== undefined) region = newRegion.buffer;
  }
  while (next < end) {
    const context = connections[records[next * RECORD + 1]]?._context;
    if (context === undefined) run(undefined);
    else context.runInAsyncScope(run, undefined, context);
  }
  values = undefined;
}

/** Hands out what belongs to one context (`AsyncLocalStorage`), as far as nothing else comes between. */
function run(context) {
  while (next < end) {
    const at = next * RECORD;
    const connection = connections[records[at + 1]];
    if (connection?._context !== context) return;
    next++;
    const kind = records[at];
    const offset = records[at + 2];
    const length = records[at + 3];
    const payload = kind & VALUE ? values[offset] : new View(blockOf(kind), offset, length);
    const what = kind & KIND;
    if (what <= BINARY && connection !== undefined) connection._onMessage(payload, what === BINARY);
    else deliver(what, records[at + 1], connection, payload);
  }
}

/** What holds a payload. */
function blockOf(kind) {
  if (kind & READ) return region;
  return kind & WIDE ? wide : slab;
}

function deliver(kind, place, connection, payload) {
  if (kind === REQUEST) {
    // Its server may have been closed by an earlier event of the batch.
    const server = listeners[payload.listener];
    if (server === undefined) native.abort(place);
    else tellServer(server, '_onRequest', place, payload);
  } else if (kind === ACCEPT_FAILED) {
    tellServer(listeners[place], '_onAcceptFailed', payload);
  } else if (kind === RELAYED) {
    onRelayed?.(payload.topic, payload.data, payload.isBinary);
  } else if (connection === undefined) {
    if (kind === CLOSED && payload.listener !== undefined) {
      tellServer(listeners[payload.listener], '_onClientError', payload);
    }
  } else if (kind === CLOSED) {
    connections[place] = undefined;
    connection._onClosed(payload);
  } else {
    tell(connection, kind, payload);
  }
}

/** Calls a method of a server, if it is still there, in its context. */
function tellServer(server, method, ...values) {
  server?._context.runInAsyncScope(server[method], server, ...values);
}

/** What a connection is told besides its end. */
function tell(connection, kind, payload) {
  switch (kind) {
    case TEXT:
      return connection._onMessage(payload, false);
    case BINARY:
      return connection._onMessage(payload, true);
    case PING:
      return connection._onPing(payload);
    case PONG:
      return connection._onPong(payload);
    case OPENED:
      return connection._onOpened(payload);
    case WRITABLE:
      return connection._onWritable();
  }
}

const native = new binding.Engine(records, dispatch);
const { send, queuedBytes, release } = native.functions();

/** Connects topics with those of other nodes; `listener` is told of their messages, in the context of this call. */
function relay(url, listener) {
  native.relay(url, listener !== undefined);
  onRelayed = listener && AsyncResource.bind(listener);
}

/** Sends what was gathered, at the end of the present callback. */
function releaseSoon() {
  process.nextTick(release);
}

module.exports = {
  binding,
  connections,
  listeners,
  native,
  send,
  queuedBytes,
  relay,
  releaseSoon,
  tell,
  BINARY,
  OPENED,
  CLOSED,
  GATHERED,
  QUEUED,
  REFUSED,
};
