/**
 * RabbitMQ, asked the cheap way: by port and by its metrics page. Its command line costs about a second of
 * processor time a call, three to five on a board, so where there is no metrics page (before 3.8) its answer is
 * kept for a minute.
 * Source: RabbitMQ documentation, "Monitoring", "Alarms".
 */
import { lines, sh } from "../../board/script.js";
import { fail, ok, unknown, warn, type HealthCheck } from "../check.js";
import { httpGet } from "./http-get.js";
import { portCheck, serviceCheck } from "./service-state.js";

const UNIT = "rabbitmq-server.service";
const METRICS_PORT = 15_692;
const CACHE = "/run/imcloud/health-rabbitmq";

export const rabbitmqService = serviceCheck(
  { id: "rabbitmq-service", title: "RabbitMQ service", playbook: "rabbitmq" },
  UNIT,
);

export const rabbitmqPort = portCheck(
  { id: "rabbitmq-port", title: "RabbitMQ port", playbook: "rabbitmq" },
  5_672,
  rabbitmqService.id,
  "see `imcloud exec -- tail -50 /var/log/rabbitmq/rabbit@localhost.log`: an unknown key in its configuration keeps it from booting",
);

/** Metrics if there are any; else the command line's words, at most a minute old. */
const answers = () =>
  lines([
    sh`mkdir -p /run/imcloud`,
    { ...sh`if ! {`, files: new Map() },
    httpGet(METRICS_PORT, "/metrics"),
    sh`
}; then
  [ -n "$(find ${CACHE} -newermt '60 seconds ago' 2>/dev/null)" ] || {
    # An answer that is none counts as one for a minute, too.
    { rabbitmqctl -q status && rabbitmqctl -q list_queues -p imcloud name messages; } > ${CACHE}.part
    mv ${CACHE}.part ${CACHE}
  }
  echo command-line
  cat ${CACHE}
fi`,
  ]);

export const rabbitmqAlarms: HealthCheck = {
  id: "rabbitmq-alarms",
  title: "RabbitMQ alarms",
  playbook: "rabbitmq",
  unit: "alarms",
  after: ["rabbitmq-service", "rabbitmq-port"],
  probe: answers,
  judge({ stdout }) {
    const alarms = stdout.startsWith("command-line") ? alarmsInWords(stdout) : alarmsInMetrics(stdout);
    if (alarms === undefined)
      return unknown("neither metrics nor command line tell", {
        hint: "see `imcloud exec -- rabbitmq-diagnostics alarms`",
      });
    const figure = { measured: `${alarms.length} alarms`, value: alarms.length, threshold: "1 alarm" };
    if (alarms.length === 0) return ok("none", figure);
    return fail(`publishers are blocked: ${alarms.join(", ")}`, {
      ...figure,
      hint: "free memory or disk space; see whether consumers keep up",
    });
  },
};

/** A backlog of this many messages means that nobody reads them. */
const MANY_MESSAGES = 10_000;
const TOO_MANY_MESSAGES = 100_000;

export const rabbitmqQueues: HealthCheck = {
  id: "rabbitmq-queues",
  title: "RabbitMQ queues",
  playbook: "rabbitmq",
  after: ["rabbitmq-service", "rabbitmq-port"],
  unit: "messages",
  probe: answers,
  judge({ stdout }) {
    const waiting = stdout.startsWith("command-line")
      ? messagesInWords(stdout)
      : metric(stdout, "rabbitmq_queue_messages");
    if (waiting === undefined)
      return unknown("nobody tells how much waits", {
        hint: "see `imcloud exec -- rabbitmqctl list_queues`",
      });
    const figure = { measured: `${waiting} messages`, value: waiting };
    const hint = "start or add consumers, or give the queue a length limit";
    if (waiting >= TOO_MANY_MESSAGES)
      return fail("messages pile up", { ...figure, threshold: `${TOO_MANY_MESSAGES} messages`, hint });
    if (waiting >= MANY_MESSAGES)
      return warn("messages pile up", { ...figure, threshold: `${MANY_MESSAGES} messages`, hint });
    return ok("waiting in all queues", { ...figure, threshold: `${MANY_MESSAGES} messages` });
  },
};

const ALARMS = {
  rabbitmq_alarms_memory_used_watermark: "memory watermark",
  rabbitmq_alarms_free_disk_space_watermark: "disk space",
  rabbitmq_alarms_file_descriptor_limit: "file descriptors",
} as const;

function alarmsInMetrics(page: string): string[] | undefined {
  if (
    metric(page, "erlang_vm_process_count") === undefined &&
    metric(page, "rabbitmq_connections") === undefined
  )
    return undefined;
  return Object.entries(ALARMS).flatMap(([name, words]) => ((metric(page, name) ?? 0) > 0 ? [words] : []));
}

/** 3.6 prints Erlang terms (`{alarms,[]}`), 3.7 a page with a heading. */
function alarmsInWords(text: string): string[] | undefined {
  const inTerms = /\{alarms,\[(.*?)\]\}/s.exec(text)?.[1];
  if (inTerms !== undefined) return inTerms.trim() === "" ? [] : [inTerms.trim()];
  const page = /^Alarms\n+([\s\S]*?)\n\n/m.exec(text)?.[1];
  if (page === undefined) return undefined;
  return /\(none\)/.test(page) ? [] : [page.trim()];
}

function messagesInWords(text: string): number | undefined {
  if (!/rabbit/.test(text)) return undefined;
  return text.split("\n").reduce((sum, line) => sum + Number(/^\S+\t(\d+)$/.exec(line)?.[1] ?? 0), 0);
}

/** The sum of a metric over its labels. */
function metric(page: string, name: string): number | undefined {
  const rows = [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)\\s*$`, "gm"))];
  return rows.length === 0 ? undefined : rows.reduce((sum, row) => sum + Number(row[1]), 0);
}
