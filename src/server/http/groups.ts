/** All endpoint groups. A new one is a new file and a line here. */
import { account } from "./account.js";
import { accountData } from "./account-data.js";
import { adminBoard } from "./admin-board.js";
import { adminInvitations } from "./admin-invitations.js";
import { adminMedia } from "./admin-media.js";
import { adminReports } from "./admin-reports.js";
import { adminRooms } from "./admin-rooms.js";
import { adminTokens } from "./admin-tokens.js";
import { adminUsers } from "./admin-users.js";
import { administration } from "./administration.js";
import { appServices } from "./app-services.js";
import { dehydratedDevices } from "./dehydrated-devices.js";
import { delayedEvents } from "./delayed-events.js";
import { devices } from "./devices.js";
import { directory } from "./directory.js";
import { discovery } from "./discovery.js";
import type { Group } from "./endpoint.js";
import { keyBackups } from "./key-backups.js";
import { keys } from "./keys.js";
import { login } from "./login.js";
import { media } from "./media.js";
import { membership } from "./membership.js";
import { openid } from "./openid.js";
import { presence } from "./presence.js";
import { profiles } from "./profiles.js";
import { pushers } from "./pushers.js";
import { pushRules } from "./push-rules.js";
import { reading } from "./reading.js";
import { receipts } from "./receipts.js";
import { relations } from "./relations.js";
import { registration } from "./registration.js";
import { reporting } from "./reporting.js";
import { roomCreation } from "./room-creation.js";
import { search } from "./search.js";
import { sending } from "./sending.js";
import { slidingSync } from "./sliding-sync.js";
import { spaces } from "./spaces.js";
import { state } from "./state.js";
import { sync } from "./sync.js";
import { toDevice } from "./to-device.js";
import { typing } from "./typing.js";
import { userDirectory } from "./user-directory.js";
import { voip } from "./voip.js";

export const GROUPS: readonly Group[] = [
  discovery,
  login,
  registration,
  account,
  devices,
  roomCreation,
  membership,
  directory,
  appServices,
  sending,
  delayedEvents,
  dehydratedDevices,
  state,
  reading,
  spaces,
  relations,
  sync,
  slidingSync,
  typing,
  receipts,
  profiles,
  accountData,
  userDirectory,
  pushRules,
  pushers,
  presence,
  search,
  reporting,
  keys,
  keyBackups,
  toDevice,
  voip,
  media,
  openid,
  administration,
  adminUsers,
  adminRooms,
  adminMedia,
  adminReports,
  adminTokens,
  adminBoard,
  adminInvitations,
];
