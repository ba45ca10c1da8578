// WebSocketServer, as the `ws` package has it: listening by itself, on the engine, or behind an HTTP server of Node's.

const { AsyncResource } = require('node:async_hooks');
const { EventEmitter } = require('node:events');
const { createHash } = require('node:crypto');
const dns = require('node:dns');
const net = require('node:net');

const { WebSocket } = require('./websocket');
const { EngineOpening, StreamOpening } = require('./opening');
const { binding, native, listeners, relay } = require('./engine');
const topics = require('./topics');
const { makeOptions } = require('./options');
const { toError } = require('./errors');
const { toRequest, toHead } = require('./http');
const { ConnectionSocket } = require('./socket');

const RUNNING = 0;
const CLOSING = 1;
const CLOSED = 2;

/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

class WebSocketServer extends EventEmitter {
  constructor(options, callback) {
    super();
    const defaults = {
      backlog: 511,
      clientTracking: true,
      handleProtocols: null,
      handleRequest: null,
      host: undefined,
      noServer: false,
      path: null,
      perMessageDeflate: false,
      port: null,
      server: null,
      tls: null,
      verifyClient: null,
      WebSocket,
    };
    this.options = { ...defaults, ...options };
    const { port, server, noServer } = this.options;
    if ([port !== null && port !== undefined, Boolean(server), Boolean(noServer)].filter(Boolean).length !== 1) {
      throw new TypeError('One and only one of the "port", "server", or "noServer" options must be specified');
    }
    this._coreOptions = makeOptions(this.options, { server: true });
    this._state = RUNNING;
    this._listener = null;
    /** What its connections' handlers run in (`AsyncLocalStorage`): the context that it was made in. */
    this._context = new AsyncResource('WebSocketServer');
    this._removeListeners = null;
    /** Connections that have not ended, those that are not open yet included. */
    this._connections = 0;
    if (this.options.clientTracking) this.clients = new Set();
    if (callback !== undefined) this.once('listening', callback);
    if (server) this._attach(server);
    else if (!noServer) this._listen();
  }

  /** The address that the server listens at. */
  address() {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    if (this.options.server) return this.options.server.address();
    return this._listener === null ? null : native.listenerAddress(this._listener);
  }

  /** Takes no more connections; 'close' comes when those that there are have ended. */
  close(callback) {
    if (this._state === CLOSED) {
      if (callback !== undefined) this.once('close', () => callback(new Error('The server is not running')));
      process.nextTick(() => this.emit('close'));
      return;
    }
    if (callback !== undefined) this.once('close', callback);
    if (this._state === CLOSING) return;
    this._state = CLOSING;
    this._removeListeners?.();
    if (this._listener !== null) {
      native.closeListener(this._listener);
      listeners[this._listener] = undefined;
      this._listener = null;
    }
    this._closeWhenEmpty();
  }

  _closeWhenEmpty() {
    const isTracked = this.clients !== undefined || (!this.options.server && !this.options.noServer);
    if (this._state !== CLOSING || (isTracked && this._connections > 0)) return;
    process.nextTick(() => {
      if (this._state === CLOSED) return;
      this._state = CLOSED;
      this.emit('close');
    });
  }

  /** Whether a request is for this server: override it, or set `path`. */
  shouldHandle(request) {
    if (!this.options.path) return true;
    const query = request.url.indexOf('?');
    return (query === -1 ? request.url : request.url.slice(0, query)) === this.options.path;
  }

  /** Sends to all subscribers of a topic. How many there are. */
  publish(topic, data, { binary } = {}) {
    return topics.publish(String(topic), data, binary ?? typeof data !== 'string');
  }

  /** Connects this thread's topics with those of other nodes, over the broker at `url`; null ends that. */
  relay(url, listener) {
    relay(url, listener);
  }

  /** What the relay has done; null without one. */
  relayMetrics() {
    return native.relayMetrics();
  }

  /** What all connections of this thread have done. */
  metrics() {
    return native.metrics();
  }

  /** The same as text for Prometheus. */
  prometheus() {
    return native.prometheus();
  }

  // Behind an HTTP server.

  _attach(server) {
    const added = {
      listening: () => this.emit('listening'),
      error: (error) => this.emit('error', error),
      upgrade: (request, socket, head) => {
        this.handleUpgrade(request, socket, head, (websocket) => this.emit('connection', websocket, request));
      },
    };
    for (const [name, listener] of Object.entries(added)) server.on(name, listener);
    this._removeListeners = () => {
      for (const [name, listener] of Object.entries(added)) server.removeListener(name, listener);
    };
  }

  /** Makes a WebSocket of a request that an HTTP server has read. */
  handleUpgrade(request, socket, head, callback) {
    const opening = new StreamOpening(this, request, socket, head);
    const refusal = binding.Engine.judge(toHead(request));
    if (refusal === null) {
      this._decide(request, opening, callback);
    } else if (this.listenerCount('wsClientError') > 0) {
      this.emit('wsClientError', new Error(refusal.message), socket, request);
    } else {
      opening.answer(refusal.response);
    }
  }

