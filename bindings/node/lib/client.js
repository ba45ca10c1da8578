// Opening a client's connection: the arguments of `new WebSocket(…)`, checked, and the way to the server.

const { EventEmitter } = require('node:events');
const net = require('node:net');
const nodeTls = require('node:tls');

const { binding, native, connections } = require('./engine');
const { Driver } = require('./driver');
const { makeOptions, headerList } = require('./options');

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Settings of TLS that Node's own implementation is used for. */
const NODES_TLS = ['pfx', 'passphrase', 'ciphers', 'secureContext', 'checkServerIdentity', 'minVersion', 'maxVersion'];

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
  }

  /** Gives the attempt up. */
  destroy() {
    this.#websocket.terminate();
    return this;
  }

  abort() {
    this.destroy();
  }
}

function parseUrl(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    throw new SyntaxError(`Invalid URL: ${address}`);
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') url.protocol = url.protocol.replace('http', 'ws');
  if (!['ws:', 'wss:', 'ws+unix:'].includes(url.protocol)) {
    throw new SyntaxError('The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"');
  }
  if (url.protocol === 'ws+unix:' && url.pathname === '') throw new SyntaxError("The URL's pathname is empty");
  if (url.hash !== '') throw new SyntaxError('The URL contains a fragment identifier');
  return url;
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
  protocols ??= options.protocols ?? [];
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

/** Where a stream of Node's is to lead. */
function target(url, options) {
  const secure = url.protocol === 'wss:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    ...options,
    host,
    port: Number(url.port) || (secure ? 443 : 80),
    path: undefined,
    secureEndpoint: secure,
    servername: options.servername ?? (net.isIP(host) ? '' : host),
  };
}

/** How the stream comes to be when it is not the engine's: a function that makes it, or a promise of it. */
function streamOpener(url, options) {
  const { createConnection, agent } = options;
  if (typeof createConnection === 'function') return createConnection;
  if (typeof agent?.connect === 'function') return (where) => agent.connect(new EventEmitter(), where);
  if (typeof agent?.createConnection === 'function') return (where) => agent.createConnection(where);
  if (agent !== undefined && agent !== null && agent !== false) {
    throw new TypeError('The agent has neither connect nor createConnection');
  }
  if (url.protocol === 'wss:' && NODES_TLS.some((name) => options[name] !== undefined)) return nodeTls.connect;
  return undefined;
}

/** The caller's fields, with `auth` as Node's http has it. */
function requestHeaders({ headers, auth }) {
  const list = headerList(headers);
  if (auth && !list.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'authorization')) {
    list.push('Authorization', `Basic ${Buffer.from(auth).toString('base64')}`);
  }
  return list;
}

/** Opens a client's connection. */
function openClient(websocket, address, protocolsArgument, optionsArgument) {
  const { options, protocols } = sortArguments(protocolsArgument, optionsArgument);
  const url = parseUrl(address);
  if (options.finishRequest !== undefined) {
    throw new TypeError('finishRequest is not supported: hand the header fields in as headers');
  }
  if (![undefined, 8, 13].includes(options.protocolVersion)) {
    throw new RangeError(`Unsupported protocol version: ${options.protocolVersion} (supported versions: 8, 13)`);
  }
  const made = makeOptions(
    { perMessageDeflate: true, ...options },
    { server: false, protocols, headers: requestHeaders(options) },
  );
  websocket._url = url.href;
  websocket._request = new ClientRequest(websocket, url);
  const opener = streamOpener(url, options);
  if (opener === undefined) {
    const { followRedirects, maxRedirects = 10, localAddress, proxy } = options;
    const dial = { maxRedirects: followRedirects ? maxRedirects : 0, localAddress, proxy };
    const tls = url.protocol === 'wss:' || followRedirects ? tlsSettings(options) : undefined;
    const place = native.connect(url.href, made, dial, tls);
    if (typeof place !== 'number') throw Object.assign(new SyntaxError(place.message), { code: place.code });
    websocket._place = place;
    connections[place] = websocket;
    return;
  }
  openOver(websocket, url, made, opener(target(url, options)), options.maxQueuedBytes);
}

/** Goes on over a stream of Node's. */
async function openOver(websocket, url, options, streamOrPromise, limit) {
  try {
    const stream = await streamOrPromise;
    if (websocket._readyState !== 0) {
      stream.destroy();
      return;
    }
    new Driver(websocket, stream, native.attachClient(url.href, options), limit);
  } catch (error) {
    if (websocket._readyState === 0) websocket._fail(error);
  }
}

module.exports = { openClient };
