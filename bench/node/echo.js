// Echo servers of Node's WebSocket libraries, for bench/run.py.
//
// node echo.js LIBRARY

const http = require('node:http');

/** Bytes of a message, the same for all; nobody compresses. */
const LIMIT = 64 << 20;

function listening(port) {
  console.log(`listening on ws://127.0.0.1:${port}/`);
}

/** Ropeway and ws have one API. */
function likeWs({ WebSocketServer }) {
  const options = { host: '127.0.0.1', port: 0, maxPayload: LIMIT, perMessageDeflate: false };
  const server = new WebSocketServer(options, () => listening(server.address().port));
  server.on('connection', (websocket) => {
    websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
  });
}

const SERVERS = {
  ropeway: () => likeWs(require('../../bindings/node')),
  ws: () => likeWs(require('ws')),
  'uWebSockets.js': () => {
    const uws = require('uwebsockets');
    const behavior = {
      maxPayloadLength: LIMIT,
      maxBackpressure: 4 * LIMIT,
      message: (websocket, data, isBinary) => websocket.send(data, isBinary),
    };
    uws
      .App()
      .ws('/*', behavior)
      .listen('127.0.0.1', 0, (socket) => listening(uws.us_socket_local_port(socket)));
  },
  websocket: () => {
    const { server: WebSocketServer } = require('websocket');
    const httpServer = http.createServer();
    const limits = { maxReceivedFrameSize: LIMIT, maxReceivedMessageSize: LIMIT, fragmentOutgoingMessages: false };
    const server = new WebSocketServer({ httpServer, autoAcceptConnections: true, ...limits });
    server.on('connect', (connection) => {
      connection.on('message', ({ type, utf8Data, binaryData }) => {
        if (type === 'utf8') connection.sendUTF(utf8Data);
        else connection.sendBytes(binaryData);
      });
    });
    httpServer.listen(0, '127.0.0.1', () => listening(httpServer.address().port));
  },
};

SERVERS[process.argv[2]]();
