/// <reference types="node" />

import { EventEmitter } from 'node:events';
import type { Agent, ClientRequest, ClientRequestArgs, Server as HttpServer, IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import type { Duplex, DuplexOptions } from 'node:stream';
import type { ReadableStream, WritableStream } from 'node:stream/web';
import type { SecureContextOptions } from 'node:tls';

/**
 * What can be sent: text as a string, bytes as anything else. A number is sent as its decimal digits, a list of Buffers as one
 * message.
 */
export type Data =
  | string
  | number
  | Buffer
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | readonly number[]
  | readonly Buffer[];

/** What a binary message is received as: see {@link WebSocket.binaryType}. A text message of `'message'` is a Buffer. */
export type RawData = Buffer | ArrayBuffer | Buffer[] | Blob;

/** What went one way. */
export interface Traffic {
  /** Messages, one for each receiver of a published one. */
  messages: number;
  /** Bytes of messages: after inflation, before compression. */
  payload: number;
  /** Bytes from or to the socket: handshakes, headers and control frames included, what TLS adds not. */
  bytes: number;
  pings: number;
}

/** What the connections of a thread have done since its first. Those over streams of Node's are not in it. */
export interface Metrics {
  /** Connections there are, those being made or closed included. */
  connections: number;
  /** Bytes that wait in all send queues. */
  queued: number;
  accepted: number;
  dialled: number;
  /** Opening handshakes that ended well. */
  opened: number;
  /** Connections that ended, opened or not. */
  closed: number;
  /** The same by the close code that came, `1000` to `1015`, `1016-3999` and `4000-4999`; those that occurred. */
  closeCodes: Record<string, number>;
  /** Connections that did not open, by the reason. */
  refused: Record<'connections' | 'addresses' | 'application' | 'handshake' | 'tls' | 'timeout', number>;
  received: Traffic;
  sent: Traffic;
  /** Pongs that answered a keep-alive ping, and the milliseconds from ping to pong, all together. */
  roundTrips: number;
  roundTripTotal: number;
  /** Published messages that a subscriber did not get because its queue was over the high-water mark. */
  publishesDropped: number;
}

/** What a thread's relay has done. */
export interface RelayMetrics {
  /** Whether it gets what other nodes publish at present. */
  connected: boolean;
  /** Messages that the broker took. */
  sent: number;
  /** Messages of other nodes that were published here. */
  received: number;
  /**
   * Messages that were dropped: the queue of 16 MiB was full, the connection broke before the broker's answer, or one was
   * larger than the broker takes.
   */
  dropped: number;
  /** Messages of other nodes that did not come here, as far as is known. */
  lost: number;
  /** Bytes that wait for the broker. */
  queued: number;
}

/** What one connection has done. */
export interface ConnectionMetrics {
  /** Bytes that the kernel has not taken yet. */
  queued: number;
  received: Traffic;
  sent: Traffic;
  /** Milliseconds from the last keep-alive ping that was answered to its pong. */
  roundTrip?: number;
}

/** A certificate or key in PEM (RFC 7468). */
export type Pem = string | Buffer;

/** permessage-deflate (RFC 7692). */
export interface PerMessageDeflateOptions {
  /** The server forgets what it compressed after each message. By default a server wants it so, a client does not. */
  serverNoContextTakeover?: boolean;
  /** The client forgets what it compressed after each message. By default a server wants it so, a client does not. */
  clientNoContextTakeover?: boolean;
  /** Bits of the server's window, 9 to 15 (8 to 15 on a client). Default 15. */
  serverMaxWindowBits?: number | boolean;
  /** Bits of the client's window, 9 to 15 (8 to 15 on a server). Default 15. */
  clientMaxWindowBits?: number | boolean;
  /** Messages below so many bytes are sent as they are. Default 128. */
  threshold?: number;
  zlibDeflateOptions?: {
    /** From 1, fast, to 9, small. Default 2. */
    level?: number;
    /** From 1, little memory, to 9, much. Default 6. */
    memLevel?: number;
  };
}

/** Limits and waits of a connection, of a client or a server. Sizes are in bytes, waits in milliseconds; a wait of 0 is none. */
export interface ConnectionOptions {
  /** A received message, inflated. Default 16 MiB; 0 is no limit. Passing it closes with 1009. */
  maxPayload?: number;
  /** Fragments of a received message. Default 65,536; 0 is no limit. Passing it closes with 1009. */
  maxFragments?: number;
  /** The peer's handshake. Default 16 KiB. */
  maxHeadSize?: number;
  /** Header fields of the peer's handshake. Default 100. */
  maxHeaders?: number;
  /** Connecting and the opening handshake together. Default 10,000. */
  handshakeTimeout?: number;
  /** The closing handshake, from the first Close frame on. Default 10,000. */
  closeTimeout?: number;
  /** Silence of the peer after which a ping is sent. Default 20,000. */
  pingInterval?: number;
  /** Wait after that ping for any byte before the connection is failed. Default 20,000. */
  pongTimeout?: number;
  /** Wait for a message of the peer before the connection is closed with 1001. Default 0. */
  idleTimeout?: number;
  /** Bytes that may wait to be sent; a further message is refused whole. Default 64 MiB. */
  maxQueuedBytes?: number;
  /** Above so many bytes that wait, the callbacks of sends wait for the queue to fall. Default 1 MiB. */
  highWaterMark?: number;
  /** To this many bytes. Default 256 KiB. */
  lowWaterMark?: number;
  /** Answer pings. Default true. */
  autoPong?: boolean;
  /** Accepted for programs written for `ws`, without an effect: text is always checked. */
  skipUTF8Validation?: boolean;
  /** Accepted likewise: events of one batch always follow each other within one tick. */
  allowSynchronousEvents?: boolean;
}

/** Options of a client. */
export interface ClientOptions extends ConnectionOptions {
  /** Subprotocols to offer, best first. */
  protocols?: string | string[];
  /** Further fields of the request; a list makes several of one name. */
  headers?: Record<string, string | number | readonly string[] | undefined>;
  /** The Origin field. */
  origin?: string;
  /** `user:password`, where neither the URL nor `headers` has any. */
  auth?: string;
  /**
   * Follow redirects. To another host or scheme neither Authorization and Cookie nor a Host of the caller's goes along,
   * unless a listener of 'redirect' sees to them itself; from `wss:` to `ws:` none is followed. Default false. As in `ws`,
   * this and the options from `finishRequest` on make the request one of Node's http module, and the connection runs over
   * its stream.
   */
  followRedirects?: boolean;
  /** How many of them. Default 10. */
  maxRedirects?: number;
  /**
   * A proxy's URL (`http:`, `https:`, `socks5:` or `socks5h:`), or true for the one that the environment names
   * (`https_proxy`, `no_proxy` and so on). Default none. Not together with an option of Node's http: there an `agent` does it.
   */
  proxy?: string | boolean;
  /** The address to connect from. */
  localAddress?: string;
  /** Offer permessage-deflate. Default true. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions;
  protocolVersion?: 8 | 13;
  /**
   * Authorities to trust instead of the system's, a certificate for the server to see, and the name to look for in its.
   */
  ca?: Pem | Pem[];
  cert?: Pem;
  key?: Pem;
  servername?: string;
  /** **Danger** when false: any certificate is taken, of anybody. Default true. */
  rejectUnauthorized?: boolean;
  /** Is given each request before it is sent, changes its fields, and calls its `end`, now or later. */
  finishRequest?: (request: ClientRequest, websocket: WebSocket) => void;
  /** As for `net.connect`. */
  family?: number;
  lookup?: LookupFunction;
  localPort?: number;
  /** Settings of Node's TLS. */
  pfx?: SecureContextOptions['pfx'];
  passphrase?: SecureContextOptions['passphrase'];
  ciphers?: SecureContextOptions['ciphers'];
  minVersion?: SecureContextOptions['minVersion'];
  maxVersion?: SecureContextOptions['maxVersion'];
  checkServerIdentity?: (hostname: string, certificate: object) => Error | undefined;
  /** Makes the stream that the connection runs over. */
  createConnection?: ClientRequestArgs['createConnection'];
  /** An agent that makes the stream: Node's, or one such as https-proxy-agent's. */
  agent?: Agent | false;
}

export interface SendOptions {
  /** Send as binary, or as text. By default strings are text and all else is binary. */
  binary?: boolean;
  /** False: do not compress this message. */
  compress?: boolean;
  /** False: this is a fragment, and more of the message follows. */
  fin?: boolean;
  /** Accepted for programs written for `ws`, without an effect: a client masks and a server does not (RFC 6455 section 5.1). */
  mask?: boolean;
}

export class Event {
  constructor(type: string, target?: WebSocket | null);
  readonly type: string;
  readonly target: WebSocket;
  readonly currentTarget: WebSocket;
}

export class CloseEvent extends Event {
  constructor(type: string, init?: { code?: number; reason?: string; wasClean?: boolean }, target?: WebSocket | null);
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

export class ErrorEvent extends Event {
  constructor(type: string, init?: { error?: unknown; message?: string }, target?: WebSocket | null);
  readonly error: any;
  readonly message: string;
}

export class MessageEvent extends Event {
  constructor(type: string, init?: { data?: unknown }, target?: WebSocket | null);
  /** A string for text; for binary see {@link WebSocket.binaryType}. */
  readonly data: any;
}

/** The events of the web's face. */
export interface WebSocketEventMap {
  open: Event;
  message: MessageEvent;
  close: CloseEvent;
  error: ErrorEvent;
}

/** An error of a connection. */
export interface ConnectionError extends Error {
  /** `WS_ERR_…` as in `ws`, a system error's such as `ECONNREFUSED`, or `ROPEWAY_…`. */
  code: string;
  /** Who has to change something. */
  fault?: 'caller' | 'peer' | 'limit' | 'network' | 'internal';
}

/** The events of the `ws` package's face, with their arguments. */
export interface WebSocketEvents {
  open: [];
  /** Text comes as a Buffer too; `isBinary` tells. A Buffer is yours to keep. */
  message: [data: RawData, isBinary: boolean];
  /** 1005 when the peer gave no code, 1006 when there was no Close frame. */
  close: [code: number, reason: Buffer];
  error: [error: ConnectionError];
  ping: [data: Buffer];
  pong: [data: Buffer];
  /** The send queue has fallen to its low-water mark. */
  drain: [];
  upgrade: [response: IncomingMessage];
  /** The next request, before it is sent: its fields may be looked at and removed. */
  redirect: [url: string, request: ClientRequest];
  /** With a listener there is neither 'error' nor 'close' until the listener closes the WebSocket. */
  'unexpected-response': [request: ClientRequest, response: IncomingMessage];
}

type Callback = (error?: Error) => void;
type Listener<Arguments extends unknown[]> = (this: WebSocket, ...values: Arguments) => void;

/**
 * A WebSocket connection (RFC 6455): the class of the web (WHATWG HTML, "The WebSocket interface") with the EventEmitter
 * face of the `ws` package. It belongs to the thread that made it.
 */
export class WebSocket extends EventEmitter {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;

  /**
   * Connects to a `ws:`, `wss:`, `http:`, `https:` or `ws+unix:/path/to.sock:/path` URL. 'open', or 'error' and 'close'
   * follow.
   *
   * @throws {SyntaxError} for a URL or subprotocol that cannot be used.
   */
  constructor(url: string | URL, options?: ClientOptions);
  constructor(url: string | URL, protocols?: string | string[], options?: ClientOptions);

  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;

  /** What binary messages are received as. Default `'nodebuffer'`. */
  binaryType: 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob';
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  /** `'permessage-deflate'` where it was agreed on. */
  readonly extensions: string;
  readonly isPaused: boolean;
  /** The subprotocol that was agreed on, or an empty string. */
  readonly protocol: string;
  readonly readyState: 0 | 1 | 2 | 3;
  /** The URL of a client; an empty string on a server. */
  readonly url: string;

  onopen: ((this: WebSocket, event: Event) => void) | null;
  onmessage: ((this: WebSocket, event: MessageEvent) => void) | null;
  onclose: ((this: WebSocket, event: CloseEvent) => void) | null;
  onerror: ((this: WebSocket, event: ErrorEvent) => void) | null;

  /**
   * Sends a message. The data are taken at once and may be changed afterwards (a Blob is read first). What is sent in one
   * turn of the event loop leaves together. `callback` is called when the queue has taken the message and stands below
   * its high-water mark.
   *
   * @throws {Error} while connecting; and, without a callback, when the queue is at `maxQueuedBytes` or text is not UTF-8.
   */
  send(data: Data | null | undefined, callback?: Callback): void;
  send(data: Data | null | undefined, options: SendOptions, callback?: Callback): void;
  /** Sends a ping of at most 125 bytes. */
  ping(data?: Data, mask?: boolean, callback?: Callback): void;
  /** Sends a pong that nobody asked for; pings are answered without it. */
  pong(data?: Data, mask?: boolean, callback?: Callback): void;
  /**
   * Begins the closing handshake; 'close' follows within `closeTimeout`. What was sent before goes out first.
   *
   * @param code 1000 to 1003, 1007 to 1014, or 3000 to 4999.
   * @param reason At most 123 bytes of UTF-8.
   */
  close(code?: number, reason?: string | ArrayBuffer | ArrayBufferView): void;
  /** Ends the connection at once, without a Close frame. */
  terminate(): void;
  /** Stops reading: the peer is slowed down. */
  pause(): void;
  resume(): void;
  /** Gets what is published to a topic from now on (see {@link WebSocketServer.publish}). Whether it did not before. */
  subscribe(topic: string): boolean;
  /** Gets it no more. Whether it did. */
  unsubscribe(topic: string): boolean;
  /** What the connection has done; null once it is closed, and where it runs over a stream of Node's (TLS of Node's, say). */
  metrics(): ConnectionMetrics | null;

  addEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: ((event: WebSocketEventMap[K]) => void) | { handleEvent(event: WebSocketEventMap[K]): void },
    options?: { once?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: ((event: WebSocketEventMap[K]) => void) | { handleEvent(event: WebSocketEventMap[K]): void },
  ): void;

  on<K extends keyof WebSocketEvents>(event: K, listener: Listener<WebSocketEvents[K]>): this;
  on(event: string | symbol, listener: (this: WebSocket, ...values: any[]) => void): this;
  once<K extends keyof WebSocketEvents>(event: K, listener: Listener<WebSocketEvents[K]>): this;
  once(event: string | symbol, listener: (this: WebSocket, ...values: any[]) => void): this;
  off<K extends keyof WebSocketEvents>(event: K, listener: Listener<WebSocketEvents[K]>): this;
  off(event: string | symbol, listener: (this: WebSocket, ...values: any[]) => void): this;
  addListener<K extends keyof WebSocketEvents>(event: K, listener: Listener<WebSocketEvents[K]>): this;
  addListener(event: string | symbol, listener: (this: WebSocket, ...values: any[]) => void): this;
  removeListener<K extends keyof WebSocketEvents>(event: K, listener: Listener<WebSocketEvents[K]>): this;
  removeListener(event: string | symbol, listener: (this: WebSocket, ...values: any[]) => void): this;
}

export interface VerifyInfo<Request extends IncomingMessage = IncomingMessage> {
  /** The Origin field. */
  origin: string;
  /** Whether the connection is TLS. */
  secure: boolean;
  req: Request;
}

/** Options of a server: one of `port`, `server` and `noServer` is needed. */
export interface ServerOptions extends ConnectionOptions {
  /** Listen here; 0 lets the system choose. */
  port?: number;
  /** An address or a name. By default all addresses of both families. */
  host?: string;
  /** Connections the kernel holds until they are accepted. Default 511. */
  backlog?: number;
  /** Take the upgrades of this server. */
  server?: HttpServer | HttpsServer;
  /** Take those that {@link WebSocketServer.handleUpgrade} is called with. */
  noServer?: boolean;
  /** Refuse requests for other paths, with 400. */
  path?: string;
  /** Speak TLS, with `port`. */
  tls?: {
    cert: Pem;
    key: Pem;
    /** With `requestCert`: authorities whose certificates clients have to show. */
    ca?: Pem | Pem[];
    requestCert?: boolean;
    /** With `requestCert`, when false: clients without a certificate are served too. */
    rejectUnauthorized?: boolean;
  };
  /** Keep the open connections in {@link WebSocketServer.clients}. Default true. */
  clientTracking?: boolean;
  /** Accept permessage-deflate. Default false. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions;
  /** Whether to accept a request; with two parameters the answer may come later. */
  verifyClient?:
    | ((info: VerifyInfo) => boolean)
    | ((
        info: VerifyInfo,
        callback: (isVerified: boolean, status?: number, message?: string, headers?: Record<string, string>) => void,
      ) => void);
  /**
   * With `port`: answers requests without an upgrade by one call of `respond`, now or later, with a status from 200 to 599; a health
   * check, say, or a page. The connection ends then. Without it they get `426 Upgrade Required`.
   */
  handleRequest?:
    | ((
        request: IncomingMessage,
        respond: (status: number, headers?: Record<string, string | string[]>, body?: string) => void,
      ) => void)
    | null;
  /** Which of the offered subprotocols to speak; false for none. By default the first. */
  handleProtocols?: ((protocols: Set<string>, request: IncomingMessage) => string | false) | null;
  /** Close a subscriber that is above its high-water mark when a message is published, instead of leaving the message out. */
  closeSlowSubscribers?: boolean;
  /** The class of the connections. */
  WebSocket?: typeof WebSocket;
}

export interface ServerEvents {
  listening: [];
  connection: [websocket: WebSocket, request: IncomingMessage];
  /** The response's lines: fields may be added, those that are there stay. */
  headers: [lines: string[], request: IncomingMessage];
  /**
   * A handshake failed. Behind an HTTP server of Node's the listener answers; otherwise the core has, and the socket is
   * destroyed.
   */
  wsClientError: [error: Error, socket: Duplex, request: IncomingMessage];
  error: [error: Error];
  close: [];
}

type ServerListener<Arguments extends unknown[]> = (this: WebSocketServer, ...values: Arguments) => void;

/** A server, as the `ws` package has it. It belongs to the thread that made it. */
export class WebSocketServer extends EventEmitter {
  /** @throws {TypeError} unless one of `port`, `server` and `noServer` is given. */
  constructor(options?: ServerOptions, callback?: () => void);

  readonly options: ServerOptions;
  /** The open connections; undefined without `clientTracking`. */
  readonly clients: Set<WebSocket>;

  /** Where it listens; null when it does not. */
  address(): AddressInfo | string | null;
  /** Takes no more connections. Those that there are live on; 'close' comes when the last one has ended. */
  close(callback?: (error?: Error) => void): void;
  /** Makes a WebSocket of a request that an HTTP server has read. A plain socket goes over to the engine. */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: (websocket: WebSocket, request: IncomingMessage) => void,
  ): void;
  /** Whether a request is for this server. */
  shouldHandle(request: IncomingMessage): boolean;
  /**
   * Sends a message to all subscribers of a topic, framed and compressed once. Topics are those of the thread, whichever
   * server the connections came from. How many subscribers there are; those above their high-water marks are left out.
   */
  publish(topic: string, data: string | Buffer | ArrayBufferView, options?: { binary?: boolean }): number;
  /**
   * Connects this thread's topics with those of other nodes, over the broker at `redis://HOST/`, `rediss://HOST/` (TLS),
   * `redis+unix:///PATH`, `nats://HOST` or `tls://HOST` (NATS in TLS); null ends that. What is published goes to the
   * subscribers of all nodes from then on: at most once, what one node publishes in its order. The broker need not be there yet.
   *
   * `listener` is called with each message that another node has published, once the subscribers here have got it: for a
   * server that keeps something of what is said. `data` is as that of a connection's 'message'.
   */
  relay(url: string | null, listener?: (topic: string, data: Buffer, isBinary: boolean) => void): void;
  /** What the relay has done; null without one. */
  relayMetrics(): RelayMetrics | null;
  /** What all connections of this thread have done, those of other servers and of clients included. */
  metrics(): Metrics;
  /** The same as text for Prometheus, to be answered with the type `text/plain; version=0.0.4; charset=utf-8`. */
  prometheus(): string;

  on<K extends keyof ServerEvents>(event: K, listener: ServerListener<ServerEvents[K]>): this;
  on(event: string | symbol, listener: (this: WebSocketServer, ...values: any[]) => void): this;
  once<K extends keyof ServerEvents>(event: K, listener: ServerListener<ServerEvents[K]>): this;
  once(event: string | symbol, listener: (this: WebSocketServer, ...values: any[]) => void): this;
  off<K extends keyof ServerEvents>(event: K, listener: ServerListener<ServerEvents[K]>): this;
  off(event: string | symbol, listener: (this: WebSocketServer, ...values: any[]) => void): this;
  emit<K extends keyof ServerEvents>(event: K, ...values: ServerEvents[K]): boolean;
  emit(event: string | symbol, ...values: any[]): boolean;
}

export { WebSocketServer as Server };

/** A connection as a stream: each chunk read is a message, and each chunk written becomes one. */
export function createWebSocketStream(websocket: WebSocket, options?: DuplexOptions): Duplex;

/** How a {@link WebSocketStream} is closed with a code, and how it fails. */
export class WebSocketError extends DOMException {
  constructor(message?: string, init?: { closeCode?: number; reason?: string });
  readonly closeCode: number | null;
  readonly reason: string;
}

/** Options of a {@link WebSocketStream}: those of a client, and a signal that gives the opening up. */
export interface WebSocketStreamOptions extends ClientOptions {
  signal?: AbortSignal;
}

/**
 * A client as a pair of web streams: reading slowly slows the peer down, and a write waits while the send queue is above its
 * high-water mark.
 */
export class WebSocketStream {
  constructor(url: string | URL, options?: WebSocketStreamOptions);
  readonly url: string;
  /** Text comes as a string, binary as a Uint8Array. */
  readonly opened: Promise<{
    readable: ReadableStream<string | Uint8Array>;
    writable: WritableStream<string | ArrayBuffer | ArrayBufferView>;
    protocol: string;
    extensions: string;
  }>;
  /** Rejects when the connection does not end cleanly. */
  readonly closed: Promise<{ closeCode: number; reason: string }>;
  close(init?: { closeCode?: number; reason?: string }): void;
}

/** The package's version. */
export const version: string;

export default WebSocket;
