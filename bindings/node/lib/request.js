// A client's handshake by an http.ClientRequest of Node's, for what only that has: an agent, a stream of the caller's,
// redirects, settings of Node's TLS. The core makes the request's fields and judges the response; afterwards the
// connection runs over the stream.

const http = require('node:http');
const https = require('node:https');
const net = require('node:net');

const { native } = require('./engine');
const { Driver } = require('./driver');
const { toError } = require('./errors');
const { toResponseHead } = require('./http');
const { parseUrl, targetOf } = require('./url');

/** With one of these options the request is Node's. */
const NODES = [
  'agent',
  'createConnection',
  'finishRequest',
  'followRedirects',
  'family',
  'lookup',
  'localPort',
  'pfx',
  'passphrase',
  'ciphers',
  'secureContext',
  'checkServerIdentity',
  'minVersion',
  'maxVersion',
];

/** The default of `handshakeTimeout`, as in the core. */
const HANDSHAKE_TIMEOUT = 10_000;

function needsRequest(options) {
  return NODES.some((name) => options[name]);
}

/** The fields of a request's head, by name. */
function fieldsOf(head) {
  const fields = {};
  for (const line of head.toString('latin1').trimEnd().split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    fields[name] = name in fields ? [fields[name], value].flat() : value;
  }
  return fields;
}

/** One opening: a request, and those that redirects make of it. */
class RequestOpening {
  #websocket;
  #options;
  #coreOptions;
  #first;
  #credentials;
  #place = -1;
  #timer;

  constructor(websocket, url, options, coreOptions) {
    this.#websocket = websocket;
    this.#options = options;
    this.#coreOptions = coreOptions;
    this.#first = url;
    websocket._redirects = 0;
    const { handshakeTimeout = HANDSHAKE_TIMEOUT } = options;
    if (handshakeTimeout > 0) {
      const error = toError({ code: 'ROPEWAY_HANDSHAKE_TIMEOUT', fault: 'network' });
      this.#timer = setTimeout(() => websocket._giveUp(error), Math.min(handshakeTimeout, 2 ** 31 - 1));
    }
    websocket._requestOpening = this;
    try {
      this.#ask(url);
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Lets go of what it has: it has failed, or been given up. */
  abandon() {
    clearTimeout(this.#timer);
    this.#websocket._req?.destroy();
    this.#release();
  }

  #release() {
    if (this.#place >= 0) native.detach(this.#place);
    this.#place = -1;
  }

  #fail(error) {
    this.abandon();
    if (this.#websocket._readyState === this.#websocket.CONNECTING) this.#websocket._fail(error);
  }

  #ask(url) {
    const websocket = this.#websocket;
    const { agent, createConnection, servername, finishRequest } = this.#options;
    const place = native.attachClient(url.href, this.#coreOptions);
    this.#place = place;
    const headers = this.#withCredentials(fieldsOf(native.take(place)), url);
    const target = targetOf(url);
    const secure = url.protocol === 'wss:';
    const request = (secure ? https : http).request({
      ...this.#options,
      ...target,
      agent: agent || (createConnection ? undefined : false),
      auth: undefined,
      headers,
      hostname: undefined,
      method: 'GET',
      protocol: undefined,
      servername: secure ? (servername ?? (net.isIP(target.host) ? '' : target.host)) : undefined,
      setHost: false,
      timeout: undefined,
    });
    websocket._req = request;
    request.on('error', (error) => {
      if (websocket._req === request) this.#fail(error);
    });
    request.on('response', (response) => this.#onResponse(request, response, url));
    request.on('upgrade', (response, stream, head) => this.#onUpgrade(response, stream, head));
    if (websocket._redirects > 0) websocket.emit('redirect', websocket.url, request);
    if (finishRequest) finishRequest(request, websocket);
    else request.end();
  }

  /**
   * The request's fields with the first request's credentials. To another host they go only where a listener of 'redirect'
   * sees to it.
   */
  #withCredentials(headers, url) {
    if (this.#websocket._redirects === 0) {
      this.#credentials = headers.Authorization;
      return headers;
    }
    const isSame = ['protocol', 'host'].every((name) => url[name] === this.#first[name]);
    const isSamePath = targetOf(url).socketPath === targetOf(this.#first).socketPath;
    if ((isSame && isSamePath) || this.#websocket.listenerCount('redirect') > 0) {
      if (this.#credentials !== undefined) headers.Authorization = this.#credentials;
      return headers;
    }
    const isOfFirst = (name) => ['authorization', 'cookie', 'host'].includes(name.toLowerCase());
    const others = Object.entries(headers).filter(([name]) => !isOfFirst(name));
    return { Host: url.host || 'localhost', ...Object.fromEntries(others) };
  }

  #onResponse(request, response, url) {
    const { followRedirects } = this.#options;
    const { statusCode: status, headers } = response;
    this.#release();
    if (followRedirects && headers.location && status >= 300 && status < 400) {
      this.#follow(request, url, headers.location);
    } else if (this.#websocket.listenerCount('unexpected-response') > 0) {
      clearTimeout(this.#timer);
      this.#websocket.emit('unexpected-response', request, response);
    } else {
      this.#fail(toError({ code: 'ROPEWAY_UNEXPECTED_RESPONSE', fault: 'peer', response: { status } }));
    }
  }

  #follow(request, from, location) {
    const websocket = this.#websocket;
    websocket._req = null;
    request.destroy();
    if (++websocket._redirects > (this.#options.maxRedirects ?? 10)) {
      this.#fail(toError({ code: 'ROPEWAY_TOO_MANY_REDIRECTS', fault: 'limit' }));
      return;
    }
    try {
      if (!URL.canParse(location, from)) throw new SyntaxError(`Invalid URL: ${location}`);
      const url = parseUrl(new URL(location, from));
      if (from.protocol === 'wss:' && url.protocol !== 'wss:') {
        throw new Error(`The server redirects from wss to ${url.protocol.slice(0, -1)}: ${location}`);
      }
      websocket._url = url.href;
      this.#ask(url);
    } catch (error) {
      this.#fail(error);
    }
  }

  #onUpgrade(response, stream, head) {
    clearTimeout(this.#timer);
    const place = this.#place;
    this.#place = -1;
    this.#websocket._requestOpening = null;
    const received = Buffer.concat([toResponseHead(response), head]);
    new Driver(this.#websocket, stream, place, this.#options.maxQueuedBytes, received);
  }
}

module.exports = { RequestOpening, needsRequest };
