/**
 * Kafka under load.mjs: a topic of one partition that is as the broker makes topics, and acks of all copies.
 *
 * A broker sends its clients on to the name by which it goes, and on a board that is alone this is the board itself. So
 * that name leads from here to the board.
 */
import { once } from "node:events";
import { connect as connectTcp, createServer } from "node:net";
import { Admin, Consumer, ProduceAcks, Producer } from "@platformatic/kafka";

const TOPIC = "bench";
const PORT = 9092;
const FETCH_BYTES = 1_048_576;

export async function connect({ host }) {
  const relay = createServer((socket) => {
    const board = connectTcp(PORT, host);
    socket.pipe(board).pipe(socket);
    for (const end of [socket, board])
      end.setNoDelay().on("error", () => [socket, board].forEach((one) => one.destroy()));
  }).listen(PORT, "127.0.0.1");
  await once(relay, "listening");

  const options = {
    ...{ clientId: "bench", bootstrapBrokers: [`127.0.0.1:${PORT}`] },
    // Patience for an emulated CPU.
    ...{ connectTimeout: 60_000, requestTimeout: 60_000, retries: 50, retryDelay: 500 },
  };
  const admin = new Admin(options);
  const isThere = (await admin.listTopics()).includes(TOPIC);
  if (!isThere) await admin.createTopics({ topics: [TOPIC], partitions: 1, replicas: 1 });
  const producer = new Producer({ ...options, acks: ProduceAcks.ALL });
  const consumer = new Consumer({ ...options, groupId: TOPIC }); // a name that the library wants, and nobody joins

  const metadata = await consumer.metadata({ topics: [TOPIC] });
  const { id, partitions } = metadata.topics.get(TOPIC);
  const { leader, leaderEpoch } = partitions[0];
  const partition = { partitionIndex: 0, timestamp: -1n }; // its end
  const [listed] = await admin.listOffsets({ topics: [{ name: TOPIC, partitions: [partition] }] });
  const fetchFrom = async (fetchOffset) => {
    const wanted = { partition: 0, fetchOffset, currentLeaderEpoch: leaderEpoch, lastFetchedEpoch: -1 };
    const { responses } = await consumer.fetch({
      ...{ node: leader, maxWaitTime: 1_000, minBytes: 1, maxBytes: FETCH_BYTES },
      topics: [{ topicId: id, partitions: [{ ...wanted, partitionMaxBytes: FETCH_BYTES }] }],
    });
    return responses.flatMap(({ partitions: found }) => found.flatMap(({ records }) => records ?? []));
  };
  const takeAll = async (take) => {
    for (let next = listed.partitions[0].offset; ;) {
      for (const { firstOffset, records } of await fetchFrom(next)) {
        for (const { offsetDelta, value } of records) {
          const offset = firstOffset + BigInt(offsetDelta);
          if (offset < next) continue; // a batch comes whole
          await take(value);
          next = offset + 1n;
        }
      }
    }
  };
  return {
    publish: async (value) => {
      await producer.send({ messages: [{ topic: TOPIC, partition: 0, value }] });
      return true;
    },
    // Not awaited: it ends with the process. What it cannot fetch ends that, unhandled.
    consume: (take) => void takeAll(take),
  };
}
