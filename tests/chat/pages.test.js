// The chat's page in headless Chromium, several at once, on each of the servers.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, test } = require('node:test');

const axe = require('axe-core');
const { chromium } = require('playwright-core');

const { findChromium } = require('../../bindings/node/test/chromium');
const { SERVERS, noBroker, serve, startBroker } = require('./common');

const PICTURES = process.env.PICTURES;
const executablePath = findChromium();
const skip = !executablePath && 'there is no Chromium';
const LOOKS = {
  Säntis: { picture: 'light', colorScheme: 'light', viewport: { width: 1000, height: 640 } },
  Titlis: { picture: 'dark', colorScheme: 'dark', viewport: { width: 1000, height: 640 } },
  Pilatus: { picture: 'phone', colorScheme: 'light', viewport: { width: 390, height: 760 } },
};

let browser;
before(async () => {
  if (executablePath) browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
});
after(() => browser?.close());

/** A page of a browser of its own, at the chat's door; the test fails on any error in it. */
async function open(t, host, { room = 'lobby', ...settings } = {}) {
  const context = await browser.newContext(settings);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // The console is also told of a connection that was lost, and of what the policy has kept out.
    const isExpected = /WebSocket connection|TrustedHTML/.test(message.text());
    if (message.type() === 'error' && !isExpected) errors.push(message.text());
  });
  t.after(async () => {
    await context.close();
    assert.deepStrictEqual(errors, []);
  });
  await page.goto(`http://${host}/#${encodeURIComponent(room)}`);
  return page;
}

async function enter(page, name) {
  await page.fill('#name', name);
  await page.click('text=Enter');
}

async function say(page, text) {
  await page.fill('#text', text);
  await page.press('#text', 'Enter');
}

/** Waits until the page shows a text in one of its parts. */
async function shows(page, part, text) {
  await page.locator(part, { hasText: text }).first().waitFor();
}

