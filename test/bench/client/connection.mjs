/**
 * One keep-alive connection that speaks HTTP by hand: a generator that costs as much as the server would measure
 * itself. One request at a time; answers with a length or in chunks, as servers like it.
 */
import { Buffer } from "node:buffer";
import { connect as connectPlain } from "node:net";
import { connect as connectTls } from "node:tls";

const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** @param tls whether to speak TLS; the certificate is the bench's own, and not looked at */
export function openConnection({ port, tls = false }) {
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false })
      : connectPlain({ port, host: "127.0.0.1", noDelay: true });
    socket.once("error", reject);
    socket.once(tls ? "secureConnect" : "connect", () => {
      socket.off("error", reject);
      resolve(new Connection(socket));
    });
  });
}

class Connection {
  #socket;
  #received = Buffer.alloc(0);
  /** Of the request under way. */
  #asked;

  constructor(socket) {
    this.#socket = socket;
    socket.on("data", (data) => this.#take(data));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the connection was closed")));
  }

  /**
   * @param body JSON, or bytes as a Buffer
   * @returns {Promise<{status: number, text: string}>}
   */
  ask(method, path, token, body) {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
      const content = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
      const type = Buffer.isBuffer(body) ? "application/octet-stream" : "application/json";
      this.#socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
          (token === undefined ? "" : `authorization: Bearer ${token}\r\n`) +
          (content === undefined ? "" : `content-type: ${type}\r\ncontent-length: ${content.length}\r\n`) +
          "\r\n",
      );
      if (content !== undefined) this.#socket.write(content);
    });
  }

  /** What is asked is not waited for any more. */
  close() {
    this.#asked = undefined;
    this.#socket.destroy();
  }

  #fail(error) {
    this.#asked?.reject(error);
    this.#asked = undefined;
  }

  #take(data) {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const end = this.#received.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const head = this.#received.toString("latin1", 0, end);
    const text = bodyOf(head, this.#received.subarray(end + END_OF_HEAD.length));
    if (text === undefined) return;
    this.#received = Buffer.alloc(0);
    const { resolve } = this.#asked;
    this.#asked = undefined;
    resolve({ status: Number(head.slice(9, 12)), text });
  }
}

/** @returns undefined while something is missing. Source: RFC 9112, "Message Body Length". */
function bodyOf(head, body) {
  if (!/^transfer-encoding: *chunked/im.test(head)) {
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    return body.length < length ? undefined : body.toString("utf8", 0, length);
  }
  const parts = [];
  for (let at = 0; ;) {
    const end = body.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const length = parseInt(body.toString("latin1", at, end), 16);
    if (body.length < end + 2 + length + 2) return undefined;
    if (length === 0) return Buffer.concat(parts).toString("utf8");
    parts.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}
