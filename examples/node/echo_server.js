// Sends every message back.
//
// node echo_server.js [PORT]

const { WebSocketServer } = require('ropeway');

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2] ?? 9000) });

server.on('connection', (websocket) => {
  websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
  websocket.on('error', (error) => console.error(error.message));
});

server.on('listening', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`listening on ws://127.0.0.1:${port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const websocket of server.clients) websocket.close(1001);
    server.close();
  });
}
