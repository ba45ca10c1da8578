// Compiled only: the types as a program uses them.

import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';

import ropeway, { createWebSocketStream, type MessageEvent, WebSocket, WebSocketServer } from 'ropeway';

const server = new WebSocketServer({
  port: 0,
  perMessageDeflate: { threshold: 1024, zlibDeflateOptions: { level: 6 } },
  verifyClient: ({ origin, req }, done) => done(origin === 'http://here' && req.url !== undefined, 403),
  handleProtocols: (protocols) => (protocols.has('chat') ? 'chat' : false),
});
server.on('connection', (websocket, request) => {
  websocket.subscribe(request.url ?? '/');
  websocket.on('message', (data, isBinary) => {
    if (Buffer.isBuffer(data)) websocket.send(data, { binary: isBinary }, (error) => error?.message);
  });
  websocket.on('close', (code: number, reason: Buffer) => code + reason.length);
});
const published: number = server.publish('/', 'to all');

const behind = new WebSocketServer({ server: createServer() });
behind.handleUpgrade satisfies (...values: never[]) => void;

const client = new WebSocket('wss://example.org/', ['chat'], { headers: { 'X-Id': published }, ca: 'PEM' });
client.binaryType = 'arraybuffer';
client.onmessage = (event: MessageEvent) => event.data;
client.addEventListener('close', ({ code, wasClean }) => wasClean && code, { once: true });
client.on('error', (error) => error.code.startsWith('WS_ERR_'));
if (client.readyState === WebSocket.OPEN) client.close(1000, new Uint8Array(3));
const stream: Duplex = createWebSocketStream(client, { encoding: 'utf8' });
stream.end();

new ropeway('ws://example.org/').terminate();

// @ts-expect-error: there is no such type.
client.binaryType = 'string';
// @ts-expect-error: a server needs no URL.
new WebSocketServer('ws://example.org/');
