/**
 * Who is in a room, who may do what, and letting people in and out.
 */
import { useSignal } from "@preact/signals";
import { KnownMembership, type Room, type RoomMember } from "matrix-js-sdk";
import { go } from "../route.js";
import { Avatar } from "../ui/avatar.jsx";
import { confirm } from "../ui/dialog.jsx";
import { Menu, type MenuItem } from "../ui/menu.jsx";
import { attempt } from "../ui/toasts.jsx";
import { many, t } from "../words/words.js";
import { useChat } from "./context.js";
import { openDirect } from "./creating.js";
import { nameOf } from "./describe.js";
import { directRooms } from "./room-entries.js";
import { Panel } from "./panel.jsx";
import { PeopleFinder } from "./people-finder.jsx";
import { ADMIN, mayAt, MODERATOR, powerOf, setPower } from "./rights.js";

/** Lines that are drawn at most; the filter finds the others. */
const MOST_LINES = 200;

export function MembersPanel({ room }: { readonly room: Room }) {
  const chat = useChat();
  void chat.changes.value;
  const wanted = useSignal("");
  const needle = wanted.value.trim().toLocaleLowerCase();
  const members = room
    .getMembers()
    .filter(({ membership }) => SHOWN.has(membership ?? ""))
    .filter((member) => nameOf(member.userId, room).toLocaleLowerCase().includes(needle))
    .sort(
      (one, other) =>
        powerOf(room, other.userId) - powerOf(room, one.userId) ||
        nameOf(one.userId, room).localeCompare(nameOf(other.userId, room)),
    );
  return (
    <Panel room={room} title={many(room.getJoinedMemberCount(), "membersOne", "membersMany")}>
      <div class="scroll">
        {room.canInvite(chat.userId) && <Invite room={room} />}
        <input
          type="search"
          aria-label={t("filterPeople")}
          placeholder={t("filterPeople")}
          onInput={(event) => (wanted.value = event.currentTarget.value)}
        />
        <ul class="members">
          {members.slice(0, MOST_LINES).map((member) => (
            <Line key={member.userId} room={room} member={member} version={chat.changes.value} />
          ))}
        </ul>
      </div>
    </Panel>
  );
}

const SHOWN: ReadonlySet<string> = new Set([
  KnownMembership.Join,
  KnownMembership.Invite,
  KnownMembership.Knock,
  KnownMembership.Ban,
]);

interface LineProps {
  readonly room: Room;
  readonly member: RoomMember;
  readonly version: number;
}

function Line({ room, member }: LineProps) {
  const items = useActions(room, member);
  const name = nameOf(member.userId, room);
  return (
    <li>
      <Avatar name={name} id={member.userId} mxc={member.getMxcAvatarUrl()} size={36} />
      <span class="name" dir="auto" title={member.userId}>
        {name}
      </span>
      <small>{roleOf(room, member)}</small>
      {items.length > 0 && <Menu icon="more" label={t("actionsFor", { name })} items={items} />}
    </li>
  );
}

function roleOf(room: Room, { userId, membership }: RoomMember): string {
  if (membership === "invite") return t("isInvited");
  if (membership === "knock") return t("isAsking");
  if (membership === "ban") return t("isBanned");
  const power = powerOf(room, userId);
  return power >= ADMIN ? t("isAdmin") : power >= MODERATOR ? t("isModerator") : "";
}

function useActions(room: Room, member: RoomMember): MenuItem[] {
  const { client, userId: me, encryption } = useChat();
  const { userId, membership } = member;
  if (userId === me) return [];
  const name = nameOf(userId, room);
  const mine = powerOf(room, me);
  const isBelow = powerOf(room, userId) < mine;
  const { roomId } = room;
  const item = (
    label: string,
    icon: MenuItem["icon"],
    work: () => Promise<unknown>,
    isDangerous = false,
  ): MenuItem => ({
    ...{ label, icon, isDangerous },
    onChoose: () => attempt(work()),
  });
  const sure = async (action: string, work: () => Promise<unknown>) => {
    if (await confirm(action, t("aboutPerson", { name, room: room.name }), action)) await work();
  };
  const mayRank = mayAt(room, "m.room.power_levels", me) && isBelow && membership === "join";
  return [
    item(t("sendMessage"), "reply", async () =>
      go("room", await openDirect(client, userId, encryption.state.value === "ready")),
    ),
    ...(encryption.state.value === "ready" && membership === "join" && directRooms(client).has(roomId)
      ? [item(t("verifyPerson"), "check", () => encryption.verifyPerson(userId, roomId))]
      : []),
    ...(membership === "knock" && room.canInvite(me)
      ? [item(t("letIn"), "check", () => client.invite(roomId, userId))]
      : []),
    ...(mayRank && powerOf(room, userId) < MODERATOR && mine >= MODERATOR
      ? [item(t("makeModerator"), "members", () => setPower(client, room, userId, MODERATOR))]
      : []),
    ...(mayRank && mine >= ADMIN
      ? [
          item(t("makeAdmin"), "members", () =>
            sure(t("makeAdmin"), () => setPower(client, room, userId, ADMIN)),
          ),
        ]
      : []),
    ...(mayRank && powerOf(room, userId) > 0
      ? [item(t("makeMember"), "members", () => setPower(client, room, userId, 0))]
      : []),
    ...(isBelow && room.currentState.hasSufficientPowerLevelFor("kick", mine) && membership !== "ban"
      ? [item(t("remove"), "close", () => sure(t("remove"), () => client.kick(roomId, userId)), true)]
      : []),
    ...(isBelow && room.currentState.hasSufficientPowerLevelFor("ban", mine)
      ? [
          membership === "ban"
            ? item(t("unban"), "check", () => client.unban(roomId, userId))
            : item(t("ban"), "trash", () => sure(t("ban"), () => client.ban(roomId, userId)), true),
        ]
      : []),
    item(client.isUserIgnored(userId) ? t("unignore") : t("ignore"), "muted", () => {
      const ignored = client.getIgnoredUsers();
      return client.setIgnoredUsers(
        ignored.includes(userId) ? ignored.filter((it) => it !== userId) : [...ignored, userId],
      );
    }),
  ];
}

/** Whoever is not here, or was and left. */
function Invite({ room }: { readonly room: Room }) {
  const { client } = useChat();
  return (
    <section>
      <h2>{t("invite")}</h2>
      <PeopleFinder
        label={t("invite")}
        isOffered={(userId) => (room.getMember(userId)?.membership ?? "leave") === "leave"}
        onChoose={(userId) => attempt(client.invite(room.roomId, userId))}
      />
    </section>
  );
}