  // On the engine.

  _listen() {
    const { host } = this.options;
    if (host === undefined || host === null || host === '') {
      // Both families, where the system has both.
      this._listenAt('::', (error) =>
        error === null ? this._onListening() : this._listenAt('0.0.0.0', this._onListened),
      );
    } else if (net.isIP(host)) {
      this._listenAt(host, this._onListened);
    } else {
      dns.lookup(host, (error, address) => {
        if (error) this.emit('error', error);
        else if (this._state === RUNNING) this._listenAt(address, this._onListened);
      });
    }
  }

  _onListened = (error) => {
    if (error === null) this._onListening();
    else process.nextTick(() => this.emit('error', error));
  };

  _onListening() {
    process.nextTick(() => {
      if (this._state === RUNNING) this.emit('listening');
    });
  }

  _listenAt(address, done) {
    const { port, backlog, tls } = this.options;
    const listener = native.listen(
      address,
      Number(port),
      backlog ?? 511,
      this._coreOptions,
      tls ? tlsSettings(tls) : undefined,
    );
    if (typeof listener !== 'number') {
      const error = toError(listener);
      done(Object.assign(error, { syscall: 'listen', address, port: Number(port) }));
      return;
    }
    this._listener = listener;
    listeners[listener] = this;
    done(null);
  }

  _onRequest(place, told) {
    const request = toRequest(told);
    const opening = new EngineOpening(this, request, place);
    if (told.isUpgrade) {
      this._decide(request, opening, (websocket) => this.emit('connection', websocket, request));
    } else {
      this.options.handleRequest(request, (status, headers, body) => opening.refuse(status, body, headers));
    }
  }

  _onAcceptFailed(told) {
    this.emit('error', toError(told));
  }

  /** A connection failed before it asked for anything that can be judged; the core has answered it. */
  _onClientError({ cause, refused = { method: '', url: '', headers: [] } }) {
    if (cause === undefined || this.listenerCount('wsClientError') === 0) return;
    const socket = new ConnectionSocket(-1, this.options.tls !== null);
    const request = toRequest(refused);
    request.belongsTo({ _socket: socket });
    this.emit('wsClientError', toError(cause), socket, request);
  }

  // Both.

  _decide(request, opening, callback) {
    if (!this.shouldHandle(request)) return opening.refuse(400);
    const { verifyClient } = this.options;
    if (!verifyClient) return this._complete(request, opening, callback);
    const { headers, socket } = request;
    const info = { origin: headers.origin, secure: Boolean(socket.authorized || socket.encrypted), req: request };
    if (verifyClient.length === 2) {
      verifyClient(info, (isVerified, status = 401, message = undefined, fields = undefined) => {
        if (isVerified) this._complete(request, opening, callback);
        else opening.refuse(status, message, fields);
      });
    } else if (verifyClient(info)) {
      this._complete(request, opening, callback);
    } else {
      opening.refuse(401);
    }
  }

  _complete(request, opening, callback) {
    if (this._state !== RUNNING) return opening.refuse(503);
    if (!opening.isOpen) return;
    const offered = new Set(
      (request.headers['sec-websocket-protocol'] ?? '')
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    );
    let protocol;
    if (offered.size > 0) {
      const { handleProtocols } = this.options;
      protocol = handleProtocols ? handleProtocols(offered, request) : offered.values().next().value;
    }
    const fields = this._headerFields(request, protocol);
    const websocket = new this.options.WebSocket(null, undefined, this.options);
    websocket._server = this;
    if (protocol) websocket._protocol = protocol;
    websocket._onAccepted = callback;
    this._connections++;
    try {
      if (!opening.accept(websocket, protocol || undefined, fields)) this._connections--;
    } catch (error) {
      this._connections--;
      opening.refuse(500);
      throw error;
    }
  }

  /** What the listeners of 'headers' add to the response, names and values in turn. */
  _headerFields(request, protocol) {
    if (this.listenerCount('headers') === 0) return [];
    const accept = createHash('sha1')
      .update(request.headers['sec-websocket-key'] + GUID)
      .digest('base64');
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${accept}`,
    ];
    if (protocol) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
    const own = lines.length;
    this.emit('headers', lines, request);
    return lines.slice(own).flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    });
  }

  /** A connection is open. */
  _onConnection(websocket) {
    this.clients?.add(websocket);
    const callback = websocket._onAccepted;
    websocket._onAccepted = null;
    callback(websocket);
  }

  /** A connection has ended, or did not open after all. */
  _onGone(websocket) {
    this.clients?.delete(websocket);
    this._connections--;
    this._closeWhenEmpty();
  }
}

function tlsSettings({ cert, key, ca, requestCert, rejectUnauthorized }) {
  const isAsked = requestCert === true;
  return {
    cert,
    key,
    ca: isAsked ? [ca].flat().filter(Boolean) : undefined,
    requestCertOnly: isAsked && rejectUnauthorized === false,
  };
}

module.exports = { WebSocketServer };
