// Node's servers among those without an interpreter, with the words of bench/peers:
//
// node peer.js ws|uWebSockets.js [--tls CERTIFICATE KEY] [--deflate alone|takeover] [--fan-out]
//
// An echo server; with --fan-out a message goes to all other connections, in ws by a loop, in uWebSockets.js by publish.

const fs = require('node:fs');
const https = require('node:https');

/** Bytes of a message. */
const LIMIT = 64 << 20;

const [library, ...words] = process.argv.slice(2);
const after = (name, count = 1) => {
  const at = words.indexOf(name);
  return at < 0 ? null : words.slice(at + 1, at + 1 + count);
};
const tls = after('--tls', 2);
const deflate = after('--deflate')?.[0];
const fansOut = words.includes('--fan-out');

function listening(port) {
  console.log(`listening on ws://127.0.0.1:${port}/`);
}

const SERVERS = {
  ws: () => {
    const { WebSocket, WebSocketServer } = require('ws');
    const alone = { serverNoContextTakeover: true, clientNoContextTakeover: true };
    const perMessageDeflate = deflate ? { threshold: 0, ...(deflate === 'alone' ? alone : {}) } : false;
    const options = { maxPayload: LIMIT, perMessageDeflate };
    const ready = (server) => () => listening(server.address().port);
    let server;
    if (tls) {
      const [cert, key] = tls.map((name) => fs.readFileSync(name));
      const http = https.createServer({ cert, key });
      server = new WebSocketServer({ server: http, ...options });
      http.listen(0, '127.0.0.1', ready(http));
    } else {
      server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096, ...options }, () => ready(server)());
    }
    server.on('connection', (websocket) => {
      websocket.on('message', (data, binary) => {
        if (!fansOut) return websocket.send(data, { binary });
        for (const client of server.clients) {
          if (client !== websocket && client.readyState === WebSocket.OPEN) client.send(data, { binary });
        }
      });
    });
  },
  'uWebSockets.js': () => {
    const uws = require('uwebsockets');
    const dedicated = uws.DEDICATED_COMPRESSOR | uws.DEDICATED_DECOMPRESSOR;
    const behavior = {
      maxPayloadLength: LIMIT,
      maxBackpressure: 4 * LIMIT,
      compression: deflate ? (deflate === 'alone' ? uws.SHARED_COMPRESSOR : dedicated) : uws.DISABLED,
      open: (websocket) => fansOut && websocket.subscribe('all'),
      message: (websocket, data, binary) =>
        fansOut ? websocket.publish('all', data, binary) : websocket.send(data, binary, Boolean(deflate)),
    };
    const app = tls ? uws.SSLApp({ cert_file_name: tls[0], key_file_name: tls[1] }) : uws.App();
    app.ws('/*', behavior).listen('127.0.0.1', 0, (socket) => listening(uws.us_socket_local_port(socket)));
  },
};

SERVERS[library]();
