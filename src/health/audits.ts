/** What `imcloud audit` looks at. A new one is a file in `audits/` and a line here. */
import { automaticUpdates, firewall, guest, sandbox } from "./audits/defences.js";
import { sshLogins, sudo } from "./audits/logins.js";
import { passwords } from "./audits/passwords.js";
import { ports } from "./audits/ports.js";
import { secrets } from "./audits/secrets.js";
import type { HealthCheck } from "./check.js";
import { certificate } from "./checks/certificate.js";
import { support } from "./checks/support.js";
import { updates } from "./checks/updates.js";

export const AUDITS: readonly HealthCheck[] = [
  ports,
  firewall,
  passwords,
  sshLogins,
  sudo,
  secrets,
  guest,
  certificate,
  sandbox,
  support,
  automaticUpdates,
  updates,
];

/** Those that fit what the board has. */
export const auditsFor = (playbooks: readonly string[]): readonly HealthCheck[] =>
  AUDITS.filter(({ playbook }) => playbook === undefined || playbooks.includes(playbook));
