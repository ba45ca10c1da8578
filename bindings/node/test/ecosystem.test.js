// Packages written for `ws`, on this one unchanged.

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const Module = require('node:module');
const { test } = require('node:test');

const ropeway = require('..');

const { WebSocketServer } = ropeway;

/** Requires a package whose own `require('ws')` gets this one. */
function requireOnRopeway(name) {
  const load = Module._load;
  Module._load = (request, ...rest) => (request === 'ws' ? ropeway : load(request, ...rest));
  try {
    return require(name);
  } finally {
    Module._load = load;
  }
}

async function listen(t, server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections?.();
  });
  return server.address().port;
}

test('Socket.IO, by wsEngine', async (t) => {
  const { Server } = require('socket.io');
  const { io } = require('socket.io-client');
  const httpServer = http.createServer();
  const server = new Server(httpServer, { wsEngine: WebSocketServer, perMessageDeflate: true });
  const engines = [];
  server.engine?.on('connection', (socket) => engines.push(socket));
  server.on('connection', (socket) => {
    socket.on('question', (text, bytes, answer) => answer(`${text}!`, bytes));
    socket.join('room');
    socket.on('all', () => server.to('room').emit('everybody', 1, Buffer.from('x')));
  });
  const port = await listen(t, httpServer);
  t.after(() => server.close());
  // The first goes by polling and is upgraded, the second begins as a WebSocket.
  for (const transports of [undefined, ['websocket']]) {
    const client = io(`http://127.0.0.1:${port}`, { transports, forceNew: true, reconnection: false });
    t.after(() => client.close());
    await new Promise((resolve, reject) => {
      client.on('connect', resolve);
      client.on('connect_error', reject);
    });
    if (client.io.engine.transport.name !== 'websocket')
      await new Promise((resolve) => client.io.engine.once('upgrade', resolve));
    const answer = await new Promise((resolve) =>
      client.emit('question', 'why', Buffer.from([1, 2]), (...all) => resolve(all)),
    );
    assert.deepStrictEqual(answer, ['why!', Buffer.from([1, 2])]);
    const everybody = new Promise((resolve) => client.on('everybody', (...all) => resolve(all)));
    client.emit('all');
    assert.deepStrictEqual(await everybody, [1, Buffer.from('x')]);
    const [socket] = [...server.sockets.sockets.values()].slice(-1);
    assert.ok(socket.conn.transport.socket instanceof ropeway.WebSocket);
    const left = once(socket, 'disconnect');
    client.close();
    await left;
  }
});

test('graphql-ws', async (t) => {
  const { useServer } = require('graphql-ws/use/ws');
  const { createClient } = require('graphql-ws');
  const { buildSchema } = require('graphql');
  const schema = buildSchema('type Query { hello: String } type Subscription { count: Int }');
  const roots = {
    query: { hello: 'world' },
    subscription: {
      count: async function* count() {
        for (let i = 1; i <= 3; i++) yield { count: i };
      },
    },
  };
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/graphql' });
  await once(server, 'listening');
  const disposable = useServer({ schema, roots }, server);
  t.after(() => disposable.dispose());
  const url = `ws://127.0.0.1:${server.address().port}/graphql`;
  const client = createClient({ url, webSocketImpl: ropeway.WebSocket, retryAttempts: 0 });
  t.after(() => client.dispose());
  const results = async (query) => {
    const list = [];
    for await (const result of client.iterate({ query })) list.push({ ...result.data });
    return list;
  };
  assert.deepStrictEqual(await results('{ hello }'), [{ hello: 'world' }]);
  assert.deepStrictEqual(await results('subscription { count }'), [{ count: 1 }, { count: 2 }, { count: 3 }]);
});

test('mqtt over WebSockets, client and broker', async (t) => {
  const mqtt = requireOnRopeway('mqtt');
  const { Aedes } = require('aedes');
  const broker = await Aedes.createBroker();
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (websocket, request) => {
    assert.strictEqual(websocket.protocol, 'mqtt');
    broker.handle(ropeway.createWebSocketStream(websocket), request);
  });
  await once(server, 'listening');
  t.after(() => server.close());
  t.after(() => new Promise((resolve) => broker.close(resolve)));
  const client = await mqtt.connectAsync(`ws://127.0.0.1:${server.address().port}`, { reconnectPeriod: 0 });
  assert.ok([...server.clients].length === 1);
  await client.subscribeAsync('topic/#');
  const message = once(client, 'message');
  await client.publishAsync('topic/one', 'payload', { qos: 1 });
  const [topic, payload] = await message;
  assert.deepStrictEqual([topic, String(payload)], ['topic/one', 'payload']);
  await client.endAsync();
});

test('@trpc/server', async (t) => {
  const { initTRPC } = require('@trpc/server');
  const { applyWSSHandler } = require('@trpc/server/adapters/ws');
  const { createTRPCClient, createWSClient, wsLink } = require('@trpc/client');
  const trpc = initTRPC.create();
  const router = trpc.router({
    double: trpc.procedure.input((value) => Number(value)).query(({ input }) => 2 * input),
    count: trpc.procedure.subscription(async function* count() {
      for (let i = 1; i <= 3; i++) yield i;
    }),
  });
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  t.after(() => server.close());
  applyWSSHandler({ wss: server, router });
  const wsClient = createWSClient({ url: `ws://127.0.0.1:${server.address().port}`, WebSocket: ropeway.WebSocket });
  const client = createTRPCClient({ links: [wsLink({ client: wsClient })] });
  assert.strictEqual(await client.double.query(21), 42);
  const counted = [];
  await new Promise((resolve, reject) => {
    client.count.subscribe(undefined, { onData: (value) => counted.push(value), onComplete: resolve, onError: reject });
  });
  assert.deepStrictEqual(counted, [1, 2, 3]);
  await wsClient.close();
});
