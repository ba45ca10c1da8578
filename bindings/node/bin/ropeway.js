#!/usr/bin/env node

// ropeway connect URL: talks to a server, a line a message. ropeway serve --echo: sends every message back.

const fs = require('node:fs');
const readline = require('node:readline');
const { parseArgs } = require('node:util');

const { WebSocket, WebSocketServer, version } = require('..');

const USAGE = `Usage:
  ropeway connect URL [--protocol NAME]... [--header 'NAME: VALUE']... [--origin ORIGIN] [--ca FILE] [--insecure]
  ropeway serve --echo [--host HOST] [--port PORT] [--deflate] [--tls-cert FILE --tls-key FILE]
  ropeway --version`;

function fail(message) {
  console.error(`ropeway: ${message}`);
  process.exit(1);
}

function parse(args, options) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    return fail(`${error.message}\n${USAGE}`);
  }
}

function headersOf(lines) {
  const headers = {};
  for (const line of lines) {
    const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? fail(`a header is NAME: VALUE, not ${line}`);
    headers[name] = [...(headers[name] ?? []), value];
  }
  return headers;
}

function open(url, { protocol, header, origin, ca, insecure }) {
  try {
    return new WebSocket(url, protocol, {
      headers: headersOf(header),
      origin,
      ca: ca && fs.readFileSync(ca),
      rejectUnauthorized: insecure ? false : undefined,
    });
  } catch (error) {
    return fail(error.message);
  }
}

function connect(args) {
  const { values, positionals } = parse(args, {
    protocol: { type: 'string', multiple: true, default: [] },
    header: { type: 'string', multiple: true, default: [] },
    origin: { type: 'string' },
    ca: { type: 'string' },
    insecure: { type: 'boolean', default: false },
  });
  if (positionals.length !== 1) fail(USAGE);
  const websocket = open(positionals[0], values);
  const prompt = process.stdin.isTTY ? '> ' : '';
  const lines = readline.createInterface({
    input: process.stdin,
    output: process.stdin.isTTY ? process.stdout : undefined,
    prompt,
  });
  lines.pause();
  let isTyping = true;
  const showPrompt = () => {
    if (isTyping) lines.prompt(true);
  };
  websocket.on('open', () => {
    console.error(`connected to ${websocket.url}${websocket.protocol && `, speaking ${websocket.protocol}`}`);
    lines.on('line', (line) => {
      websocket.send(line);
      showPrompt();
    });
    lines.on('close', () => {
      isTyping = false;
      websocket.close(1000);
    });
    showPrompt();
  });
  websocket.on('message', (data, isBinary) => {
    if (prompt !== '') process.stdout.write('\r\x1b[K');
    console.log(isBinary ? `binary, ${data.length} bytes: ${data.toString('hex')}` : data.toString());
    showPrompt();
  });
  websocket.on('error', (error) => fail(error.message));
  websocket.on('close', (code, reason) => {
    console.error(`closed with ${code}${reason.length > 0 ? `: ${reason}` : ''}`);
    lines.close();
    process.stdin.destroy();
  });
}

function serve(args) {
  const { values, positionals } = parse(args, {
    echo: { type: 'boolean', default: false },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8765' },
    deflate: { type: 'boolean', default: false },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
  });
  const [cert, key] = [values['tls-cert'], values['tls-key']];
  if (!values.echo || positionals.length > 0 || (cert === undefined) !== (key === undefined)) fail(USAGE);
  const server = new WebSocketServer({
    host: values.host,
    port: Number(values.port),
    perMessageDeflate: values.deflate && { threshold: 0 },
    tls: cert && { cert: fs.readFileSync(cert), key: fs.readFileSync(key) },
  });
  server.on('connection', (websocket) => {
    websocket.on('message', (data, isBinary) => websocket.send(data, { binary: isBinary }));
    // Its peer broke the protocol, and has been told.
    websocket.on('error', () => {});
  });
  server.on('error', (error) => fail(error.message));
  server.on('listening', () => {
    const { address, family, port } = server.address();
    const host = family === 'IPv6' ? `[${address}]` : address;
    console.log(`listening on ${cert === undefined ? 'ws' : 'wss'}://${host}:${port}/`);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      for (const websocket of server.clients) websocket.close(1001);
      server.close();
    });
  }
}

const [command, ...rest] = process.argv.slice(2);
const commands = { connect, serve };
if (command === '--version') console.log(version);
else if (Object.hasOwn(commands, command ?? '')) commands[command](rest);
else fail(USAGE);
