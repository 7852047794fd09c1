/** Every command, in the order of the help. A new one is a file beside this one and a line here. */
import type { Command } from "commander";
import { addApplyCommand } from "./apply.js";
import { addAuditCommand } from "./audit.js";
import { addBackupCommand, addRestoreCommand } from "./backup.js";
import { addCompletionCommand } from "./completion.js";
import { addDestroyCommand } from "./destroy.js";
import { addDocsCommand } from "./docs.js";
import { addDrivesCommand } from "./drives.js";
import { addExecCommand } from "./exec.js";
import { addExplainCommand } from "./explain.js";
import { addFactsCommand } from "./facts.js";
import { addFlashCommand } from "./flash.js";
import { addFlashWriterCommand } from "./flash-writer.js";
import { addHealthCommand } from "./health.js";
import { addImageCommand } from "./image.js";
import { addInitCommand } from "./init.js";
import { addInviteCommand } from "./invite.js";
import { addKitCommand } from "./kit.js";
import { addLabCommand } from "./lab.js";
import { addPlanCommand } from "./plan.js";
import { addMediaCommand } from "./media.js";
import type { Context } from "./program.js";
import { addQosCommand } from "./qos.js";
import { addRoomCommand } from "./room.js";
import { addRollbackCommand } from "./rollback.js";
import { addSchemaCommand } from "./schema.js";
import { addServerCommand } from "./server.js";
import { addSshCommand } from "./ssh.js";
import { addTokenCommand } from "./token.js";
import { addTrustCommand } from "./trust.js";
import { addTuneCommand } from "./tune.js";
import { addUserCommand } from "./user.js";

export const COMMANDS: readonly ((program: Command, context: Context) => void)[] = [
  addInitCommand,
  addPlanCommand,
  addApplyCommand,
  addTuneCommand,
  addHealthCommand,
  addAuditCommand,
  addFactsCommand,
  addExplainCommand,
  addQosCommand,
  addExecCommand,
  addSshCommand,
  addInviteCommand,
  addUserCommand,
  addRoomCommand,
  addMediaCommand,
  addTokenCommand,
  addBackupCommand,
  addRestoreCommand,
  addTrustCommand,
  addRollbackCommand,
  addDestroyCommand,
  addFlashCommand,
  addDrivesCommand,
  addImageCommand,
  addKitCommand,
  addFlashWriterCommand,
  addServerCommand,
  addLabCommand,
  addCompletionCommand,
  addSchemaCommand,
  addDocsCommand,
];
