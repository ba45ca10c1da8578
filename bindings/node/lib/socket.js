// What stands for the net.Socket of a connection that the engine holds: its addresses, and its end.

const { Stream } = require('node:stream');

const { native } = require('./engine');

class ConnectionSocket extends Stream {
  #place;
  #peer;
  #local;

  /** Of the connection at `place`; of one that has ended, -1. */
  constructor(place, encrypted) {
    super();
    this.#place = place;
    this.encrypted = encrypted;
    this.destroyed = place < 0;
  }

  #peerAddress() {
    if (!this.destroyed) this.#peer ??= native.peerAddress(this.#place);
    return this.#peer;
  }

  #localAddress() {
    if (!this.destroyed) this.#local ??= native.localAddress(this.#place);
    return this.#local;
  }

  get remoteAddress() {
    return this.#peerAddress()?.address;
  }

  get remotePort() {
    return this.#peerAddress()?.port;
  }

  get remoteFamily() {
    return this.#peerAddress()?.family;
  }

  get localAddress() {
    return this.#localAddress()?.address;
  }

  get localPort() {
    return this.#localAddress()?.port;
  }

  get localFamily() {
    return this.#localAddress()?.family;
  }

  address() {
    const { address, family, port } = this.#localAddress() ?? {};
    return { address, family, port };
  }

  get readable() {
    return !this.destroyed;
  }

  get writable() {
    return !this.destroyed;
  }

  /** Ends the connection at once, without a Close frame. */
  destroy() {
    if (!this.destroyed) native.abort(this.#place);
    return this;
  }

  // The engine has its own waits, and always sends at once.
  setTimeout() {
    return this;
  }

  setNoDelay() {
    return this;
  }

  setKeepAlive() {
    return this;
  }

  /** The connection has ended. */
  _ended() {
    if (this.destroyed) return;
    this.#peerAddress();
    this.destroyed = true;
    this.emit('close', false);
  }
}

module.exports = { ConnectionSocket };
