// WebSocket: the class of the web (WHATWG HTML, "The WebSocket interface") and of the `ws` package in one.

const { EventEmitter } = require('node:events');

const { installEventTarget } = require('./events');
const { toError, isLoud } = require('./errors');
const { openClient } = require('./client');
const { ConnectionSocket } = require('./socket');
const { toBytes, toCloseReason } = require('./data');
const { toResponse } = require('./http');
const topics = require('./topics');
const { debug } = require('./debug');
const engine = require('./engine');

const { native, send, queuedBytes, releaseSoon, GATHERED, QUEUED, REFUSED } = engine;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];
const BINARY_TYPES = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'];
const EMPTY = Buffer.alloc(0);
/** RFC 6455 section 5.5: a control frame's payload. */
const MAX_CONTROL = 125;
const GIVEN_UP = 'WebSocket was closed before the connection was established';

// What `send` is told of a message (src/send.rs has the same).
const BINARY = 1;
const PLAIN = 2;
const FRAGMENT = 4;
const LAST = 8;
const STRING = 16;

/** An EventEmitter's listeners, by event: at a fifth of the memory of the dictionary that it makes for them. */
function Listeners() {}
Listeners.prototype = Object.create(null);

class WebSocket extends EventEmitter {
  constructor(address, protocols, options) {
    super();
    this._events = new Listeners();
    this._readyState = CONNECTING;
    /** Where the native side has it; -1 when it has not. */
    this._place = -1;
    this._server = null;
    /** Who hears of it when a server's connection is open. */
    this._onAccepted = null;
    /** What its handlers run in (`AsyncLocalStorage`), on the engine. */
    this._context = undefined;
    if (address !== null) openClient(this, address, protocols, options);
  }

  get binaryType() {
    return this._binaryType;
  }

  set binaryType(type) {
    if (BINARY_TYPES.includes(type)) this._binaryType = type;
  }

  get bufferedAmount() {
    const queued = this._place < 0 ? 0 : queuedBytes(this._place);
    return this._bufferedAfterEnd + queued + (this._driver?.bufferedAmount ?? 0);
  }

  get extensions() {
    return this._extensions;
  }

  get isPaused() {
    return this._paused;
  }

  get protocol() {
    return this._protocol;
  }

  get readyState() {
    return this._readyState;
  }

  get url() {
    return this._url;
  }

  /** What stands for the connection's net.Socket; null before there is one. */
  get _socket() {
    if (this._driver !== null) return this._driver.stream;
    const isSecure = this._server === null ? this._url.startsWith('wss:') : this._server.options.tls !== null;
    if (this._place >= 0 || this._server !== null) this._facade ??= new ConnectionSocket(this._place, isSecure);
    return this._facade;
  }

  send(data, options, callback) {
    if (this._readyState !== OPEN) return this._sendAfterEnd(data, options, callback);
    if (typeof options === 'function') {
      callback = options;
      options = undefined;
    }
    let flags = BINARY;
    let length = 0;
    if (typeof data === 'string') {
      flags = STRING;
      length = data.length;
    }
    if (options !== undefined && options !== null) {
      if (options.binary !== undefined) flags = options.binary ? flags | BINARY : flags & ~BINARY;
      if (options.compress === false) flags |= PLAIN;
      if (options.fin === false) flags |= FRAGMENT;
    }
    if (this._behind !== null) {
      this._behind.push(() => this._sendNow(data, flags, length, callback));
      return;
    }
    this._sendNow(data, flags, length, callback);
  }

  _sendNow(data, flags, length, callback) {
    if ((flags & STRING) === 0 && !ArrayBuffer.isView(data)) {
      if (data instanceof Blob) return this._sendBlob(data, flags, callback);
      data = toBytes(data);
      if (typeof data === 'string') {
        flags = (flags & ~BINARY) | STRING;
        length = data.length;
      }
    }
    const kind = this._sending;
    if (kind !== 0) {
      flags = (flags & ~BINARY) | kind | ((flags & FRAGMENT) === 0 ? LAST : 0);
    }
    if ((flags & FRAGMENT) !== 0) this._sending = (flags & LAST) === 0 ? flags & (BINARY | FRAGMENT) : 0;
    let outcome;
    try {
      if (this._driver?.isFull(length || data.byteLength)) throw fullError();
      outcome = send(this._place, data, flags, length);
    } catch (error) {
      if (callback === undefined) throw error;
      process.nextTick(callback, error);
      return;
    }
    if (outcome !== undefined || callback !== undefined || this._driver !== null) {
      this._sent(outcome ?? 0, callback);
    }
  }

  /** What is left to do once the native side has a message. */
  _sent(outcome, callback) {
    if (this._driver !== null) {
      this._driver.flushSoon(callback);
      return;
    }
    if (outcome & GATHERED) releaseSoon();
    if (callback === undefined) {
      if (outcome & QUEUED) this._waiting ??= [];
    } else if (outcome & REFUSED) {
      process.nextTick(callback, notOpen(CLOSING));
    } else if (outcome & QUEUED || this._waiting !== null) {
      this._waiting ??= [];
      this._waiting.push(callback);
    } else {
      process.nextTick(callback);
    }
  }

