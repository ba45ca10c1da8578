// Requests and responses of the opening handshake as Node's http module has them.

const http = require('node:http');

/** A request whose socket is made when somebody asks for it. */
class Request extends http.IncomingMessage {
  #connection;

  /** Whose `_socket` is its socket. */
  belongsTo(connection) {
    this.#connection = connection;
  }

  get socket() {
    return this.#connection._socket;
  }

  // IncomingMessage itself sets it.
  set socket(_none) {}
}

function complete(incoming, rawHeaders) {
  incoming.httpVersion = '1.1';
  incoming.httpVersionMajor = 1;
  incoming.httpVersionMinor = 1;
  incoming._addHeaderLines(rawHeaders, rawHeaders.length);
  incoming.complete = true;
  return incoming;
}

/** A server's request, without what it belongs to. */
function toRequest({ method, url, headers }) {
  const request = complete(new Request(), headers);
  request.method = method;
  request.url = url;
  request.push(null);
  return request;
}

/** A client's response, with the body of a refusal. */
function toResponse({ status, reason, headers, body }, socket) {
  const response = complete(new http.IncomingMessage(socket), headers);
  response.statusCode = status;
  response.statusMessage = reason;
  if (body.length > 0) response.push(body);
  response.push(null);
  return response;
}

function headOf(line, rawHeaders) {
  let head = `${line}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, 'latin1');
}

/** The head of a request that an HTTP server of Node's has read, as it came. */
function toHead({ method, url, httpVersion, rawHeaders }) {
  return headOf(`${method} ${url} HTTP/${httpVersion}`, rawHeaders);
}

/** The head of a response that a request of Node's has got, likewise. */
function toResponseHead({ statusCode, statusMessage, httpVersion, rawHeaders }) {
  return headOf(`HTTP/${httpVersion} ${statusCode} ${statusMessage}`, rawHeaders);
}

module.exports = { toRequest, toResponse, toHead, toResponseHead };
