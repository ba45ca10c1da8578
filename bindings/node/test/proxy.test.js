const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { test } = require('node:test');

const { HttpsProxyAgent } = require('https-proxy-agent');

const { WebSocket } = require('..');
const { connect, echo, serve } = require('./common');

/** An HTTP proxy that tunnels, and what it was asked for. */
async function startProxy(t) {
  const asked = [];
  const proxy = http.createServer();
  proxy.on('connect', (request, socket, head) => {
    const credentials = request.headers['proxy-authorization'];
    if (credentials === undefined) {
      socket.end('HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    asked.push([request.url, credentials]);
    const [host, port] = request.url.split(':');
    const far = net.connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      far.write(head);
      far.pipe(socket).pipe(far);
    });
    for (const end of [far, socket]) end.on('error', () => {});
    t.after(() => far.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  t.after(() => proxy.close());
  await once(proxy, 'listening');
  return { url: `http://127.0.0.1:${proxy.address().port}`, asked };
}

test('through a proxy, by its URL or an agent', async (t) => {
  const { url } = await serve(t, {}, echo);
  const proxy = await startProxy(t);
  const { host } = new URL(url);
  const withUser = proxy.url.replace('http://', 'http://user:secret@');
  for (const options of [{ proxy: withUser }, { agent: new HttpsProxyAgent(withUser) }]) {
    const client = await connect(t, url, options);
    client.send('through');
    assert.strictEqual(String((await once(client, 'message'))[0]), 'through');
    const credentials = `Basic ${Buffer.from('user:secret').toString('base64')}`;
    assert.deepStrictEqual(proxy.asked.pop(), [host, credentials]);
    client.terminate();
  }
  const unused = await connect(t, url, { proxy: false });
  unused.terminate();
  assert.deepStrictEqual(proxy.asked, []);
  assert.throws(() => new WebSocket(url, { proxy: 'gopher://x' }), /scheme is none of http/);
});
