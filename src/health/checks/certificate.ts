/** How long the certificates of the services are good for. `imcloud apply` renews them 30 days before their end. */
import { X509Certificate } from "node:crypto";
import { sh } from "../../board/script.js";
import {
  fail,
  notApplicable,
  ok,
  unknown,
  warn,
  type HealthCheck,
  type Judgement,
  type ProbeResult,
} from "../check.js";

const DAY_MS = 24 * 60 * 60 * 1000;
const RENEW_DAYS = 30;
const URGENT_DAYS = 7;

export const certificate: HealthCheck = {
  id: "certificate",
  title: "Certificate",
  playbook: "imserver",
  unit: "days",

  probe: () => sh`cat /etc/imcloud/tls/cert.pem`,
  judge: (result, { now }) => judgeEnd(result, now),
};

const KEYSTORE = "/etc/kafka/tls/keystore.pem";

/** Brokers that are one cluster have one; its file begins with the key, which stays on the board. */
export const kafkaCertificate: HealthCheck = {
  id: "kafka-certificate",
  title: "Kafka certificate",
  playbook: "kafka",
  unit: "days",

  probe: () => sh`
[ -e ${KEYSTORE} ] || { echo none; exit 0; }
sed -n '/^-----BEGIN CERTIFICATE/,/^-----END CERTIFICATE/p' ${KEYSTORE}`,
  judge: (result, { now }) => (result.stdout.trim() === "none" ? notApplicable : judgeEnd(result, now)),
};

function judgeEnd({ stdout, exitCode }: ProbeResult, now: Date): Judgement {
  const hint = "run `imcloud apply`: it issues a new one";
  if (exitCode !== 0) return fail("there is none", { hint });
  const endsAt = endOf(stdout);
  if (endsAt === undefined) return unknown("it cannot be read", { hint });
  const days = Math.floor((endsAt.getTime() - now.getTime()) / DAY_MS);
  const figure = { measured: `${days} days`, value: days, threshold: `${RENEW_DAYS} days` };
  const date = endsAt.toISOString().slice(0, 10);
  if (days < 0) return fail(`expired on ${date}`, { ...figure, hint });
  if (days < URGENT_DAYS)
    return fail(`ends on ${date}`, { ...figure, threshold: `${URGENT_DAYS} days`, hint });
  if (days < RENEW_DAYS) return warn(`ends on ${date}`, { ...figure, hint });
  return ok(`good until ${date}`, figure);
}

function endOf(pem: string): Date | undefined {
  try {
    return new Date(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}
