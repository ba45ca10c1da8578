// Rooms beside a page: who connects to ws://…/ROOM gets what anybody in that room says; http://… says how many there are.
//
// node broadcast_server.js [PORT]

const http = require('node:http');

const { WebSocketServer } = require('ropeway');

const server = http.createServer((_request, response) => {
  response.end(`${websockets.clients.size} people are here\n`);
});
const websockets = new WebSocketServer({ server, maxPayload: 64 * 1024 });

websockets.on('connection', (websocket, request) => {
  const room = request.url ?? '/';
  // What is published is framed once for all, and a slow reader holds up nobody.
  websocket.subscribe(room);
  websocket.on('message', (data) => websockets.publish(room, data.toString()));
  websocket.on('error', (error) => console.error(error.message));
});

server.listen(Number(process.argv[2] ?? 9000), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  console.log(`listening on ws://127.0.0.1:${port}/`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    for (const websocket of websockets.clients) websocket.close(1001);
    server.close();
  });
}