  async _sendBlob(blob, flags, callback) {
    this._behind = [];
    let bytes;
    let failure;
    try {
      bytes = Buffer.from(await blob.arrayBuffer());
    } catch (error) {
      failure = error;
    }
    const behind = this._behind;
    this._behind = null;
    if (failure !== undefined) this._blobFailed(failure, callback);
    else this._sendNow(bytes, flags, 0, callback);
    for (const [index, action] of behind.entries()) {
      // One of them was a Blob again: the others wait for it.
      if (this._behind !== null) {
        this._behind.push(...behind.slice(index));
        return;
      }
      action();
    }
  }

  /** A message that cannot be sent: nobody waits for the rest of them. */
  _blobFailed(reason, callback) {
    callback?.(reason);
    this._abortReason ??= reason;
    this.terminate();
  }

  _sendAfterEnd(data, options, callback) {
    if (this._readyState === CONNECTING) throw notOpen(CONNECTING);
    if (data instanceof Blob) this._bufferedAfterEnd += data.size;
    else this._bufferedAfterEnd += Buffer.byteLength(toBytes(data));
    const done = typeof options === 'function' ? options : callback;
    if (done !== undefined) process.nextTick(done, notOpen(this._readyState));
  }

  ping(data, mask, callback) {
    this._control('ping', data, mask, callback);
  }

  pong(data, mask, callback) {
    this._control('pong', data, mask, callback);
  }

  _control(name, data, mask, callback) {
    const done = [data, mask, callback].find((argument) => typeof argument === 'function');
    if (typeof data === 'function') data = undefined;
    if (this._readyState !== OPEN) return this._sendAfterEnd(data, done);
    const bytes = Buffer.from(toBytes(data));
    if (bytes.length > MAX_CONTROL) {
      throw new RangeError(`The data size must not be greater than ${MAX_CONTROL} bytes`);
    }
    if (this._behind !== null) this._behind.push(() => this._sent(native[name](this._place, bytes), done));
    else this._sent(native[name](this._place, bytes), done);
  }

  close(code, reason) {
    if (this._readyState === CLOSED || this._readyState === CLOSING) return;
    if (this._readyState === CONNECTING) return this._giveUp(new Error(GIVEN_UP));
    const bytes = toCloseReason(code, reason);
    if (this._behind !== null) {
      this._behind.push(() => this._close(code, bytes));
    } else {
      this._close(code, bytes);
    }
    this._readyState = CLOSING;
  }

  _close(code, reason) {
    if (this._place < 0) return;
    native.close(this._place, code ?? 1005, reason);
    this._driver?.flushSoon();
  }

  terminate() {
    if (this._readyState === CLOSED) return;
    if (this._readyState === CONNECTING) return this._giveUp(new Error(GIVEN_UP));
    this._readyState = CLOSING;
    if (this._place >= 0) native.abort(this._place);
    this._driver?.stream.destroy();
  }

  /** Ends an attempt that has not come to anything yet. */
  _giveUp(reason) {
    this._readyState = CLOSING;
    this._abortReason = reason;
    this._requestOpening?.abandon();
    if (this._driver !== null) this._driver.stream.destroy();
    else if (this._place >= 0) native.abort(this._place);
    else process.nextTick(() => this._fail(reason));
  }

  pause() {
    if (this._readyState === CONNECTING || this._readyState === CLOSED) return;
    this._paused = true;
    if (this._driver !== null) this._driver.stream.pause();
    else if (this._place >= 0) native.setPaused(this._place, true);
  }

  resume() {
    if (this._readyState === CONNECTING || this._readyState === CLOSED) return;
    this._paused = false;
    if (this._held !== null) process.nextTick(() => !this._paused && this._deliverHeld());
    if (this._driver !== null) this._driver.stream.resume();
    else if (this._place >= 0) native.setPaused(this._place, false);
  }

  /** Gets what is published to a topic from now on. Whether it did not before. */
  subscribe(topic) {
    return topics.subscribe(this, String(topic));
  }

  /** Gets it no more. Whether it did. */
  unsubscribe(topic) {
    return topics.unsubscribe(this, String(topic));
  }

  /** What it has done; null once it is closed, and over a stream of Node's. */
  metrics() {
    return this._place < 0 ? null : native.connectionMetrics(this._place);
  }

  // What the engine tells.

  _onOpened({ protocol, extensions, response }) {
    if (protocol !== '') this._protocol = protocol;
    if (extensions !== '') this._extensions = extensions.split(';', 1)[0].trim();
    if (response !== undefined && this._readyState === CONNECTING)
      this.emit('upgrade', toResponse(response, this._socket));
    // A listener may have given it up.
    if (this._readyState !== CONNECTING) return;
    if (this._offersProtocols && protocol === '') return this._giveUp(new Error('Server sent no subprotocol'));
    this._readyState = OPEN;
    debug('%s opened', this._server === null ? this._url : 'a connection of a server');
    if (this._server !== null) this._server._onConnection(this);
    else this.emit('open');
  }

