/**
 * The bus on RabbitMQ: a durable topic exchange, persistent messages, publisher confirms.
 *
 * It connects when something is to be published, and again after a loss, later each time. A negative
 * confirm is the broker's word that it will not keep the message; what is behind it would overtake it if it
 * were tried again, so it is refused for good and goes to the dead letters.
 * Source: RabbitMQ documentation, "Consumer Acknowledgements and Publisher Confirms".
 */
import { connect, type ChannelModel, type ConfirmChannel } from "amqplib";
import type { ServerConfig } from "../../../shared/server-config.js";
import { readSecretFile } from "../../runtime/secret-file.js";
import { BusDownError, type Bus, type BusMessage, type Publication } from "../bus.js";
import { tlsOptions } from "./tls.js";

type RabbitmqConfig = Extract<ServerConfig["bus"], { kind: "rabbitmq" }>;

const HEARTBEAT_SECONDS = 10;
const CONNECT_TIMEOUT_MS = 10_000;
/** A broker that takes no message for so long (it blocks publishers when its disk is full) counts as lost. */
const CONFIRM_TIMEOUT_MS = 30_000;

interface Link {
  readonly connection: ChannelModel;
  readonly channel: ConfirmChannel;
  /** Rejects when the link is lost. */
  readonly lost: Promise<never>;
}

export class RabbitmqBus implements Bus {
  readonly name = "rabbitmq";
  readonly #config: RabbitmqConfig;
  #link: Promise<Link> | undefined;
  #trouble: string | undefined = "not connected yet";
  #isClosed = false;

  constructor(config: RabbitmqConfig) {
    this.#config = config;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  async publish(messages: readonly BusMessage[]): Promise<readonly Publication[]> {
    if (this.#isClosed) throw new BusDownError("the bus is closed");
    const { channel, lost } = await this.#connected();
    const publications = messages.map((message) => publishOne(channel, this.#config.exchange, message));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new BusDownError(`no confirm within ${CONFIRM_TIMEOUT_MS} ms`)),
        CONFIRM_TIMEOUT_MS,
      );
    });
    try {
      return await Promise.race([Promise.all(publications), lost, tooLate]);
    } catch (error) {
      await this.#drop(error);
      throw error instanceof BusDownError ? error : new BusDownError("the broker is gone", { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const link = await this.#link?.catch(() => undefined);
    this.#link = undefined;
    await link?.connection.close().catch(() => undefined); // it may be gone already
  }

  async #connected(): Promise<Link> {
    this.#link ??= this.#connect();
    try {
      const link = await this.#link;
      this.#trouble = undefined;
      return link;
    } catch (error) {
      this.#link = undefined;
      this.#trouble = error instanceof Error ? error.message : String(error);
      throw new BusDownError(`the broker cannot be reached: ${this.#trouble}`, { cause: error });
    }
  }

  async #connect(): Promise<Link> {
    const { host, port, vhost, user, passwordFile, exchange, tls } = this.#config;
    const connection = await connect(
      {
        protocol: tls === undefined ? "amqp" : "amqps",
        hostname: host,
        port,
        vhost,
        username: user,
        password: readSecretFile(passwordFile),
        heartbeat: HEARTBEAT_SECONDS,
      },
      {
        timeout: CONNECT_TIMEOUT_MS,
        noDelay: true,
        clientProperties: { connection_name: "imcloud-server" },
        ...tlsOptions(this.#config),
      },
    );
    const lost = lossOf(connection);
    try {
      const channel = await connection.createConfirmChannel();
      const channelLost = lossOf(channel);
      await channel.assertExchange(exchange, "topic", { durable: true });
      return { connection, channel, lost: Promise.race([lost, channelLost]) };
    } catch (error) {
      // Kept alive by its heartbeats, it would stay beside the one of each further try.
      await connection.close().catch(() => undefined); // it may be gone already
      throw error;
    }
  }

  async #drop(reason: unknown): Promise<void> {
    const link = await this.#link?.catch(() => undefined);
    this.#link = undefined;
    this.#trouble = reason instanceof Error ? reason.message : String(reason);
    await link?.connection.close().catch(() => undefined); // it may be gone already
  }
}

function publishOne(channel: ConfirmChannel, exchange: string, message: BusMessage): Promise<Publication> {
  return new Promise((resolve, reject) => {
    const { routingKey, headers, body, ts } = message;
    const options = {
      persistent: true,
      contentType: "application/json",
      messageId: headers.event_id,
      type: headers.event_type.length <= 200 ? headers.event_type : "",
      timestamp: Math.floor(ts / 1000),
      headers,
    };
    try {
      channel.publish(exchange, routingKey, Buffer.from(body), options, (error: Error | null) => {
        if (error === null) resolve({ kind: "confirmed" });
        else if (/nack/i.test(error.message)) resolve({ kind: "refused", reason: error.message });
        else reject(new BusDownError("the channel was closed", { cause: error }));
      });
    } catch (error) {
      if (isClosedChannel(error)) reject(new BusDownError("the channel is closed", { cause: error }));
      // What cannot even be put into a frame will never be taken.
      else resolve({ kind: "refused", reason: error instanceof Error ? error.message : String(error) });
    }
  });
}

const isClosedChannel = (error: unknown): boolean =>
  error instanceof Error && error.name === "IllegalOperationError";

/** Rejects when a connection or channel ends; listens for `error`, which would end the process unheard. */
function lossOf(emitter: ChannelModel | ConfirmChannel): Promise<never> {
  const lost = new Promise<never>((_, reject) => {
    emitter.on("error", (error: Error) => reject(error));
    emitter.on("close", () => reject(new BusDownError("the connection was closed")));
  });
  lost.catch(() => undefined); // heard by whoever publishes next
  return lost;
}