/** What axe finds wrong with a page: nothing. */
async function assertAccessible(page) {
  // Past the page's own policy, which lets no other script in.
  const tester = await page.context().newCDPSession(page);
  await tester.send('Runtime.evaluate', { expression: axe.source });
  const { violations, incomplete } = await page.evaluate(() => window.axe.run());
  const found = [...violations, ...incomplete].map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`,
  );
  assert.deepStrictEqual(found, []);
}

for (const language of SERVERS) {
  test(`pages on the server in ${language}`, { skip }, async (t) => {
    let server = await serve(t, language);
    const { host } = server;

    await t.test('several pages talk', async (t) => {
      const [ann, bob] = [await open(t, host), await open(t, host)];
      await enter(ann, 'Ann');
      await shows(ann, '#state', 'Connected');
      await enter(bob, 'Bob');
      await shows(ann, '#people', 'Bob');
      await shows(ann, '.note', 'Bob has arrived');
      await bob.locator('#text').pressSequentially('hel');
      await shows(ann, '#typing', 'Bob is typing…');
      assert.strictEqual(await bob.textContent('#typing'), '');
      await say(bob, 'hello');
      await shows(ann, '#lines p', 'hello');
      await shows(bob, '#lines .mine p', 'hello');
      assert.strictEqual(await ann.textContent('#typing'), '');
      const [late, elsewhere] = [await open(t, host), await open(t, host, { room: 'cellar' })];
      await enter(late, 'Bob');
      await shows(late, '#why', 'has this name already');
      await enter(late, 'Cat');
      await shows(late, '#lines p', 'hello');
      await enter(elsewhere, 'Bob');
      await shows(elsewhere, '#people', 'Bob');
      assert.strictEqual(await elsewhere.locator('#lines > div').count(), 0);
      await bob.click('text=Leave');
      await shows(ann, '.note', 'Bob has left');
      assert.deepStrictEqual(await ann.locator('#people li').allTextContents(), ['Ann', 'Cat']);
    });

    await t.test('what others write is text, never HTML', async (t) => {
      const image = '<img src=x onerror="window.hacked=1">';
      const script = '<script>window.hacked=1</script><b>bold</b> & &lt;';
      const [ann, eve] = [await open(t, host, { room: '<i>' }), await open(t, host, { room: '<i>' })];
      await enter(ann, 'Ann');
      await enter(eve, image.slice(0, 32));
      await shows(ann, '#people', image.slice(0, 32));
      await say(eve, script);
      await say(eve, image);
      await shows(ann, '#lines p', script);
      await shows(ann, '#lines p', image);
      for (const page of [ann, eve]) {
        assert.strictEqual(await page.textContent('#title'), '<i>');
        assert.strictEqual(await page.locator('#inside :is(script, b, i, main img)').count(), 0);
        assert.strictEqual(await page.evaluate(() => window.hacked), undefined);
      }
      // Nor does the page's own policy let any be made.
      await assert.rejects(
        ann.evaluate((html) => {
          document.getElementById('lines').innerHTML = html;
        }, image),
        /TrustedHTML/,
      );
    });

    await t.test('a page outlives its server', async (t) => {
      const [ann, bob] = [await open(t, host), await open(t, host)];
      await enter(ann, 'Dan');
      await enter(bob, 'Eva');
      await shows(ann, '#people', 'Eva');
      await server.stop();
      await shows(ann, '#state', 'Connecting again');
      assert.ok(await ann.isDisabled('#send'));
      server = await serve(t, language, host.split(':')[1]);
      for (const page of [ann, bob]) {
        await page.evaluate(() => dispatchEvent(new Event('online'))); // it need not wait its wait out
        await shows(page, '#state', 'Connected');
      }
      await shows(ann, '#people', 'Eva');
      await say(bob, 'there again');
      await shows(ann, '#lines p', 'there again');
    });
  });
}

test('pages at two servers with one broker', { skip: skip || noBroker }, async (t) => {
  const broker = await startBroker(t);
  const [here, there] = await Promise.all(['c', 'node'].map((language) => serve(t, language, 0, '--relay', broker)));
  const [ann, bob] = [await open(t, here.host), await open(t, there.host)];
  await enter(ann, 'Ann');
  await enter(bob, 'Bob');
  await shows(bob, '#state', 'Connected');
  // The servers may only just have found the broker.
  for (let i = 0; i < 20 && (await bob.locator('#lines p').count()) === 0; i++) {
    await say(ann, `is anybody there? ${i}`);
    await bob.waitForTimeout(250);
  }
  await shows(bob, '#lines p', 'is anybody there?');
  await shows(bob, '#people', 'Ann');
  await say(bob, 'yes');
  await shows(ann, '#lines p', 'yes');
  await shows(ann, '#people', 'Bob');
});

test('everybody can use the page, by light and dark, on a phone', { skip }, async (t) => {
  const { host } = await serve(t, SERVERS[0]);
  for (const [room, { picture, ...settings }] of Object.entries(LOOKS)) {
    const [page, other] = [await open(t, host, { ...settings, room }), await open(t, host, { room })];
    await assertAccessible(page);
    await enter(page, 'Reto');
    await shows(page, '#state', 'Connected');
    await enter(other, 'Selina');
    await say(other, 'Is the upper station above the clouds?');
    await shows(page, '#lines p', 'clouds');
    await say(page, 'Just. The sea of fog ends at 1,600 m, and the sun is out.');
    await shows(other, '#lines p', 'sun');
    await say(other, 'Then I take the next cabin.');
    await other.fill('#text', 'Is there');
    await shows(page, '#typing', 'Selina is typing…');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await assertAccessible(page);
    if (PICTURES) {
      fs.mkdirSync(PICTURES, { recursive: true });
      await page.screenshot({ path: path.join(PICTURES, `chat-${picture}.png`) });
    }
  }
});