  _onMessage(data, isBinary) {
    if (this._paused || this._held !== null) {
      this._held ??= [];
      this._held.push(data, isBinary);
      return;
    }
    this._emitMessage(data, isBinary);
  }

  _emitMessage(data, isBinary) {
    if (!isBinary || this._binaryType === 'nodebuffer') this.emit('message', data, isBinary);
    else this.emit('message', this._binary(data), true);
  }

  _binary(data) {
    switch (this._binaryType) {
      case 'arraybuffer':
        return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
      case 'fragments':
        return [data];
      default:
        return new Blob([data]);
    }
  }

  /** Tells what came behind a pause, in spite of another one when the connection has ended. */
  _deliverHeld() {
    const held = this._held;
    this._held = null;
    for (let i = 0; i < (held?.length ?? 0); i += 2) {
      if (this._place >= 0) this._onMessage(held[i], held[i + 1]);
      else this._emitMessage(held[i], held[i + 1]);
    }
  }

  _onPing(data) {
    this.emit('ping', Buffer.from(data));
  }

  _onPong(data) {
    this.emit('pong', Buffer.from(data));
  }

  _onWritable() {
    const waiting = this._waiting;
    this._waiting = null;
    for (const callback of waiting ?? []) callback();
    this.emit('drain');
  }

  _onClosed({ code, reason, received, sent, cause }) {
    const before = this._readyState;
    this._place = -1;
    this._deliverHeld();
    this._closeCode = code;
    this._closeReason = reason;
    this._wasClean = received && sent && cause === undefined;
    debug('closed with %d%s', code, cause === undefined ? '' : `: ${cause.message}`);
    let error = this._abortReason;
    if (error === null && cause !== undefined) {
      if (before === CONNECTING) {
        // A server's connection that did not open is one that nobody listens to yet.
        if (this._server !== null) error = null;
        else if (cause.response !== undefined && this._unexpectedResponse(cause.response)) return;
        else error = toError(cause);
      } else if (isLoud(cause)) {
        error = toError(cause);
      }
    }
    this._fail(error);
  }

  /** Whether somebody takes the response of a server that refused: then the listener closes the WebSocket. */
  _unexpectedResponse(response) {
    if (this.listenerCount('unexpected-response') === 0) return false;
    this._facade?._ended();
    this._req.res = toResponse(response, this._facade);
    this.emit('unexpected-response', this._req, this._req.res);
    return true;
  }

  /** The end, after an error or not. */
  _fail(error) {
    this._readyState = CLOSING;
    try {
      if (error !== null) this.emit('error', error);
    } finally {
      this._end();
    }
  }

  _end() {
    this._readyState = CLOSED;
    this._facade?._ended();
    if (this._driver !== null) topics.leave(this);
    this._server?._onGone(this);
    const waiting = this._waiting;
    this._waiting = null;
    for (const callback of waiting ?? []) process.nextTick(callback, notOpen(CLOSED));
    this.emit('close', this._closeCode, this._closeReason);
  }
}

// What most connections have not, or not before their end, stands here until it is set.
Object.assign(WebSocket.prototype, {
  _url: '',
  _protocol: '',
  _extensions: '',
  _offersProtocols: false,
  /** The driver of a connection over a stream of Node's. */
  _driver: null,
  _binaryType: BINARY_TYPES[0],
  _paused: false,
  /** Messages that came in the batch in which `pause` was called. */
  _held: null,
  /** Callbacks of sends that wait for the queue to fall. */
  _waiting: null,
  /** Sends behind a Blob that is being read. */
  _behind: null,
  /** The kind of the message that is being sent in fragments, with FRAGMENT; 0 when there is none. */
  _sending: 0,
  /** A client's opening by a request of Node's. */
  _requestOpening: null,
  /** What stands for the socket of a connection on the engine. */
  _facade: null,
  /** Why it was given up before it opened. */
  _abortReason: null,
  _closeCode: 1006,
  _closeReason: EMPTY,
  _wasClean: false,
  _bufferedAfterEnd: 0,
});

function fullError() {
  return Object.assign(new Error('the send queue is at its limit, maxQueuedBytes'), { code: 'ROPEWAY_SEND' });
}

function notOpen(state) {
  return new Error(`WebSocket is not open: readyState ${state} (${STATES[state]})`);
}

for (const [value, name] of STATES.entries()) {
  const descriptor = { enumerable: true, value };
  Object.defineProperty(WebSocket, name, descriptor);
  Object.defineProperty(WebSocket.prototype, name, descriptor);
}
for (const name of ['binaryType', 'bufferedAmount', 'extensions', 'isPaused', 'protocol', 'readyState', 'url']) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}
installEventTarget(WebSocket.prototype);

module.exports = { WebSocket };
