const { once } = require('node:events');

const { WebSocket, WebSocketServer } = require('..');

/** A server on a free port of the loopback interface that `t` closes at its end, with its connections. */
async function serve(t, options, onConnection) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  t.after(() => {
    for (const client of server.clients ?? []) client.terminate();
    server.close();
  });
  if (onConnection !== undefined) server.on('connection', onConnection);
  await once(server, 'listening');
  return { server, url: `ws://127.0.0.1:${server.address().port}` };
}

/** Sends every message back as it came. */
function echo(websocket) {
  websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
}

/** A connection that `t` drops at its end, once it is open. */
async function connect(t, url, ...rest) {
  const websocket = new WebSocket(url, ...rest);
  t.after(() => {
    websocket.on('error', () => {});
    websocket.terminate();
  });
  await once(websocket, 'open');
  return websocket;
}

/** A server and a client of it, both open. */
async function pair(t, { server: serverOptions, client: clientOptions } = {}) {
  const accepted = {};
  const { server, url } = await serve(t, serverOptions, (websocket, request) => {
    accepted.websocket = websocket;
    accepted.request = request;
  });
  const client = await connect(t, url, clientOptions);
  return { server, url, client, peer: accepted.websocket, request: accepted.request };
}

module.exports = { serve, echo, connect, pair };
