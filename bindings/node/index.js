const { WebSocket } = require('./lib/websocket');
const { WebSocketServer } = require('./lib/server');
const { Event, CloseEvent, ErrorEvent, MessageEvent } = require('./lib/events');
const { createWebSocketStream } = require('./lib/stream');
const { WebSocketStream, WebSocketError } = require('./lib/websocket-stream');
const { selfTest } = require('./lib/self-test');
const { version } = require('./package.json');

selfTest();

// As with `ws`, the class itself can be required, and has everything else.
module.exports = Object.assign(WebSocket, {
  WebSocket,
  WebSocketServer,
  Server: WebSocketServer,
  createWebSocketStream,
  WebSocketStream,
  WebSocketError,
  Event,
  CloseEvent,
  ErrorEvent,
  MessageEvent,
  version,
});
