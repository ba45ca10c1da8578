// A request that waits to be accepted or refused: on the engine, or on a socket that an HTTP server of Node's has read it
// from.

const { AsyncResource } = require('node:async_hooks');
const http = require('node:http');
const net = require('node:net');
const tls = require('node:tls');

const { native, connections } = require('./engine');
const { Driver } = require('./driver');
const { headerList } = require('./options');
const { toHead } = require('./http');
const { ConnectionSocket } = require('./socket');

const taken = new WeakSet();

/** A refusal's parts, as `ws` sends them. */
function refusal(status, message, headers) {
  return {
    body: message ?? http.STATUS_CODES[status] ?? '',
    headers: headerList({ 'Content-Type': 'text/html', ...headers }),
  };
}

class EngineOpening {
  #server;
  #place;
  #request;
  #socket = null;

  constructor(server, request, place) {
    this.#server = server;
    this.#place = place;
    this.#request = request;
    request.belongsTo(this);
    connections[place] = this;
  }

  /** What stands for the connection's net.Socket. */
  get _socket() {
    this.#socket ??= new ConnectionSocket(this.#place, this.#server.options.tls !== null);
    return this.#socket;
  }

  get isOpen() {
    return this.#place >= 0;
  }

  /** Whether the request was still there to be accepted. If it was not, `_onClosed` tells so later in the batch. */
  accept(websocket, protocol, fields) {
    if (!native.accept(this.#place, protocol, fields)) return false;
    connections[this.#place] = websocket;
    websocket._place = this.#place;
    websocket._context = this.#server._context;
    if (this.#socket !== null) websocket._facade = this.#socket;
    this.#request.belongsTo(websocket);
    return true;
  }

  refuse(status, message, fields) {
    if (!this.isOpen) return;
    const { body, headers } = refusal(status, message, fields);
    native.refuse(this.#place, status, headers, body);
  }

  /** It has been refused, or has gone before it was answered. */
  _onClosed() {
    this.#place = -1;
    this.#socket?._ended();
  }
}

class StreamOpening {
  #server;
  #request;
  #socket;
  #head;

  constructor(server, request, socket, head) {
    this.#server = server;
    this.#request = request;
    this.#socket = socket;
    this.#head = head;
    socket.on('error', destroy);
  }

  get isOpen() {
    const socket = this.#socket;
    if (taken.has(socket)) {
      throw new Error(
        'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
      );
    }
    const isOpen = socket.readable && socket.writable;
    if (!isOpen) socket.destroy();
    return isOpen;
  }

  accept(websocket, protocol, fields) {
    const socket = this.#socket;
    const received = this.#received();
    const options = this.#server._coreOptions;
    taken.add(socket);
    socket.removeListener('error', destroy);
    if (!isPlain(socket)) {
      const place = native.attachServer(options, protocol, fields);
      new Driver(websocket, socket, place, this.#server.options.maxQueuedBytes, received);
      return true;
    }
    // They are asked for later, when the socket is gone.
    void socket.remoteAddress;
    void socket.localAddress;
    const place = native.adopt(socket._handle.fd, received, options, protocol, fields);
    if (typeof place !== 'number') throw new Error(place.message);
    websocket._place = place;
    websocket._context = new AsyncResource('WebSocket');
    connections[place] = websocket;
    // The engine has a descriptor of its own.
    socket.destroy();
    return true;
  }

  /** The request, and what came behind it. */
  #received() {
    const pieces = [toHead(this.#request), this.#head];
    for (let piece = this.#socket.read(); piece !== null; piece = this.#socket.read()) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  refuse(status, message, fields) {
    const { body, headers } = refusal(status, message, fields);
    let head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n`;
    head += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    this.answer(`${head}\r\n${body}`);
  }

  /** Sends a whole response, and ends the connection. */
  answer(response) {
    this.#socket.once('finish', destroy);
    this.#socket.end(response);
  }
}

function destroy() {
  this.destroy();
}

/** Whether the engine can take over a socket: a TCP or Unix one with nothing of Node's between. */
function isPlain(socket) {
  return (
    socket instanceof net.Socket &&
    !(socket instanceof tls.TLSSocket) &&
    socket._handle?.fd >= 0 &&
    socket.writableLength === 0
  );
}

module.exports = { EngineOpening, StreamOpening };
