/** Every check, causes before effects. A new one is a file in `checks/` and a line here. */
import type { HealthCheck } from "./check.js";
import { callsPort, callsService } from "./checks/calls.js";
import { certificate, kafkaCertificate } from "./checks/certificate.js";
import { clock } from "./checks/clock.js";
import { diskErrors } from "./checks/disk-errors.js";
import { diskSpace, inodes } from "./checks/disk-space.js";
import { failedUnits } from "./checks/failed-units.js";
import { imserver, imserverService } from "./checks/imserver.js";
import { kafkaLog, kafkaPort, kafkaService } from "./checks/kafka.js";
import { kernel } from "./checks/kernel.js";
import { link } from "./checks/link.js";
import { load } from "./checks/load.js";
import { memoryLimits } from "./checks/memory-limits.js";
import { memory } from "./checks/memory.js";
import { power, throttling } from "./checks/power.js";
import { rabbitmqAlarms, rabbitmqPort, rabbitmqQueues, rabbitmqService } from "./checks/rabbitmq.js";
import { reboot } from "./checks/reboot.js";
import { ssd } from "./checks/ssd.js";
import { support } from "./checks/support.js";
import { sysctl } from "./checks/sysctl.js";
import { system } from "./checks/system.js";
import { temperature } from "./checks/temperature.js";
import { updates } from "./checks/updates.js";
import { watchdog } from "./checks/watchdog.js";
import { welcome } from "./checks/welcome.js";

export const CHECKS: readonly HealthCheck[] = [
  system,
  support,
  load,
  memory,
  memoryLimits,
  diskSpace,
  inodes,
  diskErrors,
  ssd,
  temperature,
  power,
  throttling,
  kernel,
  watchdog,
  clock,
  sysctl,
  link,
  rabbitmqService,
  rabbitmqPort,
  rabbitmqAlarms,
  rabbitmqQueues,
  kafkaService,
  kafkaPort,
  kafkaLog,
  kafkaCertificate,
  imserverService,
  imserver,
  welcome,
  certificate,
  callsService,
  callsPort,
  failedUnits,
  reboot,
  updates,
];
