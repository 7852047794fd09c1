/**
 * Server notices: what administrators tell one user, in a room of the two alone.
 * Source: Matrix client-server API v1.19, "Server Notices".
 */
import type { ServerConfig } from "../../shared/server-config.js";
import { toUserId } from "../core/ids.js";
import type { JsonObject } from "../core/json.js";
import { ROOM_VERSIONS } from "../core/room-versions.js";
import type { Store } from "../store/store.js";
import { firstEvents } from "./create-room.js";
import { Failure, invalid } from "./failure.js";
import type { Profiles } from "./profiles.js";
import type { Rooms } from "./rooms.js";
import { versionOrRefuse } from "./upgrade-room.js";

type Config = Pick<ServerConfig, "notices" | "serverName" | "defaultRoomVersion">;

export class Notices {
  readonly #store: Store;
  readonly #rooms: Rooms;
  readonly #profiles: Profiles;
  readonly #config: Config;
  readonly #sender: string;

  constructor(store: Store, rooms: Rooms, profiles: Profiles, config: Config) {
    this.#store = store;
    this.#rooms = rooms;
    this.#profiles = profiles;
    this.#config = config;
    this.#sender = toUserId(config.notices.user, config.serverName);
  }

  /**
   * Tells a user something; makes the room for it with the first notice, and after the user has left the one before.
   *
   * @throws Failure M_USER_IN_USE when somebody has the name of the account for notices
   */
  async send(
    userId: string,
    content: JsonObject,
  ): Promise<{ readonly roomId: string; readonly eventId: string }> {
    if (userId === this.#sender) throw invalid("notices are not for the account that sends them");
    await this.#makeSender();
    const known = await this.#store.roomAdministration.noticeRoom(userId);
    const roomId =
      known !== undefined && (await this.#isIn(userId, known)) ? known : await this.#makeRoom(userId);
    const eventId = await this.#rooms.send(roomId, { type: "m.room.message", sender: this.#sender, content });
    return { roomId, eventId };
  }

  /** @throws Failure M_CANNOT_LEAVE_SERVER_NOTICE_ROOM for who would refuse the invite to their notices */
  async assertMayLeave(userId: string, roomId: string): Promise<void> {
    if ((await this.#store.roomAdministration.noticeRoom(userId)) !== roomId) return;
    if ((await this.#rooms.state(roomId)).membership(userId) === "invite")
      throw new Failure("M_CANNOT_LEAVE_SERVER_NOTICE_ROOM", "the server's notices cannot be refused");
  }

  async #isIn(userId: string, roomId: string): Promise<boolean> {
    const membership = (await this.#rooms.state(roomId)).membership(userId);
    return membership === "join" || membership === "invite";
  }

  async #makeSender(): Promise<void> {
    const account = await this.#store.accounts.get(this.#sender);
    // Nobody logs in to the account for notices: one with a password is a person's.
    if (account?.passwordHash !== undefined || account?.isDeactivated === true)
      throw new Failure(
        "M_USER_IN_USE",
        `${this.#sender} is a person's: set \`notices.user\` to another name`,
      );
    if (account !== undefined) return;
    await this.#store.accounts.create(this.#sender, undefined, false);
    await this.#profiles.set(this.#sender, "displayname", this.#config.notices.displayName);
  }

  async #makeRoom(userId: string): Promise<string> {
    const version = versionOrRefuse(ROOM_VERSIONS, this.#config.defaultRoomVersion);
    const people = [this.#sender, userId];
    const drafts = firstEvents({
      creator: this.#sender,
      version,
      preset: "private_chat",
      creationContent: {},
      initialState: [],
      // The user reads, and neither answers nor changes anything.
      powerLevels: { events_default: 50, invite: 50 },
      name: this.#config.notices.roomName,
      invite: [userId],
      isDirect: false,
      profiles: new Map(
        await Promise.all(people.map(async (id) => [id, await this.#profiles.forMember(id)] as const)),
      ),
    });
    const roomId = await this.#rooms.create(version, drafts);
    await this.#store.roomAdministration.setNoticeRoom(userId, roomId);
    await this.#store.personal.setAccountData(userId, roomId, "m.tag", { tags: { "m.server_notice": {} } });
    return roomId;
  }
}
