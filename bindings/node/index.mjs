// The same instance as for `require`: one engine a thread, whichever way it is loaded.
import ropeway from './index.js';

export const {
  WebSocket,
  WebSocketServer,
  Server,
  createWebSocketStream,
  WebSocketStream,
  WebSocketError,
  Event,
  CloseEvent,
  ErrorEvent,
  MessageEvent,
  version,
} = ropeway;
export default ropeway;
