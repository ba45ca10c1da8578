// The URL of a WebSocket (RFC 6455 section 3), with the schemes that the web and the `ws` package take besides.

/**
 * `address` as a URL object.
 *
 * @throws {SyntaxError} when it is none, or none of a WebSocket.
 */
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

/** Where a URL leads, in the terms of `http.request`. */
function targetOf(url) {
  const path = url.pathname + url.search;
  if (url.protocol === 'ws+unix:') {
    const [socketPath, rest] = path.split(':', 2);
    return { socketPath, path: rest || '/', host: undefined, port: undefined };
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { socketPath: undefined, path, host, port: url.port || (url.protocol === 'wss:' ? 443 : 80) };
}

module.exports = { parseUrl, targetOf };
