/**
 * How long the certificates of the services are good for. `imcloud apply` renews those of the cloud's own authority 30
 * days before their end; those by ACME renew themselves when a third of their time is left.
 */
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

const SERVER = "/etc/imcloud/server.json";
const BY_APPLY = "run `imcloud apply`: it issues a new one";
const BY_ACME =
  "see why it was not renewed: `imcloud exec -- journalctl -u imcloud-certificate -n 50`; try again: `imcloud exec -- systemctl start imcloud-certificate`";

export const certificate: HealthCheck = {
  id: "certificate",
  title: "Certificate",
  playbook: "imserver",
  unit: "days",

  // None stands in the settings of a server behind a proxy.
  probe: () => sh`
file=$(sed -n 's/.*"certFile": *"\([^"]*\)".*/\1/p' ${SERVER} | head -n 1)
[ -n "$file" ] || { echo none; exit 0; }
! grep -q '"acme":' ${SERVER} || echo 'by ACME'
cat "$file"`,
  judge: ({ stdout, ...rest }, { now }) => {
    if (stdout.trim() === "none") return notApplicable;
    const pem = stdout.slice(Math.max(0, stdout.indexOf("-----BEGIN")));
    return judgeEnd({ stdout: pem, ...rest }, now, stdout.startsWith("by ACME") ? BY_ACME : BY_APPLY);
  },
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

function judgeEnd({ stdout, exitCode }: ProbeResult, now: Date, hint = BY_APPLY): Judgement {
  if (exitCode !== 0) return fail("there is none", { hint });
  const times = timesOf(stdout);
  if (times === undefined) return unknown("it cannot be read", { hint });
  const { endsAt, lastsDays } = times;
  // Some last a week: what is renewed late is a part of that.
  const [renewDays, urgentDays] = [
    Math.min(RENEW_DAYS, Math.floor(lastsDays / 4)),
    Math.min(URGENT_DAYS, Math.floor(lastsDays / 12)),
  ];
  const days = Math.floor((endsAt.getTime() - now.getTime()) / DAY_MS);
  const figure = { measured: `${days} days`, value: days, threshold: `${renewDays} days` };
  const date = endsAt.toISOString().slice(0, 10);
  if (days < 0) return fail(`expired on ${date}`, { ...figure, hint });
  if (days < urgentDays) return fail(`ends on ${date}`, { ...figure, threshold: `${urgentDays} days`, hint });
  if (days < renewDays) return warn(`ends on ${date}`, { ...figure, hint });
  return ok(`good until ${date}`, figure);
}

function timesOf(pem: string): { readonly endsAt: Date; readonly lastsDays: number } | undefined {
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    const endsAt = new Date(validTo);
    return { endsAt, lastsDays: (endsAt.getTime() - Date.parse(validFrom)) / DAY_MS };
  } catch {
    return undefined;
  }
}
