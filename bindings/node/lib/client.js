// Opening a client's connection: the arguments of `new WebSocket(…)`, checked, and the way to the server.

const { AsyncResource } = require('node:async_hooks');
const { EventEmitter } = require('node:events');

const { binding, native, connections } = require('./engine');
const { makeOptions, headerList } = require('./options');
const { RequestOpening, needsRequest } = require('./request');
const { parseUrl } = require('./url');

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What stands for the http.ClientRequest in the events of the `ws` package. */
class ClientRequest extends EventEmitter {
  #websocket;

  constructor(websocket, url) {
    super();
    this.#websocket = websocket;
    this.method = 'GET';
    this.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
    this.host = url.hostname;
    this.path = url.pathname + url.search;
    /** The response of a server that refused. */
    this.res = null;
  }

  /** Gives the attempt up, or the rest of the response. */
  destroy() {
    if (this.res === null) this.#websocket.terminate();
    else this.res.resume();
    return this;
  }

  abort() {
    this.destroy();
  }
}

function checkProtocols(protocols) {
  const seen = new Set();
  for (const protocol of protocols) {
    if (typeof protocol !== 'string' || !TOKEN.test(protocol) || seen.has(protocol)) {
      throw new SyntaxError('An invalid or duplicated subprotocol was specified');
    }
    seen.add(protocol);
  }
  return [...seen];
}

/** `(protocols, options)` in all their forms. */
function sortArguments(protocols, options) {
  if (typeof protocols === 'object' && protocols !== null && !Array.isArray(protocols)) {
    options = protocols;
    protocols = undefined;
  }
  options ??= {};
  if (protocols === undefined) protocols = options.protocols ?? [];
  return { options, protocols: checkProtocols(Array.isArray(protocols) ? protocols : [protocols]) };
}

function listOf(value) {
  return value === undefined || Array.isArray(value) ? value : [value];
}

/** The core's TLS settings; none when the default ones do. */
function tlsSettings(options) {
  const { cert, key, servername } = options;
  const rejectUnauthorized = options.rejectUnauthorized ?? process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0';
  const ca = listOf(options.ca);
  if (rejectUnauthorized && [ca, cert, key, servername].every((value) => value === undefined)) return undefined;
  return new binding.TlsClientSettings({ ca, cert, key, servername: servername || undefined, rejectUnauthorized });
}

/** The caller's fields, with `auth` as Node's http has it. */
function requestHeaders(url, { headers, auth }) {
  const list = headerList(headers);
  const isTold = url.username !== '' || url.password !== '';
  if (auth && !isTold && !list.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'authorization')) {
    list.push('Authorization', `Basic ${Buffer.from(auth).toString('base64')}`);
  }
  return list;
}

/** Opens a client's connection. */
function openClient(websocket, address, protocolsArgument, optionsArgument) {
  const { options, protocols } = sortArguments(protocolsArgument, optionsArgument);
  const url = parseUrl(address);
  if (![undefined, 8, 13].includes(options.protocolVersion)) {
    throw new RangeError(`Unsupported protocol version: ${options.protocolVersion} (supported versions: 8, 13)`);
  }
  const made = makeOptions(
    { perMessageDeflate: true, ...options },
    { server: false, protocols, headers: requestHeaders(url, options) },
  );
  websocket._url = url.href;
  websocket._offersProtocols = protocols.length > 0;
  const { localAddress, proxy } = options;
  if (needsRequest(options)) {
    if (proxy) throw new TypeError('The option proxy does not go with those of an http.ClientRequest: use an agent');
    new RequestOpening(websocket, url, options, made);
    return;
  }
  websocket._req = new ClientRequest(websocket, url);
  const tls = url.protocol === 'wss:' ? tlsSettings(options) : undefined;
  const place = native.connect(url.href, made, { localAddress, proxy }, tls);
  if (typeof place !== 'number') throw Object.assign(new SyntaxError(place.message), { code: place.code });
  websocket._place = place;
  websocket._context = new AsyncResource('WebSocket');
  connections[place] = websocket;
}

module.exports = { openClient };
