/**
 * How long the certificates of the services are good for. `imcloud apply` renews those of the cloud's own authority 30
 * days before their end; those by ACME renew themselves when a third of their time is left.
 */
import { sh } from "../../board/script.js";
import { judgeCertificate, RENEW_BY_ACME, RENEW_BY_APPLY } from "../../shared/board-judgements.js";
import { fail, notApplicable, type HealthCheck, type Judgement, type ProbeResult } from "../check.js";

const SERVER = "/etc/imcloud/server.json";
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
    return judgeEnd(
      { stdout: pem, ...rest },
      now,
      stdout.startsWith("by ACME") ? RENEW_BY_ACME : RENEW_BY_APPLY,
    );
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

function judgeEnd({ stdout, exitCode }: ProbeResult, now: Date, hint = RENEW_BY_APPLY): Judgement {
  if (exitCode !== 0) return fail("there is none", { hint });
  return judgeCertificate(stdout, now, hint);
}
