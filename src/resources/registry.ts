/**
 * Every resource type there is. A new one is its file, its test, and a line here.
 */
import { aptRepository } from "./apt-repository.js";
import { artifact } from "./artifact.js";
import { command } from "./command.js";
import { dataMove } from "./data-move.js";
import { directory } from "./directory.js";
import { disk } from "./disk.js";
import { diskTrim } from "./disk-trim.js";
import { file } from "./file.js";
import { firewall } from "./firewall.js";
import { kafkaTopic } from "./kafka-topic.js";
import { kernelArgument } from "./kernel-argument.js";
import { line } from "./line.js";
import { mount } from "./mount.js";
import { packages } from "./package.js";
import { rabbitmqDefinitions } from "./rabbitmq-definitions.js";
import { rabbitmqPlugins } from "./rabbitmq-plugins.js";
import { register, type RegisteredType } from "./resource.js";
import { service } from "./service.js";
import { shaper } from "./shaper.js";
import { sshd } from "./sshd.js";
import { sysctl } from "./sysctl.js";
import { user } from "./user.js";

const ALL: readonly RegisteredType[] = [
  register(aptRepository),
  register(artifact),
  register(command),
  register(dataMove),
  register(directory),
  register(disk),
  register(diskTrim),
  register(file),
  register(firewall),
  register(kafkaTopic),
  register(kernelArgument),
  register(line),
  register(mount),
  register(packages),
  register(rabbitmqDefinitions),
  register(rabbitmqPlugins),
  register(service),
  register(shaper),
  register(sshd),
  register(sysctl),
  register(user),
];

/** By the word that playbooks use. */
export const RESOURCE_TYPES: ReadonlyMap<string, RegisteredType> = new Map(
  ALL.map((type) => [type.type, type]),
);
