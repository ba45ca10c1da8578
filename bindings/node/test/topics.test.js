const assert = require('node:assert');
const { once } = require('node:events');
const https = require('node:https');
const { test } = require('node:test');

const { WebSocketServer } = require('..');
const { certificate } = require('./certificate');
const { connect, serve } = require('./common');

test('what is published comes to the subscribers, on the engine and over TLS of Node’s', async (t) => {
  const onConnection = (peer, request) => {
    const [, ...topics] = request.url.split('/');
    for (const topic of topics.filter(Boolean)) assert.strictEqual(peer.subscribe(topic), true);
    assert.strictEqual(peer.subscribe(topics[0]), false);
    peer.on('message', (topic) => peer.send(`was ${peer.unsubscribe(String(topic))}`));
  };
  const { server, url } = await serve(t, {}, onConnection);
  const { key, cert } = certificate();
  const secure = https.createServer({ key, cert }).listen(0, '127.0.0.1');
  t.after(() => secure.close());
  await once(secure, 'listening');
  new WebSocketServer({ server: secure }).on('connection', onConnection);
  const clients = [
    await connect(t, `${url}/news`),
    await connect(t, `${url}/news/sport`, { perMessageDeflate: false }),
    await connect(t, `wss://localhost:${secure.address().port}/sport`, { ca: cert }),
  ];
  const received = clients.map((client) => {
    const list = [];
    client.on('message', (data, isBinary) => list.push(isBinary ? data : String(data)));
    return list;
  });
  const settled = async (count) => {
    while (received.flat().length < count) await Promise.race(clients.map((client) => once(client, 'message')));
  };
  assert.strictEqual(server.publish('news', 'headline'), 2);
  assert.strictEqual(server.publish('sport', Buffer.from('result')), 2);
  assert.strictEqual(server.publish('nothing', 'to nobody'), 0);
  await settled(4);
  assert.deepStrictEqual(received, [['headline'], ['headline', Buffer.from('result')], [Buffer.from('result')]]);

  clients[2].send('sport');
  clients[1].send('news');
  await settled(6);
  assert.strictEqual(server.publish('sport', 'again'), 1);
  assert.strictEqual(server.publish('news', 'again'), 1);
  clients[0].close();
  await once(clients[0], 'close');
});
