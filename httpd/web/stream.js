// Stream keeps one WebSocket open: it comes back after every loss, and asks again for what is
// wanted. Whoever uses it says what is wanted, not when to send it.

import { accessKey } from "./api.js";

const backoffMinMs = 500;
const backoffMaxMs = 15_000;
// The server sends a heartbeat after 5 s of silence, so this much silence means a dead connection.
const silenceMaxMs = 15_000;

export class Stream {
  // onMessage gets each message as an object; onState gets "connecting", "open" or "waiting".
  constructor({ path, onMessage, onState }) {
    this.url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
    this.onMessage = onMessage;
    this.onState = onState;
    this.wanted = new Map(); // By purpose: the subscription of it.
    this.socket = null;
    this.failures = 0;
    this.retryTimer = 0;
    this.silenceTimer = 0;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  // want replaces the subscription of a purpose; null means none.
  want(purpose, subscription) {
    const before = this.wanted.get(purpose);
    if (JSON.stringify(before) === JSON.stringify(subscription ?? undefined)) {
      return;
    }
    if (before) {
      this.send({ type: "unsubscribe", channel: before.channel, symbols: before.symbols });
    }
    if (!subscription) {
      this.wanted.delete(purpose);
      return;
    }
    this.wanted.set(purpose, subscription);
    this.send({ type: "subscribe", ...subscription });
  }

  // resume changes what is asked for when the connection comes back, and sends nothing now.
  resume(purpose, changes) {
    const subscription = this.wanted.get(purpose);
    if (subscription) {
      this.wanted.set(purpose, { ...subscription, ...changes });
    }
  }

  open() {
    clearTimeout(this.retryTimer);
    this.onState("connecting");
    let socket;
    try {
      socket = new WebSocket(this.url);
    } catch {
      this.retry();
      return;
    }
    this.socket = socket;
    socket.onopen = () => {
      const key = accessKey();
      if (key) {
        this.send({ type: "auth", key });
      }
      this.onState("open");
      this.watch(socket);
      for (const subscription of this.wanted.values()) {
        this.send({ type: "subscribe", ...subscription });
      }
    };
    socket.onmessage = (event) => {
      if (socket !== this.socket) {
        return; // Given up already.
      }
      this.watch(socket);
      this.receive(event.data);
    };
    socket.onclose = () => this.lost(socket);
  }

  receive(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return; // Binary or not JSON: from a server that knows more than this page.
    }
    if (message === null || typeof message !== "object") {
      return;
    }
    if (message.type === "subscribed") {
      this.failures = 0;
    }
    this.onMessage(message);
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }

  // watch gives a connection up that has been silent: after sleep or a lost network the browser
  // may take minutes to notice.
  watch(socket) {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => {
      socket.close();
      this.lost(socket);
    }, silenceMaxMs);
  }

  lost(socket) {
    if (socket !== this.socket) {
      return;
    }
    clearTimeout(this.silenceTimer);
    this.socket = null;
    this.retry();
  }

  // retry waits longer after each failure, and a little at random, so that the pages of a whole
  // office do not all come back at the same moment.
  retry() {
    const wait = Math.min(backoffMaxMs, backoffMinMs * 2 ** this.failures);
    this.failures++;
    this.onState("waiting");
    this.retryTimer = setTimeout(() => this.open(), wait * (0.75 + Math.random() / 2));
  }

  // hurry ends a wait early when there is reason to hope.
  hurry() {
    if (!this.socket) {
      this.open();
    }
  }
}
